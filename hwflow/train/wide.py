"""Float64 forms of quantizers and weights for layers whose accumulators pass 2^24 LSBs.

QKeras computes quantizers in float32 (quantized_relu casts by itself), so a wide accumulator
would be rounded before it is quantized. Worker process only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwflow.train.refusal import RefusalError

__all__ = ["quantize64", "weight64"]


def quantize64(tf: Any, description: Mapping[str, Any], x: Any, layer: str) -> Any:
    """quantized_bits or quantized_relu on float64: round half to even, then clip.

    Raises:
        RefusalError: train.wide, for any other quantizer.
    """
    kind, config = description["class"], description["config"]
    if kind == "quantized_bits":
        return _bits64(tf, config, x, layer)
    if kind == "quantized_relu":
        return _relu64(tf, config, x, layer)
    raise _refuse(layer, kind)


def _bits64(tf: Any, config: Mapping[str, Any], x: Any, layer: str) -> Any:
    alpha = 1.0 if config["alpha"] is None else config["alpha"]
    fraction = config["bits"] - int(config["keep_negative"])
    if isinstance(alpha, str) or fraction < 1:
        raise _refuse(layer, f"quantized_bits(alpha={alpha!r}, bits={config['bits']})")
    levels = 2.0**fraction
    step = 2.0 ** (config["integer"] - fraction)
    low = (-levels + int(config["symmetric"])) if config["keep_negative"] else 0.0
    codes = tf.clip_by_value(tf.round(x / step), tf.cast(low, tf.float64), levels - 1.0)
    return codes * step * tf.constant(np.asarray(alpha, dtype=np.float64))


def _relu64(tf: Any, config: Mapping[str, Any], x: Any, layer: str) -> Any:
    bounded = not config["is_quantized_clip"] and config["relu_upper_bound"] is not None
    if config["use_sigmoid"] or config["negative_slope"] or bounded:
        raise _refuse(layer, "quantized_relu with use_sigmoid, negative_slope or an upper bound")
    step = 2.0 ** (config["integer"] - config["bits"])
    codes = tf.clip_by_value(
        tf.round(x / step), tf.cast(0.0, tf.float64), 2.0 ** config["bits"] - 1.0
    )
    return codes * step


def weight64(tf: Any, item: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Any:
    """The layer's kernel as used in the forward pass, widened to float64."""
    role = "depthwise" if "depthwise" in item["weights"] else "kernel"
    key = item["quantized"].get(role, item["weights"].get(role))
    if key is None:
        raise _refuse(item["name"], item["class"])
    return tf.constant(arrays[key].astype(np.float64))


def _refuse(layer: str, what: str) -> RefusalError:
    return RefusalError(
        "train.wide",
        f"layer {layer!r}: {what} has no float64 form",
        hint="narrow the layer's accumulators below 2^24 LSBs, or use quantized_bits",
    )
