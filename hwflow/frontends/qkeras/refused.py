"""What can still be said of layers behind one that was refused."""

from __future__ import annotations

from collections.abc import Callable

from hwflow.errors import HwflowError, InputError
from hwflow.frontends.qkeras.context import Context, Exact
from hwflow.frontends.qkeras.network import Layer
from hwflow.frontends.qkeras.quantizers import Quantizer, activation_quantizer
from hwflow.frontends.qkeras.weights import bias_weights, kernel_weights
from hwflow.ir import IntType, Rounding

__all__ = ["behind_refused"]

_KERNELS = {
    "QConv1D": "kernel", "QConv2D": "kernel", "QDense": "kernel", "QDepthwiseConv2D": "depthwise",
}  # fmt: skip


def behind_refused(
    context: Context, layer: Layer, *, known: bool
) -> tuple[Exact | None, tuple[HwflowError, ...]]:
    """What `layer` gives whose input is not known, and what is wrong with its own settings.

    Behind an activation quantizer the values are known again: lowering goes on from there. The
    settings of other layers are looked at where the class is `known`.
    """
    errors: list[HwflowError] = []
    role = _KERNELS.get(layer.kind)
    if known and role is not None:
        _try(lambda: kernel_weights(layer, role), errors)
        _try(lambda: bias_weights(layer, context.programmable), errors)
    if "activation" not in layer.quantizers:
        return None, tuple(errors)
    found: list[Quantizer] = []
    _try(lambda: found.append(activation_quantizer(layer)), errors)
    if not found:
        return None, tuple(errors) if known else ()
    quantizer = found[0]
    lo, hi = (quantizer.gain * end + quantizer.base for end in (quantizer.lo, quantizer.hi))
    type = IntType(lo, hi, quantizer.frac)
    value = context.emit.input(layer.name, layer.shape, type, Rounding.HALF_EVEN)
    return Exact(value, None), tuple(errors)


def _try(look: Callable[[], object], errors: list[HwflowError]) -> None:
    try:
        look()
    except InputError as error:
        errors.append(error)
