"""ECON-T against its initiation interval: constant adder graphs, ROM and MAC, and DSP.

    python benchmarks/econ_t_interval.py [--most N]

The published encoder on ecp5-85k at 40 MHz. Its convolution (16 positions) stays one block of
constant adders, 16/II positions of it a clock (at least 2); its dense layer (128 x 16 weights) is
either the constant adder graph or 2048/II multipliers with weights from a table, in LUTs or in
DSPs. Counted by hwflow's own recipe; every RTL is first replayed on random inputs and must be
exact.
"MAC" is one multiply-accumulate of the same widths, synthesized alone.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
from common import ROOT, emit, shared

sys.path.insert(0, str(ROOT))

from hwflow.backends.amaranth.generate import generate_verilog
from hwflow.errors import HwflowError
from hwflow.ir import evaluate
from hwflow.plan.folded import FoldedPlan
from hwflow.plan.folding import Folding, Multiplier
from hwflow.plan.plan import Options, Plan, make_plan
from hwflow.plan.targets import target
from hwflow.synth.synthesize import SynthResult, synthesize
from hwflow.verify.rtl import build_replay
from tests.econ_t import published_encoder

DEVICE = target("ecp5-85k")
CLOCK = Fraction(40_000_000)
POSITIONS, INPUTS, OUTPUTS = 16, 128, 16
LEAST_POSITIONS = 2
"""One position a clock comes from a line buffer, which needs 81 clocks for the padded wafer."""
MAC_LIMIT = 1.25
VECTORS = 200


def main() -> None:
    """Measure and write benchmarks/results/econ_t_interval.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=512, help="multipliers in LUTs at the most")
    most = parser.parse_args().most
    graph = published_encoder(shared("data/econ_t/encoder_8x8.npz"))
    conv, dense = "conv", "dense"
    rows: list[dict[str, object]] = []
    mac = 0.0
    for interval in (1, 2, 4, 8, 16, 32, 64):
        for style in ("constant", "lut", "dsp"):
            lanes = INPUTS * OUTPUTS // interval
            if style == "constant" and interval > POSITIONS // LEAST_POSITIONS:
                continue
            if (style == "lut" and lanes > most) or (
                style == "dsp" and lanes > DEVICE.resources.dsp
            ):  # type: ignore[union-attr]
                continue
            fold = _foldings(conv, dense, interval, style)
            plan = make_plan(graph, Options(DEVICE, CLOCK, fold=fold))
            with tempfile.TemporaryDirectory() as temporary:
                result = _built(plan, Path(temporary))
                if not mac and style == "lut":
                    mac = _mac_luts(plan, Path(temporary))
            rows.append(_row(plan, result, style, lanes, mac))
            print(rows[-1], flush=True)
    emit("econ_t_interval", rows, {**_crossover(rows), "luts of one MAC": mac})


def _foldings(conv: str, dense: str, interval: int, style: str) -> dict[str, Folding]:
    fold = {}
    pos = max(LEAST_POSITIONS, POSITIONS // interval)
    if pos < POSITIONS:
        fold[conv] = Folding(pos=pos)
    if style != "constant":
        multiplier: Multiplier = "dsp" if style == "dsp" else "lut"
        simd = min(INPUTS, max(8, INPUTS // interval))
        fold[dense] = Folding(
            pe=INPUTS * OUTPUTS // interval // simd, simd=simd, multiplier=multiplier
        )
    return fold


def _built(plan: Plan, work: Path) -> SynthResult:
    """Replay the RTL, which must be exact, then synthesize it."""
    rtl = work / "design.v"
    rtl.write_text(generate_verilog(plan), encoding="utf-8")
    (source,), (sink,) = plan.interface.inputs, plan.interface.outputs
    x = np.random.default_rng(0).integers(-1024, 1024, (VECTORS, 8, 8, 1))
    expected = sink.pack(evaluate(plan.graph, {"x": x})["y"].reshape(VECTORS, -1))
    replay = build_replay(rtl, plan.interface, work / "replay", jobs=2)
    found = replay.run({"x": source.pack(x.reshape(VECTORS, -1))})
    assert bool((found.outputs["y"] == expected).all()), "the RTL differs from the graph"
    assert found.initiation_interval == plan.interface.initiation_interval
    top = plan.graph.name
    dsp = [f"{top}__{layer.name}" for layer in plan.layers if layer.folding.multiplier == "dsp"]
    try:
        return synthesize(
            rtl, top, [f"{top}__{layer.name}" for layer in plan.layers], DEVICE, work / "out",
            work / "synth", dsp_modules=dsp,
        )  # fmt: skip
    except HwflowError as error:
        raise SystemExit(f"{plan.interface.initiation_interval}: {error.message}") from None


def _mac_luts(plan: Plan, work: Path) -> float:
    """LUTs of one multiply-accumulate as the dense layer has them, synthesized alone."""
    layer = next(layer for layer in plan.layers if isinstance(layer, FoldedPlan))
    word = layer.stream(layer.inputs[0])
    assert layer.weights is not None
    a, b = max(word.widths), max(layer.weights.stream.widths)
    width = max(layer.accumulators)
    rtl = work / "mac.v"
    rtl.write_text(
        f"""module mac (input clk, input en, input first, input [{a - 1}:0] x,
  input signed [{b - 1}:0] w, output reg signed [{width - 1}:0] acc);
  reg signed [{a + b - 1}:0] product;
  wire signed [{a}:0] positive = {{1'b0, x}};
  always @(posedge clk)
    if (en) begin
      product <= positive * w;
      acc <= (acc & {{{width}{{~first}}}}) + product;
    end
endmodule
""",
        encoding="utf-8",
    )
    return float(synthesize(rtl, "mac", [], DEVICE, work / "mac", work / "mac_work").whole.lut)


def _row(plan: Plan, result: SynthResult, style: str, lanes: int, mac: float) -> dict[str, object]:
    areas = {layer.layer: layer.area for layer in result.layers}
    dense = areas["dense"]
    share = dense.lut / (lanes * mac) if style == "lut" else None
    return {
        "interval": plan.interface.initiation_interval,
        "dense": style,
        "lut": result.whole.lut,
        "ff": result.whole.ff,
        "dsp": result.whole.dsp,
        "bram": result.whole.bram,
        "planned lut": plan.cost.luts,
        "conv lut": areas["conv"].lut,
        "dense lut": dense.lut,
        "lanes": lanes if style != "constant" else None,
        "dense lut / (lanes x MAC)": round(share, 3) if share else None,
        "limit": MAC_LIMIT if share else None,
        "latency": plan.interface.latency,
    }


def _crossover(rows: list[dict[str, object]]) -> dict[str, object]:
    """The smallest interval from which multipliers cost fewer LUTs than constant adders."""

    def cost(interval: int, style: str) -> float:
        found = [r["lut"] for r in rows if (r["interval"], r["dense"]) == (interval, style)]
        return float(found[0]) if found else float("inf")  # type: ignore[arg-type]

    intervals = sorted({int(str(r["interval"])) for r in rows})
    return {
        f"{style} below constant from interval": next(
            (i for i in intervals if cost(i, style) < cost(i, "constant")), None
        )
        for style in ("lut", "dsp")
    }


if __name__ == "__main__":
    main()
