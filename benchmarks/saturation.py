"""Inputs that bring a nearly always saturated output of the encoder out of saturation.

Found by mixed-integer linear programming over the whole network (64 inputs, 128 hidden units), then
spread by a random walk that stays out of saturation.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_matrix

from hwflow.ir import Graph, evaluate

Ints = npt.NDArray[np.int64]

X_LO, X_HI, H_MAX = -1024, 1023, 4095
X, H = 64, 128

_SECONDS = 120


@dataclass
class _Rows:
    """Constraints ``line . (x, h, z) <= upper``."""

    lines: list[npt.NDArray[np.float64]] = field(default_factory=list)
    uppers: list[float] = field(default_factory=list)

    def at_most(self, x: npt.NDArray[np.float64], k: int, h: float, z: float, upper: float) -> None:
        line = np.zeros(X + 2 * H)
        line[:X], line[X + k], line[X + H + k] = x, h, z
        self.lines.append(line)
        self.uppers.append(upper)


def lowest_input(
    w_conv: Ints,
    b_conv: Ints,
    w_dense: Ints,
    b_dense: Ints,
    output: int,
    active: int | None = None,
) -> tuple[Ints, float]:
    """Input integers (8, 8, 1) that make dense accumulator `output` as small as the solver can.

    With `active`, hidden unit `active` is held at 256 or more. Also returns the solver's bound:
    no input (none with that unit active) brings the accumulator below it; units of 2**-13.
    """
    weights = w_dense[:, output]
    rows = _Rows()
    for k in range(H):
        slope, offset = _hidden(w_conv, b_conv, k)
        big = float(np.abs(slope).sum() * 1024 + abs(offset) + H_MAX + 1)
        if weights[k] < 0:  # h as large as it can be: at most the value where z = 1, else 0
            rows.at_most(-slope, k, 1, big, offset + 0.5 + big)
            rows.at_most(np.zeros(X), k, 1, -H_MAX, 0)
        else:  # h as small as it can be: at least the value, or clipped where z = 1
            rows.at_most(slope, k, -1, -big, 0.5 - offset)
            rows.at_most(np.zeros(X), k, -1, H_MAX, 0)
    if active is not None:
        slope, offset = _hidden(w_conv, b_conv, active)
        rows.at_most(-slope, active, 0, 0, offset - 256)
    cost = np.concatenate([np.zeros(X), weights.astype(float), np.zeros(H)])
    result = milp(
        cost,
        constraints=LinearConstraint(csr_matrix(np.array(rows.lines)), -np.inf, rows.uppers),
        bounds=Bounds(
            np.concatenate([np.full(X, X_LO), np.zeros(2 * H)]),
            np.concatenate([np.full(X, X_HI), np.full(H, H_MAX), np.ones(H)]),
        ),
        integrality=np.concatenate([np.zeros(X + H), np.ones(H)]),
        options={"time_limit": _SECONDS},
    )
    assert result.x is not None, result.message
    x = np.rint(result.x[:X]).astype(np.int64).reshape(8, 8, 1)
    return x, float(result.mip_dual_bound) + float(b_dense[output] << 9)


def walk(graph: Graph, start: Ints, output: int, count: int, seed: int = 0) -> Ints:
    """Up to `count` inputs around `start` at which `output` is unsaturated, (n, 8, 8, 1)."""
    rng = np.random.default_rng(seed)
    found = [start]
    for _ in range(400):
        if len(found) >= count:
            break
        base = np.array(found)[rng.integers(0, len(found), 256)].reshape(256, X)
        moved = rng.random((256, X)) < rng.random((256, 1)) ** 2 * 0.5
        fresh = rng.integers(X_LO, X_HI + 1, (256, X))
        rows = np.where(moved, fresh, base).reshape(256, 8, 8, 1)
        free = evaluate(graph, {"x": rows})["y"][:, output] < 511
        found += list(rows[free])
    return np.array(found[:count])


def cross(graph: Graph, weights: tuple[Ints, Ints, Ints, Ints], unit: int, output: int) -> Ints:
    """Inputs at which `output` passes from 0 to its maximum while hidden unit `unit` is active.

    They lie on lines from the lowest input to random ones, without the inputs that the unit sees.
    """
    start, _ = lowest_input(*weights, output, unit)
    seen = (_hidden(weights[0], weights[1], unit)[0] != 0).reshape(8, 8, 1)
    rng = np.random.default_rng(unit)
    step = np.linspace(0, 1, 400)[:, None, None, None]
    lines = []
    for _ in range(20):
        far = np.where(seen, start, rng.integers(X_LO, X_HI + 1, (8, 8, 1)))
        lines.append(np.rint(start * (1 - step) + far * step).astype(np.int64))
    rows = np.concatenate(lines)
    code = evaluate(graph, {"x": rows})["y"][:, output]
    return np.asarray(rows[(code > 0) & (code < 511)], dtype=np.int64)


def _hidden(w_conv: Ints, b_conv: Ints, k: int) -> tuple[npt.NDArray[np.float64], float]:
    """Hidden unit k before rounding: a linear form of the 64 inputs, in its own units."""
    position, f = divmod(k, 8)
    row, col = divmod(position, 4)
    slope = np.zeros((9, 9))
    slope[2 * row : 2 * row + 3, 2 * col : 2 * col + 3] = w_conv[:, :, 0, f]
    return slope[:8, :8].ravel() / 4.0, float(b_conv[f] << 7) / 4.0
