"""Our side of nngen_compare.py: the network that both sides get, as an integer graph and as RTL."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hwflow.backends.amaranth.generate import generate_verilog
from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding
from hwflow.plan.folding import Folding
from hwflow.plan.plan import Options, Plan, make_plan
from hwflow.plan.targets import target

__all__ = ["SIZES", "TOP", "Network", "graph", "network", "plan", "write_rtl"]

Ints = npt.NDArray[np.int64]
Network = dict[str, Ints]

SIZES = (16, 64, 32, 32, 5)
TOP = "mlp"
_INPUTS = 64


def network(seed: int = 3) -> Network:
    """Random int8 weights w0.. (inputs, outputs), 12-bit biases b0.., right shifts, int8 inputs.

    The shifts keep the activations in use: standard deviations of a quarter to half of the range.
    """
    rng = np.random.default_rng(seed)
    arrays: Network = {
        "shifts": np.array([9, 9, 8, 8]),
        "inputs": rng.integers(-127, 128, (_INPUTS, SIZES[0])),
    }
    for i, (ins, outs) in enumerate(pairwise(SIZES)):
        arrays[f"w{i}"] = rng.integers(-127, 128, (ins, outs))
        arrays[f"b{i}"] = rng.integers(-1024, 1025, outs)
    return arrays


def graph(arrays: Network) -> Graph:
    """The network in NNgen's arithmetic: sum, bias, shift rounding half away, clip to +-127."""
    b = GraphBuilder(TOP)
    value = b.input("x", (SIZES[0],), IntType.fixed(8, 0))
    last = len(SIZES) - 2
    for i in range(last + 1):
        shift = int(arrays["shifts"][i])
        with b.layer(f"layer{i}"):
            total = b.add(
                b.matmul(value, b.const(arrays[f"w{i}"], frac=shift)),
                b.const(arrays[f"b{i}"], frac=shift),
            )
            if i == last:
                value = b.requant(
                    total, IntType.fixed(8, 0), Rounding.HALF_AWAY, Overflow.SATURATE_SYMMETRIC
                )
            else:  # below zero all roundings end at zero
                value = b.requant(
                    total, IntType.fixed(7, 0, signed=False), Rounding.HALF_UP, Overflow.SATURATE
                )
    return b.build({"y": value})


def plan(arrays: Network, folds: Mapping[str, tuple[int, int]], multiplier: str) -> Plan:
    """Plan with (pe, simd) per layer; a layer that is not named stays fully parallel."""
    chosen = {
        name: Folding(pe=pe, simd=simd, pos=1, multiplier="dsp" if multiplier == "dsp" else "lut")
        for name, (pe, simd) in folds.items()
    }
    options = Options(target=target("ecp5-85k"), clock_hz=Fraction(100_000_000), fold=chosen)
    return make_plan(graph(arrays), options)


def write_rtl(planned: Plan, path: Path) -> None:
    """Write the Verilog of a plan."""
    path.write_text(generate_verilog(planned), encoding="utf-8")
