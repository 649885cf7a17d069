"""Energy per inference of a netlist of library cells: both ends of the glitch range."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from hwflow.asic.liberty import Library
from hwflow.power.asic import CyclePower, cycle_power
from hwflow.power.delays import delays_of
from hwflow.power.gates import GateNetlist
from hwflow.power.waves import STREAMS, Activity, run_waves

__all__ = ["SLEWS", "WIRES", "CellEnergy", "cell_energy"]

WIRES: Final = (0.0, 0.005, 0.010, 0.020)
"""Wire of each sink in pF, other than the stated one: what it might be, for nothing is placed."""
SLEWS: Final = (0.5, 2.0)
"""What all slews are multiplied by, to see how much they matter."""

Words = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class CellEnergy:
    """fJ a clock cycle on one kind of inputs.

    `timed` counts glitches by the gates' delays, `still` has every net move at most once a cycle;
    `wires`, `slews` and `corners` are the total of `timed` for other wires in pF, for multiples of
    all slews, and by the tables of other libraries. `glitches` are toggles timed over still,
    `late` the share of toggles after the clock's period, `cycles` how many were averaged over.
    """

    timed: CyclePower
    still: CyclePower
    wires: Mapping[float, float]
    slews: Mapping[float, float]
    corners: Mapping[str, float]
    cycles: int
    glitches: float
    late: float


def cell_energy(
    netlist: GateNetlist,
    library: Library,
    rows: Words,
    period: float,
    layer_of: Callable[[str], str],
    work: Path,
    wires: Sequence[float] = WIRES,
    slews: Sequence[float] = SLEWS,
    corners: Mapping[str, tuple[GateNetlist, Library]] | None = None,
) -> CellEnergy:
    """Energy a clock cycle of `period` ns while the network's sources take `rows`.

    The first row only sets the state. `corners` are the same netlist with other libraries' cells.
    """
    loaded = {wire: replace(netlist, wire=wire) for wire in (netlist.wire, *wires)}
    timing = {wire: delays_of(version) for wire, version in loaded.items()}
    still = run_waves(netlist.network, rows, work)
    limit = round(1000 * period)
    delays = timing[netlist.wire].delays
    timed = run_waves(netlist.network, rows, work, delays=delays, period=limit)

    def power(activity: Activity, wire: float, slew: float = 1.0) -> CyclePower:
        steep = timing[wire].steeper(slew)
        return cycle_power(loaded[wire], steep, activity, library, period, layer_of)

    def corner(cells: GateNetlist, tables: Library) -> float:
        return cycle_power(cells, delays_of(cells), timed, tables, period, layer_of).total

    whole = int(timed.toggles.sum())
    return CellEnergy(
        power(timed, netlist.wire),
        power(still, netlist.wire),
        {wire: power(timed, wire).total for wire in wires},
        {slew: power(timed, netlist.wire, slew).total for slew in slews},
        {name: corner(*given) for name, given in (corners or {}).items()},
        timed.cycles * STREAMS,
        whole / max(1, int(still.toggles.sum())),
        timed.late / max(1, whole),
    )
