"""Verilog-2001 from Amaranth's RTLIL: readable, free of lint warnings, the same to the byte.

See docs/decisions/002-own-verilog-printer.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hwflow.backends.amaranth.rtlil import Module
from hwflow.backends.amaranth.verilog.printer import print_module

__all__ = ["print_verilog"]


def print_verilog(modules: Sequence[Module], headers: Mapping[str, str]) -> str:
    """The modules as one Verilog file, in the order given.

    Args:
        modules: as `parse_rtlil` returns them; all the instances' modules should be among them.
        headers: the comment above each module, by module name; plain text of any length.

    Raises:
        InternalError: "rtlil.unsupported" for hardware outside the subset hwflow generates.
    """
    outputs = {
        module.name: frozenset(
            wire.name.removeprefix("\\") for wire in module.wires if wire.port == "output"
        )
        for module in modules
    }
    return "\n".join(print_module(m, headers.get(m.name, ""), outputs) for m in modules)
