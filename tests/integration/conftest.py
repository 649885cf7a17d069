"""A finished build to look at, and a way to call the program in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Call, call
from tests.integration.designs import duo_graph, write_design
from tests.integration.running import start

__all__ = ["Call", "call"]


@pytest.fixture(autouse=True)
def own_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each build has its store beside it, whatever the machine's settings."""
    monkeypatch.delenv("HWFLOW_STORE", raising=False)


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The design folder of a small design, built but for the RTL rung; only to be read."""
    folder = tmp_path_factory.mktemp("reference")
    design = write_design(folder / "design", duo_graph())
    process = start(*("build", design, "--set", "verify.rungs=[amaranth, netlist]"), cwd=folder)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "equal on every vector compared" in out
    return folder
