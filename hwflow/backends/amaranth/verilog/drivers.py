"""What can drive a wire, with operands as tuples of nets (bit 0 first)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = [
    "ARITHMETIC",
    "BITWISE",
    "COMPARISONS",
    "ONE",
    "SHIFTS",
    "ZERO",
    "Branch",
    "Driver",
    "Instance",
    "Nets",
    "Operator",
    "Register",
    "Set",
    "Step",
    "Table",
    "constant_value",
    "extended",
    "reads",
    "step_reads",
]

ZERO, ONE = 0, 1
"""The constant nets; every other net is one bit of a wire."""

Nets = tuple[int, ...]

ARITHMETIC = {"$add": "+", "$sub": "-", "$mul": "*"}
BITWISE = {"$and": "&", "$or": "|", "$xor": "^"}
COMPARISONS = {"$lt": "<", "$le": "<=", "$gt": ">", "$ge": ">=", "$eq": "==", "$ne": "!="}
SHIFTS = {"$shl": "<<", "$shr": ">>", "$sshr": ">>>"}


@dataclass(frozen=True, slots=True)
class Operator:
    """An RTLIL operator cell: operands A, B (and S of a $mux), extended by their own sign."""

    kind: str
    width: int
    signed: bool
    operands: tuple[Nets, ...]


@dataclass(frozen=True, slots=True)
class Set:
    """Bits `low` and up of the target take `value`."""

    low: int
    value: Nets


@dataclass(frozen=True, slots=True)
class Branch:
    """The first arm with a matching pattern is taken; an arm without patterns always matches."""

    selector: Nets
    arms: tuple[tuple[tuple[str, ...], tuple[Step, ...]], ...]


Step = Set | Branch


@dataclass(frozen=True, slots=True)
class Table:
    """A process: steps in order, later ones win."""

    width: int
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Register:
    """A flip-flop without asynchronous controls."""

    width: int
    clock: int
    rising: bool
    data: Nets


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance of another module: inputs are nets, outputs are wire indices."""

    kind: str
    name: str
    parameters: tuple[tuple[str, str], ...]
    inputs: tuple[tuple[str, Nets], ...]
    outputs: tuple[tuple[str, int], ...]


Driver = Operator | Table | Register | Instance | None
"""None stands for the outside: an input port."""


def extended(nets: Nets, width: int, signed: bool) -> Nets:
    """The operand cut or extended to `width` bits."""
    if len(nets) >= width:
        return nets[:width]
    top = nets[-1] if signed and nets else ZERO
    return nets + (top,) * (width - len(nets))


def constant_value(nets: Nets, signed: bool = False) -> int | None:
    """The integer a constant operand stands for; None when it is not constant."""
    if any(net > ONE for net in nets):
        return None
    value = sum(net << bit for bit, net in enumerate(nets))
    return value - (1 << len(nets)) if signed and nets and nets[-1] else value


def reads(driver: Driver) -> Iterator[Nets]:
    """Every operand of a combinational driver (others stand at level 0)."""
    if isinstance(driver, Operator):
        yield from driver.operands
    elif isinstance(driver, Table):
        yield from step_reads(driver.steps)


def step_reads(steps: tuple[Step, ...]) -> Iterator[Nets]:
    """Every value and selector of the steps."""
    for step in steps:
        if isinstance(step, Set):
            yield step.value
        else:
            yield step.selector
            for _, body in step.arms:
                yield from step_reads(body)
