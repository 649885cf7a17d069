"""Options that several commands have."""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["tensor_files"]


def tensor_files(parser: argparse.ArgumentParser) -> None:
    """Let `parser` take a build and the files of its inputs and outputs."""
    parser.add_argument("build", metavar="BUILD", type=Path, help="the build folder")
    parser.add_argument(
        "--input",
        dest="inputs",
        metavar="[NAME=]X.npy",
        action="append",
        required=True,
        help="integers are codes, real numbers are quantized; shape (n, *shape) or (*shape)",
    )
    parser.add_argument(
        "--output",
        dest="outputs",
        metavar="[NAME=]Y.npy",
        action="append",
        default=[],
        help="where the output's codes go, as int64",
    )
