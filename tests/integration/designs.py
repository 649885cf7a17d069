"""Small designs without training that have every kind of layer, as a user would keep them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding, save_graph

__all__ = ["duo_graph", "rich_graph", "write_design"]


def rich_graph(name: str = "rich") -> Graph:
    """Convolution, pooling, residual add, thresholds, a table, dense and argmax.

    The two input channels differ in width and binary point, and so do the convolution's results.
    Outputs: the three scores and the index of the largest.
    """
    rng = np.random.default_rng(5)
    half_even, saturate = Rounding.HALF_EVEN, Overflow.SATURATE
    b = GraphBuilder(name)
    kind = IntType(np.array([-4, -4]), np.array([3, 3]), np.array([1, 2]))
    x = b.input("x", (3, 3, 2), kind, half_even, saturate)
    with b.layer("conv"):
        kernel = b.const(rng.integers(-3, 4, (2, 2, 2, 2)), frac=np.array([1, 2]))
        bias = b.const([3, -5], frac=np.array([3, 4]))
        total = b.add(b.conv(x, kernel), bias)
        kind = IntType(np.array([0, -8]), np.array([7, 7]), np.array([0, 1]))
        hidden = b.requant(total, kind, Rounding.HALF_UP, saturate)
    with b.layer("pool"):
        pooled = b.maxpool(hidden, (2, 2))
    with b.layer("mix"):
        mixed = b.requant(
            b.matmul(pooled, b.const([[1, -2], [3, 1]], frac=1)),
            IntType.fixed(5, 0),
            Rounding.FLOOR,
            Overflow.WRAP,
        )
    with b.layer("residual"):
        joined = b.requant(b.add(mixed, pooled), IntType.fixed(5, 0), half_even, saturate)
    with b.layer("steps"):
        steps = b.threshold(joined, np.array([-9, -2, 0, 1, 5, 11]))
    with b.layer("table"):
        looked = b.lut(steps, 0, [0, 1, 3, 6, 7, 5, 2])
    flat = b.reshape(looked, (2,), name="flatten")
    with b.layer("dense"):
        scores = b.matmul(flat, b.const(np.array([[3, -1, 2], [-2, 3, 1]]), frac=1))
    with b.layer("decide"):
        best = b.argmax(scores)
    return b.build({"scores": scores, "best": best})


def duo_graph(name: str = "duo") -> Graph:
    """A convolution and a dense layer: the quickest design with two kinds of layer."""
    b = GraphBuilder(name)
    x = b.input("x", (3, 3, 1), IntType.fixed(4, 1))
    with b.layer("conv"):
        kernel = b.const(np.array([[1, -2], [3, 2]]).reshape(2, 2, 1, 1), frac=1)
        hidden = b.requant(
            b.add(b.conv(x, kernel), b.const([3], frac=2)),
            IntType.fixed(4, 1, signed=False),
            Rounding.HALF_EVEN,
            Overflow.SATURATE,
        )
    with b.layer("dense"):
        weights = b.const(np.array([[3, -1], [2, 5], [-3, 1], [1, 2]]), frac=0)
        y = b.matmul(b.reshape(hidden, (4,)), weights)
    return b.build({"y": y})


def write_design(
    folder: Path,
    graph: Graph,
    *,
    target: str = "lut4",
    interface: str = "valid_ready",
    folds: tuple[str, ...] = (),
    vectors: int = 200,
    protect: str = "none",
) -> Path:
    """`graph` and its design.yaml in a folder; returns design.yaml."""
    folder.mkdir(parents=True, exist_ok=True)
    save_graph(graph, folder / "graph.hwf")
    pos = ", ".join(f"{layer}: 1" for layer in folds)
    (folder / "design.yaml").write_text(
        f"design: {graph.name}\n"
        "model: {file: graph.hwf}\n"
        "hardware:\n"
        f"  target: {target}\n"
        "  clock: 50 MHz\n"
        f"  interface: {interface}\n"
        f"  fold: {{pos: {{{pos}}}}}\n"
        f"  protect: {protect}\n"
        f"verify: {{vectors: {vectors}}}\n",
        encoding="utf-8",
    )
    return folder / "design.yaml"
