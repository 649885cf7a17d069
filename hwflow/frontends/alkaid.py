"""Adder graphs saved by alkaid (or da4ml's successor format) as JSON: the integer graph they are.

Each operation becomes one node on one element, so the result is an oracle for what another way to
hardware computes from the same model. Only the JSON is read; alkaid itself is not used.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hwflow.errors import HwflowError, InputError
from hwflow.frontends.exact.emitter import Emitter
from hwflow.frontends.lowered import Lowered
from hwflow.frontends.qkeras.norm import relu_type
from hwflow.ir import IntType, Overflow, Rounding, Value, ops
from hwflow.passes import optimize

__all__ = ["read"]

_GROUP = "logic"
_VERSION = 4
_MAX_BYTES = 1 << 26
_MAX_OPS = 200_000
_MAX_POINT = 200
_COUNTS = {
    -2: (1, 0), -1: (0, 1), 0: (2, 1), 1: (2, 1), 2: (1, 0), 3: (1, 1), 4: (1, 2), 5: (0, 1),
    6: (3, 1), 7: (2, 0), 9: (1, 1), 10: (2, 2),
}  # fmt: skip
"""Operands and payload of each operation; a sum of several (11) takes any number."""
_ANY = 1
_AND, _OR = 0, 1


def read(path: Path) -> Lowered:
    """The integer graph of a `CombLogic` that alkaid saved.

    The graph's input is (inputs,), wrapped and rounded down as alkaid's interpreter does; its
    output `y` is (outputs,).

    Raises:
        InputError: "model.format" where it is no such file, "lower.layer" for an operation without
            an integer form here.
    """
    if path.stat().st_size > _MAX_BYTES:
        raise _broken(path.name, f"it is larger than {_MAX_BYTES >> 20} MiB")
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise _broken(path.name, f"it is no JSON ({type(error).__name__})") from None
    program = _program(raw, path.name)
    try:
        graph = _Builder(program).build()
    except (ValueError, OverflowError) as error:
        raise _broken(path.name, str(error)) from None
    return Lowered(optimize(graph).graph)


@dataclass(frozen=True, slots=True)
class _Op:
    """One operation: operands, code, payload and the interval of its result."""

    addr: tuple[int, ...]
    code: int
    data: tuple[int, ...]
    interval: tuple[float, float, float]

    @property
    def type(self) -> IntType:
        """The smallest fixed-point format that holds the interval."""
        low, high, step = self.interval
        mantissa, exponent = math.frexp(step)
        if mantissa != 0.5 or abs(exponent) > _MAX_POINT:
            raise ValueError(f"the step {step} is no power of two")
        if low == high == 0:
            return IntType(0, 0, 0)
        bottom, top = round(low / step), round(high / step)
        bits = max(-bottom - 1, top, 0).bit_length()
        return IntType(-(1 << bits) if low < 0 else 0, (1 << bits) - 1, 1 - exponent)


@dataclass(frozen=True, slots=True)
class _Program:
    inputs: int
    in_shifts: tuple[int, ...]
    out: tuple[tuple[int, int, bool], ...]
    ops: tuple[_Op, ...]


def _program(raw: Any, name: str) -> _Program:
    """The JSON, every number in it checked."""
    if not isinstance(raw, dict) or raw.get("meta") not in ("ALIRModel", "DAISModel"):
        raise _broken(name, "it holds no ALIRModel")
    if raw.get("spec_version") != _VERSION:
        found = str(raw.get("spec_version"))[:20]
        raise _broken(name, f"it is of version {found}, expected {_VERSION}")
    try:
        (inputs, outputs), shifts, index, out_shifts, negative, listed = raw["model"][:6]
        if not 0 < len(listed) <= _MAX_OPS or not 0 < inputs <= _MAX_OPS:
            raise _broken(name, f"it has {len(listed)} operations on {inputs} inputs")
        parsed = tuple(_op(entry, at, inputs) for at, entry in enumerate(listed))
        out = tuple(
            (_whole(i, -1, len(parsed)), _whole(s, -_MAX_POINT, _MAX_POINT), bool(n))
            for i, s, n in zip(index, out_shifts, negative, strict=True)
        )
        in_shifts = tuple(_whole(s, -_MAX_POINT, _MAX_POINT) for s in shifts)
    except (TypeError, KeyError, ValueError, IndexError) as error:
        raise _broken(name, f"its model is not as alkaid writes it ({error})") from None
    if len(in_shifts) != inputs or len(out) != outputs or not out:
        raise _broken(name, "its numbers of inputs or outputs do not agree")
    return _Program(inputs, in_shifts, out, parsed)


def _op(entry: Any, at: int, inputs: int) -> _Op:
    addr, code, data, interval, *_ = entry
    if code == 8 or (code == 9 and list(data[:1]) != [_ANY]):
        raise _missing(at, "lookup tables" if code == 8 else "bitwise operations")
    operands = tuple(_whole(a, 0, at) for a in addr)  # only earlier ones: no cycles
    payload = tuple(_whole(d, -(1 << 62), 1 << 62) for d in data)
    low, high, step = (float(v) for v in interval)
    if not all(map(math.isfinite, (low, high, step))) or step <= 0 or low > high:
        raise ValueError(f"operation {at} has the interval {interval}")
    count = {**_COUNTS, 11: (len(operands), 2 * len(operands))}
    if code not in count or len(operands) != count[code][0] or len(payload) < count[code][1]:
        raise ValueError(f"operation {at} of code {code} has {len(operands)} operands")
    if code == -1:
        _whole(payload[0], 0, inputs)
    elif code not in (4, 5) and any(abs(p) > _MAX_POINT for p in payload):
        raise ValueError(f"operation {at} shifts by more than {_MAX_POINT}")
    return _Op(operands, code, payload, (low, high, step))


def _whole(value: Any, low: int, stop: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value < stop:
        raise ValueError(f"the number {str(value)[:30]} where one of {low} to {stop - 1} belongs")
    return value


class _Builder:
    """Emits the program, one element a node."""

    def __init__(self, program: _Program) -> None:
        self.program = program
        self.emit = Emitter("model")
        self.values: list[Value] = []
        self.source = self._input()

    def build(self) -> Any:
        for op in self.program.ops:
            self.values.append(self._value(op))
        results = [self._output(*out) for out in self.program.out]
        whole = self.emit.op(_GROUP, ops.Concat(0), *results) if len(results) > 1 else results[0]
        return self.emit.build({"y": whole})

    def _input(self) -> Value:
        types = [IntType(0, 0, 0)] * self.program.inputs
        for op in self.program.ops:
            if op.code == -1:
                types[op.data[0]] = op.type
        lo, hi, frac = (np.array([int(getattr(t, k)) for t in types], dtype=object)
                        for k in ("lo", "hi", "frac"))  # fmt: skip
        shape = (self.program.inputs,)
        type = IntType(lo, hi, frac)
        return self.emit.input("x", shape, type, Rounding.FLOOR, Overflow.WRAP)

    def _value(self, op: _Op) -> Value:
        emit = self.emit
        args = [self.values[a] for a in op.addr]
        match op.code:
            case -2:
                return self._negated(args[0])
            case -1:
                at = op.data[0]
                part = emit.op(_GROUP, ops.Slice((at,), (at + 1,), (1,)), self.source)
                return emit.scale(_GROUP, part, self.program.in_shifts[at])
            case 0 | 1:
                return self._sum(args, (True, op.code == 0), (0, op.data[0]))
            case 2:
                clipped = relu_type(emit.type(args[0]).elem)
                above = emit.requant(_GROUP, args[0], clipped, Rounding.FLOOR)
                return self._wrapped(above, op.type)
            case 3:
                return self._wrapped(emit.scale(_GROUP, args[0], op.data[0]), op.type)
            case 4:
                return emit.plus(_GROUP, args[0], np.array([op.data[0]]), op.data[1])
            case 5:
                return emit.const(_GROUP, np.array([op.data[0]]), 1 - math.frexp(op.interval[2])[1])
            case 6:
                return self._mux(op, args)
            case 7:
                return emit.op(_GROUP, ops.Mul(), *args)
            case 9:
                zero = emit.const(_GROUP, np.zeros(1, np.int64))
                return emit.op(_GROUP, ops.Compare("ne"), args[0], zero)
            case 10:
                return self._bits(op, args)
        return self._sum(args, [bool(p) for p in op.data[::2]], op.data[1::2])

    def _sum(self, args: Sequence[Value], signs: Sequence[bool], shifts: Sequence[int]) -> Value:
        terms = [self.emit.scale(_GROUP, a, s) for a, s in zip(args, shifts, strict=False)]
        total = terms[0] if signs[0] else self._negated(terms[0])
        for term, positive in zip(terms[1:], signs[1:], strict=False):
            total = self.emit.op(_GROUP, ops.Add() if positive else ops.Sub(), total, term)
        return total

    def _mux(self, op: _Op, args: Sequence[Value]) -> Value:
        """The first operand where the highest bit of the third is set, else the second."""
        condition = self.program.ops[op.addr[2]].type
        edge = 0 if bool(condition.lo < 0) else (int(condition.hi) + 1) // 2
        level = self.emit.const(_GROUP, np.array([edge]), int(condition.frac))
        kind = "lt" if bool(condition.lo < 0) else "ge"
        chosen = self.emit.op(_GROUP, ops.Compare(kind), args[2], level)
        other = self.emit.scale(_GROUP, args[1], op.data[0])
        return self._wrapped(self.emit.op(_GROUP, ops.Select(), chosen, args[0], other), op.type)

    def _bits(self, op: _Op, args: Sequence[Value]) -> Value:
        """And, or, exclusive or of two single bits, by arithmetic."""
        shift, kind = op.data[:2]
        a, b = args[0], self.emit.scale(_GROUP, args[1], shift)
        one, other = (self.emit.type(value).elem for value in (a, b))
        bits = all(int(t.lo) >= 0 and int(t.hi) <= 1 for t in (one, other))
        if not bits or one.frac != other.frac or kind > 2:
            raise _missing(len(self.values), "bitwise operations on more than one bit")
        both = self.emit.scale(_GROUP, self.emit.op(_GROUP, ops.Mul(), a, b), int(one.frac))
        if kind == _AND:
            return both
        total = self.emit.op(_GROUP, ops.Add(), a, b)
        twice = both if kind == _OR else self.emit.scale(_GROUP, both, 1)
        result = self.emit.op(_GROUP, ops.Sub(), total, twice)
        type = IntType(0, 1, one.frac)
        return self.emit.requant(_GROUP, result, type, Rounding.FLOOR)

    def _wrapped(self, value: Value, type: IntType) -> Value:
        return self.emit.op(_GROUP, ops.Requant(type, Rounding.FLOOR, Overflow.WRAP), value)

    def _negated(self, value: Value) -> Value:
        zero = self.emit.const(_GROUP, np.zeros(1, np.int64))
        return self.emit.op(_GROUP, ops.Sub(), zero, value)

    def _output(self, index: int, shift: int, negative: bool) -> Value:
        if index < 0:
            zero = self.emit.const(_GROUP, np.zeros(1, np.int64))
            return self.emit.op(_GROUP, ops.Add(), zero, zero)
        value = self.emit.scale(_GROUP, self.values[index], shift)
        return self._negated(value) if negative else value


def _missing(at: int, what: str) -> HwflowError:
    return InputError(
        "lower.layer",
        f"operation {at}: alkaid's {what} are not read",
        hint="save the graph of the layers before it, or import the model's own file",
    )


def _broken(name: str, found: str) -> HwflowError:
    return InputError(
        "model.format",
        f"{name}: {found}",
        hint="save it again with CombLogic.save('model.json') of alkaid 0.8",
    )
