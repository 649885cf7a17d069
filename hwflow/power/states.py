"""Liberty's state-dependent energy and leakage of one cell: which entries hold, and how much."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from hwflow.asic.liberty import Cell, Function, InternalPower, Table
from hwflow.asic.liberty.model import Floats

__all__ = ["Values", "energy_of", "leakage_of", "matching", "values_of", "with_outputs"]

Values = dict[str, int]
"""Pins and state variables with their values, as far as they are known."""


def values_of(pins: Sequence[str], state: int) -> Values:
    """The pins' values in a state, the first in its lowest bit."""
    return {pin: state >> p & 1 for p, pin in enumerate(pins)}


def with_outputs(cell: Cell, values: Values) -> Values:
    """`values` of inputs and state, and those of the outputs that they determine."""
    functions = {pin: cell.pins[pin].function for pin in cell.outputs}
    return values | {pin: f.value(values) for pin, f in functions.items() if f is not None}


def _share(when: Function, values: Values) -> float:
    """How much of the unknown pins' states satisfies `when`: they are 0 and 1 equally often."""
    unknown = [name for name in when.inputs if name not in values]
    hits = sum(when.value(values | values_of(unknown, state)) for state in range(1 << len(unknown)))
    return float(hits) / (1 << len(unknown))


def matching(entries: Sequence[InternalPower], values: Values) -> list[tuple[InternalPower, float]]:
    """Entries with the share of each; an unconditional one takes what no condition covers."""
    found = [(e, _share(e.when, values)) for e in entries if e.when is not None]
    found = [(entry, share) for entry, share in found if share]
    rest = 1.0 - sum(share for _, share in found)
    default = next((e for e in entries if e.when is None), None)
    if default is not None and rest > 0:
        found.append((default, rest))
    return found


def leakage_of(cell: Cell, values: Values) -> float:
    """Leakage in nW in a state; its supplies add up."""
    total: dict[str, float] = defaultdict(float)
    covered: dict[str, float] = defaultdict(float)
    for entry in cell.leakage:
        if entry.when is not None:
            share = _share(entry.when, values)
            total[entry.supply] += share * entry.nw
            covered[entry.supply] += share
    for entry in cell.leakage:
        if entry.when is None:
            total[entry.supply] += max(0.0, 1.0 - covered[entry.supply]) * entry.nw
            covered[entry.supply] = 1.0
    if not cell.leakage or not any(covered.values()):
        return cell.leakage_nw or 0.0
    return sum(total.values())


def energy_of(table: Table | None, slew: Floats, load: Floats | None) -> Floats:
    """fJ from a table at `slew` ns and, for outputs, `load` pF; none for no table."""
    if table is None:
        return np.zeros(len(slew))
    where = {"slew": slew} if load is None else {"slew": slew, "load": load}
    return table.at(**where)
