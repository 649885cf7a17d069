"""The chip of designs/econ_t_asic in plain integers, and its graph around a network made by hand.

The model shares no code with hwflow.ir: it is written from the chip's description.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hwflow.frontends.qkeras import lower
from hwflow.ir import Graph
from hwflow.passes import optimize
from hwflow.train.around import surround
from hwflow.train.usercode import UserFile
from tests.frontends.networks import Net, bits, relu

__all__ = ["DESIGN", "chip_graph", "chip_model", "encoder", "random_params"]

DESIGN = Path(__file__).parents[1] / "designs" / "econ_t_asic"
Ints = npt.NDArray[np.int64]
Params = Mapping[str, Ints]


def encoder() -> Net:
    """The encoder's layers with any weights: six bits, four of them fraction."""
    rng = np.random.default_rng(0)
    net = Net((8, 8, 1), bits(11, 3))
    net.product(
        "QConv2D", "conv", (4, 4, 8), rng.integers(-32, 32, (3, 3, 1, 8)) / 16, bits(6, 1),
        rng.integers(-32, 32, 8) / 16, bits(6, 1),
        strides=[2, 2], dilation_rate=[1, 1], padding="same", groups=1,
    )  # fmt: skip
    net.act("conv_relu", relu(12, 3)).layer("Flatten", "flatten", (128,))
    net.dense(
        "dense", rng.integers(-32, 32, (128, 16)) / 16, bits(6, 1),
        bias=rng.integers(-32, 32, 16) / 16, bias_spec=bits(6, 1),
    )  # fmt: skip
    return net.act("codes", relu(9, 1))


def chip_graph(*, programmable: bool = True) -> tuple[Graph, dict[str, Ints], tuple[str, str]]:
    """The chip around the encoder; its params' values; where the network begins and ends."""
    lowered = lower(encoder().network(), "econ_t_asic", programmable=programmable)
    user = UserFile(DESIGN / "chip.py", "model.around", "the chip")
    whole = surround(user, "chip", lowered.graph)
    rewrite = optimize(whole.graph)
    ends = tuple(rewrite.moved.get(value, value) for value in (whole.start, whole.end))
    params = {k: np.asarray(v) for k, v in {**whole.params, **lowered.params}.items()}
    return rewrite.graph, params, ends  # type: ignore[return-value]


def random_params(rng: np.random.Generator, links: int) -> dict[str, Ints]:
    """Any weights, the dense ones small enough that not all outputs saturate; any calibration."""
    sixes = {
        "conv_kernel": (3, 3, 1, 8),
        "conv_bias": (8,),
        "dense_kernel": (128, 16),
        "dense_bias": (16,),
    }
    params = {name: rng.integers(-32, 32, shape) for name, shape in sixes.items()}
    top = 31 >> links % 4
    params["dense_kernel"] = rng.integers(-top, top + 1, (128, 16))
    return params | {"calibration": rng.integers(0, 256, 48), "links": np.array(links)}


def chip_model(codes: Ints, params: Params) -> dict[str, Any]:
    """One wafer of 48 codes: the five words of the frame, and what is known on the way."""
    charges = [_charge(int(c), int(f)) for c, f in zip(codes, params["calibration"], strict=True)]
    total = sum(charges)
    power = 1 if total == 0 else 2 ** (len(f"{total:b}") - 1)
    cells = [charge * 128 // power for charge in charges]
    assert max(cells) < 256
    image = [[cells[_cell(row, column)] for column in range(8)] for row in range(8)]
    hidden = _conv(image, params)
    y = _dense(hidden, params)
    code = _five_four(total // 128)
    links = min(max(int(params["links"]), 1), 5)
    return {"image": image, "y": y, "sum": code, "frame": _frame(code, y, links)}


def _charge(code: int, factor: int) -> int:
    """In units of 1/128."""
    e, m = code // 8, code % 8
    mantissa, exponent = (m, 0) if e == 0 else (8 + m, e - 1)
    return mantissa * factor * 2**exponent


def _cell(row: int, column: int) -> int:
    """Three rhombi of 16 cells and, lower right, the third one again."""
    if row < 4:
        return 28 - 4 * row + column if column < 4 else 4 * (column - 4) + row
    r = row - 4
    return 47 - 4 * column - r if column < 4 else 35 - (column - 4) + 4 * r


def _half_even(value: int, divisor: int) -> int:
    whole, rest = divmod(value, divisor)
    return whole + (2 * rest > divisor or (2 * rest == divisor and whole % 2 == 1))


def _conv(image: list[list[int]], params: Params) -> list[int]:
    """Frac 7 times frac 4, to ufixed<12,3>: nine fraction bits; (row, column, filter) order."""
    result = []
    for row in range(0, 8, 2):
        for column in range(0, 8, 2):
            for n in range(8):
                acc = int(params["conv_bias"][n]) * 2**7
                for i in range(3):
                    for j in range(3):
                        if row + i < 8 and column + j < 8:
                            weight = int(params["conv_kernel"][i, j, 0, n])
                            acc += image[row + i][column + j] * weight
                result.append(min(max(_half_even(acc, 4), 0), 4095))
    return result


def _dense(hidden: list[int], params: Params) -> list[int]:
    """Frac 9 times frac 4, to ufixed<9,1>: eight fraction bits."""
    result = []
    for n in range(16):
        acc = int(params["dense_bias"][n]) * 2**9
        acc += sum(x * int(w) for x, w in zip(hidden, params["dense_kernel"][:, n], strict=True))
        result.append(min(max(_half_even(acc, 32), 0), 511))
    return result


def _five_four(charge: int) -> int:
    if charge < 16:
        return charge
    e = len(f"{charge:b}") - 1 - 3
    return e * 16 + charge // 2 ** (e - 1) % 16


def _frame(code: int, y: list[int], links: int) -> list[int]:
    """Text of bits, the first sent rightmost."""
    width = 2 * links - 1
    text = f"{code:09b}"
    for value in y:
        text = f"{value:09b}"[:width] + text
    assert len(text) <= 32 * links
    text = text.zfill(160)
    return [int(text[128 - 32 * k : 160 - 32 * k], 2) for k in range(5)]
