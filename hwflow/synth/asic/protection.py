"""Triplicated state through synthesis: copies and voters counted, and what they take."""

from __future__ import annotations

import re
from collections import Counter
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
    """`copies` flip-flops and `voters` after mapping; `loader` bits of state of the weight loader.

    The RTL may have more voters: of a register that turns out never to hold, whose second and third
    copy nothing feeds back to. `added_um2` is the area of second and third copies with their clock
    gates, and of all voters; multiplexers that two more copies of a register need are not counted.
    """

    copies: int
    voters: int
    loader: int
    added_um2: float


def count_protection(rtl: Json, mapped: Json, flat: Json, top: str, library: Library) -> Protection:
    """Count in the modules of the RTL, in the mapped modules, and by name in the flat netlist.

    Raises:
        CheckFailed: `synth.tmr` where mapping lost a copy or a voter, or made a flip-flop of its
            own.
    """
    before, after = _counted(rtl, top), _counted(mapped, top)
    found = _flip_flops(mapped, top, library)
    loader = found.pop(f"{top}__loader_copy", 0)
    state = sum(found.values())
    if before[0] != after[0] or before[1] < after[1] or before[2] != after[2] or state != after[0]:
        raise CheckFailed(
            "synth.tmr",
            f"triplication did not survive mapping: {before[0]} copies, {before[1]} voters and "
            f"{before[2]} loaders in the RTL, {after[0]}, {after[1]} and {after[2]} after mapping, "
            f"which holds {state} flip-flops",
            hint="a tool merged copies or voters; please report it together with the design",
        )
    added = [
        library.cells[cell["type"]].area
        for name, cell in flat["modules"][top]["cells"].items()
        if _ADDED.search(plain_name(name))
    ]
    return Protection(after[0], after[1], loader, round(sum(added), 3))


def _flip_flops(mapped: Json, top: str, library: Library) -> Counter[str]:
    """Flip-flops of all instances, by module."""
    found: Counter[str] = Counter()
    for name, number in instances(mapped["modules"], top).items():
        for cell in mapped["modules"][name]["cells"].values():
            kind = library.cells.get(cell["type"])
            if kind is not None and kind.ff is not None:
                found[name] += number
    return found


def _counted(netlist: Mapping[str, Any], top: str) -> tuple[int, int, int]:
    """Copies (bits), voters, and copies of the weight loader, in a hierarchy of modules."""
    count = instances(netlist["modules"], top)
    bank = f"{top}__tmr_bank_"
    banks = {name: number for name, number in count.items() if name.startswith(bank)}
    bits = sum(int(name.removeprefix(bank)) * number for name, number in banks.items())
    copies = count[f"{top}__tmr_copy"] + bits
    return copies, count[f"{top}__tmr_voter"], count[f"{top}__loader_copy"]
