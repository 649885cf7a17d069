"""Windows and padding by TensorFlow's rules."""

from __future__ import annotations

from hwflow.errors import HwflowError, InputError
from hwflow.frontends.qkeras.network import Layer

__all__ = ["channels_last", "misfit", "padding"]

Pads = tuple[tuple[int, int], ...]


def channels_last(layer: Layer) -> None:
    """Refuse `data_format="channels_first"`."""
    if layer.text("data_format", "channels_last") != "channels_last":
        raise misfit(layer, "data_format is channels_first", "write data_format='channels_last'")


def padding(
    layer: Layer,
    sizes: tuple[int, ...],
    window: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
) -> Pads:
    """Zeros before and after each spatial axis.

    "same" gives ceil(size / stride) positions and puts the odd zero behind (below, right).

    Raises:
        InputError: "lower.shape" for a padding of another name.
    """
    mode = layer.text("padding", "valid").lower()
    pads: list[tuple[int, int]] = []
    for size, taps, step, spread in zip(sizes, window, stride, dilation, strict=True):
        span = (taps - 1) * spread + 1
        if mode == "same":
            total = max((-(-size // step) - 1) * step + span - size, 0)
            pads.append((total // 2, total - total // 2))
        elif mode == "causal" and len(sizes) == 1:
            pads.append((span - 1, 0))
        elif mode == "valid":
            pads.append((0, 0))
        else:
            raise misfit(layer, f"padding {mode!r}", "write padding='same' or padding='valid'")
    return tuple(pads)


def misfit(layer: Layer, found: str, hint: str) -> HwflowError:
    """The refusal of a layer's shape or layout, ready to be raised."""
    return InputError("lower.shape", f"layer {layer.name!r}: {found}", hint=hint)
