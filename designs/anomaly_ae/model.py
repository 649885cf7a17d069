"""The deep autoencoder of MLPerf Tiny's anomaly detection, for fixed-point hardware.

640-128-128-128-128-8-128-128-128-128-640, 264,192 weights. Against the reference model:

- weights have 6 bits (`quantized_bits(6, 0)`, steps of 1/32), activations 8;
- no BatchNormalization: a layer ends in a bias, a shift and a clip, where it would need a
  multiplier for each output. What normalisation does for the training, keeping the eight codes of
  the bottleneck alive, smaller initial weights and a positive bias do as well
  (docs/anomaly_ae.md);
- inputs are 8-bit, -4 to 4 in steps of 1/32 (a quarter of a decibel for `machine_sound`), and so
  are outputs. The score, the mean squared difference of the two, is for the host to compute.
"""

from __future__ import annotations

from typing import Any

from qkeras import QActivation, QDense, quantized_bits, quantized_relu
from tf_keras import Input, Model, initializers

# Units and integer bits of each hidden layer: values are largest up to the bottleneck.
_HIDDEN = ((128, 4),) * 4 + ((8, 5),) + ((128, 3),) * 4
_BOTTLENECK = 5


def _dense(units: int, name: str, bias: float = 0.0) -> Any:
    return QDense(
        units,
        kernel_quantizer=quantized_bits(6, 0, alpha=1),
        bias_quantizer=quantized_bits(8, 0, alpha=1),
        kernel_initializer="glorot_uniform",
        bias_initializer=initializers.Constant(bias),
        name=name,
    )


def autoencoder(input_shape: tuple[int, ...], classes: int | None) -> Any:
    """(640,) log-mel features to as many again."""
    x = inputs = Input(input_shape, name="spectra")
    x = QActivation(quantized_bits(8, 2, alpha=1), name="quantize")(x)
    for index, (width, integer) in enumerate(_HIDDEN, start=1):
        x = _dense(width, f"dense{index}", bias=0.5 if index == _BOTTLENECK else 0.0)(x)
        x = QActivation(quantized_relu(8, integer), name=f"relu{index}")(x)
    x = _dense(input_shape[-1], f"dense{len(_HIDDEN) + 1}")(x)
    x = QActivation(quantized_bits(8, 2, alpha=1), name="rebuilt")(x)
    return Model(inputs, x, name="autoencoder")
