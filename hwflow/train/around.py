"""Integer processing around a network, written by the user as a function. Worker process only.

    def chip(b, network):
        codes = b.input("codes", (48,), IntType.fixed(7, signed=False))
        ...
        y = network(x)             # the network's result for the value x
        ...
        return {"frame": frame}    # the outputs of the whole

`b` is a GraphBuilder; params that the function declares carry their `default` values. Whatever the
function raises reaches the user as one line with its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hwflow.errors import HwflowError, InputError
from hwflow.ir import Graph, GraphBuilder, Value
from hwflow.ir.exact import IntArray
from hwflow.ir.ops import Input, Requant
from hwflow.train.refusal import RefusalError
from hwflow.train.usercode import UserFile

__all__ = ["Surrounded", "surround"]


@dataclass(frozen=True, slots=True)
class Surrounded:
    """The whole graph and its params' default values.

    The network begins at value `start` and ends at value `end`; its values keep their names.
    """

    graph: Graph
    params: Mapping[str, IntArray]
    start: str
    end: str


def surround(user: UserFile, function: str, network: Graph) -> Surrounded:
    """Call ``function(builder, network)``; `network` has one input and one output.

    The network takes a value by the rule of its own input: where that rounds or saturates
    nothing it costs nothing. `params` holds the values that the function declares, not those of
    the network.

    Raises:
        RefusalError: "model.around", or the rule that the graph breaks ("graph.*", "weights.*").
    """
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        counts = f"{len(network.inputs)} inputs and {len(network.outputs)} outputs"
        raise user.refusal(f"the network has {counts}, expected one of each")
    builder = GraphBuilder(network.name)
    splice = _Splice(builder, network)
    outputs = user.call(function, builder, splice)
    if not isinstance(outputs, Mapping) or not all(isinstance(v, Value) for v in outputs.values()):
        raise user.refusal(
            f"{function} returned {type(outputs).__name__}, expected its outputs by name",
            'return {"y": y}',
        )
    if splice.ends is None:
        raise user.refusal(f"{function} never calls network(x)", "call it with what it takes")
    try:
        graph = builder.build(outputs)
    except HwflowError as error:
        raise RefusalError(error.code, error.message, hint=error.hint, file=user.name) from None
    return Surrounded(graph, builder.defaults, *splice.ends)


class _Splice:
    """Copies the network's nodes behind a value; `ends` tells where it then lies."""

    def __init__(self, builder: GraphBuilder, network: Graph) -> None:
        self.builder, self.network = builder, network
        self.ends: tuple[str, str] | None = None

    def __call__(self, value: Value) -> Value:
        """The network's result for `value`."""
        if self.ends is not None:
            raise InputError(
                "model.around", "network(x) is called a second time", hint="call it once"
            )
        (source,) = self.network.inputs
        assert isinstance(source.op, Input)
        rule = Requant(source.op.type, source.op.rounding, source.op.overflow)
        self.builder.node(rule, (value,), source.name)
        for node in self.network.nodes:
            if not isinstance(node.op, Input):
                with self.builder.layer(node.layer):
                    self.builder.node(node.op, [Value(a) for a in node.args], node.name)
        ((_, result),) = self.network.outputs
        self.ends = (source.name, result)
        return Value(result)
