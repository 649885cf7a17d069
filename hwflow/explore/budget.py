"""What a design may take of a device, and what is said when nothing fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hwflow.errors import InputError
from hwflow.plan.folding import Candidate, Cost
from hwflow.plan.targets import Target, larger_targets

__all__ = ["MARGIN", "NAMES", "RESOURCES", "Budget", "nothing_fits"]

RESOURCES = ("luts", "ffs", "dsps", "brams")
NAMES = {"luts": "LUTs", "ffs": "flip-flops", "dsps": "DSPs", "brams": "block RAMs"}
_KEYS = {"luts": "lut", "ffs": "ff", "dsps": "dsp", "brams": "bram"}

MARGIN = 0.85
"""Share of a device's LUTs and flip-flops that `budget: device` hands out: the rest is for the
buffers between layers, for the interface, and for placement."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Most that the design may take of each resource; None: no limit."""

    luts: int | None = None
    ffs: int | None = None
    dsps: int | None = None
    brams: int | None = None

    @classmethod
    def of(cls, target: Target, share: float = 1.0) -> Budget:
        """All DSPs and block RAMs of a device, and a share of its LUTs and flip-flops."""
        have = target.resources
        if have is None:
            return cls()
        return cls(int(have.lut * share), int(have.ff * share), have.dsp, have.bram)

    def within(self, other: Budget) -> Budget:
        """The tighter of two budgets, resource by resource."""
        pairs = {n: (getattr(self, n), getattr(other, n)) for n in RESOURCES}
        return Budget(
            **{n: min((v for v in p if v is not None), default=None) for n, p in pairs.items()}
        )

    def holds(self, cost: Cost) -> bool:
        """Whether `cost` keeps every limit."""
        return all(
            getattr(self, n) is None or getattr(cost, n) <= getattr(self, n) for n in RESOURCES
        )


def nothing_fits(
    options: Sequence[Sequence[Candidate]],
    interval: int,
    budget: Budget,
    target: Target,
    slower: int | None,
) -> InputError:
    """By how much the smallest design misses, which layer costs most, what would help.

    `slower` is the shortest interval for which something fits, None where nothing does.
    """
    ways = [f"target_ii: {slower} fits"] if slower else []
    for name in RESOURCES:
        most = getattr(budget, name)
        least = [
            min((c for c in layer if c.cycles <= interval), key=lambda c: getattr(c.cost, name))
            for layer in options
        ]
        need = sum(getattr(c.cost, name) for c in least)
        if most is None or need <= most:
            continue
        worst = max(least, key=lambda c: getattr(c.cost, name))
        return InputError(
            "plan.budget",
            f"nothing fits {most} {NAMES[name]}: at least about {need} are needed "
            f"({need - most} more); layer {worst.layer} takes most "
            f"({getattr(worst.cost, name)})",
            hint="what would help: "
            + "; ".join([*ways, *_more(name, need, target), "fewer weights or bits"]),
        )
    return InputError(
        "plan.budget",
        "no foldings fit all limits at once: what one saves, another needs "
        f"({', '.join(_limit(budget, n) for n in RESOURCES if getattr(budget, n) is not None)})",
        hint="what would help: " + "; ".join([*ways, "a larger budget or device"]),
    )


def _limit(budget: Budget, name: str) -> str:
    return f"{getattr(budget, name)} {NAMES[name]}"


def _more(name: str, need: int, target: Target) -> list[str]:
    """A larger budget where the device has that much, else a larger device of the family."""
    if target.resources is None or need <= getattr(Budget.of(target), name):
        return [f"hardware.fold.budget: {{{_KEYS[name]}: {need}}}"]
    bigger = [t.name for t in larger_targets(target) if need <= getattr(Budget.of(t), name)]
    return [f"hardware.target: {bigger[0]}"] if bigger else []
