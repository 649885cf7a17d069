"""Weights loaded at run time: packing into words and back."""

from __future__ import annotations

import numpy as np
import pytest

from hwflow.errors import InputError
from hwflow.ir import Graph, GraphBuilder, IntType
from hwflow.plan.store import crc, store_of


def _graph() -> Graph:
    b = GraphBuilder("g")
    x = b.input("x", (3,), IntType.fixed(4, 0))
    w = b.param("w", (3, 2), IntType.fixed(6, 4))
    c = b.param("c", (2,), IntType(0, np.array([3, 200]), 0))
    with b.layer("l"):
        y = b.add(b.matmul(x, w), c)
    return b.build({"y": y})


def test_values_come_back_from_their_words() -> None:
    store = store_of(_graph())
    assert store is not None
    assert (store.bits, store.words) == (6 * 6 + 2 + 8, 2)
    rng = np.random.default_rng(1)
    for _ in range(20):
        values = {"w": rng.integers(-32, 32, (3, 2)), "c": rng.integers(0, [4, 256])}
        words = store.image(values)
        back = store.values(words)
        assert all((back[name] == values[name]).all() for name in values)
    whole = sum(int(word) << (32 * i) for i, word in enumerate(words))
    assert whole >> 36 & 3 == values["c"][0]
    assert crc(np.array([0x34333231, 0x38373635], np.uint32)) == 0x9AE0DAAF  # of b"12345678"


def test_what_does_not_fit_is_named() -> None:
    store = store_of(_graph())
    assert store is not None
    values = {"w": np.zeros((3, 2), np.int64), "c": np.zeros(2, np.int64)}
    values["w"][2, 1] = 32
    with pytest.raises(InputError, match=r"'w': 32 at \[2, 1\] is outside -32..31"):
        store.image(values)
    with pytest.raises(InputError, match="expected shape"):
        store.image({"w": 0 * values["w"]})
