"""Published accelerators that readers compare with: what each figure covers and where it is from.

Scopes differ: a core is one block without pins, a board includes memories, regulators and a
processor. No row is corrected for node, task or scope.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["PUBLISHED", "Published", "Scope"]

Scope = Literal["core", "chip", "board"]

_CODESIGN: Final = "arXiv 2206.11791 (MLPerf Tiny)"
_GAP9: Final = "MLPerf Tiny results of the maker (round not verified)"


@dataclass(frozen=True, slots=True)
class Published:
    """An accelerator on a task: pJ and ns an inference, None where not published.

    `scope` is what the energy covers, `kind` how it was obtained, `note` what else to know.
    """

    name: str
    task: str
    platform: str
    energy: float
    latency: float | None
    scope: Scope
    kind: Literal["simulated", "measured"]
    source: str
    note: str = ""


PUBLISHED: Final = (
    Published(
        "ECON-T encoder", "wafer compression", "65 nm ASIC", 2.4e3, 50.0, "core", "simulated",
        "arXiv 2105.01683",
        "programmable weights, triplicated; 3.6 mm2, 95 mW; what area and power cover is not "
        "verified",
    ),
    Published(
        "hls4ml AD", "anomaly detection", "Pynq-Z2 (28 nm FPGA)", 30.0e6, 18.7e3, "board",
        "measured", _CODESIGN,
    ),
    Published(
        "FINN KWS", "keyword spotting", "Pynq-Z2 (28 nm FPGA)", 30.7e6, 17.5e3, "board",
        "measured", _CODESIGN,
    ),
    Published(
        "FINN CNV-W1A1", "image classification", "Pynq-Z2 (28 nm FPGA)", 2_530e6, 1.51e6, "board",
        "measured", _CODESIGN,
    ),
    Published(
        "hls4ml RN07", "image classification", "Pynq-Z2 (28 nm FPGA)", 44_191e6, None, "board",
        "measured", _CODESIGN,
    ),
    Published(
        "GAP9 AD", "anomaly detection", "GAP9 processor", 5.25e6, None, "chip", "measured", _GAP9,
        "scope not verified",
    ),
    Published(
        "GAP9 KWS", "keyword spotting", "GAP9 processor", 18.6e6, None, "chip", "measured", _GAP9,
        "scope not verified",
    ),
    Published(
        "GAP9 IC", "image classification", "GAP9 processor", 27.7e6, None, "chip", "measured",
        _GAP9, "scope not verified",
    ),
    Published(
        "GAP9 VWW", "visual wake words", "GAP9 processor", 40.8e6, None, "chip", "measured", _GAP9,
        "scope not verified",
    ),
)  # fmt: skip
"""In the order in which they are shown."""
