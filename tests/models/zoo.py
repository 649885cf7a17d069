"""Where the environments of other frameworks are, and how their models are made there."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from hwflow.tools import run

__all__ = ["MAKERS", "interpreter", "make", "missing"]

ROOT = Path(__file__).resolve().parents[2]
MAKERS: Mapping[str, str | None] = {
    "tests.models.make_onnx": "onnx", "tests.models.hgq_zoo": "hgq",
    "tests.models.qkeras_zoo": None,
}  # fmt: skip
"""The modules that make models, and their environments; None: the one this runs in."""


def interpreter(environment: str | None) -> Path:
    """An environment's interpreter: $HWFLOW_ZOO/<environment>, or .zoo as `make zoo` fills it."""
    if environment is None:
        return Path(sys.executable)
    folder = Path(os.environ.get("HWFLOW_ZOO", ROOT / ".zoo")).absolute()
    return folder / environment / "bin" / "python"


def missing(*environments: str) -> str:
    """Why a test cannot run here: which of the environments are absent; empty if none is."""
    absent = [name for name in environments if not interpreter(name).exists()]
    return f"environments {', '.join(absent)} are not there: `make zoo`" if absent else ""


def make(module: str, log: Path, *arguments: object) -> None:
    """Run one of MAKERS in its environment."""
    run(
        [str(interpreter(MAKERS[module])), "-m", module, *map(str, arguments)],
        cwd=ROOT,
        log=log,
        timeout=1800.0,
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        tool="python",
    )
