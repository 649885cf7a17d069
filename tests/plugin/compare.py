"""One network through hls4ml twice, backend='Vitis' and backend='hwflow', and what is equal.

    python -m tests.plugin.compare NETWORK FOLDER [--vectors N] [--rtl]

A program of its own: what `keras` is can be chosen once in a process. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from tests.plugin.networks import NETWORKS, randomize
from tests.plugin.spec import Spec
from tests.plugin.torch_networks import TORCH

SPECS = NETWORKS | TORCH
TRACED = 100


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=SPECS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--vectors", type=int, default=1000)
    parser.add_argument("--rtl", action="store_true", help="run the vectors on the Verilog, too")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    with contextlib.redirect_stdout(io.StringIO()):
        result = compare(options.network, options.folder, options.vectors, rtl=options.rtl)
    print(json.dumps(result))


def settle_environment(family: str) -> None:
    """Say what `keras` is, and where hls4ml finds the backend when hwflow is not installed."""
    os.environ.setdefault("HLS4ML_BACKEND_PLUGINS", "hwflow.plugin")
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")
    if family == "keras2":
        os.environ["TF_USE_LEGACY_KERAS"] = "1"
        import tf_keras

        sys.modules["keras"] = tf_keras


def convert(spec: Spec, model: Any, backend: str, folder: Path) -> Any:
    """The user's script; only the backend's name differs."""
    import hls4ml

    kind = spec.family.rstrip("23")
    configure = getattr(hls4ml.utils, f"config_from_{kind}_model")
    config = configure(
        model, granularity=spec.granularity, default_precision=spec.default, backend=backend,
        **spec.configured,
    )  # fmt: skip
    config["Model"] |= spec.model
    if spec.granularity == "model":
        config["LayerName"] = {layer.name: {} for layer in model.layers}
    layers = config["LayerName"]
    for name, types in spec.types.items():
        layers[name]["Precision"] |= types
    for name, more in spec.config.items():
        layers[name] |= more
    for layer in layers.values():
        layer["Trace"] = True
    through = getattr(hls4ml.converters, f"convert_from_{kind}_model")
    return through(
        model, hls_config=config, backend=backend, output_dir=str(folder), **spec.options
    )


def compare(name: str, folder: Path, vectors: int, *, rtl: bool) -> dict[str, Any]:
    """Predictions, traces and, with `rtl`, the Verilog's outputs, all on the same real vectors."""
    spec = SPECS[name]
    settle_environment(spec.family)
    import hls4ml  # noqa: F401 before the model is built: it is quick to fail

    model = spec.build()
    if spec.family.startswith("keras"):
        randomize(model)
    ours = convert(spec, model, "hwflow", folder / "hwflow")
    start = time.perf_counter()
    ours.compile()
    seconds = {"compile_s": round(time.perf_counter() - start, 2)}
    vitis = convert(spec, model, "Vitis", folder / "vitis")
    start = time.perf_counter()
    vitis.compile()
    seconds["hls4ml_compile_s"] = round(time.perf_counter() - start, 1)

    rng = np.random.default_rng(1)
    shapes = [ours.graph[i].get_output_variable().shape for i in ours.inputs]
    real = [rng.normal(0, spec.span, (vectors, *shape)) for shape in shapes]
    x = real[0] if len(real) == 1 else real
    found, expected = _many(ours.predict(x)), _many(vitis.predict(x))
    equal = sum(
        bool(all(np.array_equal(a[i], b[i]) for a, b in zip(found, expected, strict=True)))
        for i in range(vectors)
    )
    few = real[0][:TRACED] if len(real) == 1 else [r[:TRACED] for r in real]
    _, our_layers = ours.trace(few)
    _, their_layers = vitis.trace(few)
    assert set(their_layers) == set(our_layers), "both trace the same layers"
    layers = [
        layer
        for layer, values in their_layers.items()
        if np.array_equal(values.reshape(-1), our_layers[layer].reshape(-1))
    ]
    result: dict[str, Any] = {
        "network": name,
        "family": spec.family,
        "vectors": vectors,
        "predict_equal": equal,
        "distinct": sum(len(np.unique(e, axis=0)) for e in expected[:1]),
        "layers": len(their_layers),
        "layers_equal": len(layers),
        **seconds,
    }
    if rtl:
        result |= _on_rtl(ours, real, expected)
    return result


def _many(outputs: Any) -> list[np.ndarray]:
    return list(outputs) if isinstance(outputs, list) else [outputs]


def _on_rtl(model: Any, real: list[np.ndarray], expected: list[np.ndarray]) -> dict[str, Any]:
    """The same vectors through the generated Verilog, compiled by Verilator."""
    from hwflow import flow
    from hwflow.cli.rungs import Rungs
    from hwflow.plugin.build import prepare
    from hwflow.stages.pipeline import pipeline
    from hwflow.verify.vectors import quantize

    config = prepare(model)
    place = config.folder / "build"
    made = flow.run(pipeline(config), design=config.design, build_folder=place, to="generate")
    if made.errors:
        raise made.errors[0]
    rungs = Rungs(flow.open_build(place), lambda _: None)
    nodes = {node.name: node for node in rungs.graph.inputs}
    inputs = {
        name: quantize(nodes[name], values)
        for name, values in zip(model.converted.inputs, real, strict=True)
    }
    start = time.perf_counter()
    outcome = rungs.run("rtl", inputs)
    seconds = time.perf_counter() - start
    equal = np.ones(len(real[0]), bool)
    for (name, value), wanted in zip(rungs.graph.outputs, expected, strict=True):
        frac = rungs.graph.types[value].elem.frac
        got = np.ldexp(outcome.outputs[name].astype(np.float64), -frac)
        equal &= (got.reshape(wanted.shape) == wanted).all(axis=1)
    return {
        "rtl_equal": int(equal.sum()),
        "rtl_s": round(seconds, 1),
        "latency": outcome.latency_cycles,
        "interval": outcome.initiation_interval,
    }


if __name__ == "__main__":
    main()
