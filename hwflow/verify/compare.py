"""Exact comparison, and the place where two rungs first differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from hwflow.errors import CheckFailed
from hwflow.ir.exact import IntArray
from hwflow.verify.vectors import Vectors

__all__ = ["Mismatch", "RungReport", "first_mismatch", "mismatch_error"]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The first difference found, in the order of the layers, then vectors, then elements."""

    layer: str
    value: str
    vector: int
    vector_class: str
    element: tuple[int, ...]
    expected: int
    found: int
    differing: int
    """Vectors of `value` that differ."""


@dataclass(frozen=True, slots=True)
class RungReport:
    """What a rung compared and found; written as the rung's JSON."""

    rung: str
    vectors: int
    values: tuple[str, ...]
    mismatch: Mismatch | None = None
    notes: tuple[str, ...] = ()
    figures: Mapping[str, object] = field(default_factory=dict)

    @property
    def equal(self) -> bool:
        """Whether everything compared was equal."""
        return self.mismatch is None

    def as_json(self) -> dict[str, object]:
        """Plain data for the artifact."""
        return {**asdict(self), "figures": dict(self.figures), "equal": self.equal}


def first_mismatch(
    order: Sequence[tuple[str, str]],
    expected: Mapping[str, IntArray],
    found: Mapping[str, IntArray],
    vectors: Vectors,
) -> Mismatch | None:
    """Compare values in `order`, pairs of (layer, value); arrays are (n, *shape)."""
    for layer, value in order:
        want, have = expected[value], found[value]
        if want.shape != have.shape:
            raise CheckFailed(
                "rung.shape",
                f"{value} of layer {layer}: expected {want.shape} values, found {have.shape}",
            )
        wrong = want != have
        if bool(wrong.any()):
            at = tuple(int(i) for i in np.argwhere(wrong)[0])
            rows = wrong.reshape(len(wrong), -1).any(axis=1)
            return Mismatch(
                layer,
                value,
                at[0],
                vectors.class_of(at[0]),
                at[1:],
                int(want[at]),
                int(have[at]),
                int(rows.sum()),
            )
    return None


def mismatch_error(rung: str, mismatch: Mismatch) -> CheckFailed:
    """The error that a rung raises for `mismatch`."""
    where = "".join(f"[{i}]" for i in mismatch.element)
    return CheckFailed(
        "rung.mismatch",
        f"rung {rung} differs from the integer graph first in layer {mismatch.layer}: "
        f"{mismatch.value}{where} of vector {mismatch.vector} ({mismatch.vector_class}): "
        f"expected {mismatch.expected}, found {mismatch.found}; "
        f"{mismatch.differing} vectors differ there",
    )
