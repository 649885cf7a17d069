"""Liberty libraries: a safe reader of our own, and what it reads as typed data."""

from __future__ import annotations

from hwflow.asic.liberty.boolean import Function, function_of
from hwflow.asic.liberty.model import (
    Cell,
    FlipFlop,
    InternalPower,
    Latch,
    Leakage,
    Library,
    Pin,
    Table,
    TimingArc,
)
from hwflow.asic.liberty.read import load_library

__all__ = [
    "Cell",
    "FlipFlop",
    "Function",
    "InternalPower",
    "Latch",
    "Leakage",
    "Library",
    "Pin",
    "Table",
    "TimingArc",
    "function_of",
    "load_library",
]
