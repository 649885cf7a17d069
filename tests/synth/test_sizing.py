"""Gates sized for their loads: stronger cells and buffers on late paths, the function as it was."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwflow.asic.kit import kit_of
from hwflow.asic.liberty import Library, load_library
from hwflow.errors import InputError
from hwflow.synth.asic import Speed, synthesize_cells
from hwflow.synth.asic.arcs import stack
from hwflow.synth.asic.sizing import Sizing, size_gates
from hwflow.synth.asic.timing import Corners, check_timing
from tests.asic import samples
from tests.verify.netlist.circuits import LAYERS, TINY

SDC = Path(__file__).parents[2] / "constraints/asic.sdc"
HEADER = (
    samples.HEADER
    + """\
  lu_table_template (strong) {
    variable_1 : total_output_net_capacitance;
    variable_2 : input_net_transition;
    index_1 ("0.004, 0.4, 1.6");
    index_2 ("0.01, 1.01");
  }
"""
)
"""Four times the load for the same delay."""


def strong(name: str, area: float, function: str, inputs: str = "A B") -> str:
    text = samples.cell(name, area, function, inputs).replace("(delay)", "(strong)")
    return text.replace("max_capacitance : 0.4", "max_capacitance : 1.6").replace(
        "capacitance : 0.004", "capacitance : 0.006"
    )


CELLS = (*samples.CELLS, strong("INV4", 3, "!A", "A"), strong("BUF4", 4, "A", "A"))


def library(folder: Path, cells: tuple[str, ...] = CELLS) -> Library:
    return load_library(samples.write(folder, samples.library(cells, HEADER)))


def gate(kind: str, out: int, *ins: int) -> Any:
    pins = dict(zip("AB", ins, strict=False))
    return {
        "attributes": {},
        "connections": {**{pin: [net] for pin, net in pins.items()}, "Y": [out]},
        "port_directions": {**dict.fromkeys(pins, "input"), "Y": "output"},
        "type": kind,
    }


def fan(loads: int) -> Any:
    """x -> INV_0 -> `loads` inverters, the last of which leads through three more to y."""
    cells = {"INV_0": gate("INV", 10, 2)}
    cells |= {f"INV_{i}": gate("INV", 10 + i, 10) for i in range(1, loads + 1)}
    for i in range(loads + 1, loads + 4):
        cells[f"INV_{i}"] = gate("INV", 10 + i, 9 + i)
    ports = {
        "clk": {"direction": "input", "bits": [3]},
        "x": {"direction": "input", "bits": [2]},
        "y": {"direction": "output", "bits": [13 + loads]},
    }
    return {"cells": cells, "ports": ports, "netnames": {}}


def sized(made: Any, found: Library, period: float) -> Sizing:
    return size_gates(made, ("a",), found, kit_of(found), Speed("clk", period))


def test_tables_in_a_stack(tmp_path: Path) -> None:
    """Delay 0.02 + 0.1 slew + 2 load, a quarter of it for the strong one; also beyond the table."""
    tables = stack(library(tmp_path), ("INV", "INV4"))
    slew, load = np.array([0.0, 0.3, 2.0]), np.array([0.0005, 0.05, 3.0])
    for kind, factor in (("INV", 2.0), ("INV4", 0.5)):
        assert next(arc[1:] for arc in tables.arcs[kind]) == (0, "Y", 0)
        table = np.full(3, 2 * tables.first[kind])
        expected = 0.02 + 0.1 * slew + factor * load
        assert tables.at(table, slew, load) == pytest.approx(expected, abs=1e-12)


def test_a_gate_with_many_loads_gets_a_stronger_cell(tmp_path: Path) -> None:
    made = fan(12)
    found = sized(made, library(tmp_path), 0.5)
    assert found.before is not None
    assert found.after is not None
    assert found.before < 0 <= found.after
    driver = next(c for c in made["cells"].values() if c["connections"]["Y"] == [10])
    assert driver["type"] == "INV4"
    assert "INV_0" not in made["cells"]  # it is called by its type
    assert made["cells"]["INV4_0"] is driver
    assert found.resized == sum(c["type"] == "INV4" for c in made["cells"].values()) < 6


def test_a_clock_that_is_met_changes_nothing(tmp_path: Path) -> None:
    made = fan(12)
    before = copy.deepcopy(made)
    found = sized(made, library(tmp_path), 5.0)
    assert (found.resized, found.buffers) == (0, 0)
    assert found.before == found.after
    assert made == before


def test_loads_without_hurry_move_behind_a_buffer(tmp_path: Path) -> None:
    """Where no inverter is stronger; each load still sees the same signal."""
    made = fan(20)
    found = sized(made, library(tmp_path, CELLS[:-2]), 0.6)
    assert found.resized == 0
    assert found.buffers == 1
    assert found.before is not None
    assert found.after is not None
    assert found.before < found.after
    (buffer,) = [cell["connections"] for cell in made["cells"].values() if cell["type"] == "BUF"]
    assert buffer["A"] == [10]
    moved = [c for c in made["cells"].values() if c["connections"]["A"] == buffer["Y"]]
    stay = [c for c in made["cells"].values() if c["connections"]["A"] == [10]]
    assert len(moved) + len(stay) == 20 + 1
    assert made["cells"]["INV_20"]["connections"]["A"] == [10]


def test_a_corner_that_lacks_a_cell(tmp_path: Path) -> None:
    found = library(tmp_path)
    (tmp_path / "slow").mkdir()
    slow = samples.write(tmp_path / "slow", samples.library(samples.CELLS[1:]))
    with pytest.raises(InputError) as caught:
        size_gates(fan(2), (), found, kit_of(found), Speed("clk", 1.0, slow))
    assert caught.value.code == "library.corner"


@pytest.mark.tool
@pytest.mark.usefixtures("opensta")
def test_slack_is_that_of_opensta(tmp_path: Path) -> None:
    """On a design with flip-flops, before sizing and after; names and bytes do not depend on it."""
    library(tmp_path)
    for name, period in (("loose", 50.0), ("tight", 1.0), ("again", 1.0)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "rtl.v").write_text(TINY, encoding="utf-8")
        made = synthesize_cells(
            folder / "rtl.v", "tiny", LAYERS, tmp_path / "tiny.lib", folder, folder / "work",
            speed=Speed("clk", period),
        )  # fmt: skip
        corners = Corners(tmp_path / "tiny.lib")
        timing = check_timing(
            folder, "tiny", LAYERS, "clk", period, corners, SDC, folder / "t", folder / "tw"
        )
        assert made.sizing is not None
        assert timing.setup.slack == pytest.approx(made.sizing.after, abs=2e-4)
        assert (made.sizing.resized > 0) == (period < 10)
    for file in ("netlist.json", "netlist.v", "synth.json"):
        assert (tmp_path / "tight" / file).read_bytes() == (tmp_path / "again" / file).read_bytes()
