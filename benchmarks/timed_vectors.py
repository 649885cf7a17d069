"""How long 1,000 vectors with the cells' delays take on the whole ECON-T chip.

    hwflow build designs/econ_t_asic/design.yaml --set hardware.library=LIBRARY --build-dir BUILD
    python benchmarks/timed_vectors.py BUILD --library LIBRARY

The waveforms of the build's own inferences, wafers and uniform inputs, are simulated again with the
delays that the library's tables give, and once with none. Seconds are of one process, from reading
the netlist to the counts of toggles. Limit: 10 minutes for 1,000 vectors.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from common import emit

from hwflow.asic.kit import kit_of
from hwflow.asic.liberty import load_library
from hwflow.asic.wires import wire_pf
from hwflow.power.delays import delays_of
from hwflow.power.gates import read_gates
from hwflow.power.waves import run_waves
from hwflow.stages.activity import load_states
from hwflow.stages.files import read_json

LIMIT = 600.0


def main() -> None:
    """Measure and write benchmarks/results/timed_vectors.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("--library", type=Path, required=True, help="the build's Liberty file")
    options = parser.parse_args()
    netlist_file = options.build / "synth" / "netlist.json"
    start = time.perf_counter()
    library = load_library(options.library)
    module = next(iter(read_json(netlist_file)["modules"].values()))
    clock = read_json(options.build / "generate" / "interface.json")["clock"]
    netlist = read_gates(module, library, clock, wire_pf(library, kit_of(library)))
    simulated, nets, states = load_states(options.build / "netlist", netlist_file)
    column = {net: place for place, net in enumerate(nets)}
    chosen = [column[net] for net in netlist.network.sources]
    rows = np.ascontiguousarray(np.concatenate(list(states.values()))[:, chosen])
    delays = delays_of(netlist).delays
    read = time.perf_counter() - start
    table = []
    for name, given in (("by delays", delays), ("each net once a cycle", None)):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            activity = run_waves(netlist.network, rows, Path(folder), delays=given)
            seconds = read + time.perf_counter() - start
        vectors = len(states) * simulated["inferences"]
        table.append(
            {
                "simulation": name,
                "gates": len(netlist.network.gates),
                "vectors": vectors,
                "toggles": int(activity.toggles.sum()),
                "seconds": round(seconds, 1),
                "seconds for 1,000": round(read + (seconds - read) * 1000 / vectors, 1),
                "limit": LIMIT if given is not None else "",
            }
        )
    emit("timed_vectors", table, {"library": library.name})


if __name__ == "__main__":
    main()
