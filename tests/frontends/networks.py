"""Exported networks made by hand: what training would write, without TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwflow.frontends.qkeras import Network, parse_network

__all__ = ["Net", "bits", "relu"]

Spec = dict[str, Any]


def bits(width: int, integer: int, **changes: Any) -> Spec:
    """A quantized_bits description."""
    config = {
        "alpha": 1,
        "bits": width,
        "integer": integer,
        "keep_negative": True,
        "qnoise_factor": 1.0,
        "scale_axis": None,
        "symmetric": 0,
        "use_stochastic_rounding": False,
    }
    return {"class": "quantized_bits", "config": {**config, **changes}}


def relu(width: int, integer: int, **changes: Any) -> Spec:
    """A quantized_relu description."""
    config = {
        "bits": width,
        "integer": integer,
        "is_quantized_clip": True,
        "negative_slope": 0.0,
        "qnoise_factor": 1.0,
        "relu_upper_bound": None,
        "use_sigmoid": 0,
        "use_stochastic_rounding": False,
    }
    return {"class": "quantized_relu", "config": {**config, **changes}}


class Net:
    """Collects layers; `last` is the name that the next layer reads."""

    def __init__(self, shape: tuple[int, ...], quantizer: Spec | None = None) -> None:
        self.layers: list[dict[str, Any]] = []
        self.arrays: dict[str, Any] = {}
        self.last = ""
        self.layer("InputLayer", "x", shape, inputs=[])
        if quantizer is not None:
            self.act("quantize", quantizer)

    def shape(self, name: str | None = None) -> tuple[int, ...]:
        """Output shape of a layer (the last one)."""
        name = name or self.last
        return tuple(next(i["output_shape"] for i in self.layers if i["name"] == name))

    def layer(
        self,
        kind: str,
        name: str,
        shape: tuple[int, ...],
        inputs: list[str] | None = None,
        quantizers: dict[str, Spec] | None = None,
        arrays: dict[str, Any] | None = None,
        **config: Any,
    ) -> Net:
        """Any layer. `arrays`: role, role_q, role_scale, as in weights.npz."""
        groups: dict[str, dict[str, str]] = {"weights": {}, "quantized": {}, "scales": {}}
        for key, value in (arrays or {}).items():
            role, _, kind_of = key.partition("_")
            group = {"": "weights", "q": "quantized", "scale": "scales"}[kind_of]
            groups[group][role] = f"{name}/{key}"
            self.arrays[f"{name}/{key}"] = np.asarray(value, np.float32)
        self.layers.append(
            {
                "class": kind,
                "config": config,
                "inputs": [self.last] if inputs is None else inputs,
                "name": name,
                "output_shape": list(shape),
                "quantizers": quantizers or {},
                **groups,
            }
        )
        self.last = name
        return self

    def act(self, name: str, quantizer: Spec) -> Net:
        """QActivation."""
        return self.layer("QActivation", name, self.shape(), quantizers={"activation": quantizer})

    def norm(self, name: str, scale: Any, offset: Any) -> Net:
        """BatchNormalization of the last axis."""
        shape = self.shape()
        channels = np.zeros(shape[-1], np.float32)
        arrays = {"scale": scale + channels, "offset": offset + channels}
        # "scale" and "offset" are weights' roles here.
        return self.layer("BatchNormalization", name, shape, arrays=arrays, axis=[len(shape)])

    def product(
        self,
        kind: str,
        name: str,
        shape: tuple[int, ...],
        kernel: Any,
        spec: Spec,
        bias: Any = None,
        bias_spec: Spec | None = None,
        scale: Any = 1.0,
        activation: Spec | None = None,
        **config: Any,
    ) -> Net:
        """A layer with weights; `kernel` and `bias` are the quantized values."""
        role = "depthwise" if "Depthwise" in kind else "kernel"
        arrays = {role: kernel, f"{role}_q": kernel, f"{role}_scale": scale}
        quantizers = {role: spec}
        if bias is not None:
            arrays |= {"bias": bias, "bias_q": bias, "bias_scale": 1.0}
            quantizers["bias"] = bias_spec or bits(8, 2)
        if activation is not None:
            quantizers["activation"] = activation
        config = {"activation": "linear", **config}
        return self.layer(
            kind, name, shape, quantizers=quantizers, arrays=arrays,
            use_bias=bias is not None, **config,
        )  # fmt: skip

    def dense(self, name: str, kernel: Any, spec: Spec | None = None, **rest: Any) -> Net:
        """QDense."""
        kernel = np.asarray(kernel)
        shape = (*self.shape()[:-1], kernel.shape[1])
        return self.product("QDense", name, shape, kernel, spec or bits(6, 0), **rest)

    def raw(self, outputs: list[str] | None = None) -> dict[str, Any]:
        """The JSON object."""
        return {
            "format": 1,
            "inputs": [i["name"] for i in self.layers if i["class"] == "InputLayer"],
            "layers": self.layers,
            "outputs": outputs or [self.last],
        }

    def network(self, outputs: list[str] | None = None) -> Network:
        """The parsed network."""
        return parse_network(self.raw(outputs), self.arrays)
