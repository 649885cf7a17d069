"""Constant matrices as adder graphs: the only module that knows alkaid.

alkaid (LGPL-3.0, a pinned dependency) solves constant matrix-vector multiplication with shared
subexpressions. Its result is replayed here into words, and every word's linear form is checked
against the matrix, so that nothing of the solver has to be trusted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from hwflow.errors import InternalError
from hwflow.ir.exact import IntArray, magnitude
from hwflow.plan.circuit_builder import CircuitBuilder
from hwflow.plan.words import Literal, Shl, operands

__all__ = ["constant_product"]

_SETTINGS = ({"hard_dc": -1}, {"hard_dc": 0})
_CHUNK = 4096
_SOLVABLE = 1 << 22
"""The solver takes sums and differences of columns in float32, exact below ``2**24``."""


def constant_product(
    builder: CircuitBuilder, inputs: Sequence[int], matrix: IntArray
) -> tuple[int, ...]:
    """Words of ``inputs @ matrix`` for an integer `matrix` of shape (len(inputs), N).

    Large matrices are solved in column groups of at most 4,096 entries.
    """
    bounds = [builder.bounds(i) for i in inputs]
    live = [k for k, (lo, hi) in enumerate(bounds) if lo != hi]
    fixed = np.array([lo if lo == hi else 0 for lo, hi in bounds], dtype=object) @ matrix
    varying, used = [inputs[k] for k in live], matrix[live]
    step = max(1, _CHUNK // max(1, len(live)))
    words: list[int] = []
    for start in range(0, matrix.shape[1], step):
        words += _columns(builder, varying, used[:, start : start + step])
    return tuple(
        builder.sum(word, builder.literal(int(rest))) if rest else word
        for word, rest in zip(words, fixed, strict=True)
    )


@dataclass(frozen=True, slots=True)
class _Step:
    """``(terms[a] << a_shift) +- (terms[b] << b_shift)`` scaled by ``2**exponent``."""

    a: int
    b: int
    a_shift: int
    b_shift: int
    subtract: bool


@dataclass(frozen=True, slots=True)
class _Recipe:
    """Terms 0..K-1 are the inputs, each step makes one more; outputs are (term, shift, negate)."""

    steps: tuple[_Step, ...]
    outputs: tuple[tuple[int, int, bool] | None, ...]


def _columns(builder: CircuitBuilder, inputs: Sequence[int], matrix: IntArray) -> list[int]:
    if not inputs:
        return [builder.literal(0)] * matrix.shape[1]
    bounds = tuple(builder.bounds(i) for i in inputs)
    if (
        magnitude(matrix) >= _SOLVABLE
        or max((max(abs(lo), abs(hi)) for lo, hi in bounds), default=0) >= 1 << 40
    ):
        return _plain(builder, inputs, matrix)
    recipes = _solutions(matrix.astype("<i8").tobytes(), matrix.shape, bounds)
    trials = []
    for recipe in recipes:
        trial = CircuitBuilder(bounds)
        outputs = _replay(trial, [trial.input(i) for i in range(len(bounds))], recipe, matrix)
        trials.append(_adder_bits(trial, outputs))
    best = recipes[trials.index(min(trials))]
    return _replay(builder, list(inputs), best, matrix)


def _adder_bits(builder: CircuitBuilder, outputs: Sequence[int]) -> int:
    circuit = builder.build(outputs)
    free = (Literal, Shl)
    return sum(w.width for w in circuit.words if operands(w.op) and not isinstance(w.op, free))


def _plain(builder: CircuitBuilder, inputs: Sequence[int], matrix: IntArray) -> list[int]:
    """Canonical signed digits, nothing shared: for numbers beyond the solver's exact range."""
    return [
        builder.total([builder.scaled(i, int(m)) for i, m in zip(inputs, column, strict=True)])
        for column in matrix.T
    ]


@lru_cache(maxsize=64)
def _solutions(
    data: bytes, shape: tuple[int, int], bounds: tuple[tuple[int, int], ...]
) -> tuple[_Recipe, ...]:
    from alkaid.cmvm import cmvm_solve

    matrix = np.frombuffer(data, "<i8").reshape(shape).astype(np.float32)
    intervals = [(float(lo), float(hi), 1.0) for lo, hi in bounds]
    wide = matrix.size > 256
    return tuple(
        _recipe(
            cmvm_solve(matrix, qintervals=intervals, search_all_decompose_dc=not wide, **setting)
        )
        for setting in _SETTINGS
    )


def _recipe(stages: tuple[Any, ...]) -> _Recipe:
    """Replay alkaid's stages (operations: input, add, subtract) with explicit scales.

    A term stands for ``integer * 2**scale``; scales are kept beside the terms so that every
    step works on integers.
    """
    count = stages[0].shape[0]
    live: list[tuple[int, int, bool] | None] = [(i, 0, False) for i in range(count)]
    steps: list[_Step] = []
    for stage in stages:
        buffer: list[tuple[int, int, bool] | None] = []
        for op in stage.ops:
            if op.opcode == -1:
                term = live[op.data[0]]
                shift = stage.inp_shifts[op.data[0]]
                buffer.append(None if term is None else (term[0], term[1] + shift, term[2]))
            elif op.opcode in {0, 1}:
                a, b = buffer[op.addr[0]], buffer[op.addr[1]]
                if a is None or b is None:
                    raise InternalError("internal.adders", "the solver adds an absent term")
                buffer.append(_step(steps, count, a, (b[0], b[1] + op.data[0], b[2]), op.opcode))
            else:
                raise InternalError("internal.adders", f"solver operation {op.opcode}")
        live = []
        for index, shift, negate in zip(
            stage.out_idxs, stage.out_shifts, stage.out_negs, strict=True
        ):
            term = buffer[index] if index >= 0 else None
            live.append(
                None if term is None else (term[0], term[1] + shift, term[2] != bool(negate))
            )
    return _Recipe(tuple(steps), tuple(live))


def _step(
    steps: list[_Step],
    count: int,
    a: tuple[int, int, bool],
    b: tuple[int, int, bool],
    opcode: int,
) -> tuple[int, int, bool]:
    scale = min(a[1], b[1])
    minus = b[2] != bool(opcode)
    if a[2] and not minus:
        a, b, subtract, negate = b, a, True, False
    else:
        subtract, negate = minus != a[2], a[2]
    steps.append(_Step(a[0], b[0], a[1] - scale, b[1] - scale, subtract))
    return count + len(steps) - 1, scale, negate


def _replay(
    builder: CircuitBuilder, terms: list[int], recipe: _Recipe, matrix: IntArray
) -> list[int]:
    """Build the recipe's words, with bounds from each word's exact linear form."""
    lows = np.array([builder.bounds(t)[0] for t in terms], dtype=object)
    highs = np.array([builder.bounds(t)[1] for t in terms], dtype=object)
    forms = list(np.eye(len(terms), dtype=np.int64).astype(object))
    for step in recipe.steps:
        sign = -1 if step.subtract else 1
        form = forms[step.a] * (1 << step.a_shift) + forms[step.b] * (sign << step.b_shift)
        forms.append(form)
        up, down = np.maximum(form, 0), np.minimum(form, 0)
        within = (int(up @ lows + down @ highs), int(up @ highs + down @ lows))
        terms.append(
            builder.sum(
                terms[step.a],
                terms[step.b],
                step.a_shift,
                step.b_shift,
                subtract=step.subtract,
                within=within,
            )
        )
    outputs = []
    for column, output in zip(matrix.T, recipe.outputs, strict=True):
        outputs.append(_output(builder, terms, forms, output, column))
    return outputs


def _output(
    builder: CircuitBuilder,
    terms: list[int],
    forms: list[Any],
    output: tuple[int, int, bool] | None,
    column: IntArray,
) -> int:
    if output is None:
        if column.any():
            raise InternalError("internal.adders", "the solver lost a column")
        return builder.literal(0)
    term, scale, negate = output
    form = forms[term] * (-1 if negate else 1)
    if scale < 0 or bool((form * (1 << scale) != column).any()):
        raise InternalError("internal.adders", "the solver's adder graph is not the matrix")
    word = builder.shl(terms[term], scale)
    return builder.negative(word) if negate else word
