"""Names of cells that are added to a canonical netlist: `<layer>.<type>_<number>`."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Names"]


class Names:
    """Numbers that no cell of the same type in the same layer has yet."""

    def __init__(self, names: Iterable[str]) -> None:
        self._next: dict[str, int] = {}
        for name in names:
            stem, _, number = name.rpartition("_")
            if number.isdecimal():
                self._next[stem] = max(self._next.get(stem, 0), int(number) + 1)

    def fresh(self, layer: str, kind: str) -> str:
        """Return the next name; "" is what lies outside of layers."""
        stem = f"{layer}.{kind}" if layer else kind
        number = self._next.get(stem, 0)
        self._next[stem] = number + 1
        return f"{stem}_{number}"
