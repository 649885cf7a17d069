"""The published encoder as an alkaid program: another library's tracer and interpreter.

Shares no code with hwflow.ir. alkaid keeps fixed-point variables as intervals with a power-of-two
step, lowers constant matrices to adders, and runs the program in its own interpreter.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from alkaid.trace import FVArray, trace

__all__ = ["AlkaidEncoder"]

Array = npt.NDArray[Any]
_WEIGHT_STEP, _INPUT_STEP, _OUTPUT_STEP = 2.0**-4, 2.0**-7, 2.0**-8


class AlkaidEncoder:
    """The encoder with the given arrays (w_conv, b_conv, w_dense, b_dense)."""

    def __init__(self, arrays: dict[str, Array]) -> None:
        # One sign bit, 3 integer and 7 fraction bits: the 11-bit input.
        signs, whole, points = (np.full((8, 8), v) for v in (1, 3, 7))
        x = FVArray.from_kif(signs, whole, points, solver_options={"hard_dc": 0})
        w_conv, b_conv, w_dense, b_dense = (
            arrays[name] * _WEIGHT_STEP for name in ("w_conv", "b_conv", "w_dense", "b_dense")
        )
        hidden = [
            self._position(x, w_conv[:, :, 0], b_conv, row, column)
            for row in range(0, 8, 2)
            for column in range(0, 8, 2)
        ]
        flat = FVArray(np.concatenate(hidden), x.solver_options)
        # RND_CONV: to nearest, halves to even. SAT of an unsigned format is also the ReLU.
        y = (flat @ w_dense + b_dense).quantize(0, 1, 8, "SAT", "RND_CONV")
        self._program = trace(x, y, optimize=False)

    @staticmethod
    def _position(x: FVArray, kernel: Array, bias: Array, row: int, column: int) -> Array:
        """The 8 filters at one position; taps below or right of the image are absent."""
        taps = [(i, j) for i in range(3) for j in range(3) if row + i < 8 and column + j < 8]
        window = FVArray(
            np.array([np.asarray(x)[row + i, column + j] for i, j in taps]), x.solver_options
        )
        total = window @ np.array([kernel[tap] for tap in taps]) + bias
        return np.asarray(total.quantize(0, 3, 9, "SAT", "RND_CONV"))

    def __call__(self, integers: Array) -> Array:
        """Input integers (n, 8, 8, 1) to output codes (n, 16)."""
        real = integers.reshape(len(integers), 64) * _INPUT_STEP
        codes = self._program.predict(real, n_threads=1) / _OUTPUT_STEP
        whole: Array = codes.astype(np.int64)
        assert bool((whole == codes).all())
        return whole
