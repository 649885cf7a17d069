"""An imported model beside the reference: real numbers in, real numbers out, all equal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hwflow.frontends.lowered import Lowered
from hwflow.frontends.onnx import read
from hwflow.ir import evaluate
from hwflow.ir.ops import Input
from tests.frontends.onnx.build import reference

__all__ = ["both", "channels_last", "codes_of", "real_of"]


def channels_last(x: Any, shape: tuple[int, ...]) -> Any:
    """`x` (n, C, ...) as an input of `shape`."""
    if x.shape[1:] == shape:
        return x
    return np.moveaxis(x, 1, -1)


def codes_of(lowered: Lowered, feeds: dict[str, Any]) -> dict[str, Any]:
    """Integers of each graph input from real numbers (or integers) in ONNX's layout."""
    scales = {c["input"]: c for c in lowered.certificates if "input" in c}
    result = {}
    for node in lowered.graph.inputs:
        assert isinstance(node.op, Input)
        type = node.op.type
        x = channels_last(feeds[node.name], node.op.shape)
        if x.dtype.kind == "f":
            scale = scales.get(node.name, {"scale": 2.0 ** -int(type.frac)})["scale"]
            near = np.rint(x / np.float32(scale))
            x = np.clip(near, type.lo, type.hi)
        result[node.name] = x.astype(np.int64)
    return result


def real_of(lowered: Lowered, values: dict[str, Any]) -> list[Any]:
    """Real numbers of the outputs, float32, in the order of the graph."""
    scales = {c["output"]: c["scale"] for c in lowered.certificates if "output" in c}
    result = []
    for name, value in lowered.graph.outputs:
        frac = lowered.graph.types[value].elem.frac
        real = values[name] * 2.0 ** -np.asarray(frac, np.float64) * scales.get(name, 1.0)
        result.append(real.astype(np.float32))
    return result


def both(path: Path, feeds: dict[str, Any], *, images: bool = True) -> tuple[list[Any], list[Any]]:
    """What the import gives and what the reference gives, in the same shapes.

    With `images`, outputs of more than one axis come channels last.
    """
    lowered = read(path)
    ours = real_of(lowered, evaluate(lowered.graph, codes_of(lowered, feeds)))
    theirs = reference(path, feeds)
    return [
        np.moveaxis(a, -1, 1) if images and a.ndim > 2 else a.reshape(b.shape)
        for a, b in zip(ours, theirs, strict=True)
    ], theirs
