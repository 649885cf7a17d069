"""The float twin: the same architecture with its quantizers taken out. Worker process only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwflow.train.keras_env import KerasEnv
from hwflow.train.refusal import RefusalError

__all__ = ["float_twin"]

_LAYERS = {
    "QDense": "Dense",
    "QConv1D": "Conv1D",
    "QConv2D": "Conv2D",
    "QDepthwiseConv2D": "DepthwiseConv2D",
    "QAveragePooling2D": "AveragePooling2D",
    "QGlobalAveragePooling2D": "GlobalAveragePooling2D",
}
_ACTIVATIONS = {
    "quantized_relu": "relu",
    "quantized_tanh": "tanh",
    "quantized_sigmoid": "sigmoid",
    "binary": "tanh",
    "ternary": "tanh",
    "quantized_bits": "linear",
}
_MERGES = frozenset({"Add", "Concatenate", "Maximum", "Multiply", "Subtract"})


def float_twin(env: KerasEnv, network: Mapping[str, Any]) -> Any:
    """A fresh float model with the layers of a network description.

    Relu-like quantizers become relu, binary and ternary ones tanh, quantized_bits nothing.

    Raises:
        RefusalError: train.twin, for a quantizer or layer without a float form.
    """
    keras = env.keras
    values: dict[str, Any] = {}
    inputs: list[Any] = []
    for item in network["layers"]:
        name = item["name"]
        if item["class"] == "InputLayer":
            values[name] = keras.Input(tuple(item["output_shape"]), name=name)
            inputs.append(values[name])
            continue
        operands = [values[source] for source in item["inputs"]]
        many = item["class"] in _MERGES
        values[name] = _layer(keras, item)(operands if many else operands[0])
    return keras.Model(inputs, [values[name] for name in network["outputs"]], name="float_twin")


def _layer(keras: Any, item: Mapping[str, Any]) -> Any:
    name = item["name"]
    if item["class"] == "QActivation":
        return keras.layers.Activation(_activation(item), name=name)
    kind = _LAYERS.get(item["class"], item["class"])
    if not hasattr(keras.layers, kind):
        raise RefusalError(
            "train.twin",
            f"layer {name!r} of class {item['class']!r} has no float form",
            hint=f"use one of {', '.join(sorted(_LAYERS))} or a plain Keras layer",
        )
    config = dict(item["config"])
    if "activation" in item["quantizers"]:
        if "activation" not in config:
            raise RefusalError("train.twin", f"layer {name!r}: put its activation in a QActivation")
        config["activation"] = _activation(item)
    try:
        return getattr(keras.layers, kind)(name=name, **config)
    except (TypeError, ValueError) as error:
        raise RefusalError(
            "train.twin",
            f"layer {name!r} of class {item['class']!r} has no float form ({error})",
            hint="replace the layer, or set train.float_twin to false",
        ) from error


def _activation(item: Mapping[str, Any]) -> str:
    kind = item["quantizers"]["activation"]["class"]
    if kind not in _ACTIVATIONS:
        raise RefusalError("train.twin", f"layer {item['name']!r}: {kind} has no float form")
    return _ACTIVATIONS[kind]
