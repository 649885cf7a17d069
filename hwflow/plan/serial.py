"""The plan of a layer that takes its inputs in parts, the highest first, weights standing still.

In each of `steps` clocks a carry-save tree multiplies `digit` bits of every input with all
weights; accumulators move up by as many bits between. So the trees are narrower, not fewer: what
folding over inputs or outputs would change every clock, the weights, never moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import repeat

import numpy as np

from hwflow.errors import InputError
from hwflow.ir import ops
from hwflow.ir.graph import Graph, Layer, Node
from hwflow.ir.types import IntType, TensorType
from hwflow.plan.circuit_builder import CircuitBuilder
from hwflow.plan.elaborate import elaborate
from hwflow.plan.fitting import fitted
from hwflow.plan.folding import Cost, Folding
from hwflow.plan.kernel import Kernel, kernel_of
from hwflow.plan.layer import circuit_cost, physical, recoding_of, stream_of
from hwflow.plan.schedule import Schedule, schedule
from hwflow.plan.streams import StreamType
from hwflow.plan.targets import DelayModel
from hwflow.plan.words import Circuit, Dot, In, Sum, Word

__all__ = ["SerialPlan", "plan_serial"]

_ACCUMULATOR = "serial_accumulator"


@dataclass(frozen=True, slots=True, eq=False)
class SerialPlan:
    """One layer in parts of its inputs, every output position side by side.

    For one position, `terms` goes from parts of the inputs and what the accumulators hold to what
    they hold next, `epilogue` from accumulators to outputs. `weights` names the params read.
    Behind the accumulators `terms` takes three times the parts of the inputs `tripled`: it is made
    of every part before one is chosen, so that nothing adds between the choice and the trees.
    """

    name: str
    operations: tuple[str, ...]
    folding: Folding
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    weights: tuple[str, ...]
    types: Mapping[str, TensorType]
    kernel: Kernel
    digit: int
    terms: Circuit
    tripled: tuple[int, ...]
    epilogue: Circuit
    epilogue_schedule: Schedule
    cost: Cost
    worst: float

    @property
    def steps(self) -> int:
        """Clocks a tensor."""
        return self.folding.digits

    @property
    def latency(self) -> int:
        """Registers from the last parts to the outputs."""
        return 1 + self.epilogue_schedule.latency

    @property
    def positions(self) -> int:
        """Output positions."""
        return self.kernel.positions

    @property
    def accumulators(self) -> tuple[Word, ...]:
        """The accumulators of one position."""
        return tuple(self.terms.words[i] for i in self.terms.outputs)

    def stream(self, value: str) -> StreamType:
        """Tensors travel whole."""
        return stream_of(self.types[value], 1)


def plan_serial(
    graph: Graph,
    layer: Layer,
    types: Mapping[str, TensorType],
    folding: Folding,
    period: float,
    model: DelayModel,
) -> SerialPlan:
    """Plan `layer` whose input has the hardware type `types`.

    Raises:
        InputError: "plan.fold": the layer has no such form.
    """
    kernel = kernel_of(graph, layer, types)
    before, head, after = _parts(layer, kernel, folding)
    source = kernel.graph.inputs[0]
    kind = kernel.graph.types[source.name]
    if bool((kind.elem.lo < 0).any()):
        raise _refused(layer, folding, "its inputs can be negative")
    width = kind.elem.max_width()
    if folding.digits > max(1, width):
        raise _refused(layer, folding, f"its inputs have {width} bits")
    digit = -(-width // folding.digits)
    fixed = [n for n in kernel.graph.nodes if isinstance(n.op, (ops.Const, ops.Param))]
    recoding, trees = recoding_of(folding), model.trees
    terms = fitted(_terms(kernel, [*fixed, *before], head, digit), recoding, trees=trees)
    terms, tripled = _tripled(terms)
    sums = kernel.graph.types[head.name]
    first = Node(head.name, ops.Input(sums.shape, sums.elem))
    rest = Graph(layer.name, (first, *fixed, *after), kernel.graph.outputs)
    epilogue = fitted(elaborate(rest), recoding, trees=trees)
    timing = schedule(epilogue, period, model)
    work = schedule(terms, period, model, model.lut)
    known = {v: types[v] for v in layer.inputs}
    words = [epilogue.words[i] for i in epilogue.outputs]
    known[layer.outputs[0]] = physical(graph.types[layer.outputs[0]], kernel.positions, words)
    one = circuit_cost(terms, replace(work, latency=0, stages=tuple(0 for _ in terms.words)))
    one += circuit_cost(epilogue, timing)
    one += Cost(ffs=sum(terms.words[i].width for i in terms.outputs))
    cost = sum(repeat(one, kernel.positions), Cost())
    return SerialPlan(
        layer.name,
        tuple(n.op.name for n in layer.nodes if not isinstance(n.op, (ops.Const, ops.Input))),
        folding,
        layer.inputs,
        layer.outputs,
        tuple(n.name for n in kernel.graph.params),
        known,
        kernel,
        digit,
        terms,
        tripled,
        epilogue,
        timing,
        cost,
        max(work.worst, timing.worst),
    )


def _parts(layer: Layer, kernel: Kernel, folding: Folding) -> tuple[list[Node], Node, list[Node]]:
    """Reshapes of the input, the sum of products, and what follows it."""
    if len(layer.inputs) != 1 or len(layer.outputs) != 1:
        raise _refused(layer, folding, "it has several inputs or outputs")
    fixed = (ops.Const, ops.Param, ops.Input)
    nodes = [n for n in kernel.graph.nodes if not isinstance(n.op, fixed)]
    before: list[Node] = []
    while isinstance(nodes[0].op, ops.Reshape) and len(nodes) > 1:
        before.append(nodes.pop(0))
    head, after = nodes[0], nodes[1:]
    weights = kernel.graph.node(head.args[-1]).op if head.args else None
    if not isinstance(head.op, (ops.MatMul, ops.Conv)) or not isinstance(weights, ops.Param):
        raise _refused(layer, folding, "it does not begin with weights loaded at run time")
    seen = {kernel.graph.inputs[0].name, *(n.name for n in before)}
    if any(arg in seen for node in after for arg in node.args):
        raise _refused(layer, folding, "its input is read again after the products")
    return before, head, after


def _terms(kernel: Kernel, nodes: list[Node], head: Node, digit: int) -> Circuit:
    """From parts of the inputs and the accumulators to what the accumulators hold next.

    What they hold of the inputs' leading parts is within the bounds of the whole sums, as every
    input's leading part is itself a value of that input.
    """
    source = kernel.graph.inputs[0]
    kind, sums = kernel.graph.types[source.name], kernel.graph.types[head.name]
    part = ops.Input(kind.shape, IntType(0, (1 << digit) - 1, kind.elem.frac))
    held = ops.Input(sums.shape, replace(sums.elem, frac=sums.elem.frac - digit))
    total = Node("serial_total", ops.Add(), (head.name, _ACCUMULATOR), head.layer)
    graph = Graph(
        kernel.graph.name,
        (Node(source.name, part), Node(_ACCUMULATOR, held), *nodes, head, total),
        (("total", total.name),),
    )
    circuit = elaborate(graph)
    lo, hi, _ = (np.asarray(a).ravel() for a in sums.elem.full(sums.shape))
    words = list(circuit.words)
    for place, low, high in zip(circuit.outputs, lo.tolist(), hi.tolist(), strict=True):
        words[place] = replace(words[place], lo=min(low, 0), hi=max(high, 0))
    return replace(circuit, words=tuple(words))


def _tripled(circuit: Circuit) -> tuple[Circuit, tuple[int, ...]]:
    """`circuit` with three times its inputs as further inputs, and which inputs these are."""
    words, bounds, tripled = list(circuit.words), list(circuit.inputs), list[int]()
    for word in circuit.words:
        if not isinstance(word.op, Dot) or word.op.recoding != "radix8":
            continue
        for x, triple in zip(word.op.inputs, word.op.triples, strict=True):
            source, made = words[x].op, words[triple]
            if isinstance(source, In) and isinstance(made.op, Sum):
                words[triple] = replace(made, op=In(len(bounds)))
                bounds.append((made.lo, made.hi))
                tripled.append(source.index)
    builder = CircuitBuilder(bounds, circuit.weights)
    builder.words = words
    return builder.build(circuit.outputs), tuple(tripled)


def _refused(layer: Layer, folding: Folding, why: str) -> InputError:
    return InputError(
        "plan.fold",
        f"layer {layer.name} cannot take its inputs in {folding.digits} parts (digits): {why}",
        hint=f"change or remove hardware.fold.layers.{layer.name}.digits",
        place=folding.place,
    )
