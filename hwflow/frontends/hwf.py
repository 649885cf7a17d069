"""Integer graphs saved by `hwflow.ir.save_graph`, used as they are."""

from __future__ import annotations

from pathlib import Path

from hwflow.frontends.lowered import Lowered
from hwflow.ir import load_graph

__all__ = ["read"]


def read(path: Path) -> Lowered:
    """The graph in a `.hwf` file.

    Raises:
        InputError: what `hwflow.ir.load_graph` refuses.
    """
    return Lowered(load_graph(path))
