"""Networks in the style of hls4ml's documentation and tests, with random weights.

`keras` is whatever the process imports under that name: Keras 3, or tf_keras for QKeras.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.plugin.onnx_networks import ONNX
from tests.plugin.spec import Spec

__all__ = ["NETWORKS", "randomize"]


def randomize(model: Any, seed: int = 0, scale: float = 0.7) -> Any:
    """Weights that a training could have given: normal, variances positive."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        weights = []
        for variable in layer.weights:
            shape = tuple(variable.shape)
            fan = max(int(np.prod(shape[:-1])), 1)
            values = rng.normal(0, scale / np.sqrt(fan) if len(shape) > 1 else 0.3, shape)
            if "variance" in variable.name or "gamma" in variable.name:
                values = rng.uniform(0.4, 1.6, shape)
            weights.append(values)
        if weights:
            layer.set_weights(weights)
    return model


def _jets() -> Any:
    import keras

    x = inputs = keras.layers.Input((16,), name="features")
    for index, units in enumerate((16, 12, 8)):
        x = keras.layers.Dense(units, name=f"fc{index}")(x)
        x = keras.layers.Activation("relu", name=f"relu{index}")(x)
    x = keras.layers.Dense(5, name="scores")(x)
    return keras.models.Model(inputs, x)


def _jets_softmax() -> Any:
    import keras

    x = inputs = keras.layers.Input((16,), name="features")
    x = keras.layers.Dense(12, activation="relu", name="fc0")(x)
    x = keras.layers.Dense(5, name="scores")(x)
    x = keras.layers.Activation("softmax", name="softmax")(x)
    return keras.models.Model(inputs, x)


def _small_dense() -> Any:
    import keras

    x = inputs = keras.layers.Input((8,), name="features")
    x = keras.layers.Dense(6, activation="relu", name="fc0")(x)
    x = keras.layers.Dense(4, name="scores")(x)
    return keras.models.Model(inputs, x)


def _conv1d() -> Any:
    import keras

    x = inputs = keras.layers.Input((16, 3), name="samples")
    x = keras.layers.Conv1D(4, 3, padding="same", activation="relu", name="conv0")(x)
    x = keras.layers.MaxPooling1D(2, name="pool0")(x)
    x = keras.layers.Conv1D(4, 3, strides=2, name="conv1")(x)
    x = keras.layers.Flatten(name="flat")(x)
    x = keras.layers.Dense(3, name="scores")(x)
    return keras.models.Model(inputs, x)


def _conv2d() -> Any:
    import keras

    x = inputs = keras.layers.Input((8, 8, 2), name="image")
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="conv0")(x)
    x = keras.layers.MaxPooling2D(2, name="pool0")(x)
    x = keras.layers.Conv2D(3, (3, 2), name="conv1")(x)
    x = keras.layers.Activation("relu", name="relu1")(x)
    x = keras.layers.Flatten(name="flat")(x)
    x = keras.layers.Dense(4, name="scores")(x)
    return keras.models.Model(inputs, x)


def _average() -> Any:
    import keras

    x = inputs = keras.layers.Input((9, 9, 2), name="image")
    x = keras.layers.Conv2D(3, 3, strides=2, padding="same", name="conv0")(x)
    x = keras.layers.Activation("relu", name="relu0")(x)
    x = keras.layers.AveragePooling2D(2, strides=1, padding="same", name="pool0")(x)
    x = keras.layers.Conv2D(4, 1, name="pointwise")(x)
    x = keras.layers.GlobalAveragePooling2D(name="mean")(x)
    return keras.models.Model(inputs, x)


def _separable() -> Any:
    import keras

    x = inputs = keras.layers.Input((6, 6, 3), name="image")
    x = keras.layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = keras.layers.Activation("relu", name="relu0")(x)
    x = keras.layers.SeparableConv2D(4, 3, name="separable")(x)
    x = keras.layers.GlobalMaxPooling2D(name="peak")(x)
    return keras.models.Model(inputs, x)


def _normalized() -> Any:
    import keras

    x = inputs = keras.layers.Input((6, 4), name="samples")
    x = keras.layers.BatchNormalization(name="norm0")(x)
    x = keras.layers.Conv1D(5, 2, name="conv0")(x)
    x = keras.layers.Activation("relu", name="relu0")(x)
    x = keras.layers.BatchNormalization(name="norm1")(x)
    x = keras.layers.AveragePooling1D(3, strides=2, name="pool0")(x)
    x = keras.layers.Flatten(name="flat")(x)
    x = keras.layers.Dense(3, name="scores")(x)
    return keras.models.Model(inputs, x)


def _residual() -> Any:
    import keras

    inputs = keras.layers.Input((6, 6, 3), name="image")
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="conv0")(inputs)
    y = keras.layers.Conv2D(4, 3, padding="same", name="conv1")(x)
    x = keras.layers.Add(name="sum")([x, y])
    x = keras.layers.Activation("relu", name="relu1")(x)
    x = keras.layers.MaxPooling2D(3, strides=2, padding="same", name="pool")(x)
    x = keras.layers.Flatten(name="flat")(x)
    x = keras.layers.Dense(3, name="scores")(x)
    return keras.models.Model(inputs, x)


def _branches() -> Any:
    import keras

    a = keras.layers.Input((6,), name="left")
    b = keras.layers.Input((5,), name="right")
    x = keras.layers.Dense(6, activation="relu", name="fc_left")(a)
    y = keras.layers.Dense(4, activation="relu", name="fc_right")(b)
    z = keras.layers.Concatenate(name="both")([x, y])
    z = keras.layers.Dense(5, name="fc")(z)
    w = keras.layers.Dense(2, name="other")(x)
    return keras.models.Model([a, b], [z, w])


def _merges() -> Any:
    import keras

    inputs = keras.layers.Input((10,), name="features")
    a = keras.layers.Dense(6, name="a")(inputs)
    b = keras.layers.Dense(6, name="b")(inputs)
    kinds = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")
    merged = [getattr(keras.layers, kind)(name=kind.lower())([a, b]) for kind in kinds]
    x = merged[0]
    for index, other in enumerate(merged[1:]):
        x = keras.layers.Concatenate(name=f"join{index}")([x, other])
    return keras.models.Model(inputs, x)


def _activations() -> Any:
    import keras

    x = inputs = keras.layers.Input((6,), name="features")
    kinds = ("sigmoid", "tanh", "softsign", "softplus", "selu", "elu", "hard_sigmoid")
    parts = []
    for kind in kinds:
        x = keras.layers.Dense(5, name=f"fc_{kind}")(inputs)
        parts.append(keras.layers.Activation(kind, name=kind)(x))
    x = keras.layers.Dense(5, name="fc_leaky")(inputs)
    parts.append(keras.layers.LeakyReLU(0.3, name="leaky")(x))
    x = keras.layers.Dense(5, name="fc_prelu")(inputs)
    parts.append(keras.layers.PReLU(name="prelu")(x))
    return keras.models.Model(inputs, parts)


def _layouts() -> Any:
    import keras

    x = inputs = keras.layers.Input((6, 4, 2), name="image")
    x = keras.layers.ZeroPadding2D(((1, 0), (2, 1)), name="pad")(x)
    x = keras.layers.Conv2D(3, 3, name="conv0")(x)
    x = keras.layers.Cropping2D(((1, 0), (0, 1)), name="crop")(x)
    x = keras.layers.Permute((3, 1, 2), name="turn")(x)
    x = keras.layers.Reshape((3, 16), name="rows")(x)
    x = keras.layers.Conv1D(2, 1, activation="relu", name="mix")(x)
    x = keras.layers.Flatten(name="flat")(x)
    x = keras.layers.Dense(3, name="scores")(x)
    return keras.models.Model(inputs, x)


_MODES = (
    "TRN", "TRN_ZERO", "RND", "RND_ZERO", "RND_INF", "RND_MIN_INF", "RND_CONV",
)  # fmt: skip
_RANGES = ("WRAP", "SAT", "SAT_SYM", "SAT_ZERO")


def _modes() -> Any:
    import keras

    inputs = keras.layers.Input((6,), name="features")
    parts = []
    for mode in _MODES:
        for overflow in _RANGES:
            name = f"{mode}_{overflow}".lower()
            parts.append(keras.layers.Dense(2, name=f"fc_{name}")(inputs))
    return keras.models.Model(inputs, parts)


def _qdense() -> Any:
    import keras
    from qkeras import QActivation, QDense, quantized_bits, quantized_relu

    weights = quantized_bits(6, 0, alpha=1)
    x = inputs = keras.layers.Input((16,), name="features")
    x = QDense(12, kernel_quantizer=weights, bias_quantizer=weights, name="fc0")(x)
    x = QActivation(quantized_relu(6, 2), name="relu0")(x)
    x = QDense(8, kernel_quantizer=quantized_bits(4, 1, alpha=1), bias_quantizer=weights,
               name="fc1")(x)  # fmt: skip
    x = QActivation(quantized_bits(5, 2, alpha=1), name="linear1")(x)
    x = QDense(5, kernel_quantizer=weights, bias_quantizer=weights, name="scores")(x)
    return keras.models.Model(inputs, x)


def _qconv() -> Any:
    import keras
    from qkeras import QActivation, QConv2D, QDense, quantized_bits, quantized_relu

    weights = quantized_bits(5, 0, alpha=1)
    x = inputs = keras.layers.Input((8, 8, 1), name="image")
    x = QConv2D(4, 3, kernel_quantizer=weights, bias_quantizer=weights, name="conv0")(x)
    x = keras.layers.BatchNormalization(name="norm0")(x)
    x = QActivation(quantized_relu(5, 2), name="relu0")(x)
    x = keras.layers.MaxPooling2D(2, name="pool0")(x)
    x = QConv2D(4, 2, kernel_quantizer=weights, bias_quantizer=weights, name="conv1")(x)
    x = QActivation(quantized_relu(4, 1), name="relu1")(x)
    x = keras.layers.Flatten(name="flat")(x)
    x = QDense(3, kernel_quantizer=weights, bias_quantizer=weights, name="scores")(x)
    return keras.models.Model(inputs, x)


def _qbinary() -> Any:
    import keras
    from qkeras import QActivation, QDense

    x = inputs = keras.layers.Input((12,), name="features")
    x = QDense(10, kernel_quantizer="binary(alpha=1)", use_bias=False, name="fc0")(x)
    x = keras.layers.BatchNormalization(name="norm0")(x)
    x = QActivation("binary(alpha=1)", name="sign0")(x)
    x = QDense(8, kernel_quantizer="ternary(alpha=1)", use_bias=False, name="fc1")(x)
    x = keras.layers.BatchNormalization(name="norm1")(x)
    x = QActivation("ternary(alpha=1)", name="sign1")(x)
    x = QDense(4, kernel_quantizer="binary(alpha=1)", use_bias=False, name="scores")(x)
    return keras.models.Model(inputs, x)


_NARROW = {f"relu{i}": {"result": "ufixed<8,3,RND,SAT>"} for i in range(3)}

NETWORKS: dict[str, Spec] = {
    "jets": Spec(_jets, types=_NARROW),
    "jets_keras3": Spec(_jets, family="keras3", types=_NARROW),
    "jets_softmax": Spec(
        _jets_softmax,
        types={
            "fc0_relu": {"result": "ufixed<8,3,RND,SAT>"},
            "scores": {"result": "fixed<12,4,RND,SAT>"},
        },
    ),
    "jets_reuse": Spec(
        _jets,
        types=_NARROW,
        model={"Strategy": "Resource"},
        config={f"fc{i}": {"ReuseFactor": r} for i, r in enumerate((8, 32, 4))},
    ),
    "dense_one_precision": Spec(_small_dense, granularity="model", default="fixed<12,5>"),
    "conv1d": Spec(_conv1d, default="fixed<12,4>"),
    "conv1d_stream": Spec(_conv1d, default="fixed<12,4>", options={"io_type": "io_stream"}),
    "conv2d": Spec(_conv2d, default="fixed<10,4>"),
    "conv2d_keras3": Spec(_conv2d, family="keras3", default="fixed<10,4>"),
    "average_pools": Spec(_average, default="fixed<10,4>"),
    "separable": Spec(_separable, default="fixed<10,4>"),
    "normalized": Spec(_normalized, default="fixed<12,5>"),
    "residual": Spec(
        _residual, default="fixed<10,4>", types={"sum": {"result": "fixed<9,4,RND_CONV,SAT>"}}
    ),
    "branches": Spec(
        _branches,
        types={
            "left": {"result": "fixed<8,3,RND_CONV,SAT>"},
            "right": {"result": "fixed<10,5>"},
            "fc_left": {"weight": "fixed<6,1,RND_CONV,SAT>", "result": "fixed<9,4>"},
            "both": {"result": "fixed<8,4,RND,SAT_SYM>"},
        },
    ),
    "merges": Spec(_merges, default="fixed<10,4>"),
    "activations": Spec(_activations, default="fixed<12,5>", span=6.0),
    "layouts": Spec(_layouts, default="fixed<10,4>"),
    "rounding_modes": Spec(
        _modes,
        default="fixed<10,4>",
        types={
            f"fc_{m.lower()}_{o.lower()}": {
                "accum": f"fixed<12,6,{m}>" if o == "WRAP" else f"fixed<26,14,{m},{o}>",
                "result": f"fixed<6,2,{m},{o}>",
            }
            for m in _MODES
            for o in _RANGES
        },
        span=6.0,
    ),
    "qkeras_dense": Spec(_qdense),
    "qkeras_conv": Spec(_qconv),
    "qkeras_binary": Spec(_qbinary),
    **ONNX,
}
"""Every network that this environment can build, by name."""
