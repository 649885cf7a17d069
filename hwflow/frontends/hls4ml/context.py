"""What the handlers of hls4ml's layers share: values so far, operands, constants, refusals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwflow.errors import InputError
from hwflow.frontends.exact.emitter import Emitter
from hwflow.frontends.hls4ml.precision import Fixed, codes_of, convert, fixed, printed
from hwflow.ir import Value, ops

__all__ = ["Context", "Weights", "refusal"]


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Integers of a constant tensor; the real numbers are ``codes * 2**-frac``."""

    codes: NDArray[np.int64]
    frac: int


def refusal(node: Any, problem: str, hint: str) -> InputError:
    """The error for a layer that has no exact form here."""
    return InputError("hls4ml.layer", f"layer {node.name!r} ({node.class_name}): {problem}",
                      hint=hint)  # fmt: skip


class Context:
    """One lowering of a ModelGraph.

    Attributes:
        emit: the graph being built.
        values: graph value of each hls4ml variable, by the variable's name.
        groups: graph layer that each such value belongs to; None for an input.
        unfolded: layers whose products cannot share multipliers.
        notes: what a user should know, one sentence each.
    """

    def __init__(self, name: str) -> None:
        self.emit = Emitter(name)
        self.values: dict[str, Value] = {}
        self.groups: dict[str, str | None] = {}
        self.unfolded: set[str] = set()
        self.notes: list[str] = []

    def operand(self, node: Any, index: int = 0) -> Value:
        """The value of an input of `node`."""
        return self.values[node.inputs[index]]

    def kind(self, node: Any, index: int = 0) -> Fixed:
        """The declared type of an input of `node`."""
        return fixed(node.get_input_variable(node.inputs[index]).type.precision, node.name, "input")

    def signed_operand(self, node: Any, group: str) -> Value:
        """The first input; bits that stand for -1 and 1 become these."""
        x = self.operand(node)
        if not self.kind(node).binary:
            return x
        doubled = self.emit.scale(group, x, 1)
        return self.emit.op(group, ops.Sub(), doubled, self.emit.const(group, np.int64(1)))

    def joined(self, node: Any) -> str:
        """The layer of the first input, which `node` continues; a new one after a graph input."""
        return self.groups[node.inputs[0]] or self.emit.group(node.name)

    def result(self, node: Any) -> Fixed:
        """The type of the output of `node`."""
        return fixed(node.get_output_variable().type.precision, node.name, "result")

    def type_of(self, node: Any, role: str) -> Fixed:
        """The type that attribute ``role_t`` of `node` holds."""
        return fixed(node.get_attr(f"{role}_t").precision, node.name, role)

    def weights(self, node: Any, role: str) -> Weights:
        """A weight tensor as the compiled emulation reads it back from the printed project."""
        variable = node.weights[role]
        if not np.isfinite(np.asarray(variable.data, np.float64)).all():
            raise refusal(node, f"its {role} holds NaN or infinity", "train again")
        kind = fixed(variable.type.precision, node.name, role)
        codes = codes_of(printed(variable.data, kind), kind)
        if kind.binary and role == "weight":
            codes = 2 * codes - 1
        return stripped(codes, kind.frac)

    def const(self, group: str, weights: Weights) -> Value:
        """A constant of layer `group`."""
        return self.emit.const(group, weights.codes, weights.frac)

    def give(self, node: Any, group: str, value: Value) -> None:
        """`value`, converted to the result's type, is the output of `node`."""
        self.hand_on(node, group, convert(self.emit, group, value, self.result(node)))

    def hand_on(self, node: Any, group: str | None, value: Value) -> None:
        """`value` as it is, under the output's shape, is the output of `node`."""
        shape = tuple(int(n) for n in node.get_output_variable().shape)
        if group is not None:
            value = self.emit.reshape(group, value, shape)
        self.values[node.outputs[0]] = value
        self.groups[node.outputs[0]] = group


def stripped(codes: NDArray[np.int64], frac: int) -> Weights:
    """The same numbers without the zero bits that all codes end with."""
    joined = int(np.bitwise_or.reduce(codes.ravel())) if codes.size else 0
    zeros = (joined & -joined).bit_length() - 1 if joined else frac
    return Weights(codes >> max(zeros, 0), frac - max(zeros, 0))
