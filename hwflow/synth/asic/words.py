"""Registers of weights loaded at run time: the design runs long after they were written."""

from __future__ import annotations

import re
from typing import Any, Final

__all__ = ["word_registers"]

_WORD: Final = re.compile(r"loader\.(copy_[abc]\.)?word_\d+")


def word_registers(module: Any) -> frozenset[str]:
    """Cells of a flat module that drive words of the weight loader, by the names of these nets."""
    nets = module["netnames"].items()
    words = {bit for name, net in nets if _WORD.fullmatch(name) for bit in net["bits"]}
    return frozenset(
        name
        for name, cell in module["cells"].items()
        for pin, bits in cell["connections"].items()
        if cell["port_directions"][pin] == "output" and bits[0] in words
    )
