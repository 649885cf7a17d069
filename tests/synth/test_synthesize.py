"""Synthesis with the real Yosys: counts, determinism, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hwflow.errors import InputError, ToolFailed
from hwflow.plan.targets import Resources, Target, larger_targets, target
from hwflow.synth import SynthResult, pnr, synthesize
from hwflow.synth.area import Use
from hwflow.synth.pnr import place_and_route
from hwflow.synth.wrapper import PINS, serial_wrapper, wrapper_registers
from tests.verify.netlist.blocks import TOP, multiplier, ram, rom
from tests.verify.netlist.blocks import rtl as circuit_rtl
from tests.verify.netlist.circuits import LAYERS, TINY

pytestmark = pytest.mark.tool


def build(folder: Path, device: Target, rtl: str = TINY) -> SynthResult:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rtl.v").write_text(rtl, encoding="utf-8")
    return synthesize(folder / "rtl.v", "tiny", LAYERS, device, folder, folder / "work")


def test_layers_add_up_and_files_say_so(tmp_path: Path) -> None:
    result = build(tmp_path, target("ecp5-25k"))
    assert [layer.layer for layer in result.layers] == ["scale", "sum", "top"]
    for figure in ("lut", "ff", "carry"):
        total = sum(getattr(layer.area, figure) for layer in result.layers)
        assert total == getattr(result.whole, figure)
    assert result.whole.ff == 30 + 12 + 8 + 3 - 2  # two bits are constant and go
    assert result.whole.lut == 2 * result.whole.carry + dict(result.whole.cells)["LUT4"]
    assert result.fits
    written = json.loads((tmp_path / "synth.json").read_text(encoding="utf-8"))
    assert written["whole"]["lut"] == result.whole.lut
    netlist = json.loads((tmp_path / "netlist.json").read_text(encoding="utf-8"))
    cells = netlist["modules"]["tiny"]["cells"]
    assert sum(name.startswith("sum.") for name in cells) == sum(
        n for _, n in result.layers[1].area.cells
    )
    assert {"scale.in_data_i", "sum.out_data_o"} <= set(netlist["modules"]["tiny"]["netnames"])


def test_equal_bytes_in_two_folders(tmp_path: Path) -> None:
    for name in ("one", "another_and_longer"):
        build(tmp_path / name, target("xc7-a35t"))
    for file in ("netlist.json", "synth.json"):
        one, other = (tmp_path / n / file for n in ("one", "another_and_longer"))
        assert one.read_bytes() == other.read_bytes()
        assert b"site-packages" not in one.read_bytes()


def test_too_large_names_layer_and_remedy(tmp_path: Path) -> None:
    real = target("ecp5-25k")
    small = Target("ecp5-toy", "ecp5", 4, None, None, Resources(20, 200, 100, 0, 0), real.delay)
    with pytest.raises(InputError) as caught:
        build(tmp_path, small)
    assert caught.value.code == "synth.too-large"
    assert "'sum' costs most" in caught.value.message
    assert "ecp5-25k" in caught.value.hint
    assert [t.name for t in larger_targets(real)] == ["ecp5-45k", "ecp5-85k"]


def test_broken_rtl_shows_the_log(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed) as caught:
        build(tmp_path, target("lut4"), rtl="module tiny(input a; endmodule")
    assert caught.value.code == "tool.failed"
    assert "syntax error" in caught.value.hint


@pytest.mark.parametrize("name", ["ecp5-25k", "ice40-hx8k", "gowin-gw1n-9"])
def test_wrapper_keeps_the_design_as_it_is(name: str, tmp_path: Path) -> None:
    device = target(name)
    build(tmp_path, device)
    module = json.loads((tmp_path / "netlist.json").read_text(encoding="utf-8"))["modules"]["tiny"]
    wrapped = serial_wrapper(module, "clk", device.family)
    assert set(wrapped["ports"]) == set(PINS)
    assert {n: wrapped["cells"][n] for n in module["cells"]} == module["cells"]
    assert wrapper_registers(module, "clk") == 1 + 15 + 1 + 1 + 8 + 1 + 1
    added = [wrapped["cells"][n] for n in set(wrapped["cells"]) - set(module["cells"])]
    assert sum("Q" in cell["connections"] for cell in added) == wrapper_registers(module, "clk")


BLOCKS = (
    rom("words", 20, 200),
    ram("lines", 6, 20, "distributed"),
    multiplier("fast", 8, 8, signed=True),
    multiplier("slow", 4, 4, signed=True),
)


def blocks(folder: Path, device: Target) -> SynthResult:
    (folder / "rtl.v").write_text(circuit_rtl(BLOCKS), encoding="utf-8")
    layers = tuple(f"{TOP}__{block.name}" for block in BLOCKS)
    dsps = (f"{TOP}__fast",)
    return synthesize(folder / "rtl.v", TOP, layers, device, folder, folder / "w", dsp_modules=dsps)


@pytest.mark.parametrize(
    ("name", "bram", "luts_as_ram"), [("ecp5-25k", 1, 16), ("ice40-up5k", 2, 0), ("xc7-a35t", 1, 4)]
)
def test_blocks_are_counted_per_layer(
    name: str, bram: int, luts_as_ram: int, tmp_path: Path
) -> None:
    result = blocks(tmp_path, target(name))
    areas = {layer.layer: layer.area for layer in result.layers}
    assert (areas["words"].bram, areas["fast"].dsp, areas["slow"].dsp) == (bram, 1, 0)
    assert (result.whole.bram, result.whole.dsp) == (bram, 1)
    assert areas["lines"].lut_ram == luts_as_ram
    have = target(name).resources
    assert have is not None
    assert Use("bram", bram, have.bram) in result.utilization
    assert Use("dsp", 1, have.dsp) in result.utilization


def test_too_many_blocks_do_not_fit(tmp_path: Path) -> None:
    real = target("ecp5-25k")
    small = Target("ecp5-toy", "ecp5", 4, None, None, Resources(9000, 9000, 900, 1, 0), real.delay)
    with pytest.raises(InputError) as caught:
        blocks(tmp_path, small)
    assert caught.value.code == "synth.too-large"
    assert "bram 1 of 0" in caught.value.message
    assert "'words' costs most" in caught.value.message
    assert "ecp5-25k" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "crowd"), [("ecp5-25k", 1.0), ("ecp5-25k", 0.0), ("ice40-up5k", 0.0)]
)
def test_blocks_can_be_placed(
    name: str, crowd: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pnr, "_CROWD", crowd)
    device = target(name)
    blocks(tmp_path, device)
    layers = tuple(block.name for block in BLOCKS)
    netlist = tmp_path / "netlist.json"
    placed = place_and_route(
        netlist, TOP, layers, device, "clk", 20e6, tmp_path, tmp_path / "pnr", timeout=300
    )
    used = {kind: count for kind, count, _ in placed.utilization}
    kinds = {"ecp5": ("DP16KD", "MULT18X18D"), "ice40": ("ICESTORM_RAM", "ICESTORM_DSP")}
    assert [used[kind] > 0 for kind in kinds[device.family]] == [True, True]
    assert placed.fmax > 5e6
