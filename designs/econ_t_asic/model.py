"""The ECON-T autoencoder, 8x8 form: 2,144 six-bit encoder parameters, 48 cells to 16 values.

Fixed-point types of the chip's data path (arXiv 2105.01683), as QKeras writes them
(quantized_bits does not count the sign among its integer bits):
    fixed<11,4>  -> quantized_bits(11, 3)     7 fraction bits
    ufixed<12,3> -> quantized_relu(12, 3)     9 fraction bits
    ufixed<9,1>  -> quantized_relu(9, 1)      8 fraction bits
    6-bit weight -> quantized_bits(6, 1)      4 fraction bits
"""

from __future__ import annotations

from typing import Any

from qkeras import QActivation, QConv2D, QDense, quantized_bits, quantized_relu
from tf_keras import Input, Model, initializers, layers


def _weight() -> Any:
    return quantized_bits(6, 1, alpha=1)


def encoder(input_shape: tuple[int, ...], classes: int | None) -> Any:
    """The part that becomes hardware: (8, 8, 1) normalised charges to 16 codes."""
    x = inputs = Input(input_shape, name="wafer")
    x = QActivation(quantized_bits(11, 3, alpha=1), name="quantize")(x)
    # "same" with stride 2 on 8x8 pads one row below and one column to the right, as the chip does.
    x = QConv2D(
        8,
        (3, 3),
        strides=(2, 2),
        padding="same",
        kernel_quantizer=_weight(),
        bias_quantizer=_weight(),
        name="conv",
    )(x)
    x = QActivation(quantized_relu(12, 3), name="conv_relu")(x)
    x = layers.Flatten(name="flatten")(x)
    x = QDense(16, kernel_quantizer=_weight(), bias_quantizer=_weight(), name="dense")(x)
    x = QActivation(quantized_relu(9, 1), name="codes")(x)
    return Model(inputs, x, name="encoder")


def decoder(input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> Any:
    """The off-detector part, in float, never in silicon: 16 codes to (8, 8, 1) charges."""
    x = inputs = Input(input_shape, name="received")
    x = layers.Dense(128, activation="relu", name="widen")(x)
    x = layers.Reshape((4, 4, 8), name="square")(x)
    x = layers.Conv2DTranspose(
        8, (3, 3), strides=(2, 2), padding="same", activation="relu", name="grow"
    )(x)
    # Most cells are nearly empty: starting near 0.05 instead of 0.5 keeps the sigmoid alive.
    x = layers.Conv2DTranspose(
        output_shape[-1],
        (3, 3),
        padding="same",
        activation="sigmoid",
        bias_initializer=initializers.Constant(-3.0),
        name="rebuilt",
    )(x)
    return Model(inputs, x, name="decoder")
