"""Energy of clocks behind gates against figures computed by hand from the tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwflow.asic.liberty import Cell, Library, load_library
from hwflow.errors import InputError
from hwflow.power.asic import CyclePower
from hwflow.power.clock import clock_tree
from tests.asic import samples
from tests.power.test_asic import ONES, PERIOD, WIRE, measured, module

pytestmark = pytest.mark.tool

GATES, DATA, CLOCK = 50, 3, 1000


def bank(kinds: tuple[str, str], pins: tuple[dict[str, int | str], str], count: int) -> Any:
    """`count` flip-flops with one data input behind a gate: kinds of cells, fixed pins."""
    gate, flop = kinds
    fixed, clock = pins
    enable, clk, out = ("EN", "CLK", "GCLK") if gate == "CKGATE" else ("GATE", "CLK", "GCLK")
    cells: dict[str, tuple[str, dict[str, int | str]]] = {
        f"l.f{k}": (flop, {clock: GATES, "D": DATA, "Q": 10 + k, **fixed}) for k in range(count)
    }
    cells["l.g"] = (gate, {enable: 4, clk: CLOCK, out: GATES})
    outputs = {f"q{k}": 10 + k for k in range(count)}
    return module(cells, {"d": DATA, "en": 4}, outputs)


def rows(count: int, steps: Sequence[tuple[int, int, int]]) -> list[list[int]]:
    """Words of all registers, data and enable, cycle by cycle."""
    return [[*([ONES * q] * count), ONES * d, ONES * en] for q, d, en in steps]


@pytest.fixture
def gated(tmp_path: Path) -> Library:
    return load_library(samples.write(tmp_path, samples.library((*samples.CELLS, samples.GATE))))


def test_a_closed_gate(gated: Library, tmp_path: Path) -> None:
    """Clock pin of the gate, 2 x 6 fJ, and the one buffer before it; nothing of the registers."""
    netlist = bank(("CKGATE", "DFF"), ({}, "CK"), 4)
    power = measured(gated, netlist, rows(4, [(0, 0, 0)] * 3), tmp_path)
    volts = 1.5**2
    assert power.kinds["clock"] == pytest.approx((3 + 5) * volts + 12 + (4 + 5) * volts + 12)
    assert power.kinds["registers"] == 0
    assert (power.clock.gates, power.clock.gated, power.clock.opened) == (1, 4, 0)
    assert power.clock.buffers == 1
    assert power.leakage_nw == pytest.approx(4 * 2 + 1 + 0.5)


def test_an_open_gate(gated: Library, tmp_path: Path) -> None:
    """Besides: the gate's output, and pin, wire and 2 x 6 fJ of each register."""
    netlist = bank(("CKGATE", "DFF"), ({}, "CK"), 4)
    closed = measured(gated, netlist, rows(4, [(0, 0, 0)] * 3), tmp_path)
    opened = measured(gated, netlist, rows(4, [(0, 0, 1)] * 3), tmp_path)
    assert opened.kinds["clock"] - closed.kinds["clock"] == pytest.approx(
        12 + 4 * ((3 + 5) * 1.5**2 + 12)
    )
    assert opened.clock.opened == 1


def test_half_of_the_streams(gated: Library, tmp_path: Path) -> None:
    """The mean of an open and a closed gate, stream by stream."""
    netlist = bank(("CKGATE", "DFF"), ({}, "CK"), 20)
    each = [
        measured(gated, netlist, [[*[0] * 20, 0, word]] * 3, tmp_path).kinds["clock"]
        for word in (0, ONES // 3, ONES)
    ]
    share = (ONES // 3).bit_count() / 64
    assert each[1] == pytest.approx((1 - share) * each[0] + share * each[2])


def test_a_tree_behind_the_gate(gated: Library, tmp_path: Path) -> None:
    """40 registers: three buffers behind the gate, one before it."""
    assert clock_tree(16, rooted=False) == ()
    assert clock_tree(40, rooted=False) == (3,)
    assert clock_tree(300, rooted=False) == (19, 2)
    netlist = bank(("CKGATE", "DFF"), ({}, "CK"), 40)
    opened = measured(gated, netlist, rows(40, [(0, 0, 1)] * 3), tmp_path)
    volts = 1.5**2
    behind = 40 * ((3 + 5) * volts + 12) + 3 * ((4 + 5) * volts + 12)
    gate = 12 + 12 + (3 + 5) * volts
    assert opened.kinds["clock"] == pytest.approx(behind + gate + (4 + 5) * volts + 12)
    assert opened.clock.buffers == 4


def test_enable_and_data_of_a_closed_bank(gated: Library, tmp_path: Path) -> None:
    """A change of the enable costs its own 6 fJ; data pins see a low clock."""
    data = 'pin (D) { direction : input; capacitance : 0.004; internal_power () { when : "!CK"; '
    table = 'rise_power (energy) { values ("0.1, 0.1"); } fall_power (energy) { values ("0, 0"); }'
    flop = samples.flip_flop().replace(
        "pin (D) { direction : input; capacitance : 0.004; ", data + table + " } "
    )
    text = samples.library((*samples.CELLS[:-1], flop, samples.GATE))
    library = load_library(samples.write(tmp_path, text))
    netlist = bank(("CKGATE", "DFF"), ({}, "CK"), 4)
    moving = [(0, 0, 0), (0, 1, 0), (0, 0, 0)]
    closed = measured(library, netlist, rows(4, moving), tmp_path)
    assert closed.kinds["registers"] == pytest.approx(4 * 100 / 2 / 2 * 2)
    moving = [(0, 0, 1), (0, 1, 1), (0, 0, 1)]
    assert measured(library, netlist, rows(4, moving), tmp_path).kinds["registers"] == 0
    still = measured(library, netlist, rows(4, [(0, 0, 0), (0, 0, 0)]), tmp_path)
    enabled = measured(library, netlist, rows(4, [(0, 0, 0), (0, 0, 1)]), tmp_path)
    opens = 12 + 4 * ((3 + 5) * 1.5**2 + 12)  # at the edge that ends the cycle
    assert enabled.kinds["clock"] - still.kinds["clock"] == pytest.approx(6 + opens)


def test_latches_behind_a_gate(tmp_path: Path) -> None:
    """Clock pins as those of registers, data pins at each change, the output by its clock pin."""
    cells = (*samples.CELLS, samples.GATE, samples.latch())
    library = load_library(samples.write(tmp_path, samples.library(cells)))
    netlist = bank(("CKGATE", "LATCH"), ({}, "G"), 4)

    def power(*steps: tuple[int, int, int]) -> CyclePower:
        return measured(library, netlist, rows(4, steps), tmp_path)

    closed, opened = power((0, 0, 0), (0, 0, 0)), power((0, 0, 1), (0, 0, 1))
    pin = (2 + 5) * 1.5**2 + 12
    assert opened.kinds["clock"] - closed.kinds["clock"] == pytest.approx(12 + 4 * pin)
    assert closed.leakage_nw == pytest.approx(4 * 1 + 1 + 0.5)
    assert (closed.kinds["registers"], opened.kinds["registers"]) == (0, 0)
    moving = power((0, 0, 0), (0, 1, 0))
    assert moving.kinds["registers"] == pytest.approx(4 * 6)
    taken = power((0, 1, 1), (1, 1, 0))
    assert taken.kinds["registers"] == pytest.approx(4 * (6 + 5 * 1.5**2 / 2))


def test_gates_behind_gates_are_refused(gated: Library, tmp_path: Path) -> None:
    netlist = bank(("CKGATE", "DFF"), ({}, "CK"), 1)
    netlist["cells"]["l.h"] = {
        "type": "CKGATE", "connections": {"EN": [4], "CLK": [GATES], "GCLK": [GATES + 1]},
    }  # fmt: skip
    with pytest.raises(InputError) as caught:
        measured(gated, netlist, rows(1, [(0, 0, 0)] * 2), tmp_path)
    assert caught.value.code == "power.cell"


def at(table: Any, slew: float, load: float | None = None) -> float:
    """Bilinear interpolation, written another way than `Table.at`."""
    values, slews = table.values, table.points[0]
    i = int(np.searchsorted(slews, slew)) - 1
    s = (slew - slews[i]) / (slews[i + 1] - slews[i])
    if load is not None:
        loads = table.points[1]
        j = min(max(int(np.searchsorted(loads, load)) - 1, 0), len(loads) - 2)
        c = (load - loads[j]) / (loads[j + 1] - loads[j])
        values = values[:, j] * (1 - c) + values[:, j + 1] * c
    return float(values[i] * (1 - s) + values[i + 1] * s)


def both(entry: Any, load: float | None = None) -> float:
    return at(entry.rise, 0.1, load) + at(entry.fall, 0.1, load)


def test_a_bank_of_real_cells(ihp: Library, tmp_path: Path) -> None:
    """48 registers of sg13g2 behind a gate that is open in every other cycle, all at rest."""
    flop, gate = ihp.cells["sg13g2_dfrbpq_1"], ihp.cells["sg13g2_lgcp_1"]
    netlist = bank((gate.name, flop.name), ({"RESET_B": "1"}, "CLK"), 48)
    steps = [(0, 0, k % 2) for k in range(9)]
    power = measured(ihp, netlist, rows(48, steps), tmp_path)
    assert power.clock.opened == 0.5
    assert power.kinds["clock"] == pytest.approx(bank_by_hand(ihp, flop, gate), rel=0.02)
    assert power.kinds["registers"] == 0


def bank_by_hand(library: Library, flop: Cell, gate: Cell) -> float:
    """fJ a cycle, half of it with the gate open, the enable moving in each."""
    volts = 1000 * 1.2**2
    buffers = [c for c in library.cells.values() if c.name.startswith("sg13g2_buf")]

    def buffer(load: float) -> Cell:
        able = [c for c in buffers if (c.pins["X"].max_capacitance or 0) >= load]
        return min(able, key=lambda c: c.area)

    state = {"D": 0, "Q": 0, "RESET_B": 1}
    resting = next(e for e in flop.pins["CLK"].internal_power if e.when and e.when.value(state))
    pin = flop.pins["CLK"].capacitance + WIRE
    near, root = buffer(16 * pin), buffer(16 * (gate.pins["CLK"].capacitance + WIRE))
    (moved,) = near.pins["X"].internal_power
    driven = 3 * (near.pins["A"].capacitance + WIRE)
    (out,) = gate.pins["GCLK"].internal_power
    opened = 48 * (pin * volts + both(resting)) + 3 * both(moved, 16 * pin) + driven * volts
    opened += both(out, driven)
    (rest,) = gate.pins["CLK"].internal_power
    sink = gate.pins["CLK"].capacitance + WIRE
    (first,) = root.pins["X"].internal_power
    always = sink * volts + both(rest) + both(first, sink)
    always += (root.pins["A"].capacitance + WIRE) * volts
    enable = next(e for e in gate.pins["GATE"].internal_power if e.when is None)
    return opened / 2 + always + both(enable) / 2


def test_a_closed_bank_leaks_with_its_clock_low(ihp: Library, tmp_path: Path) -> None:
    flop, gate = ihp.cells["sg13g2_dfrbpq_1"], ihp.cells["sg13g2_lgcp_1"]
    netlist = bank((gate.name, flop.name), ({"RESET_B": "1"}, "CLK"), 1)
    power = measured(ihp, netlist, rows(1, [(0, 0, 0)] * 3), tmp_path)
    state = {"CLK": 0, "D": 0, "Q": 0, "RESET_B": 1}
    own = sum(e.nw for e in flop.leakage if e.when and e.when.value(state))
    (shut,) = [e.nw for e in gate.leakage if e.when and e.when.text == "!GATE&!GCLK"]
    shut_low = next(e.nw for e in gate.leakage if e.when)
    assert own > 0
    assert shut_low != shut
    idle = sum(e.nw for e in ihp.cells["sg13g2_buf_1"].leakage) / 2
    assert power.leakage_nw == pytest.approx(own + shut + idle, rel=0.02)


def test_energy_of_a_cycle_is_the_sum(gated: Library, tmp_path: Path) -> None:
    netlist = bank(("CKGATE", "DFF"), ({}, "CK"), 20)
    power: CyclePower = measured(gated, netlist, rows(20, [(0, 0, 1), (1, 1, 0)] * 3), tmp_path)
    assert power.total == pytest.approx(sum(power.kinds.values()))
    charged = sum(power.layers.values()) + power.kinds["inputs"] + power.kinds["leakage"]
    assert charged == pytest.approx(power.total)
    assert power.kinds["leakage"] == pytest.approx(power.leakage_nw * PERIOD / 1000)
