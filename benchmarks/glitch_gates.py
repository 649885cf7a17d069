"""Clock gates on and off in designs of hwflow: the published encoder, cut to a small one."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from common import ROOT, shared
from dot_products import LIBRARY, TENSORS, Ints, wafer_inputs
from glitch_energy import energy_of

from hwflow.asic.delays import library_delays
from hwflow.asic.kit import kit_of
from hwflow.asic.liberty import Library
from hwflow.backends.amaranth.generate import generate_verilog
from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding, evaluate
from hwflow.plan.asic import asic_target
from hwflow.plan.folding import Folding
from hwflow.plan.loading import load_clocks
from hwflow.plan.plan import Options, make_plan
from hwflow.plan.streams import InterfaceKind
from hwflow.power.waves import STREAMS
from hwflow.synth.asic import synthesize_cells
from hwflow.verify.netlist import NetlistSim

sys.path.insert(0, str(ROOT))

from tests.econ_t import NPZ, load_arrays

__all__ = ["gating"]

FILTERS, OUTPUTS = 2, 4
CASES: tuple[tuple[str, dict[str, Folding]], ...] = (
    ("constant weights, all positions at once", {}),
    ("constant weights, 4 positions a clock", {"conv": Folding(pos=4)}),
    ("weights loaded at run time, dense in 2 parts", {"dense": Folding(digits=2)}),
)


def gating(library: Library) -> Iterator[dict[str, object]]:
    """A row for each design with enables as clock gates, and as multiplexers."""
    for name, fold in CASES:
        loaded = "dense" in fold
        graph, weights = _encoder(loaded)
        for gates in (True, False):
            with tempfile.TemporaryDirectory() as temporary:
                row = _case(graph, weights if loaded else {}, fold, gates, library, Path(temporary))
            yield {"form": f"{name}: {'clock gates' if gates else 'multiplexers'}", **row}


def _encoder(loaded: bool) -> tuple[Graph, dict[str, Ints]]:
    """The first filters and outputs of the published encoder, and their weights."""
    arrays = load_arrays(shared(str(NPZ)))
    dense = arrays["w_dense"].reshape(16, 8, 16)[:, :FILTERS, :OUTPUTS]
    weights = {
        "w_conv": arrays["w_conv"][..., :FILTERS].astype(np.int64),
        "b_conv": arrays["b_conv"][:FILTERS].astype(np.int64),
        "w_dense": dense.reshape(16 * FILTERS, OUTPUTS).astype(np.int64),
        "b_dense": arrays["b_dense"][:OUTPUTS].astype(np.int64),
    }
    b = GraphBuilder("encoder")
    w = {
        name: b.param(name, values.shape, IntType.fixed(6, 4))
        if loaded
        else b.const(values, frac=4, name=name)
        for name, values in weights.items()
    }
    rounding = Rounding.HALF_EVEN, Overflow.SATURATE
    x = b.input("x", (8, 8, 1), IntType.fixed(8, 7, signed=False))
    with b.layer("conv"):
        y = b.add(b.conv(x, w["w_conv"], (2, 2), ((0, 1), (0, 1))), w["b_conv"])
        y = b.requant(y, IntType.fixed(12, 9, signed=False), *rounding)
    with b.layer("dense"):
        y = b.matmul(b.reshape(y, (16 * FILTERS,)), w["w_dense"])
        y = b.requant(b.add(y, w["b_dense"]), IntType.fixed(9, 8, signed=False), *rounding)
    return b.build({"y": y}), weights


def _case(
    graph: Graph,
    weights: dict[str, Ints],
    fold: dict[str, Folding],
    gates: bool,
    library: Library,
    work: Path,
) -> dict[str, object]:
    target = asic_target(library_delays(library, kit_of(library)), clock_gates=gates)
    kind: InterfaceKind = "valid_only" if weights else "valid_ready"
    plan = make_plan(graph, Options(target, Fraction(40_000_000), kind, fold))
    (work / "design.v").write_text(generate_verilog(plan), encoding="utf-8")
    modules = [f"encoder__{layer.name}" for layer in plan.layers]
    found = synthesize_cells(
        work / "design.v",
        "encoder",
        [*modules, *(["encoder__loader"] if weights else [])],
        shared(LIBRARY),
        work / "out",
        work / "synth",
        clock_gating=gates,
        weight_latches=False,
    )
    face, load = plan.interface, None
    if face.store is not None:
        load = load_clocks(face.store, face.store.image(weights))
    file = work / "out" / "netlist.json"
    sim = NetlistSim.build(file, face, work / "sim", load=load)
    x = wafer_inputs()[0]["image"].reshape(TENSORS * STREAMS, 8, 8, 1)
    beats = {"x": face.inputs[0].pack(x.reshape(len(x), -1))}
    codes = face.outputs[0].unpack(sim.replay(beats).outputs["y"])
    assert (codes == evaluate(graph, {"x": x, **weights})["y"]).all()
    interval = face.initiation_interval
    begin = face.latency + face.reset_cycles + interval
    window = interval * (TENSORS - 3 - -(-face.latency // interval))
    energy = energy_of(
        file, "encoder", library,
        lambda nets: sim.states(beats, nets)[begin : begin + window + 1],
        interval, [], work / "waves",
    )  # fmt: skip
    return {
        "neurons": OUTPUTS,
        "clocks a wafer": interval,
        "um2": round(found.whole.um2),
        "flip-flops": found.whole.ff,
        **energy.figures([]),
    }
