"""A network described by a file, as a Keras model. Worker process only.

The description comes from `hwflow.frontends.keras`, which lets known classes and checked options
through and nothing else. Here each layer is made by name from the table of constructors below;
nothing of the user's file is imported, evaluated or deserialized by Keras.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwflow.train.keras_env import KerasEnv
from hwflow.train.refusal import RefusalError

__all__ = ["rebuild"]

_QUANTIZED = frozenset(
    {
        "QActivation", "QAveragePooling2D", "QConv1D", "QConv2D", "QDense", "QDepthwiseConv2D",
        "QGlobalAveragePooling2D",
    }
)  # fmt: skip
_PLAIN = frozenset(
    {
        "Activation", "Add", "AveragePooling1D", "AveragePooling2D", "BatchNormalization",
        "Concatenate", "Conv1D", "Conv2D", "Dense", "DepthwiseConv2D", "Dropout", "Flatten",
        "GaussianNoise", "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalMaxPooling1D",
        "GlobalMaxPooling2D", "LeakyReLU", "MaxPooling1D", "MaxPooling2D", "ReLU", "Reshape",
        "Softmax", "SpatialDropout1D", "SpatialDropout2D", "ZeroPadding1D", "ZeroPadding2D",
    }
)  # fmt: skip
_QUANTIZERS = frozenset(
    {
        "binary", "quantized_bits", "quantized_relu", "quantized_sigmoid", "quantized_tanh",
        "ternary",
    }
)  # fmt: skip
_ARGUMENTS = {
    "kernel": "kernel_quantizer", "depthwise": "depthwise_quantizer", "bias": "bias_quantizer",
    "average": "average_quantizer", "activation": "activation",
}  # fmt: skip
_MERGES = frozenset({"Add", "Concatenate"})

Array = NDArray[np.float32]


def rebuild(env: KerasEnv, model: Mapping[str, Any], arrays: Mapping[str, Array]) -> Any:
    """The functional Keras model that `model` describes, with its weights.

    Args:
        env: the loaded TensorFlow modules.
        model: the record of a `hwflow.frontends.keras.KerasModel`.
        arrays: its arrays, as layer/weight.

    Raises:
        RefusalError: model.format, for shapes or options that do not make a network.
    """
    values: dict[str, Any] = {}
    for item in model["layers"]:
        name = item["name"]
        weights = {key: arrays[f"{name}/{key}"] for key in item["weights"]}
        try:
            values[name] = _apply(env, item, [values[n] for n in item["inputs"]], weights)
        except (TypeError, ValueError, IndexError, ArithmeticError) as error:
            raise _refusal(name, str(error).splitlines()[0] if str(error) else "") from error
    inputs = [values[name] for name in model["inputs"]]
    return env.keras.Model(inputs, [values[name] for name in model["outputs"]])


def _apply(
    env: KerasEnv, item: Mapping[str, Any], operands: list[Any], weights: Mapping[str, Array]
) -> Any:
    name, kind, options = item["name"], item["class"], dict(item["options"])
    if kind == "InputLayer":
        return env.keras.Input(tuple(options["shape"]), name=name)
    if len(operands) != 1 and kind not in _MERGES:
        raise ValueError(f"it reads {len(operands)} values")
    _check_shapes(item, operands[0].shape, weights)
    for role, quantizer in item["quantizers"].items():
        options[_ARGUMENTS[role]] = _quantizer(env, quantizer)
    layer = _class(env, name, kind)(name=name, **options)
    result = layer(operands if kind in _MERGES else operands[0])
    for variable in layer.weights:
        key = variable.name.rpartition("/")[2].partition(":")[0]
        if key not in weights or tuple(variable.shape) != weights[key].shape:
            raise ValueError(f"it has no weights {key} of shape {tuple(variable.shape)}")
        variable.assign(weights[key])
    return result


def _class(env: KerasEnv, name: str, kind: str) -> Any:
    if kind in _QUANTIZED:
        return getattr(env.qkeras, kind)
    if kind in _PLAIN:
        return getattr(env.keras.layers, kind)
    raise _refusal(name, f"the class {kind!r} is not rebuilt")


def _quantizer(env: KerasEnv, description: Mapping[str, Any]) -> Any:
    kind = description["class"]
    if kind not in _QUANTIZERS:
        raise ValueError(f"the quantizer {kind!r} is not rebuilt")
    return getattr(env.qkeras, kind)(**description["config"])


def _check_shapes(item: Mapping[str, Any], given: Any, weights: Mapping[str, Array]) -> None:
    """Refuse weights of other shapes before Keras makes room for what the options ask for."""
    options, channels = item["options"], given[-1]
    window = tuple(options.get("kernel_size", ()))
    expected: dict[str, tuple[int, ...]] = {}
    if item["class"] in ("Dense", "QDense"):
        expected["kernel"] = (channels, options["units"])
    elif "depth_multiplier" in options:
        expected["depthwise_kernel"] = (*window, channels, options["depth_multiplier"])
    elif "filters" in options:
        groups = options.get("groups", 1)
        expected["kernel"] = (*window, channels // groups, options["filters"])
    for key, shape in expected.items():
        if key not in weights or weights[key].shape != shape:
            found = weights[key].shape if key in weights else None
            raise ValueError(f"its weights {key} have the shape {found}, expected {shape}")


def _refusal(name: str, found: str) -> RefusalError:
    return RefusalError(
        "model.format",
        f"layer {name!r}: {found}",
        hint="save the model again with model.save(...), in one piece",
    )
