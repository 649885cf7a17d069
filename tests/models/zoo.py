"""Where the environments of other frameworks are, and how their models are made there."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from hwflow.tools import run

__all__ = ["MAKERS", "make", "missing"]

ROOT = Path(__file__).resolve().parents[2]
MAKERS: Mapping[str, str | None] = {
    "tests.models.make_onnx": "onnx", "tests.models.hgq_zoo": "hgq",
    "tests.models.qkeras_zoo": None,
}  # fmt: skip
"""The modules that make models, and their environments; None: the one this runs in."""


def _python(environment: str | None) -> Path:
    """An environment's interpreter: $HWFLOW_ZOO/<environment>, or .zoo as `make zoo` fills it."""
    if environment is None:
        return Path(sys.executable)
    folder = Path(os.environ.get("HWFLOW_ZOO", ROOT / ".zoo")).absolute()
    return folder / environment / "bin" / "python"


def missing() -> str:
    """Why nothing can be made here; empty if everything can."""
    absent = [e for e in MAKERS.values() if e is not None and not _python(e).exists()]
    return f"environments {', '.join(absent)} are not there: `make zoo`" if absent else ""


def make(module: str, log: Path, *arguments: object) -> None:
    """Run one of MAKERS in its environment."""
    run(
        [str(_python(MAKERS[module])), "-m", module, *map(str, arguments)],
        cwd=ROOT,
        log=log,
        timeout=1800.0,
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        tool="python",
    )
