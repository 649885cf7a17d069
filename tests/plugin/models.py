"""Small hls4ml models without a training framework: lists of layers, as its converters make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["dense", "image", "model_of"]


def model_of(
    layers: list[dict[str, Any]],
    folder: Path,
    *,
    precision: str = "fixed<16,6>",
    config: dict[str, Any] | None = None,
    inputs: list[str] | None = None,
    **options: Any,
) -> Any:
    """A ModelGraph of `layers` in a row; `config` is what hls_config says by layer name."""
    from hls4ml.model import ModelGraph
    from hls4ml.utils.config import create_config

    whole = create_config(output_dir=str(folder), backend="hwflow", **options)
    whole["HLSConfig"] = {
        "Model": {"Precision": {"default": precision}, "ReuseFactor": 1},
        "LayerName": config or {},
    }
    return ModelGraph.from_layer_list(whole, [dict(layer) for layer in layers], inputs=inputs)


def image(*shape: int) -> dict[str, Any]:
    """An input."""
    return {"class_name": "InputLayer", "name": "image", "input_shape": list(shape)}


def dense(name: str, before: int, after: int, seed: int = 0) -> dict[str, Any]:
    """A dense layer with random weights."""
    rng = np.random.default_rng(seed)
    return {
        "class_name": "Dense",
        "name": name,
        "n_in": before,
        "n_out": after,
        "weight_data": rng.normal(0, 0.5, (before, after)),
        "bias_data": rng.normal(0, 0.5, after),
    }
