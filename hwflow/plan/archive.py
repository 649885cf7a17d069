"""Circuits and foldings as JSON, so that they are solved once and kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from typing import Any, get_args

from hwflow.errors import InternalError
from hwflow.ir.types import Rounding
from hwflow.plan.folding import Folding
from hwflow.plan.words import Circuit, Word, WordOp

__all__ = ["dump_circuits", "dump_foldings", "load_circuits", "load_foldings"]

_FORMAT = 2
_OPS = {op.__name__: op for op in get_args(WordOp)}


def dump_circuits(circuits: Mapping[str, Circuit]) -> str:
    """The JSON text of layer circuits by layer name."""
    layers = {
        name: {
            "inputs": circuit.inputs,
            "outputs": circuit.outputs,
            "weights": circuit.weights,
            "words": [[*_op(word.op), word.lo, word.hi] for word in circuit.words],
        }
        for name, circuit in circuits.items()
    }
    return json.dumps({"format": _FORMAT, "layers": layers}, separators=(",", ":"), sort_keys=True)


def _op(op: WordOp) -> list[Any]:
    values = [getattr(op, f.name) for f in fields(op)]
    return [type(op).__name__, *(v.value if isinstance(v, Enum) else v for v in values)]


def load_circuits(text: str) -> dict[str, Circuit]:
    """The circuits that `dump_circuits` wrote."""
    raw = json.loads(text)
    if raw["format"] != _FORMAT:
        raise InternalError("internal.archive", f"circuits of format {raw['format']}")
    return {name: _circuit(entry) for name, entry in raw["layers"].items()}


def _circuit(entry: Any) -> Circuit:
    return Circuit(
        tuple((int(lo), int(hi)) for lo, hi in entry["inputs"]),
        tuple(_word(w) for w in entry["words"]),
        tuple(entry["outputs"]),
        tuple((int(lo), int(hi)) for lo, hi in entry["weights"]),
    )


def _word(entry: list[Any]) -> Word:
    kind, *values, lo, hi = entry
    op = _OPS[kind]
    made = [
        Rounding(v) if f.name == "rounding" else tuple(v) if isinstance(v, list) else v
        for f, v in zip(fields(op), values, strict=True)
    ]
    return Word(op(*made), lo, hi)


def dump_foldings(fold: Mapping[str, Folding]) -> str:
    """The JSON text of chosen foldings by layer name."""
    layers = {name: [f.pe, f.simd, f.pos, f.multiplier, f.digits] for name, f in fold.items()}
    return json.dumps(layers, indent=1, sort_keys=True) + "\n"


def load_foldings(text: str) -> dict[str, Folding]:
    """The foldings that `dump_foldings` wrote."""
    return {name: Folding(*values) for name, values in json.loads(text).items()}
