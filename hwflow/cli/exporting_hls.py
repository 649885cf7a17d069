"""The files of a design that came through hls4ml, for its HLS tool."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hwflow.flow import Build

__all__ = ["PROJECT", "write_hls"]

PROJECT: Final = "hls4ml"
"""The folder of an export that holds hls4ml's project."""

_MOST_VECTORS: Final = 1000
_README: Final = """\
{top}: a C++ project written by hls4ml for the integer graph in graph.hwf

hls4ml/            the project: hls4ml/firmware/{top}.cpp is the top function
hls4ml/tb_data/    test vectors as real numbers, and what must come out
graph.hwf          the integer graph, the meaning of the hardware (hwflow.ir.load_graph)
graph.txt          the same graph as text

Vitis:   cd hls4ml && vitis-run --mode hls --tcl build_prj.tcl   (options in build_opt.tcl)
Vivado:  cd hls4ml && vivado_hls -f build_prj.tcl "csim=1 synth=1"

Every type is that of the integer graph. hls4ml's own test bench reads its vectors as float32, which
loses codes past 24 bits; hwflow compared all vectors as doubles.
"""


def write_hls(build: Build, folder: Path) -> None:
    """The project, its vectors and a README for a build without Verilog of hwflow's own."""
    from hwflow.backends.hls4ml.project import HlsInterface

    made = build.artifact("hls4ml")
    interface = HlsInterface.from_json((made / "interface.json").read_text(encoding="utf-8"))
    write_project(build, folder)
    for name in ("graph.hwf", "graph.txt"):
        shutil.copyfile(build.artifact("lower") / name, folder / name)
    (folder / "README.txt").write_text(_README.format(top=interface.top), encoding="utf-8")


def write_project(build: Build, folder: Path) -> None:
    """hls4ml's project, with vectors for its own test bench."""
    import numpy as np

    from hwflow.backends.hls4ml.jobs import reals_of
    from hwflow.backends.hls4ml.project import HlsInterface
    from hwflow.ir import load_graph

    made = build.artifact("hls4ml")
    interface = HlsInterface.from_json((made / "interface.json").read_text(encoding="utf-8"))
    shutil.copytree(made / "project", folder / PROJECT, dirs_exist_ok=True)
    graph = load_graph(build.artifact("lower") / "graph.hwf")
    values = dict(graph.outputs)
    order = {index: name for name, index in reversed(interface.results)}
    sides = {
        "tb_input_features.dat": [("vectors/inputs", name, name) for name in interface.inputs],
        "tb_output_predictions.dat": [
            ("golden/outputs", order[k], values[order[k]]) for k in range(len(interface.outputs))
        ],
    }
    (folder / PROJECT / "tb_data").mkdir(exist_ok=True)
    for file, parts in sides.items():
        rows = []
        for where, name, value in parts:
            stage, _, side = where.partition("/")
            codes = np.load(build.artifact(stage) / side / f"{name}.npy", allow_pickle=False)
            rows.append(reals_of(graph.types[value], codes[:_MOST_VECTORS]))
        lines = [" ".join(map(repr, row)) for row in np.concatenate(rows, axis=1).tolist()]
        (folder / PROJECT / "tb_data" / file).write_text("\n".join(lines) + "\n", encoding="utf-8")
