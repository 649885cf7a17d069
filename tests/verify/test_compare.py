"""Where two rungs first differ: the order of layers, vectors and elements."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hwflow.errors import CheckFailed
from hwflow.verify.compare import Mismatch, RungReport, first_mismatch, mismatch_error
from hwflow.verify.vectors import VectorClass, Vectors

ORDER = [("first", "a"), ("second", "b")]
VECTORS = Vectors(
    {"x": np.zeros((6, 1), dtype=np.int64)},
    (VectorClass("corner", 0, 2), VectorClass("random", 2, 6)),
)


def values() -> dict[str, np.ndarray]:
    return {
        "a": np.arange(24, dtype=np.int64).reshape(6, 2, 2),
        "b": np.arange(18, dtype=np.int64).reshape(6, 3),
    }


def test_equal() -> None:
    assert first_mismatch(ORDER, values(), values(), VECTORS) is None


def test_layers_come_before_vectors_and_vectors_before_elements() -> None:
    found = values()
    found["b"][0, 0] += 1  # an earlier vector, but a later layer
    found["a"][4, 0, 0] -= 5
    found["a"][3, 1, 0] += 7
    found["a"][3, 1, 1] += 1
    assert first_mismatch(ORDER, values(), found, VECTORS) == Mismatch(
        "first", "a", 3, "random", (1, 0), expected=14, found=21, differing=2
    )
    found["a"] = values()["a"]
    mismatch = first_mismatch(ORDER, values(), found, VECTORS)
    assert mismatch is not None
    assert (mismatch.layer, mismatch.vector, mismatch.vector_class) == ("second", 0, "corner")


@pytest.mark.parametrize("vector", range(6))
def test_any_single_difference_is_found(vector: int) -> None:
    for element in range(3):
        found = values()
        found["b"][vector, element] ^= 1
        mismatch = first_mismatch(ORDER, values(), found, VECTORS)
        assert mismatch is not None
        assert (mismatch.vector, mismatch.element) == (vector, (element,))
        assert mismatch.differing == 1


def test_scalars() -> None:
    want, have = np.array([1, 2, 3]), np.array([1, 2, 4])
    mismatch = first_mismatch([("l", "s")], {"s": want}, {"s": have}, VECTORS)
    assert mismatch == Mismatch("l", "s", 2, "random", (), 3, 4, 1)


def test_missing_vectors_are_no_match() -> None:
    found = values()
    found["b"] = found["b"][:5]
    with pytest.raises(CheckFailed) as caught:
        first_mismatch(ORDER, values(), found, VECTORS)
    assert caught.value.code == "rung.shape"
    assert "b of layer second" in caught.value.message


def test_message_and_record() -> None:
    mismatch = Mismatch("conv", "conv_requant", 17, "random", (2, 0, 1), -3, 5, 9)
    error = mismatch_error("rtl", mismatch)
    assert (error.code, error.exit_code) == ("rung.mismatch", 1)
    assert error.message == (
        "rung rtl differs from the integer graph first in layer conv: conv_requant[2][0][1] of "
        "vector 17 (random): expected -3, found 5; 9 vectors differ there"
    )
    record = RungReport("rtl", 20, ("y",), mismatch, figures={"cells": 1}).as_json()
    assert record["equal"] is False
    assert json.loads(json.dumps(record))["mismatch"]["element"] == [2, 0, 1]
    assert RungReport("rtl", 20, ("y",)).as_json()["equal"] is True
