"""Registers of weights loaded at run time: the design runs long after they were written."""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Any, Final

__all__ = ["WORD", "word_registers"]

WORD: Final = re.compile(r"loader\.(copy_[abc]\.)?word_\d+")
"""The words of the weight loader by the names of their nets."""


def word_registers(module: Any, registers: Container[str]) -> list[str]:
    """Cells of types `registers` that drive words, by the names of the nets that they drive."""
    nets = module["netnames"].items()
    words = {bit for name, net in nets if WORD.fullmatch(name) for bit in net["bits"]}
    return sorted(
        name
        for name, cell in module["cells"].items()
        if cell["type"] in registers
        and any(
            bits[0] in words
            for pin, bits in cell["connections"].items()
            if cell["port_directions"][pin] == "output"
        )
    )
