"""The trained network in float32, written from QKeras' and Keras' formulas; no integers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from hwflow.frontends.qkeras import Layer, Network

__all__ = ["quantize", "run"]

F = np.float32


def quantize(kind: str, config: Mapping[str, Any], x: Any, wide: bool = False) -> Any:
    """A quantizer's forward pass, straight-through form included, in x's precision."""
    T = np.float64 if wide else np.float32
    x = x.astype(T)
    alpha = T(1.0 if config.get("alpha") is None else config["alpha"])
    if kind == "quantized_bits":
        keep = int(config["keep_negative"])
        unsigned = config["bits"] - keep
        m, m_i = T(2.0**unsigned), T(2.0 ** config["integer"])
        if unsigned > 0:
            p = x * m / m_i
            rounded = p + (np.rint(p) - p)
            q = m_i * np.clip(rounded, T(keep * (-m + config["symmetric"])), m - T(1)) / m
        else:
            q = np.sign(x)
            q = q + (T(1) - abs(q))
            q = q if keep else (q + T(1)) / T(2)
        return q * alpha if wide else x + (-x + alpha * q)
    if kind == "quantized_relu":
        slope = T(config["negative_slope"])
        m = T(2.0 ** (config["bits"] - (slope != 0)))
        m_i = T(2.0 ** config["integer"])
        ramp = np.where(x >= 0, x, x * slope)
        bounded = np.where(x <= m_i - m_i / m, ramp, m_i - m_i / m)
        p = x * m / m_i
        q = m_i * np.clip(np.rint(p) / m, T(0), T(1) - T(1) / m)
        if slope > 0:
            low = np.rint(p * slope) * (T(1) / (slope * m))
            q = q + m_i * slope * np.clip(low, T(-1), T(0))
        return q if wide else bounded + (-bounded + q)
    if kind == "ternary":
        threshold = T(F(0.33 if config["threshold"] is None else config["threshold"]))
        q = (abs(x) >= threshold).astype(T) * np.sign(x)
    else:
        q = np.sign(x)
        q = q + (T(1) - abs(q))
        q = (q + T(1)) / T(2) if config["use_01"] else q
    x = np.tanh(x) if config.get("alpha") is None else x
    return x + (-x + alpha * q)


def run(network: Network, x: Any, wide: Collection[str] = ()) -> dict[str, Any]:
    """Every layer's output (n, *shape); `wide` layers in float64."""
    values: dict[str, Any] = {}
    for layer in network.layers:
        if layer.kind == "InputLayer":
            values[layer.name] = x.astype(F)
            continue
        precise = layer.name in wide
        operands = [values[name].astype(np.float64 if precise else F) for name in layer.inputs]
        values[layer.name] = _layer(layer, operands, precise)
    return values


def _layer(layer: Layer, operands: list[Any], wide: bool) -> Any:
    x = operands[0]
    kind = layer.kind
    if kind == "BatchNormalization":
        return x.astype(F) * layer.weights["scale"] + layer.weights["offset"]
    if kind in ("Flatten", "Reshape"):
        return x.reshape(len(x), *layer.shape)
    if kind in ("Dropout", "GaussianNoise"):
        return x
    if kind == "ReLU":
        return np.maximum(x, 0)
    if kind == "Add":
        return sum(operands[1:], start=operands[0])
    if kind == "Concatenate":
        axis = layer.config["axis"]
        return np.concatenate(operands, axis=axis)
    if kind.startswith("ZeroPadding"):
        pads = layer.config["padding"]
        pads = [pads] if len(layer.shape) == 2 else pads
        return np.pad(x, [(0, 0), *map(tuple, pads), (0, 0)])
    if "Pool" in kind:
        y = _pool(layer, x)
    elif kind in ("QDense",):
        y = x @ layer.quantized["kernel"].astype(x.dtype)
    elif "Conv" in kind:
        y = _conv(layer, x)
    else:
        y = x
    if "bias" in layer.quantized:
        y = y + layer.quantized["bias"].astype(x.dtype)
    if "activation" in layer.quantizers:
        spec = layer.quantizers["activation"]
        return quantize(spec.kind, spec.config, y, wide)
    return np.maximum(y, 0) if layer.config.get("activation") == "relu" else y


def _pairs(layer: Layer, key: str, rank: int) -> list[int]:
    raw = layer.config.get(key) or layer.config["pool_size"]
    return [raw] * rank if isinstance(raw, int) else list(raw)


def _patches(layer: Layer, x: Any, taps: list[int], stride: list[int], spread: list[int], fill):
    """Every tap's view of x: a list of (n, *positions, C), taps in C order."""
    sizes, pads, counts = x.shape[1:-1], [], []
    for n, k, s, d in zip(sizes, taps, stride, spread, strict=True):
        span = (k - 1) * d + 1
        if layer.config.get("padding") == "same":
            out = -(-n // s)
            total = max((out - 1) * s + span - n, 0)
            pads.append((total // 2, total - total // 2))
        else:
            out = (n - span) // s + 1
            pads.append((0, 0))
        counts.append(out)
    x = np.pad(x, [(0, 0), *pads, (0, 0)], constant_values=fill)
    found = []
    for tap in np.ndindex(*taps):
        pick = [slice(None)]
        for t, d, s, n in zip(tap, spread, stride, counts, strict=True):
            pick.append(slice(t * d, t * d + (n - 1) * s + 1, s))
        found.append(x[tuple(pick)])
    return found


def _conv(layer: Layer, x: Any) -> Any:
    depthwise = "Depthwise" in layer.kind
    kernel = layer.quantized["depthwise" if depthwise else "kernel"].astype(x.dtype)
    taps = list(kernel.shape[:-2])
    rank = len(taps)
    views = _patches(
        layer, x, taps, _pairs(layer, "strides", rank), _pairs(layer, "dilation_rate", rank), 0.0
    )
    total = 0
    for view, w in zip(views, kernel.reshape(-1, *kernel.shape[-2:]), strict=True):
        if depthwise:
            part = (view[..., :, None] * w).reshape(*view.shape[:-1], -1)
        else:
            groups = layer.config.get("groups", 1)
            part = np.concatenate(
                [
                    a @ b
                    for a, b in zip(
                        np.split(view, groups, axis=-1), np.split(w, groups, axis=-1), strict=True
                    )
                ],
                axis=-1,
            )
        total = total + part
    return total


def _pool(layer: Layer, x: Any) -> Any:
    if "Global" in layer.kind:
        axes = tuple(range(1, x.ndim - 1))
        y = x.max(axis=axes) if "Max" in layer.kind else x.mean(axis=axes, dtype=x.dtype)
        return y.reshape(len(x), *layer.shape)
    rank = x.ndim - 2
    taps = _pairs(layer, "pool_size", rank)
    views = _patches(layer, x, taps, _pairs(layer, "strides", rank), [1] * rank, -np.inf)
    if "Max" in layer.kind:
        return np.maximum.reduce(views)
    return sum(views[1:], start=views[0]) / x.dtype.type(len(views))
