"""Activity that energy cannot be made of: vectors that never toggle, another netlist's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwflow.errors import InputError
from hwflow.stages.activity import load_activity
from tests.integration.conftest import Call
from tests.integration.designs import duo_graph, write_design

pytestmark = pytest.mark.tool


def test_vectors_that_never_toggle(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal rows of a data file: no energy is made up for an idle circuit."""
    monkeypatch.chdir(tmp_path)
    graph = duo_graph()
    path = write_design(tmp_path / "design", graph)
    shape = (20, *graph.types["x"].shape)
    labels = np.arange(20) % 2
    np.savez(path.parent / "rows.npz", x=np.ones(shape, np.float32), y=labels)
    options = ("--set", "data={source: file, path: rows.npz}", "--set", "verify.rungs=[netlist]")
    called = call("build", path, *options)
    assert called.code == 2, called.err
    assert "[power.still]" in called.err
    assert "vectors are all the same" in called.err
    assert call("build", path, *options, "--set", "synth.energy=false").code == 0


def test_activity_of_another_netlist(reference: Path, tmp_path: Path) -> None:
    folder = (reference / "build" / "duo" / "netlist").resolve()
    netlist = tmp_path / "netlist.json"
    netlist.write_bytes((reference / "build" / "duo" / "synth" / "netlist.json").read_bytes())
    load_activity(folder, netlist)
    netlist.write_bytes(netlist.read_bytes() + b" ")
    with pytest.raises(InputError, match="on another netlist") as caught:
        load_activity(folder, netlist)
    assert caught.value.code == "power.activity"
