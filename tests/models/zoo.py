"""The environments of other frameworks, which `make zoo` sets up."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

__all__ = ["interpreter"]


def interpreter(environment: str) -> Path:
    """The Python of an environment (a file's name in `environments`); skips where it is absent."""
    python = Path(os.environ.get("HWFLOW_ZOO", ".zoo")) / environment / "bin" / "python"
    if not python.exists():
        pytest.skip("the zoo's environment is not there: `make zoo`")
    return python.absolute()
