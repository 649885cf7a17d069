"""What every cell is made of: truth tables, registers and memories over numbered nets.

Nets are Yosys' bit numbers; 0 and 1 are the constants (Yosys starts at 2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from hwflow.errors import ToolFailed

__all__ = [
    "NO_FAULTS",
    "NO_MEMORY",
    "ONE",
    "ZERO",
    "Cell",
    "ClockGate",
    "Memory",
    "Model",
    "Parts",
    "Read",
    "Register",
    "Table",
    "Write",
    "mux",
    "refuse",
    "table_of",
    "through",
]

ZERO: Final = 0
ONE: Final = 1
NO_FAULTS: Final = -1
NO_MEMORY: Final = -1


@dataclass(frozen=True, slots=True)
class Table:
    """`out` = bit `sum(ins[i] << i)` of `init`.

    `base` places the table in the configuration bits of its cell (row r is bit `base + r`), so that
    single bits can be flipped; NO_FAULTS for fixed functions such as carries. With `memory_bit`,
    `out` is instead that bit of the word that `ins` address in the memory of the cell.
    """

    out: int
    ins: tuple[int, ...]
    init: int
    cell: str
    base: int = NO_FAULTS
    memory_bit: int = NO_MEMORY


@dataclass(frozen=True, slots=True)
class Register:
    """A rising-edge register: reset to `value` wins over `enable` unless `reset_needs_enable`.

    Behind clock gates it loads while `always` is high, whatever they say; `gate` is the output of
    the nearest one (0 without any).
    """

    q: int
    d: int
    enable: int
    reset: int
    value: int
    init: int
    clock: int
    cell: str
    reset_needs_enable: bool = False
    always: int = ZERO
    gate: int = ZERO

    def renamed(self, alias: Mapping[int, int]) -> Register:
        """The same with other names of the nets it reads."""
        d, enable, reset, clock = through((self.d, self.enable, self.reset, self.clock), alias)
        return replace(self, d=d, enable=enable, reset=reset, clock=clock)


@dataclass(frozen=True, slots=True)
class ClockGate:
    """An integrated clock gate: `out` has the edges of `clock` at which `enable` is high.

    Its latch, open while the clock is low, needs no state of its own here: nets are settled at an
    edge, so that the latch holds what `enable` is then.
    """

    out: int
    clock: int
    enable: int


@dataclass(frozen=True, slots=True)
class Read:
    """A registered read port: `out` takes the addressed word at a clock edge with `enable`."""

    address: tuple[int, ...]
    out: tuple[int, ...]
    enable: int


@dataclass(frozen=True, slots=True)
class Write:
    """A write port: each bit of the addressed word takes its `data` where its enable is high."""

    address: tuple[int, ...]
    data: tuple[int, ...]
    enables: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Memory:
    """Words of `width` bits, as many as its address nets can name.

    Bit b of word r starts as bit `r * width + b` of `init`. A read in the cycle of a write gives
    the old word. Tables with a `memory_bit` read it without a clock.
    """

    cell: str
    width: int
    init: int
    clock: int
    read: Read | None = None
    write: Write | None = None

    def reads(self) -> list[int]:
        """The nets that matter at a clock edge."""
        nets = [self.clock]
        if self.read:
            nets += [*self.read.address, self.read.enable]
        if self.write:
            nets += [*self.write.address, *self.write.data, *self.write.enables]
        return nets

    def renamed(self, alias: Mapping[int, int]) -> Memory:
        """The same with other names of these nets; a write that is never enabled is dropped."""
        read, write = self.read, self.write
        if read:
            (enable,) = through((read.enable,), alias)
            read = replace(read, address=through(read.address, alias), enable=enable)
        if write:
            address, data = through(write.address, alias), through(write.data, alias)
            write = Write(address, data, through(write.enables, alias))
            if set(write.enables) == {ZERO}:
                write = None
        (clock,) = through((self.clock,), alias)
        return replace(self, clock=clock, read=read, write=write)


@dataclass(frozen=True, slots=True)
class Parts:
    """The tables, registers, memories and clock gates of one cell (one memory at most).

    `latches` are what transparent latches would be as registers: see `latches`.
    """

    tables: tuple[Table, ...] = ()
    registers: tuple[Register, ...] = ()
    memories: tuple[Memory, ...] = ()
    gates: tuple[ClockGate, ...] = ()
    latches: tuple[Register, ...] = ()


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


def through(nets: Sequence[int], alias: Mapping[int, int]) -> tuple[int, ...]:
    """Nets by their other names, where they have one."""
    return tuple(alias.get(net, net) for net in nets)


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
