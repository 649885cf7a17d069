"""hls4ml's reuse and parallelization factors as foldings.

A reuse factor r is the number of products that each multiplier computes for one output position:
inputs x outputs / r multipliers. hls4ml takes r that divide the inputs, or multiples of the inputs
that divide all products; here that is ``simd = inputs / r, pe = outputs``, or ``simd = 1,
pe = outputs * inputs / r``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hwflow.frontends.hls4ml import Converted

__all__ = ["Choice", "choose", "foldings"]

_CONV = ("Conv1D", "Conv2D", "Conv2DBatchnorm", "PointwiseConv1D", "PointwiseConv2D")
_DEPTHWISE = ("DepthwiseConv1D", "DepthwiseConv2D")
_POSITIONS = ("Pooling1D", "Pooling2D", "Merge", "Concatenate")


@dataclass(frozen=True, slots=True)
class Choice:
    """What a layer is folded to: `fold` as in design.yaml, empty for fully parallel."""

    layer: str
    wanted: int
    reuse: int
    fold: dict[str, int]


def choose(window: int, channels: int, outputs: int, wanted: int) -> tuple[int, int, int]:
    """The folding whose reuse factor is nearest to `wanted`, the smaller of two equally near.

    Args:
        window: kernel positions (1 for a dense layer), which are always taken one by one.
        channels: inputs of each, or 1 for a depthwise convolution.
        outputs: of the layer.
        wanted: the reuse factor asked for.

    Returns:
        The reuse factor, pe and simd.
    """
    all_simd = [(window * channels // s, outputs, s) for s in _divisors(channels)]
    all_pe = [(window * channels * outputs // p, p, 1) for p in _divisors(outputs)]
    return min(all_simd + all_pe, key=lambda found: (abs(found[0] - wanted), found))


def _divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]


def foldings(model: Any, converted: Converted) -> tuple[Choice, ...]:
    """A folding for each layer that has products or positions, by the model's configuration."""
    found = []
    for node in model.get_layers():
        group = converted.groups.get(node.name)
        if group is None or node.name in converted.unfolded:
            continue
        choice = _choice(node, group)
        if choice is not None:
            found.append(choice)
    if not any("pos" in c.fold or "pe" in c.fold for c in found):
        return tuple(found)
    # Where positions come one by one, pools and sums between them take them so.
    found.extend(
        Choice(converted.groups[node.name], 1, 1, {"pos": 1})
        for node in model.get_layers()
        if node.class_name in _POSITIONS
        and len(node.get_output_variable().shape) > 1
        and not _padded(node)
    )
    return tuple(found)


def _padded(node: Any) -> bool:
    """Whether a pool's border differs from its inside: no line buffer serves both."""
    sides = ("top", "bottom", "left", "right")
    return any(int(node.get_attr(f"pad_{side}", 0) or 0) for side in sides)


def _choice(node: Any, group: str) -> Choice | None:
    wanted = int(node.get_attr("reuse_factor", 1) or 1)
    if node.class_name == "Dense":
        reuse, pe, simd = choose(1, int(node.get_attr("n_in")), int(node.get_attr("n_out")), wanted)
        return Choice(group, wanted, reuse, {} if reuse == 1 else {"pe": pe, "simd": simd})
    if node.class_name not in (*_CONV, *_DEPTHWISE):
        return None
    window = int(node.get_attr("filt_width")) * int(node.get_attr("filt_height", 1))
    depthwise = node.class_name in _DEPTHWISE
    channels = 1 if depthwise else int(node.get_attr("n_chan"))
    outputs = int(node.get_attr("n_filt"))
    reuse, pe, simd = choose(window, channels, outputs, wanted)
    if abs(1 - wanted) > abs(reuse - wanted):
        return Choice(group, wanted, reuse, {"pe": pe, "simd": simd})
    *sizes, _ = node.get_output_variable().shape
    positions = 1
    for size in sizes:
        positions *= int(size)
    at_once = positions // int(node.get_attr("n_partitions", positions) or positions)
    return Choice(group, wanted, 1, {} if at_once >= positions else {"pos": max(at_once, 1)})
