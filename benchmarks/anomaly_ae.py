"""anomaly_ae on ecp5-85k: what a build with place and route found, beside published entries.

    hwflow build designs/anomaly_ae/design.yaml --set synth.place_and_route=true
    python benchmarks/anomaly_ae.py build/anomaly_ae

Published (MLPerf Tiny, anomaly detection): hls4ml's entry is a smaller network, 18.7 us and 30.0 uJ
an inference at board level; its multiply-accumulates are not in our sources, so it is not
normalised here.
"""

from __future__ import annotations

import argparse
import json
from itertools import pairwise
from pathlib import Path

from common import emit

SIZES = (640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640)
MACS = sum(a * b for a, b in pairwise(SIZES))


def main() -> None:
    """Read the build and write benchmarks/results/anomaly_ae.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    build = parser.parse_args().build
    plan, pnr, synth, seconds = (
        json.loads((build / name).read_text(encoding="utf-8"))
        for name in ("plan/plan.json", "pnr/pnr.json", "synth/synth.json", "timing.json")
    )
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
        {"figure": "MACs per inference", "value": MACS, "kind": "counted"},
        {"figure": "ns per 1000 MACs", "value": 1e6 * microseconds / MACS, "kind": "estimated"},
        *(
            {"figure": f"{name} (whole netlist)", "value": synth["whole"][name], "kind": "counted"}
            for name in ("lut", "ff", "bram", "dsp")
        ),
        {"figure": "nextpnr, s", "value": seconds["pnr"], "kind": "measured, busy machine"},
        {"figure": "hls4ml MLPerf Tiny AD, us", "value": 18.7, "kind": "published, smaller net"},
        {"figure": "hls4ml MLPerf Tiny AD, uJ", "value": 30.0, "kind": "published, board level"},
    ]
    emit("anomaly_ae", rows, {})


if __name__ == "__main__":
    main()
