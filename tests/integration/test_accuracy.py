"""The accuracy stage's metric of an anomaly detector, on a graph built by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hwflow.flow import StageContext
from hwflow.ir import GraphBuilder, IntType, Overflow, Rounding, save_graph
from hwflow.stages import accuracy
from hwflow.stages.files import read_json, write_json
from hwflow.train import DataSet, save_dataset
from hwflow.train.data.dataset import Part


def test_auc_of_the_integer_graph(tmp_path: Path) -> None:
    """The graph gives back the first of two features, in sixteenths, and 0 for the second."""
    folders = {name: tmp_path / name for name in ("data", "train", "lower", "out", "scratch")}
    for folder in folders.values():
        folder.mkdir()
    b = GraphBuilder("keep_first")
    half_even, saturate = Rounding.HALF_EVEN, Overflow.SATURATE
    x = b.input("x", (2,), IntType.fixed(8, 4), half_even, saturate)
    with b.layer("dense"):
        y = b.matmul(x, b.const([[1, 0], [0, 0]]))
    save_graph(b.build({"y": y}), folders["lower"] / "graph.hwf")
    ends = {"inputs": [x.name], "outputs": [y.name]}
    write_json(folders["lower"] / "lowering.json", {"network": ends})
    write_json(folders["lower"] / "certificates.json", [])
    # Errors are x1^2 / 2 but for rounding: rows 0 and 1 are normal, row 3 scores below row 1.
    rows = np.array([[3.0, 0.5], [1.0, 2.0], [-2.0, 4.0], [2.5, 1.0]], np.float32)
    part = Part(rows, np.array([0, 0, 1, 1]))
    save_dataset(DataSet("mine", "anomaly", None, part, part, part), folders["data"])
    trained = {"metric": "auc", "unit": "1", "quantized": 0.5}  # no float twin
    write_json(folders["train"] / "metrics.json", trained)
    context = StageContext(
        out=folders["out"],
        scratch=folders["scratch"],
        inputs={name: folders[name] for name in ("data", "train", "lower")},
        progress=lambda fraction, text: None,
    )
    accuracy.run(None, context)  # type: ignore[arg-type]
    record = read_json(folders["out"] / "accuracy.json")
    assert record == {**trained, "float": None, "integer": 0.75, "samples": 4}
