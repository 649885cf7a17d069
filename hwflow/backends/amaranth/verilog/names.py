"""Verilog identifiers for RTLIL names."""

from __future__ import annotations

import re

from hwflow.config.names import KEYWORDS

__all__ = ["Names", "identifier"]

_OTHER = re.compile(r"[^A-Za-z0-9_]+")


def identifier(name: str) -> str:
    """The name with every other character turned into underscores; keywords get one more."""
    plain = _OTHER.sub("_", name.removeprefix("\\")) or "_"
    if plain[0].isdigit():
        plain = f"n{plain}"
    return f"{plain}_" if plain.lower() in KEYWORDS else plain


class Names:
    """The identifiers of one module, each given once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._count = 0

    def unique(self, name: str) -> str:
        """An identifier like `name` that nothing else has."""
        plain = identifier(name)
        found, number = plain, 1
        while found in self._taken:
            number += 1
            found = f"{plain}_{number}"
        self._taken.add(found)
        return found

    def temporary(self) -> str:
        """The next free t_N."""
        while True:
            name = f"t_{self._count}"
            self._count += 1
            if name not in self._taken:
                self._taken.add(name)
                return name
