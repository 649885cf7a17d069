"""A Keras model as `network.json` + `weights.npz`, free of TensorFlow. Worker process only.

The exported network is the frozen inference network, and it is the definition of what was
trained: quantized weights are the float32 values QKeras uses in its forward pass, and
BatchNormalization is two float32 arrays with y = float32(float32(x * scale) + offset), two
separate IEEE operations. `docs` of the format: hwflow/train/FORMAT.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwflow.train.files import write_json, write_npz
from hwflow.train.refusal import RefusalError

__all__ = ["FORMAT", "describe", "export_network"]

FORMAT = 1

# Of a layer's Keras configuration, what training alone needs or what is told elsewhere.
_NOT_CONFIG = frozenset(
    {
        "batch_input_shape",
        "fused",
        "name",
        "ragged",
        "sparse",
        "synchronized",
        "trainable",
        "virtual_batch_size",
    }
)
_NOT_CONFIG_ENDINGS = ("_constraint", "_initializer", "_quantizer", "_range", "_regularizer")
# Role in the network description -> attribute of the QKeras layer that holds the quantizer.
_QUANTIZER_ATTRIBUTES = {
    "kernel": "kernel_quantizer_internal",
    "depthwise": "depthwise_quantizer_internal",
    "pointwise": "pointwise_quantizer_internal",
    "bias": "bias_quantizer_internal",
    "average": "average_quantizer_internal",
}
# QKeras' own get_config() drops is_quantized_clip, scale_axis and use_ste, so attributes are read.
_QUANTIZER_KEYS = (
    "alpha",
    "bits",
    "integer",
    "is_quantized_clip",
    "keep_negative",
    "max_value",
    "negative_slope",
    "number_of_unrolls",
    "qnoise_factor",
    "quadratic_approximation",
    "relu_upper_bound",
    "scale_axis",
    "symmetric",
    "threshold",
    "use_01",
    "use_real_sigmoid",
    "use_real_tanh",
    "use_sigmoid",
    "use_stochastic_rounding",
)
_WEIGHT_ATTRIBUTES = {"kernel": "kernel", "depthwise": "depthwise_kernel", "bias": "bias"}


def export_network(model: Any, folder: Path) -> None:
    """Write `network.json` and `weights.npz` of a trained functional or sequential model.

    Raises:
        RefusalError: train.export, for shared layers, nested models and open shapes.
    """
    network, arrays = describe(model)
    write_json(folder / "network.json", network)
    write_npz(folder / "weights.npz", arrays)


def describe(model: Any) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The network description and the arrays it names; see `export_network`."""
    nodes = [
        node
        for depth in sorted(model._nodes_by_depth, reverse=True)
        for node in model._nodes_by_depth[depth]
    ]
    names = [node.layer.name for node in nodes]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise RefusalError(
            "train.export",
            f"layer {repeated[0]!r} is used more than once",
            hint="give each use a layer of its own: shared layers have no hardware meaning yet",
        )
    arrays: dict[str, NDArray[Any]] = {}
    network = {
        "format": FORMAT,
        "inputs": [tensor.node.layer.name for tensor in model.inputs],
        "outputs": [tensor.node.layer.name for tensor in model.outputs],
        "layers": [_layer(node, arrays) for node in nodes],
    }
    return network, arrays


def _layer(node: Any, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    layer = node.layer
    kind = type(layer).__name__
    if hasattr(layer, "layers"):
        raise RefusalError(
            "train.export",
            f"layer {layer.name!r} is a model inside the model",
            hint="call its layers directly in the builder",
        )
    quantized: dict[str, str] = {}
    scales: dict[str, str] = {}
    if kind == "BatchNormalization":
        weights = _frozen_batch_norm(layer, arrays)
    else:
        weights, quantized, scales = _weights(layer, arrays)
    return {
        "name": layer.name,
        "class": kind,
        "inputs": [parent.layer.name for parent in node.parent_nodes],
        "config": _config(layer),
        "quantizers": _quantizers(layer),
        "output_shape": _shape(layer, node),
        "weights": weights,
        "quantized": quantized,
        "scales": scales,
    }


def _shape(layer: Any, node: Any) -> list[int]:
    shape = node.outputs.shape[1:]
    if not shape.is_fully_defined():
        raise RefusalError(
            "train.export",
            f"layer {layer.name!r} has the open shape {tuple(shape)}",
            hint="give keras.Input a full shape",
        )
    return [int(size) for size in shape]


def _config(layer: Any) -> dict[str, Any]:
    raw = layer.get_config()
    config = {
        key: _plain(value)
        for key, value in raw.items()
        if key not in _NOT_CONFIG and not key.endswith(_NOT_CONFIG_ENDINGS)
    }
    if "activation" in config:
        activation = getattr(layer, "activation", None)
        # A quantizer is told under "quantizers"; here stands only a plain Keras name.
        config["activation"] = (
            "linear" if activation is None or _is_quantizer(activation) else _name(activation)
        )
    if type(layer).__name__ == "QActivation":
        config.pop("activation", None)
    return config


def _name(activation: Any) -> str:
    return str(getattr(activation, "__name__", type(activation).__name__))


def _is_quantizer(value: Any) -> bool:
    return hasattr(value, "_set_trainable_parameter")


def _quantizers(layer: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for role, attribute in _QUANTIZER_ATTRIBUTES.items():
        if getattr(layer, attribute, None) is not None:
            found[role] = _quantizer(getattr(layer, attribute))
    activation = getattr(layer, "quantizer", None)
    if activation is None:
        activation = getattr(layer, "activation", None)
    if _is_quantizer(activation):
        found["activation"] = _quantizer(activation)
    return found


def _quantizer(quantizer: Any) -> dict[str, Any]:
    config = {
        key: _plain(getattr(quantizer, key)) for key in _QUANTIZER_KEYS if hasattr(quantizer, key)
    }
    return {"class": type(quantizer).__name__, "config": config}


def _plain(value: Any) -> Any:
    if hasattr(value, "numpy"):
        value = value.numpy()
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return type(value).__name__


def _weights(
    layer: Any, arrays: dict[str, NDArray[Any]]
) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    weights: dict[str, str] = {}
    quantized: dict[str, str] = {}
    scales: dict[str, str] = {}
    for role, attribute in _WEIGHT_ATTRIBUTES.items():
        variable = getattr(layer, attribute, None)
        if variable is None or not hasattr(variable, "numpy"):
            continue
        key = f"{layer.name}/{role}"
        weights[role] = key
        arrays[key] = variable.numpy().astype(np.float32)
        quantizer = getattr(layer, _QUANTIZER_ATTRIBUTES[role], None)
        if quantizer is None:
            continue
        # The variable itself goes in, as in the layer's forward pass.
        value = quantizer(variable)
        quantized[role] = f"{key}_q"
        arrays[quantized[role]] = np.asarray(value.numpy(), dtype=np.float32)
        scale = getattr(quantizer, "scale", None)
        if scale is not None:
            scales[role] = f"{key}_scale"
            arrays[scales[role]] = np.asarray(_plain(scale), dtype=np.float32)
    return weights, quantized, scales


def _frozen_batch_norm(layer: Any, arrays: dict[str, NDArray[Any]]) -> dict[str, str]:
    """Scale and offset worked out in float64 and rounded once to float32."""
    variance = layer.moving_variance.numpy().astype(np.float64)
    mean = layer.moving_mean.numpy().astype(np.float64)
    gamma = layer.gamma.numpy().astype(np.float64) if layer.scale else np.ones_like(mean)
    beta = layer.beta.numpy().astype(np.float64) if layer.center else np.zeros_like(mean)
    scale = gamma / np.sqrt(variance + float(layer.epsilon))
    keys = {"scale": f"{layer.name}/scale", "offset": f"{layer.name}/offset"}
    arrays[keys["scale"]] = scale.astype(np.float32)
    arrays[keys["offset"]] = (beta - mean * scale).astype(np.float32)
    return keys
