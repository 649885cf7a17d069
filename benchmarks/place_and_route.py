"""Place and route of the ECON-T encoder on ecp5-85k at 40 MHz: does it finish, how fast, how long.

    python benchmarks/place_and_route.py [--build-dir DIR]

Builds the design (or continues the build in DIR) with place and route, which takes long.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from common import emit, hwflow

DESIGN = "designs/econ_t/design.yaml"


def main() -> None:
    """Measure and write benchmarks/results/place_and_route.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build-dir", type=Path)
    given = parser.parse_args().build_dir
    with tempfile.TemporaryDirectory() as temporary:
        build = given or Path(temporary) / "econ_t"
        hwflow("build", DESIGN, "--build-dir", str(build), "--set", "synth.place_and_route=true")
        seconds = json.loads((build / "timing.json").read_text(encoding="utf-8"))["pnr"]
        result = json.loads((build / "pnr" / "pnr.json").read_text(encoding="utf-8"))
    rows: list[dict[str, object]] = [
        {"what": "routed Fmax, MHz", "found": result["fmax"] / 1e6, "asked": 40},
        {"what": "seconds of nextpnr", "found": seconds, "asked": ""},
    ]
    rows += [
        {"what": name, "found": used, "asked": f"of {available}"}
        for name, used, available in result["utilization"]
    ]
    emit("place_and_route", rows, {"wrapper registers": result["wrapper_registers"]})


if __name__ == "__main__":
    main()
