"""anomaly_ae on ecp5-85k: what a build with place and route found, beside published entries.

    hwflow build designs/anomaly_ae/design.yaml --set synth.place_and_route=true
    python benchmarks/anomaly_ae.py build/anomaly_ae

Published (MLPerf Tiny v0.7, anomaly detection): hls4ml's entry AD08 on a Pynq-Z2 is a smaller
network, 18.7 us and 30.0 uJ an inference at board level (processor, memory and transfers included;
ours is the core alone, estimated). Its layers are read from the training configuration of the
submission (64 inputs, hidden 72, latent 8, two hidden layers on each side).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from common import emit

SIZES = (640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640)
AD08_SIZES = (64, 72, 72, 8, 72, 72, 64)
AD08_MICROSECONDS, AD08_MICROJOULES = 18.7, 30.0


def macs(sizes: Sequence[int]) -> int:
    """Multiply-accumulates of dense layers of these sizes."""
    return sum(a * b for a, b in pairwise(sizes))


def main() -> None:
    """Read the build and write benchmarks/results/anomaly_ae.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    build = parser.parse_args().build
    names = ("plan/plan.json", "pnr/pnr.json", "synth/synth.json", "energy/energy.json")
    plan, pnr, synth, energy, seconds = (
        json.loads((build / name).read_text(encoding="utf-8")) for name in (*names, "timing.json")
    )
    total = energy["data"]["total"]
    interval, latency = plan["initiation_interval"], plan["latency_cycles"]
    fmax = pnr["fmax"]
    microseconds = 1e6 * interval / fmax
    rows: list[dict[str, object]] = [
        {"figure": "routed Fmax, MHz", "value": fmax / 1e6, "kind": "estimated by nextpnr"},
        {"figure": "clock asked for, MHz", "value": pnr["target"] / 1e6, "kind": "given"},
        {"figure": "interval, cycles", "value": interval, "kind": "simulated"},
        {"figure": "latency, cycles", "value": latency, "kind": "simulated"},
        {"figure": "latency at Fmax, us", "value": 1e6 * latency / fmax, "kind": "estimated"},
        {"figure": "us per inference at Fmax", "value": microseconds, "kind": "estimated"},
        {"figure": "inferences/s at Fmax", "value": fmax / interval, "kind": "estimated"},
        {"figure": "MACs per inference", "value": macs(SIZES), "kind": "counted"},
        {
            "figure": "ns per 1000 MACs",
            "value": 1e6 * microseconds / macs(SIZES),
            "kind": "estimated",
        },
        *(
            {"figure": f"{name} (whole netlist)", "value": synth["whole"][name], "kind": "counted"}
            for name in ("lut", "ff", "bram", "dsp")
        ),
        *(
            {"figure": f"core energy, {end}, uJ", "value": total[end] / 1e6, "kind": "estimated"}
            for end in ("low", "value", "high")
        ),
        {
            "figure": "core energy, pJ per MAC",
            "value": total["value"] / macs(SIZES),
            "kind": "estimated",
        },
        {"figure": "nextpnr, s", "value": seconds["pnr"], "kind": "measured, busy machine"},
        *_published(),
    ]
    emit("anomaly_ae", rows, {})


def _published() -> list[dict[str, object]]:
    kind = "published, board level, smaller network"
    count = macs(AD08_SIZES)
    return [
        {"figure": "hls4ml AD08, us", "value": AD08_MICROSECONDS, "kind": kind},
        {"figure": "hls4ml AD08, uJ", "value": AD08_MICROJOULES, "kind": kind},
        {"figure": "hls4ml AD08, layers", "value": "-".join(map(str, AD08_SIZES)), "kind": kind},
        {"figure": "hls4ml AD08, MACs per inference", "value": count, "kind": "from its layers"},
        {
            "figure": "hls4ml AD08, ns per 1000 MACs",
            "value": 1e6 * AD08_MICROSECONDS / count,
            "kind": kind,
        },
        {
            "figure": "hls4ml AD08, pJ per MAC",
            "value": 1e6 * AD08_MICROJOULES / count,
            "kind": kind,
        },
    ]


if __name__ == "__main__":
    main()
