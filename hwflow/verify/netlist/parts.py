"""What every cell is made of: truth tables and registers over numbered nets.

Nets are Yosys' bit numbers; 0 and 1 are the constants (Yosys starts at 2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hwflow.errors import ToolFailed

__all__ = [
    "NO_FAULTS",
    "ONE",
    "ZERO",
    "Cell",
    "Model",
    "Parts",
    "Register",
    "Table",
    "mux",
    "refuse",
    "table_of",
]

ZERO: Final = 0
ONE: Final = 1
NO_FAULTS: Final = -1


@dataclass(frozen=True, slots=True)
class Table:
    """`out` = bit `sum(ins[i] << i)` of `init`.

    `base` places the table in the configuration bits of its cell (row r is bit `base + r`), so that
    single bits can be flipped; NO_FAULTS for fixed functions such as carries.
    """

    out: int
    ins: tuple[int, ...]
    init: int
    cell: str
    base: int = NO_FAULTS


@dataclass(frozen=True, slots=True)
class Register:
    """A rising-edge register: reset to `value` wins over `enable` unless `reset_needs_enable`."""

    q: int
    d: int
    enable: int
    reset: int
    value: int
    init: int
    clock: int
    cell: str
    reset_needs_enable: bool = False


@dataclass(frozen=True, slots=True)
class Parts:
    """The tables and registers of one cell."""

    tables: tuple[Table, ...] = ()
    registers: tuple[Register, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as read: parameters as Yosys writes them (bits as text), pins as net numbers."""

    name: str
    kind: str
    parameters: dict[str, str]
    pins: dict[str, tuple[int, ...]]
    fresh: Callable[[], int]

    def pin(self, name: str, default: int = ZERO) -> int:
        """The net on a one-bit pin, `default` where it is not connected."""
        bits = self.pins.get(name, ())
        return bits[0] if bits else default

    def out(self, name: str) -> int:
        """The net on an output pin, a new one where it is not connected."""
        bits = self.pins.get(name, ())
        return bits[0] if bits else self.fresh()

    def bits(self, name: str, width: int) -> tuple[int, ...]:
        """The nets of a wide input pin, zero where nothing is connected."""
        bits = self.pins.get(name, ())
        return (*bits, *((ZERO,) * (width - len(bits))))

    def outs(self, name: str, width: int) -> tuple[int, ...]:
        """The nets of a wide output pin, new ones where it is not connected."""
        bits = self.pins.get(name, ())
        return (*bits, *(self.fresh() for _ in range(width - len(bits))))

    def number(self, name: str, default: int = 0) -> int:
        """A parameter made of bits; unknown bits count as 0."""
        text = self.parameters.get(name)
        if text is None:
            return default
        digits = text.replace("x", "0").replace("z", "0")
        return int(digits, 2) if digits and set(digits) <= {"0", "1"} else refuse(self, name)

    def text(self, name: str, default: str) -> str:
        """A parameter made of characters (Yosys pads some with spaces)."""
        return self.parameters.get(name, default).strip()


Model = Callable[[Cell], Parts]


def refuse(cell: Cell, parameter: str) -> int:
    """Raise for a mode that no recipe emits."""
    found = cell.parameters.get(parameter, "unconnected")
    raise ToolFailed(
        "netlist.mode",
        f"cell {cell.name!r} ({cell.kind}): found {parameter} = {found!r}, a mode without a model",
        hint="only what hwflow's own recipes emit can be simulated",
    )


def table_of(inputs: int, function: Callable[..., int]) -> int:
    """The truth table of a Python function of `inputs` bits."""
    rows = range(1 << inputs)
    return sum((function(*((r >> i) & 1 for i in range(inputs))) & 1) << r for r in rows)


_MUX: Final = table_of(3, lambda low, high, select: high if select else low)


def mux(cell: Cell, out: int, low: int, high: int, select: int) -> Table:
    """`out` = `high` where `select`, else `low`."""
    return Table(out, (low, high, select), _MUX, cell.name)
