"""Imported models on every rung: the integer graph, the Verilog, hls4ml, and their own framework.

    make zoo                                   # once: the frameworks' environments, in .zoo
    python benchmarks/model_zoo.py [--vectors N] [MODEL ...]

Brevitas, onnxruntime, qonnx, QKeras, HGQ2 and alkaid make the models of tests/models anew, with
their own predictions for N vectors. Each file is then a design of its own, built by `hwflow build`
as far as the Verilog under Verilator and the compiled C++ emulation of hls4ml. Columns count the
vectors that are equal, bit for bit: the Verilog and hls4ml against the integer graph on corners,
directed and N random vectors; the graph against the framework on N vectors of the framework's.
Named models replace their rows in the results; the others keep theirs.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from common import RESULTS, ROOT, emit, hwflow

sys.path.insert(0, str(ROOT))

from hwflow.ir import Graph, load_graph
from hwflow.ir.ops import Input
from hwflow.stages.files import scales
from tests.models.vectors import inputs
from tests.models.zoo import MAKERS, make, missing

NAME = "model_zoo"


@dataclass(frozen=True, slots=True)
class Model:
    """A file of the zoo: who made it, what is in it, the clocks it may take for a tensor."""

    tool: str
    layers: str
    interval: int = 1


CONV = Model("Brevitas", "conv2d, grouped conv2d, max pool, flatten, dense", 64)
SMALL = Model("onnxruntime", "conv2d, max pool, flatten, dense", 64)
MODELS = {
    "qkeras_dense.h5": Model("QKeras", "dense, BatchNorm, ternary dense, auto_po2 scales"),
    "qkeras_line.keras": Model(
        "QKeras", "conv1d, BatchNorm, max pool, causal conv1d, average pool, dense", 16
    ),
    "qkeras_plane.h5": Model(
        "QKeras",
        "conv2d, BatchNorm, depthwise, residual add, concatenate, max pool, average pool, "
        "flatten, dense",
        64,
    ),
    "same.h5": Model("QKeras", "dense"),
    "same_qonnx.onnx": Model("qonnx", "dense"),
    "same.keras": Model("HGQ2", "dense"),
    "same.json": Model("alkaid", "dense, as single operations"),
    "hgq_dense.keras": Model("HGQ2", "dense, heterogeneous precision"),
    "hgq_line.keras": Model(
        "HGQ2", "conv1d, dilated conv1d, average pool, dense, heterogeneous precision", 16
    ),
    "hgq_plane.keras": Model(
        "HGQ2",
        "conv2d, grouped conv2d, residual add, subtract, concatenate, max pool, flatten, dense, "
        "heterogeneous precision",
        36,
    ),
    "brevitas_dense_qonnx.onnx": Model("Brevitas", "dense"),
    "brevitas_dense_qcdq.onnx": Model("Brevitas", "dense"),
    "brevitas_float_qonnx.onnx": Model("Brevitas", "dense, any scales"),
    "brevitas_binary_qonnx.onnx": Model("Brevitas", "binary dense, BatchNorm"),
    "brevitas_conv_qonnx.onnx": CONV,
    "brevitas_conv_qcdq.onnx": CONV,
    "brevitas_float_qcdq.onnx": Model("Brevitas", f"{SMALL.layers}, any scales", 64),
    "ort_dense_qoperator.onnx": Model("onnxruntime", "dense, any scales"),
    "ort_dense_qdq.onnx": Model("onnxruntime", "dense, any scales"),
    "ort_conv_qoperator.onnx": Model("onnxruntime", f"{SMALL.layers}, any scales", 64),
    "ort_conv_qdq.onnx": Model("onnxruntime", f"{SMALL.layers}, any scales", 64),
    "ort_pool_qdq.onnx": Model("onnxruntime", "conv2d, average pool, dense, any scales", 64),
}
COLUMNS = (
    "model", "made by", "layers", "vectors", "rtl_equal", "hls4ml_equal", "framework_vectors",
    "framework_equal", "distinct", "remarks", "seconds",
)  # fmt: skip


def main() -> None:
    """Measure and write benchmarks/results/model_zoo.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=int, default=10_000)
    parser.add_argument("--made", type=Path, help="a folder of models, filled where it is empty")
    parser.add_argument("models", nargs="*", metavar="MODEL", default=list(MODELS))
    options = parser.parse_args()
    rows = _earlier()
    with tempfile.TemporaryDirectory() as temporary:
        made = options.made or Path(temporary) / "made"
        _make(made, options.vectors)
        sys.argv[1:] = []
        for file in options.models:
            rows[file] = _row(file, made, Path(temporary) / "design", options.vectors)
            ordered = [rows[name] for name in MODELS if name in rows]
            emit(NAME, ordered, _facts(ordered))
            print(flush=True)


def _earlier() -> dict[str, dict[str, Any]]:
    path = RESULTS / f"{NAME}.json"
    if not path.exists():
        return {}
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    return {row["model"]: {c: row[c] for c in COLUMNS} for row in rows}


def _facts(rows: list[dict[str, Any]]) -> dict[str, object]:
    return {
        "models": len(rows),
        "equal on graph, RTL and hls4ml": sum(
            row["vectors"] == row["rtl_equal"] == row["hls4ml_equal"] for row in rows
        ),
        "equal to the framework": sum(
            row["framework_vectors"] == row["framework_equal"] for row in rows
        ),
    }


def _make(folder: Path, vectors: int) -> None:
    if folder.is_dir():
        return
    if absent := missing("onnx", "hgq"):
        sys.exit(absent)
    folder.mkdir(parents=True)
    for module in MAKERS:
        make(module, folder / f"{module}.log", folder, vectors)


def _row(file: str, made: Path, folder: Path, vectors: int) -> dict[str, Any]:
    """Build the model as a design and read its ladder."""
    model, start = MODELS[file], time.perf_counter()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(made / file, folder / file)
    rungs = "training, rtl, hls4ml" if model.tool == "QKeras" else "rtl, hls4ml"
    (folder / "design.yaml").write_text(
        f"design: {file.replace('.', '_')}\nmodel: {{file: {file}}}\n"
        "hardware:\n  target: xcup-zu3eg\n  clock: 100 MHz\n"
        f"  fold: {{target_ii: {model.interval}, learn: false}}\n"
        f"verify: {{vectors: {vectors}, rungs: [{rungs}]}}\n",
        encoding="utf-8",
    )
    build, store = folder / "build", {"HWFLOW_STORE": str(folder / "store")}
    words = (str(folder / "design.yaml"), "--build-dir", str(build), "--to", "rtl", "--keep-going")
    done = subprocess.run(
        (Path(sys.executable).parent / "hwflow", "build", *words, "--json"), cwd=ROOT,
        env={**os.environ, **store}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if not done.stdout:
        sys.exit(f"{file}: hwflow ended with {done.returncode}:\n{done.stderr[-4000:]}")
    errors = json.loads(done.stdout)["errors"]
    graph = load_graph(build / "lower" / "graph.hwf")
    found = {name: _rung(build / name / "rung.json") for name in ("training", "rtl", "hls4ml")}
    remarks = [error["message"] for error in errors]
    if found["training"]:
        remarks.append("QKeras' own layers equal on {} of {} vectors".format(*found["training"]))
    equal, total, distinct = _framework(graph, build / "lower", made / file, vectors)
    return {
        "model": file,
        "made by": model.tool,
        "layers": model.layers,
        "vectors": json.loads((build / "golden" / "golden.json").read_text())["vectors"],
        "rtl_equal": found["rtl"][0] if found["rtl"] else "",
        "hls4ml_equal": found["hls4ml"][0] if found["hls4ml"] else "",
        "framework_vectors": total,
        "framework_equal": equal,
        "distinct": distinct,
        "remarks": "; ".join(remarks),
        "seconds": round(time.perf_counter() - start),
    }


def _rung(path: Path) -> tuple[int, int] | None:
    """Vectors that are equal, and all of them; None if the rung was not run."""
    if not path.is_file():
        return None
    record = json.loads(path.read_text(encoding="utf-8"))
    wrong = record["mismatch"]["differing"] if record["mismatch"] else 0
    return record["vectors"] - wrong, record["vectors"]


def _framework(graph: Graph, lowered: Path, path: Path, vectors: int) -> tuple[int, int, int]:
    """Vectors equal to the framework's prediction, all of them, and how many results differ.

    The framework's real inputs go through `hwflow run`, as a user's would.
    """
    stem = path.stem
    with np.load(path.with_name(f"{stem}.npz"), allow_pickle=False) as file:
        expected = file["y"]
        given = file.get("x")
    (source,) = graph.inputs
    assert isinstance(source.op, Input)
    shape = source.op.shape
    x = inputs(stem, shape, vectors) if given is None else _channels_last(given, shape)
    folder = lowered.parents[1]
    np.save(folder / "x.npy", x)
    hwflow(
        "run", str(lowered.parent), "--on", "graph", "--input", str(folder / "x.npy"),
        "--output", str(folder / "y.npy"), env={"HWFLOW_STORE": str(folder / "store")},
    )  # fmt: skip
    ((name, value),) = graph.outputs
    type = graph.types[value]
    real = np.ldexp(np.load(folder / "y.npy").astype(float), -type.elem.full(type.shape)[2])
    real = (real * scales(lowered, "output").get(name, 1.0)).astype(np.float32)
    same = (real.reshape(expected.shape) == expected).reshape(len(expected), -1).all(axis=1)
    return int(same.sum()), len(expected), len(np.unique(expected, axis=0))


def _channels_last(x: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    return x if x.shape[1:] == shape else np.moveaxis(x, 1, -1)


if __name__ == "__main__":
    main()
