"""cocotb testbenches for designs made by hwflow; needs nothing of hwflow itself."""

from __future__ import annotations

__all__: list[str] = []
