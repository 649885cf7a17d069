"""The published ECON-T encoder (8x8 form): its graph, its vectors and its input rule."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding

__all__ = ["NPZ", "input_integers", "load_arrays", "published_encoder", "published_vectors"]

NPZ = Path("data/econ_t/encoder_8x8.npz")
"""Where the arrays lie under the shared folder."""

Ints = npt.NDArray[np.int64]
_WEIGHT_FRAC = 4
_INPUT_FRAC = 7


def load_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of the published encoder: x, y_code, w_conv, b_conv, w_dense, b_dense."""
    with np.load(path, allow_pickle=False) as data:
        return {name: data[name] for name in data.files}


def published_encoder(path: Path) -> Graph:
    """The encoder with the weights in `path`: input "x" (8, 8, 1), output "y" (16,)."""
    arrays = load_arrays(path)
    half_even, saturate = Rounding.HALF_EVEN, Overflow.SATURATE
    b = GraphBuilder("econ_t")
    x = b.input("x", (8, 8, 1), IntType.fixed(11, _INPUT_FRAC), half_even, saturate)
    with b.layer("conv"):
        kernel = b.const(arrays["w_conv"], frac=_WEIGHT_FRAC, name="w_conv")
        bias = b.const(arrays["b_conv"], frac=_WEIGHT_FRAC, name="b_conv")
        acc = b.conv(x, kernel, stride=(2, 2), padding=((0, 1), (0, 1)))
        hidden = b.requant(
            b.add(acc, bias), IntType.fixed(12, 9, signed=False), half_even, saturate
        )
    flat = b.reshape(hidden, (128,), name="flatten")
    with b.layer("dense"):
        weights = b.const(arrays["w_dense"], frac=_WEIGHT_FRAC, name="w_dense")
        bias = b.const(arrays["b_dense"], frac=_WEIGHT_FRAC, name="b_dense")
        acc = b.matmul(flat, weights)
        y = b.requant(b.add(acc, bias), IntType.fixed(9, 8, signed=False), half_even, saturate)
    return b.build({"y": y})


def input_integers(x: npt.NDArray[Any]) -> Ints:
    """Real wafers (n, 8, 8) as the input's integers (n, 8, 8, 1): half-even, saturated."""
    whole = [round(Fraction(float(v)) * 2**_INPUT_FRAC) for v in x.ravel()]
    return np.clip(np.array(whole, dtype=np.int64), -1024, 1023).reshape(-1, 8, 8, 1)


def published_vectors(path: Path) -> tuple[Ints, Ints]:
    """The published inputs (n, 8, 8, 1) as integers and the codes (n, 16) they must give."""
    arrays = load_arrays(path)
    return input_integers(arrays["x"]), arrays["y_code"].astype(np.int64)
