"""Synthesis to standard cells: counts, ties, fan-out, determinism, refusals."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from hwflow.asic.kit import kit_of
from hwflow.asic.liberty import load_library
from hwflow.errors import InputError, ToolFailed
from hwflow.synth.asic import AsicResult, synthesize_cells
from hwflow.synth.asic.buffers import FAN_OUT, buffer_nets
from hwflow.synth.asic.netlist import TIE_LOADS, tie_constants, verilog
from hwflow.tools import find, run
from tests.asic import samples
from tests.verify.netlist.circuits import LAYERS, TINY

WORKER = Path(__file__).parents[2] / "hwflow/synth/worker.py"


def build(folder: Path, library: Path, rtl: str = TINY) -> AsicResult:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rtl.v").write_text(rtl, encoding="utf-8")
    return synthesize_cells(folder / "rtl.v", "tiny", LAYERS, library, folder, folder / "work")


def module(folder: Path) -> Any:
    text = (folder / "netlist.json").read_text(encoding="utf-8")
    return json.loads(text)["modules"]["tiny"]


@pytest.mark.tool
def test_layers_add_up_to_the_library_areas(tmp_path: Path) -> None:
    path = samples.write(tmp_path)
    result = build(tmp_path, path)
    library = load_library(path)
    assert [name for name, _ in result.layers] == ["scale", "sum", "top"]
    for figure in ("um2", "ge", "ff", "ff_um2"):
        total = sum(getattr(area, figure) for _, area in result.layers)
        assert total == pytest.approx(getattr(result.whole, figure))
    assert result.whole.um2 == sum(library.cells[k].area * n for k, n in result.whole.cells)
    assert result.whole.ge == result.whole.um2 / 4  # NAND2 has an area of 4
    assert result.whole.ff == 30 + 12 + 8 + 3 - 2  # two bits are constant and go
    assert result.constants == f"tie cells TIE0 and TIE1, {TIE_LOADS} loads each"
    cells = module(tmp_path)["cells"]
    counted = Counter(cell["type"] for cell in cells.values())
    assert counted == dict(result.whole.cells)
    assert {name.partition(".")[0] for name in cells if "." in name} == {"scale", "sum"}
    written = json.loads((tmp_path / "synth.json").read_text(encoding="utf-8"))
    assert written["layers"][0]["area"]["um2"] == result.layers[0][1].um2


@pytest.mark.tool
def test_equal_bytes_in_two_folders(tmp_path: Path) -> None:
    for name in ("one", "another_and_longer"):
        (tmp_path / name).mkdir()
        build(tmp_path / name, samples.write(tmp_path / name))
    for file in ("netlist.json", "netlist.v", "synth.json"):
        one, other = (tmp_path / n / file for n in ("one", "another_and_longer"))
        assert one.read_bytes() == other.read_bytes()
        assert b"/tmp" not in one.read_bytes()


@pytest.mark.tool
def test_verilog_is_the_same_netlist(tmp_path: Path) -> None:
    """Yosys reads it back to the same cells on the same nets."""
    build(tmp_path, samples.write(tmp_path))
    (tmp_path / "back.ys").write_text(
        "read_liberty -lib tiny.lib\nread_verilog netlist.v\nhierarchy -check -top tiny\n"
        "write_json back.json\n",
        encoding="utf-8",
    )
    argv = (find("pyosys"), "-I", WORKER, "back.ys")
    run(argv, cwd=tmp_path, log=tmp_path / "back.log", timeout=120, tool="yosys")
    ours = module(tmp_path)
    theirs = json.loads((tmp_path / "back.json").read_text(encoding="utf-8"))["modules"]["tiny"]
    nets: dict[Any, Any] = {"0": "0", "1": "1"}
    for name, cell in ours["cells"].items():
        twin = theirs["cells"][name]
        assert twin["type"] == cell["type"]
        for pin, bits in cell["connections"].items():
            if bits != ["x"]:
                assert (
                    nets.setdefault(bits[0], twin["connections"][pin][0])
                    == (twin["connections"][pin][0])
                )
    assert len(set(nets.values())) == len(nets)
    for name, port in ours["ports"].items():
        twins = theirs["ports"][name]["bits"]
        for bit, twin in zip(port["bits"], twins, strict=True):
            assert nets.setdefault(bit, twin) == twin


@pytest.mark.tool
def test_no_net_but_the_clock_has_more_loads(tmp_path: Path) -> None:
    result = build(tmp_path, samples.write(tmp_path))
    assert result.buffers > 0  # the enable leads to every register
    loads: Counter[Any] = Counter()
    for cell in module(tmp_path)["cells"].values():
        for pin, bits in cell["connections"].items():
            if cell["port_directions"][pin] == "input" and pin != "CK":
                loads[bits[0]] += 1
    assert max(loads.values()) <= FAN_OUT


@pytest.mark.tool
def test_without_tie_cells_constants_are_rails(tmp_path: Path) -> None:
    cells = tuple(c for c in samples.CELLS if "TIE" not in c)
    library = samples.write(tmp_path, samples.library(cells))
    rtl = TINY.replace("assign out_data_o = y;", "assign out_data_o = {y[7:1], 1'b1};")
    result = build(tmp_path, library, rtl)
    assert result.constants.startswith("connections to the supply rails")
    assert "1" in module(tmp_path)["ports"]["y_data_o"]["bits"]
    assert "assign y_data_o[0] = 1'b1;" in (tmp_path / "netlist.v").read_text(encoding="utf-8")


@pytest.mark.tool
def test_a_register_that_the_library_lacks(tmp_path: Path) -> None:
    rtl = TINY.replace(
        "always @(posedge clk) if (rst) valid", "always @(posedge clk, posedge rst) if (rst) valid"
    )
    with pytest.raises(ToolFailed) as caught:
        build(tmp_path, samples.write(tmp_path), rtl)
    assert caught.value.code == "tool.failed"


@pytest.mark.tool
def test_cells_that_must_not_be_used(tmp_path: Path) -> None:
    (tmp_path / "rtl.v").write_text(TINY, encoding="utf-8")
    rtl, work = tmp_path / "rtl.v", tmp_path / "work"
    library = samples.write(tmp_path)
    assert "XOR2" in dict(build(tmp_path / "all", library).whole.cells)
    result = synthesize_cells(rtl, "tiny", LAYERS, library, tmp_path, work, avoid=("XOR2",))
    assert "XOR2" not in dict(result.whole.cells)


def test_names_are_checked(tmp_path: Path) -> None:
    (tmp_path / "rtl.v").write_text("", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        synthesize_cells(
            tmp_path / "rtl.v", "a;b", (), samples.write(tmp_path), tmp_path, tmp_path / "w"
        )
    assert caught.value.code == "synth.name"


def _inverter(source: object, out: object) -> Any:
    return {
        "connections": {"A": [source], "Y": [out]},
        "port_directions": {"A": "input", "Y": "output"},
        "type": "INV",
    }


def _made(loads: int, source: object) -> Any:
    """`loads` inverters on one net, half of them in a layer."""
    cells = {f"{'a.' if i % 2 else ''}INV_{i}": _inverter(source, 100 + i) for i in range(loads)}
    ports = {"x": {"direction": "input", "bits": [2]}}
    return {"cells": cells, "ports": ports, "netnames": {}}


def test_tie_cells_belong_to_the_layer_of_their_loads(tiny_library: Path) -> None:
    kit = kit_of(load_library(tiny_library))
    made = _made(2 * TIE_LOADS + 4, "1")
    tie_constants(made, ("a",), kit)
    ties = sorted(name for name, cell in made["cells"].items() if cell["type"] == "TIE1")
    assert ties == ["TIE1_0", "TIE1_1", "a.TIE1_0", "a.TIE1_1"]
    nets = {cell["connections"]["A"][0] for n, cell in made["cells"].items() if "INV" in n}
    assert nets == {made["cells"][tie]["connections"]["Y"][0] for tie in ties}
    assert "1'b1" not in verilog(made, "made")


@pytest.mark.parametrize("loads", [16, 17, 100, 1000])
def test_trees_of_buffers(tiny_library: Path, loads: int) -> None:
    library = load_library(tiny_library)
    made = _made(loads, 2)
    inserted = buffer_nets(made, ("a",), library, kit_of(library))
    assert (inserted == 0) == (loads <= FAN_OUT)
    driver = {c["connections"]["Y"][0]: c for c in made["cells"].values()}
    fan_out: Counter[Any] = Counter()
    for name, cell in made["cells"].items():
        net = cell["connections"]["A"][0]
        fan_out[net] += 1
        while net != 2:  # every inverter still sees the same signal
            assert driver[net]["type"] == "BUF"
            net = driver[net]["connections"]["A"][0]
        assert "INV" in name or "BUF" in name
    assert max(fan_out.values()) <= FAN_OUT
