"""Memories and multipliers: RTL, netlist in Verilator with our cell models, netlist simulator.

Equal in every cycle. Verilator takes the blocks from `testbench/cells` and LUTs, carries and
flip-flops from Yosys' own models.
"""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import hwflow.synth.worker
from hwflow.errors import ToolFailed
from hwflow.plan.targets import target
from hwflow.synth import SynthResult, synthesize
from hwflow.tools import find, run
from hwflow.verify.netlist import NetlistSim
from hwflow.verify.rtl import build_replay
from tests.verify.netlist import blocks as circuit
from tests.verify.netlist.blocks import TOP, Block, Values, multiplier, ram, rom
from tests.verify.netlist.test_models import drop_open_pins

pytestmark = pytest.mark.tool

ROOT = Path(__file__).resolve().parents[3]
STEPS = 120
BLOCKS: tuple[Block, ...] = (
    rom("deep", 5, 1100),
    rom("even", 16, 256),
    rom("wide", 70, 37),
    rom("narrow", 2, 2048),
    rom("nine", 9, 600),
    rom("tables", 12, 60, "logic"),
    ram("lines", 12, 50),
    ram("broad", 75, 20),
    ram("long", 4, 1500),
    ram("single", 1, 3000),
    ram("spread", 22, 40, "distributed"),
    ram("shallow", 6, 13, "distributed"),
    ram("longer", 3, 100, "distributed"),
    multiplier("eight", 8, 8, signed=True),
    multiplier("six", 6, 6, signed=True),
    multiplier("plain", 7, 10, signed=False),
    multiplier("full", 18, 16, signed=True),
    multiplier("all", 18, 14, signed=False),
    multiplier("least", 2, 3, signed=True),
    multiplier("lut_eight", 8, 8, signed=True),
    multiplier("lut_plain", 5, 6, signed=False),
    multiplier("lut_uneven", 3, 9, signed=True),
)
LAYERS = tuple(f"{TOP}__{block.name}" for block in BLOCKS)
DSPS = tuple(f"{TOP}__{name}" for name in ("eight", "six", "plain", "full", "all", "least"))
Beats = npt.NDArray[np.uint8]
# Cells that `testbench/cells` models, and where Yosys declares pins of cells without a model.
FAMILIES = {
    "ice40-up5k": ("ice40", "+/ice40/cells_sim.v", ()),
    "ecp5-25k": ("ecp5", "+/lattice/cells_sim_ecp5.v", ("+/lattice/cells_bb_ecp5.v",)),
    "xc7-a35t": ("xilinx", "+/xilinx/cells_sim.v", ("+/xilinx/cells_xtra.v",)),
    "xcup-zu3eg": ("xilinx", "+/xilinx/cells_sim.v", ("+/xilinx/cells_xtra.v",)),
}
MODELLED = {
    "ice40": ("SB_RAM40_4K", "SB_MAC16"),
    "ecp5": ("DP16KD", "TRELLIS_DPR16X4"),
    "xilinx": ("RAMB18E1", "RAMB36E1", "DSP48E1"),
}
FLAT = """\
read_verilog -overwrite {models}
{declared}
{blackboxes}
read_json cells.json
hierarchy -top {top}
proc
flatten -noscopeinfo
opt_clean
write_verilog -noattr flat.v
"""


@pytest.fixture(scope="module")
def stimulus() -> Beats:
    face = circuit.interface(BLOCKS)
    return face.inputs[0].pack(circuit.vectors(BLOCKS, STEPS))


@pytest.fixture(scope="module")
def from_rtl(stimulus: Beats, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Beats]:
    folder = tmp_path_factory.mktemp("rtl")
    (folder / "design.v").write_text(circuit.started(circuit.rtl(BLOCKS)), encoding="utf-8")
    return in_verilator(folder / "design.v", stimulus, folder / "work")


def in_verilator(rtl: Path, stimulus: Beats, work: Path) -> dict[int, Beats]:
    """Three of the 64 streams, each from start."""
    replay = build_replay(rtl, circuit.interface(BLOCKS), work)
    return {s: replay.run({"x": stimulus[s :: circuit.STREAMS]}).outputs["y"] for s in (0, 1, 63)}


def synthesized(folder: Path, name: str) -> SynthResult:
    (folder / "rtl.v").write_text(circuit.rtl(BLOCKS), encoding="utf-8")
    device = target(name)
    return synthesize(
        folder / "rtl.v", TOP, LAYERS, device, folder, folder / "work", dsp_modules=DSPS
    )


def as_verilog(folder: Path, name: str) -> Path:
    """The netlist with Yosys' models of LUTs and flip-flops put in, and our cell models."""
    family, models, declared = FAMILIES[name]
    drop_open_pins(folder)
    if family == "ice40":
        models = ice40_models(folder)
    script = FLAT.format(
        declared="\n".join(f"read_verilog -lib -nooverwrite {file}" for file in declared),
        models=models,
        blackboxes="\n".join(f"blackbox {kind}" for kind in MODELLED[family]),
        top=TOP,
    )
    (folder / "flat.ys").write_text(script, encoding="utf-8")
    argv = (find("pyosys"), "-I", Path(hwflow.synth.worker.__file__), "flat.ys")
    run(argv, cwd=folder, log=folder / "flat.log", timeout=300, tool="yosys")
    cells = (ROOT / "testbench" / "cells" / f"{family}.v").read_text(encoding="utf-8")
    both = folder / "netlist.v"
    both.write_text((folder / "flat.v").read_text(encoding="utf-8") + cells, encoding="utf-8")
    return both


def ice40_models(folder: Path) -> str:
    """Only the models that the netlist needs: Yosys takes a minute over the whole library."""
    package = importlib.util.find_spec("pyosys")
    assert package is not None
    (place,) = package.submodule_search_locations or ()
    library = (Path(place) / "share" / "ice40" / "cells_sim.v").read_text(encoding="utf-8")
    netlist = json.loads((folder / "cells.json").read_text(encoding="utf-8"))
    used = {cell["type"] for cell in netlist["modules"][TOP]["cells"].values()}
    modules = {
        m[1]: m[0] for m in re.finditer(r"^module (\w+).*?^endmodule$", library, re.M | re.S)
    }
    texts = [library[: library.index("\nmodule ")], *(modules[name] for name in sorted(used))]
    (folder / "models.v").write_text("\n".join(texts) + "\n", encoding="utf-8")
    return "models.v"


def differing(found: Beats, expected: Beats) -> list[str]:
    """Blocks with a wrong bit, and the first cycle of it."""
    wrong = np.unpackbits(found ^ expected, axis=1, bitorder="little")
    names: list[str] = []
    place = 0
    for block in BLOCKS:
        bad = wrong[:, place : place + block.output].any(axis=1)
        place += block.output
        if bad.any():
            names.append(f"{block.name} from cycle {int(bad.argmax())}")
    return names


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.long if n.startswith("xc") else ()) for n in FAMILIES],
)
def test_rtl_cell_models_and_simulator_agree(
    name: str, stimulus: Beats, from_rtl: dict[int, Beats], tmp_path: Path
) -> None:
    result = synthesized(tmp_path, name)
    assert result.whole.bram > 0
    assert result.whole.dsp >= len(DSPS)
    assert {layer.layer: layer.area.dsp for layer in result.layers}["lut_eight"] == 0
    sim = NetlistSim.build(tmp_path / "netlist.json", circuit.interface(BLOCKS), tmp_path / "sim")
    found = sim.replay({"x": stimulus}).outputs["y"]
    for stream, expected in from_rtl.items():
        assert differing(found[stream :: circuit.STREAMS], expected) == []
    models = in_verilator(as_verilog(tmp_path, name), stimulus, tmp_path / "verilator")
    for stream, expected in from_rtl.items():
        assert differing(models[stream], expected) == []
    assert len(np.unique(found, axis=0)) > STEPS
    written = json.loads((tmp_path / "synth.json").read_text(encoding="utf-8"))
    assert written["whole"]["bram"] == result.whole.bram
    assert {row["resource"] for row in written["utilization"]} >= {"bram", "dsp"}


WIDTHS = ((2, 2), (3, 2), (2, 7), (3, 3), (4, 4), (5, 8), (9, 6), (8, 8), (1, 5))
PRODUCTS = tuple(
    multiplier(f"p{a}x{b}{'s' if signed else 'u'}{out or ''}", a, b, signed, out)
    for a, b in WIDTHS
    for signed in (False, True)
    for out in (None, a + b - 2, a + b + 3)
    if out is None or out > 1
)


@pytest.mark.parametrize("name", ["ice40-hx8k", "ecp5-25k", "xc7-a35t", "lut4"])
def test_products_in_luts_equal_arithmetic(name: str, tmp_path: Path) -> None:
    face = circuit.interface(PRODUCTS)
    x = circuit.vectors(PRODUCTS, 40)
    (tmp_path / "rtl.v").write_text(circuit.rtl(PRODUCTS), encoding="utf-8")
    synthesize(tmp_path / "rtl.v", TOP, (), target(name), tmp_path, tmp_path / "work")
    sim = NetlistSim.build(tmp_path / "netlist.json", face, tmp_path / "sim")
    found = face.outputs[0].unpack(sim.replay({"x": face.inputs[0].pack(x)}).outputs["y"])
    wrong = [
        block.name
        for k, block in enumerate(PRODUCTS)
        if not np.array_equal(found[:, k], product(block, x[:, 2 * k], x[:, 2 * k + 1]))
    ]
    assert wrong == []


def product(block: Block, a: Values, b: Values) -> Values:
    """The bits of a * b that the block puts out."""
    (_, wide), (_, narrow) = block.inputs
    if " signed " in block.module:
        a, b = a - ((a >> (wide - 1)) << wide), b - ((b >> (narrow - 1)) << narrow)
    return (a * b) & ((1 << block.output) - 1)


@pytest.mark.parametrize(
    ("name", "eight", "six"), [("ecp5-25k", 71, 41), ("ice40-hx8k", 85, 51), ("xc7-a35t", 36, 21)]
)
def test_narrow_products_cost_what_the_docstring_says(
    name: str, eight: int, six: int, tmp_path: Path
) -> None:
    both = (multiplier("eight", 8, 8, signed=True), multiplier("six", 6, 6, signed=True))
    (tmp_path / "rtl.v").write_text(circuit.rtl(both), encoding="utf-8")
    layers = tuple(f"{TOP}__{block.name}" for block in both)
    result = synthesize(tmp_path / "rtl.v", TOP, layers, target(name), tmp_path, tmp_path / "w")
    luts = {layer.layer: layer.area.lut for layer in result.layers}
    assert (luts["eight"], luts["six"]) == (eight, six)


@pytest.mark.parametrize(
    ("cell", "parameter", "value"),
    [("SB_MAC16", "A_REG", "1"), ("SB_MAC16", "BOTOUTPUT_SELECT", "00")],
)
def test_other_modes_are_refused_by_name(
    cell: str, parameter: str, value: str, tmp_path: Path
) -> None:
    blocks = (multiplier("eight", 8, 8, signed=True),)
    (tmp_path / "rtl.v").write_text(circuit.rtl(blocks), encoding="utf-8")
    layers = (f"{TOP}__eight",)
    device = target("ice40-up5k")
    synthesize(
        tmp_path / "rtl.v", TOP, layers, device, tmp_path, tmp_path / "w", dsp_modules=layers
    )
    netlist = json.loads((tmp_path / "netlist.json").read_text(encoding="utf-8"))
    (found,) = (c for c in netlist["modules"][TOP]["cells"].values() if c["type"] == cell)
    found["parameters"][parameter] = value
    (tmp_path / "netlist.json").write_text(json.dumps(netlist), encoding="utf-8")
    with pytest.raises(ToolFailed) as caught:
        NetlistSim.build(tmp_path / "netlist.json", circuit.interface(blocks), tmp_path / "sim")
    assert caught.value.code == "netlist.mode"
    assert parameter in caught.value.message
