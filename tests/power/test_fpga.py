"""Energy on FPGAs: toggles times elements."""

from __future__ import annotations

from typing import Any

import pytest

from hwflow.plan.targets import TARGETS, target
from hwflow.power.elements import elements_of
from hwflow.power.fpga import fpga_energy


def cell(kind: str, **outputs: int) -> dict[str, Any]:
    return {
        "type": kind,
        "connections": {pin: [bit] for pin, bit in outputs.items()},
        "port_directions": dict.fromkeys(outputs, "output"),
    }


MODULE = {
    "cells": {
        "a.lut": cell("SB_LUT4", O=2),
        "a.carry": cell("SB_CARRY", CO=3),
        "b.ff": cell("SB_DFF", Q=4),
        "b.mac": cell("SB_MAC16", O=5),
        "ram": cell("SB_RAM40_4K", RDATA=6),
    }
}


def test_the_measured_elements() -> None:
    """0.2 pJ a toggle, 53.6 pJ a cycle, 24.1 pJ for a working DSP, 104 uW for 2 cycles."""
    elements = elements_of(target("ice40-up5k"))
    toggles = {2: 3.0, 3: 1.0, 4: 2.0, 5: 0.5, 6: 9.0}
    energy = fpga_energy(MODULE, ["a", "b"], toggles, 2.0, 12e6, elements)
    assert energy.kinds["logic"].value == pytest.approx(0.6)
    assert energy.kinds["carry"].value == pytest.approx(0.05)
    assert energy.kinds["registers"].value == pytest.approx(0.4)
    assert energy.kinds["dsp"].value == pytest.approx(24.1)
    assert energy.kinds["memory"].value == pytest.approx(2 * 24.1)  # no more than every cycle
    assert energy.kinds["clock"].value == pytest.approx(2 * 53.6)
    assert energy.kinds["static"].value == pytest.approx(104 * 2 / 12)
    assert energy.total.value == pytest.approx(sum(part.value for part in energy.kinds.values()))
    assert energy.layers["a"].value == pytest.approx(0.65)
    assert energy.layers["b"].value == pytest.approx(24.5)
    assert energy.layers["top"].value == pytest.approx(48.2)
    assert energy.total.low < energy.total.value < energy.total.high


def test_other_devices_are_projected_with_wider_ranges() -> None:
    measured = elements_of(target("ice40-up5k"))
    for known in (t for t in TARGETS if t.family != "asic"):
        found = elements_of(known)
        assert found.logic.low < found.logic.value < found.logic.high
        if known.name != "ice40-up5k":
            spread = found.logic.high / found.logic.low
            assert spread > measured.logic.high / measured.logic.low
            assert found.static is None
            assert "projected" in found.source
    ecp5 = elements_of(target("ecp5-85k"))
    assert ecp5.logic.value == pytest.approx(0.2 * (1.1 / 1.219) ** 2)
