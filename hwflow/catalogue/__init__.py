"""The longer explanation of each error code, printed by `hwflow explain CODE`.

One file of entries per part of hwflow; a test checks that every code raised has one.
"""

from __future__ import annotations

import difflib

from hwflow.catalogue.asic import ASIC
from hwflow.catalogue.board import BOARD
from hwflow.catalogue.explanation import Explanation
from hwflow.catalogue.hardware import HARDWARE
from hwflow.catalogue.hls4ml import HLS4ML
from hwflow.catalogue.network import NETWORK
from hwflow.catalogue.power import POWER
from hwflow.catalogue.user import USER
from hwflow.errors import InputError

__all__ = ["CATALOGUE", "Explanation", "explain"]

CATALOGUE: dict[str, Explanation] = {
    **USER, **NETWORK, **HARDWARE, **HLS4ML, **ASIC, **BOARD, **POWER,
}  # fmt: skip


def explain(code: str) -> Explanation:
    """The explanation of one code.

    Raises:
        InputError: "explain.unknown" for a code that does not exist.
    """
    if code in CATALOGUE:
        return CATALOGUE[code]
    near = difflib.get_close_matches(code, CATALOGUE, n=3)
    meant = f"did you mean {', '.join(near)}?" if near else "run `hwflow explain` for the list"
    raise InputError("explain.unknown", f"no error has the code {code!r}", hint=meant)
