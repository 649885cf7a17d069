"""ONNX files (QONNX, QCDQ, integer operators) to the integer graph."""

from __future__ import annotations

from pathlib import Path

from hwflow.frontends.exact.emitter import safe_name
from hwflow.frontends.lowered import Lowered
from hwflow.frontends.onnx.file import read_file
from hwflow.frontends.onnx.lower import HANDLERS, lower

__all__ = ["HANDLERS", "lower", "read", "read_file"]


def read(path: Path) -> Lowered:
    """The integer graph of the ONNX model in `path`.

    Raises:
        InputError: the file is unsafe or damaged, or holds a node without exact integer form.
    """
    return lower(read_file(path), safe_name(path.stem, set()))
