"""A 64-32-32-10 perceptron for 8x8 handwritten digits with 6-bit weights; logits out."""

from __future__ import annotations

from typing import Any

from qkeras import QActivation, QDense, quantized_bits, quantized_relu
from tf_keras import Input, Model, layers


def _dense(units: int, name: str) -> Any:
    return QDense(
        units,
        kernel_quantizer=quantized_bits(6, 0, alpha=1),
        bias_quantizer=quantized_bits(8, 2, alpha=1),
        name=name,
    )


def classifier(input_shape: tuple[int, ...], classes: int | None) -> Any:
    """(8, 8, 1) pixels in 0..1, of which 0..16 sixteenths occur, to `classes` logits."""
    assert classes is not None
    x = inputs = Input(input_shape, name="pixels")
    x = QActivation(quantized_relu(5, 1), name="quantize")(x)
    x = layers.Flatten(name="flatten")(x)
    x = _dense(32, "hidden1")(x)
    x = QActivation(quantized_relu(6, 2), name="relu1")(x)
    x = _dense(32, "hidden2")(x)
    x = QActivation(quantized_relu(6, 2), name="relu2")(x)
    x = _dense(classes, "logits")(x)
    return Model(inputs, x, name="classifier")
