"""Triplicated state through synthesis: copies and voters counted, and what they take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hwflow.asic.liberty import Library
from hwflow.errors import CheckFailed
from hwflow.synth.asic.sharing import instances
from hwflow.synth.netlist import plain_name

__all__ = ["Protection", "count_protection"]

# The JSON tree of Yosys.
Json = Any

_ADDED: Final = re.compile(r"\.(?:copy_[bc]|bank_[bc]|voter(?:_\w+)?)(?:\[\d+\])?\.")


@dataclass(frozen=True, slots=True)
class Protection:
    """`copies` flip-flops and `voters` after mapping.

    The RTL may have more voters: of a register that turns out never to hold, whose second and third
    copy nothing feeds back to. `added_um2` is the area of second and third copies with their clock
    gates, and of all voters; multiplexers that two more copies of a register need are not counted.
    """

    copies: int
    voters: int
    added_um2: float


def count_protection(rtl: Json, mapped: Json, flat: Json, top: str, library: Library) -> Protection:
    """Count in the modules of the RTL, in the mapped modules, and by name in the flat netlist.

    Raises:
        CheckFailed: `synth.tmr` where mapping lost a copy or a voter, or made a flip-flop of its
            own.
    """
    before, after = _counted(rtl, top, library), _counted(mapped, top, library)
    count = instances(mapped["modules"], top)
    found = sum(
        number
        for name, number in count.items()
        for cell in mapped["modules"][name]["cells"].values()
        if (kind := library.cells.get(cell["type"])) is not None and kind.ff is not None
    )
    if before[0] != after[0] or before[1] < after[1] or found != after[0]:
        raise CheckFailed(
            "synth.tmr",
            f"triplication did not survive mapping: {before[0]} copies and {before[1]} voters in "
            f"the RTL, {after[0]} and {after[1]} after mapping, which holds {found} flip-flops",
            hint="a tool merged copies or voters; please report it together with the design",
        )
    added = [
        library.cells[cell["type"]].area
        for name, cell in flat["modules"][top]["cells"].items()
        if _ADDED.search(plain_name(name))
    ]
    return Protection(*after, round(sum(added), 3))


def _counted(netlist: Mapping[str, Any], top: str, library: Library) -> tuple[int, int]:
    """Copies (bits) and voters in a hierarchy of modules, with those of the weight loader."""
    count = instances(netlist["modules"], top)
    bank = f"{top}__tmr_bank_"
    banks = {name: number for name, number in count.items() if name.startswith(bank)}
    bits = sum(int(name.removeprefix(bank)) * number for name, number in banks.items())
    loader = f"{top}__loader_copy"
    if number := count[loader]:
        cells = netlist["modules"][loader]["cells"].values()
        bits += number * sum(_flip_flops(cell, library) for cell in cells)
    voter = f"{top}__loader_voter_"
    votes = [(name, number) for name, number in count.items() if name.startswith(voter)]
    voters = sum(int(name.removeprefix(voter)) * number for name, number in votes)
    return count[f"{top}__tmr_copy"] + bits, count[f"{top}__tmr_voter"] + voters


def _flip_flops(cell: Json, library: Library) -> int:
    """Flip-flops that a cell of the library, or of Yosys before mapping, is."""
    kind = library.cells.get(cell["type"])
    if kind is not None:
        return int(kind.ff is not None)
    return len(cell["connections"]["Q"]) if cell["type"].endswith("dff") else 0
