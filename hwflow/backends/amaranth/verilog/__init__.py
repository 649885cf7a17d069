"""Verilog-2001 from Amaranth's RTLIL: readable, free of lint warnings, the same to the byte.

See docs/decisions/002-own-verilog-printer.md.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence

from hwflow.backends.amaranth.rtlil import Module
from hwflow.backends.amaranth.verilog.printer import print_module

__all__ = ["KEPT", "print_verilog"]

KEPT = '(* keep_hierarchy = "yes", dont_touch = "yes" *)'
"""Above a module whose border tools are to keep."""


def print_verilog(
    modules: Sequence[Module], headers: Mapping[str, str], kept: Container[str] = ()
) -> str:
    """The modules as one Verilog file, in the order given.

    Args:
        modules: as `parse_rtlil` returns them; all the instances' modules should be among them.
        headers: the comment above each module, by module name; plain text of any length.
        kept: modules whose borders tools are told to keep.

    Raises:
        InternalError: "rtlil.unsupported" for hardware outside the subset hwflow generates.
    """
    outputs = {
        module.name: frozenset(
            wire.name.removeprefix("\\") for wire in module.wires if wire.port == "output"
        )
        for module in modules
    }
    return "\n".join(_printed(m, headers, outputs, m.name in kept) for m in modules)


def _printed(
    module: Module,
    headers: Mapping[str, str],
    outputs: Mapping[str, frozenset[str]],
    kept: bool,
) -> str:
    text = print_module(module, headers.get(module.name, ""), outputs)
    return re.sub(r"^module ", f"{KEPT}\nmodule ", text, count=1, flags=re.M) if kept else text
