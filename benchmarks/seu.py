"""Upsets in the published ECON-T encoder on ecp5-85k, with and without `protect: tmr`.

    python benchmarks/seu.py [--samples N] [--seed N]

Both designs run at 40 MHz with valid/ready streams, on synthetic wafers (hgcal_toy), with random
gaps and stalls. Each row is a sample of its own of N upsets at random cycles; rates with their 95%
Wilson intervals. Targets: with TMR no flip-flop upset changes an output; flip-flops exactly three
times the unprotected design's where both have the same pipeline.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
from common import ROOT, emit, shared

sys.path.insert(0, str(ROOT))

from hwflow.backends.amaranth.generate import generate_verilog
from hwflow.ir import evaluate
from hwflow.plan.plan import Options, make_plan
from hwflow.plan.targets import protected, target
from hwflow.synth.synthesize import synthesize
from hwflow.train.data.wafers import toy_counts, wafer_dataset
from hwflow.verify.netlist.triples import check_triples
from hwflow.verify.seu import OUTCOMES, Campaign, mean_interval, run_campaign, wilson
from tests.econ_t import input_integers, published_encoder

DEVICE = target("ecp5-85k")
CLOCK = Fraction(40_000_000)
WAFERS = 2_000


def main() -> None:
    """Synthesize, disturb, and write benchmarks/results/seu.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=9_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    graph = published_encoder(shared("data/econ_t/encoder_8x8.npz"))
    x = input_integers(wafers())
    y = evaluate(graph, {"x": x})["y"]
    rows: list[dict[str, object]] = []
    area: dict[str, tuple[int, int]] = {}
    facts: dict[str, object] = {"samples": options.samples, "seed": options.seed}
    with tempfile.TemporaryDirectory() as temporary:
        for name in ("none", "none, pipeline as for tmr", "tmr"):
            device = DEVICE if name == "none" else protected(DEVICE)
            protect = "tmr" if name == "tmr" else "none"
            plan = make_plan(graph, Options(device, CLOCK, "valid_ready", protect=protect))
            work = Path(temporary) / name.replace(" ", "_")
            work.mkdir()
            (work / "design.v").write_text(generate_verilog(plan), encoding="utf-8")
            layers = [layer.name for layer in plan.layers]
            modules = [f"{graph.name}__{layer}" for layer in layers]
            whole = synthesize(
                work / "design.v", graph.name, modules, DEVICE, work, work / "synth"
            ).whole
            area[name] = whole.lut, whole.ff
            facts[f"{name}: LUT, FF, latency"] = [whole.lut, whole.ff, plan.interface.latency]
            if name.startswith("none,"):
                continue
            netlist = work / "netlist.json"
            if protect == "tmr":
                found = check_triples(netlist, graph.name)
                facts["tmr: voted bits, of these held, voters"] = [
                    found.bits, found.held, found.voters,
                ]  # fmt: skip
            (source,), (sink,) = plan.interface.inputs, plan.interface.outputs
            start = time.perf_counter()
            campaign = run_campaign(
                netlist,
                plan.interface,
                layers,
                {"x": source.pack(x.reshape(len(x), -1))},
                {"y": sink.pack(y)},
                work,
                samples=options.samples,
                seed=options.seed,
            )
            facts[f"{name}: campaign_s"] = round(time.perf_counter() - start, 1)
            rows += table(protect, campaign)
    plain, tmr = area["none, pipeline as for tmr"], area["tmr"]
    facts["LUT ratio"] = round(tmr[0] / plain[0], 3)
    facts["FF ratio"] = round(tmr[1] / plain[1], 3)
    facts["not covered"] = "Placement separation is not covered; nor is configuration memory."
    emit("seu", rows, facts)


def wafers() -> np.ndarray:
    """Synthetic wafers (n, 8, 8), normalised as in training."""
    counts = toy_counts(samples=2 * WAFERS, seed=1)
    return wafer_dataset(counts, "hgcal_toy", seed=1, test=0.5).test.x.reshape(-1, 8, 8)


def table(protect: str, campaign: Campaign) -> list[dict[str, object]]:
    """The campaign's rows."""
    rows: list[dict[str, object]] = []
    for row in campaign.rows:
        changed = row.samples - row.outcomes["masked"]
        low, high = wilson(changed, row.samples)
        recovery = row.recovery
        near, far = mean_interval(recovery)
        rows.append(
            {
                "protect": protect,
                "fault": row.fault,
                "where": row.where,
                "sites": row.population,
                "runs": row.samples,
                **{name: row.outcomes[name] for name in OUTCOMES},
                "not_masked_%": round(100 * changed / row.samples, 2),
                "low_%": round(100 * low, 3),
                "high_%": round(100 * high, 3),
                "recovery_mean_cycles": round(sum(recovery) / len(recovery), 2) if recovery else "",
                "recovery_low": "" if near is None else near,
                "recovery_high": "" if far is None else far,
                "recovery_max_cycles": max(recovery, default=""),
                "still_differing": row.latent,
            }
        )
    return rows


if __name__ == "__main__":
    main()
