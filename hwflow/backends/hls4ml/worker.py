"""The process that runs hls4ml: `python -m hwflow.backends.hls4ml.worker JOB.json`.

Builds hls4ml's model from the layer list in JOB.json and layers.npz beside it, checks that every
type is the one asked for, and writes the C++ project. Writes report.json: the layers that can be
traced.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Runs one job; returns 0."""
    job_path = Path(arguments[0])
    job = json.loads(job_path.read_text(encoding="utf-8"))
    os.environ.pop("HLS4ML_BACKEND_PLUGINS", None)
    # hls4ml's writer would import Keras, seconds of TensorFlow, to see whether there is a model.
    sys.modules["keras"] = None  # type: ignore[assignment]
    with np.load(job_path.with_name("layers.npz"), allow_pickle=False) as arrays:
        model = _model(job, dict(arrays))
    _check_types(job, model)
    model.config.config["Stamp"] = "hwflow"
    model.config.backend.writer.write_hls(model)
    traced = [
        layer.name
        for layer in model.get_layers()
        if layer.get_attr("function_cpp", None) and layer.get_attr("trace", False)
    ]
    outputs = [variable.size() for variable in model.get_output_variables()]
    report = {"traced": traced, "outputs": outputs}
    job_path.with_name("report.json").write_text(json.dumps(report), encoding="utf-8")
    return 0


_UNUSED = "ufixed<1,77>"


def _model(job: dict[str, Any], arrays: dict[str, Any]) -> Any:
    from hls4ml.backends import get_backend
    from hls4ml.model import ModelGraph

    backend = get_backend(job["backend"])
    config = backend.create_initial_config(io_type=job["io"], **job["settings"])
    config |= {
        "OutputDir": job["output"],
        "ProjectName": job["top"],
        "Backend": job["backend"],
        "TraceOutput": True,
    }
    layers, names = [], {}
    for layer in job["layers"]:
        name = layer["name"]
        attributes = layer["attributes"] | {key: arrays[f"{name}.{key}"] for key in layer["arrays"]}
        if "mask_kbi" in attributes:
            attributes["mask_kbi"] = tuple(attributes["mask_kbi"])
        if layer["kind"] == "Einsum":
            attributes |= {k: tuple(v) for k, v in attributes.items() if k.endswith("_shape")}
        if "table" in layer["types"]:  # has a default that the configuration does not replace
            attributes["table_t"] = backend.convert_precision_string(layer["types"]["table"])
        layers.append({"class_name": layer["kind"], "name": name, "inputs": layer["inputs"],
                       **attributes})  # fmt: skip
        names[name] = {"Precision": layer["types"], "Trace": True}
        if layer["kind"].startswith(("Depthwise", "Einsum")):
            # In hls4ml 1.3.0 the resource strategy computes something else, or is not there.
            names[name]["Strategy"] = "Latency"
    config["HLSConfig"] = {
        "Model": {
            "ReuseFactor": job["reuse"],
            "Strategy": job["strategy"],
            # For layers that hls4ml inserts (copies and padding of streams), which then take
            # their operand's type: _check_types holds it to that.
            "Precision": _UNUSED,
            "BitExact": False,  # hls4ml's own width inference; ours is the graph's
        },
        "LayerName": names,
    }
    return ModelGraph.from_layer_list(config, layers, job["inputs"], job["outputs"])


def _check_types(job: dict[str, Any], model: Any) -> None:
    """Every type that hls4ml ended with is the one it was given."""
    asked = {layer["name"]: layer["types"] for layer in job["layers"]}
    convert = model.config.backend.convert_precision_string
    for node in model.get_layers():
        types = asked.get(node.name)
        for variable in node.get_variables():
            if str(variable.type.precision) == str(convert(_UNUSED)):
                raise RuntimeError(f"{node.name}: hls4ml left a type to its defaults")
        if types is None:
            continue
        for what, spelled in types.items():
            kind = (
                node.get_output_variable().type if what == "result" else node.get_attr(f"{what}_t")
            )
            if kind is None and job["strategy"] == "distributed_arithmetic" and what != "result":
                continue  # constants and sums are adders now, as wide as each one needs
            found = str(kind.precision) if kind is not None else "nothing"
            if _plain(found) != _plain(str(convert(spelled))):
                raise RuntimeError(f"{node.name}: {what} became {found}, asked for {spelled}")


def _plain(spelled: str) -> str:
    """A type without the prefix of its C++ library."""
    return re.sub("a[pc]_|A[PC]_", "", spelled)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
