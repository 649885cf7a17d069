"""Matrix products are exact whichever way they are computed."""

from __future__ import annotations

import numpy as np
import pytest

from hwflow.ir import GraphBuilder, IntType, evaluate
from hwflow.ir.ops import linear


@pytest.mark.parametrize("bits", [4, 20, 24, 25, 26, 31])
def test_products_are_exact_on_both_sides_of_2_to_53(bits: int) -> None:
    """`bits`-bit factors and six terms: sums of up to 2 * bits + 2 bits."""
    rng = np.random.default_rng(bits)
    top = (1 << (bits - 1)) - 1
    x = rng.integers(-top, top + 1, (50, 2, 6))
    x[0], x[1] = top, -top
    w = rng.integers(-top, top + 1, (6, 3))
    w[:, 0] = top
    b = GraphBuilder("g")
    value = b.input("x", (2, 6), IntType.fixed(bits))
    with b.layer("dense"):
        y = b.matmul(value, b.const(w))
    found = evaluate(b.build({"y": y}), {"x": x})["y"]
    exact = np.array([[[sum(int(p) * int(q) for p, q in zip(row, column, strict=True))
                        for column in w.T] for row in rows] for rows in x])  # fmt: skip
    assert np.array_equal(found, exact)


def test_float64_is_not_used_where_it_rounds() -> None:
    x = np.array([[(1 << 27) + 1, 1]])
    w = np.array([[(1 << 27) + 1], [0]])
    bound = 2 * int(x.max()) * int(w.max())
    assert linear._product(x, w, bound).item() == ((1 << 27) + 1) ** 2
    assert int(float(x[0, 0]) * float(w[0, 0])) != ((1 << 27) + 1) ** 2


def test_a_large_product_takes_little_time() -> None:
    """2 G multiplications: plain loops would need seconds."""
    import time

    x, w = np.ones((4000, 1000), np.int64), np.ones((1000, 512), np.int64)
    start = time.process_time()
    assert linear._product(x, w, 1000)[-1, -1] == 1000
    assert time.process_time() - start < 2.0
