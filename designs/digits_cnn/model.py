"""A small convolutional network for 8x8 handwritten digits with BatchNorm and max pooling."""

from __future__ import annotations

from typing import Any

from qkeras import QActivation, QConv2D, QDense, quantized_bits, quantized_relu
from tf_keras import Input, Model, layers


def _block(x: Any, filters: int, index: int) -> Any:
    x = QConv2D(
        filters,
        (3, 3),
        padding="same",
        use_bias=False,
        kernel_quantizer=quantized_bits(6, 0, alpha=1),
        name=f"conv{index}",
    )(x)
    x = layers.BatchNormalization(name=f"norm{index}")(x)
    return QActivation(quantized_relu(6, 2), name=f"relu{index}")(x)


def classifier(input_shape: tuple[int, ...], classes: int | None) -> Any:
    """(8, 8, 1) pixels in 0..1, of which 0..16 sixteenths occur, to `classes` logits."""
    assert classes is not None
    x = inputs = Input(input_shape, name="pixels")
    x = QActivation(quantized_relu(5, 1), name="quantize")(x)
    x = _block(x, 8, 1)
    x = layers.MaxPooling2D((2, 2), name="pool1")(x)
    x = _block(x, 16, 2)
    x = layers.MaxPooling2D((2, 2), name="pool2")(x)
    x = layers.Flatten(name="flatten")(x)
    x = QDense(
        classes,
        kernel_quantizer=quantized_bits(6, 0, alpha=1),
        bias_quantizer=quantized_bits(8, 2, alpha=1),
        name="logits",
    )(x)
    return Model(inputs, x, name="classifier")
