"""The names that ap_fixed gives to rounding and overflow; the table of SEMANTICS.md in code."""

from __future__ import annotations

from typing import Final

from hwflow.ir.types import Overflow, Rounding

__all__ = ["AP_OVERFLOW", "AP_ROUNDING"]

AP_ROUNDING: Final = {
    Rounding.FLOOR: "TRN",
    Rounding.TOWARD_ZERO: "TRN_ZERO",
    Rounding.HALF_UP: "RND",
    Rounding.HALF_EVEN: "RND_CONV",
    Rounding.HALF_AWAY: "RND_INF",
}
"""As ap_fixed and ac_fixed spell it behind AP_ or AC_."""

AP_OVERFLOW: Final = {
    Overflow.WRAP: "WRAP",
    Overflow.SATURATE: "SAT",
    Overflow.SATURATE_SYMMETRIC: "SAT_SYM",
}
