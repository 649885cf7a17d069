"""The training rung: the exported network evaluated layer by layer. Worker process only.

Every layer runs as the real Keras or QKeras layer, in eager mode, rebuilt from `network.json` and
`weights.npz` alone; BatchNormalization is x * scale + offset, two tensor operations. Layers named
as wide (accumulators of 2^24 LSBs and more, where float32 may round) run in float64 on the
quantized weights.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwflow.train.keras_env import KerasEnv
from hwflow.train.refusal import RefusalError
from hwflow.train.wide import quantize64, weight64

__all__ = ["Replay"]

Float = NDArray[np.floating[Any]]

_QUANTIZER_ARGUMENTS = {
    "kernel": "kernel_quantizer",
    "depthwise": "depthwise_quantizer",
    "pointwise": "pointwise_quantizer",
    "bias": "bias_quantizer",
    "average": "average_quantizer",
}
_MERGES = frozenset({"Add", "Concatenate", "Maximum", "Multiply", "Subtract"})


class Replay:
    """An exported network, ready to be evaluated on real-valued inputs.

    Args:
        env: the loaded TensorFlow modules.
        network: parsed `network.json`.
        arrays: content of `weights.npz`.
        wide: names of the layers to evaluate in float64.

    Raises:
        RefusalError: train.replay, when a layer class is not known to QKeras or Keras.
    """

    def __init__(
        self,
        env: KerasEnv,
        network: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]],
        wide: Collection[str] = (),
    ) -> None:
        self._env = env
        self._network = network
        self._arrays = arrays
        self._wide = frozenset(wide)
        unknown = sorted(self._wide - {item["name"] for item in network["layers"]})
        if unknown:
            raise RefusalError("train.replay", f"no layer is called {unknown[0]!r}")
        self._layers = {
            item["name"]: self._build(item)
            for item in network["layers"]
            if item["class"] not in ("InputLayer", "BatchNormalization")
        }

    def run(self, inputs: Mapping[str, Float], batch: int = 2000) -> dict[str, Float]:
        """Every layer's output, batch axis first, float32 (float64 for wide layers).

        Args:
            inputs: real values (n, *shape) for each network input.
            batch: vectors evaluated at once; it cannot change a value.
        """
        total = len(next(iter(inputs.values())))
        parts: dict[str, list[Float]] = {}
        for start in range(0, total, batch):
            piece = {name: value[start : start + batch] for name, value in inputs.items()}
            for name, value in self._run_batch(piece).items():
                parts.setdefault(name, []).append(value)
        return {name: np.concatenate(values) for name, values in parts.items()}

    def _run_batch(self, inputs: Mapping[str, Float]) -> dict[str, Float]:
        tf = self._env.tf
        values: dict[str, Any] = {}
        for item in self._network["layers"]:
            name = item["name"]
            if item["class"] == "InputLayer":
                values[name] = tf.constant(np.asarray(inputs[name], dtype=np.float32))
                continue
            operands = [values[source] for source in item["inputs"]]
            if name in self._wide:
                values[name] = self._apply64(item, operands)
            elif item["class"] == "BatchNormalization":
                values[name] = self._normalise(item, _to32(tf, operands[0]))
            else:
                operands = [_to32(tf, value) for value in operands]
                layer = self._layers[name]
                many = item["class"] in _MERGES
                values[name] = layer(operands if many else operands[0])
        return {name: value.numpy() for name, value in values.items()}

    def _normalise(self, item: Mapping[str, Any], x: Any) -> Any:
        tf = self._env.tf
        scale = tf.constant(self._arrays[item["weights"]["scale"]])
        offset = tf.constant(self._arrays[item["weights"]["offset"]])
        return tf.add(tf.multiply(x, scale), offset)

    def _apply64(self, item: Mapping[str, Any], operands: list[Any]) -> Any:
        """One layer in float64: products and sums exact up to 2^53 LSBs."""
        tf = self._env.tf
        wide = [tf.cast(value, tf.float64) for value in operands]
        if item["class"] == "BatchNormalization":
            return self._normalise(item, _to32(tf, wide[0]))
        if item["class"] == "QActivation":
            return quantize64(tf, item["quantizers"]["activation"], wide[0], item["name"])
        if not item["weights"]:
            layer = self._float64_layer(item)
            return layer(wide if item["class"] in _MERGES else wide[0])
        kernel = weight64(tf, item, self._arrays)
        value = self._linear64(item, kernel, wide[0])
        if "bias" in item["weights"]:
            key = item["quantized"].get("bias", item["weights"]["bias"])
            value = value + tf.constant(self._arrays[key].astype(np.float64))
        if "activation" in item["quantizers"]:
            return quantize64(tf, item["quantizers"]["activation"], value, item["name"])
        if item["config"].get("activation", "linear") == "relu":
            return tf.nn.relu(value)
        return value

    def _linear64(self, item: Mapping[str, Any], kernel: Any, x: Any) -> Any:
        tf = self._env.tf
        config = item["config"]
        if item["class"] in ("QDense", "Dense"):
            return tf.tensordot(x, kernel, 1)
        padding = str(config["padding"]).upper()
        if item["class"] in ("QDepthwiseConv2D", "DepthwiseConv2D"):
            strides = [1, *config["strides"], 1]
            return tf.nn.depthwise_conv2d(
                x, kernel, strides, padding, dilations=config["dilation_rate"]
            )
        return tf.nn.convolution(
            x, kernel, config["strides"], padding, dilations=config["dilation_rate"]
        )

    def _float64_layer(self, item: Mapping[str, Any]) -> Any:
        return self._class(item)(**{**item["config"], "dtype": "float64"})

    def _class(self, item: Mapping[str, Any]) -> Any:
        env = self._env
        kind = item["class"]
        for module in (env.qkeras, env.keras.layers):
            if hasattr(module, kind):
                return getattr(module, kind)
        raise RefusalError(
            "train.replay",
            f"layer {item['name']!r} has the unknown class {kind!r}",
            hint="use QKeras layers, or Keras layers without weights",
        )

    def _build(self, item: Mapping[str, Any]) -> Any:
        config = dict(item["config"])
        for role, description in item["quantizers"].items():
            config[_QUANTIZER_ARGUMENTS.get(role, "activation")] = self._quantizer(description)
        try:
            layer = self._class(item)(name=item["name"], **config)
        except (TypeError, ValueError) as error:
            raise RefusalError(
                "train.replay",
                f"layer {item['name']!r} of class {item['class']!r} cannot be rebuilt ({error})",
                hint="use another layer in the builder",
            ) from error
        shapes = [
            (None, *source["output_shape"])
            for name in item["inputs"]
            for source in self._network["layers"]
            if source["name"] == name
        ]
        layer.build(shapes if item["class"] in _MERGES else shapes[0])
        names = {"kernel": "kernel", "depthwise": "depthwise_kernel", "bias": "bias"}
        for role, key in item["weights"].items():
            variable = getattr(layer, names[role])
            variable.assign(self._arrays[key])
            if role in item["quantized"]:
                used = getattr(layer, f"{_QUANTIZER_ARGUMENTS[role]}_internal")(variable).numpy()
                if not np.array_equal(used, self._arrays[item["quantized"][role]]):
                    raise RefusalError(
                        "train.replay",
                        f"layer {item['name']!r}: QKeras quantizes the {role} differently from "
                        "the exported network",
                        hint="weights.npz was changed, or another QKeras wrote it: train again",
                    )
        return layer

    def _quantizer(self, description: Mapping[str, Any]) -> Any:
        quantizer = getattr(self._env.qkeras, description["class"])
        accepted = inspect.signature(quantizer).parameters.keys() - {"qnoise_factor"}
        return quantizer(**{k: v for k, v in description["config"].items() if k in accepted})


def _to32(tf: Any, value: Any) -> Any:
    return value if value.dtype == tf.float32 else tf.cast(value, tf.float32)
