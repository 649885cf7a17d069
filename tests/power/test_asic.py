"""Energy of single cells and small circuits against figures computed by hand from the tables."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwflow.asic.liberty import Library, load_library
from hwflow.errors import InputError
from hwflow.power.asic import CyclePower, cycle_power
from hwflow.power.clock import clock_tree
from hwflow.power.delays import delays_of
from hwflow.power.gates import read_gates
from hwflow.power.waves import run_waves
from tests.asic import samples

pytestmark = pytest.mark.tool

ONES = 2**64 - 1
WIRE = 0.005
PERIOD = 10.0


def module(
    cells: Mapping[str, tuple[str, Mapping[str, int | str]]],
    inputs: Mapping[str, int],
    outputs: Mapping[str, int],
) -> dict[str, Any]:
    """A flat module; cells are (type, net of each pin)."""
    ports = {"clk": {"direction": "input", "bits": [1000]}}
    ports |= {name: {"direction": "input", "bits": [bit]} for name, bit in inputs.items()}
    ports |= {name: {"direction": "output", "bits": [bit]} for name, bit in outputs.items()}
    return {
        "cells": {
            name: {"type": kind, "connections": {pin: [net] for pin, net in pins.items()}}
            for name, (kind, pins) in cells.items()
        },
        "ports": ports,
    }


def measured(
    library: Library, netlist: dict[str, Any], rows: Sequence[Sequence[int]], work: Path,
    timed: bool = False,
) -> CyclePower:  # fmt: skip
    """Energy a cycle while the sources (registers first, then inputs) repeat `rows`."""
    gates = read_gates(netlist, library, "clk", WIRE)
    timing = delays_of(gates)
    words = np.array(rows, dtype=np.uint64)
    activity = run_waves(gates.network, words, work, delays=timing.delays if timed else None)
    return cycle_power(
        gates, timing, activity, library, PERIOD, lambda name: name.split(".", maxsplit=1)[0]
    )


@pytest.fixture
def tiny(tmp_path: Path) -> Library:
    return load_library(samples.write(tmp_path))


def test_an_inverter(tiny: Library, tmp_path: Path) -> None:
    """4 fF in, 5 fF of wire out, 1.5 V; energy 5 + 10 x 0.1 fJ; leakage 0.5 nW for 10 ns."""
    netlist = module({"l.inv": ("INV", {"A": 2, "Y": 3})}, {"a": 2}, {"y": 3})
    power = measured(tiny, netlist, [[0], [ONES], [0], [ONES], [0]], tmp_path)
    assert power.kinds["logic"] == pytest.approx(0.5 * 5 * 1.5**2 + 6)
    assert power.kinds["inputs"] == pytest.approx(0.5 * 9 * 1.5**2)
    assert power.kinds["leakage"] == pytest.approx(0.5 * 10 / 1000)
    assert power.layers == {"l": pytest.approx(0.5 * 5 * 1.5**2 + 6)}
    assert power.clock.buffers == 0


def test_each_output_toggle_is_charged_once(tiny: Library, tmp_path: Path) -> None:
    """Both inputs of a NAND change together: one output toggle, one internal energy."""
    netlist = module({"l.g": ("NAND2", {"A": 2, "B": 3, "Y": 4})}, {"a": 2, "b": 3}, {"y": 4})
    both = measured(tiny, netlist, [[0, 0], [ONES, ONES]], tmp_path)
    assert both.kinds["logic"] == pytest.approx(0.5 * 5 * 1.5**2 + 6)
    quiet = measured(tiny, netlist, [[0, 0], [ONES, 0]], tmp_path)
    assert quiet.kinds["logic"] == 0


def test_a_register_and_its_clock(tiny: Library, tmp_path: Path) -> None:
    """Clock: pin, wire, 2 x 6 fJ, and a tree of one buffer; output: wire and 6 fJ a toggle."""
    netlist = module({"l.ff": ("DFF", {"CK": 1000, "D": 3, "Q": 2})}, {"d": 3}, {"q": 2})
    power = measured(tiny, netlist, [[0, ONES], [ONES, 0], [0, ONES]], tmp_path)
    volts = 1.5**2
    assert power.kinds["registers"] == pytest.approx(0.5 * 5 * volts + 6)
    pin, tree = 8 * volts + 12, (4 + 5) * volts + 12
    assert power.kinds["clock"] == pytest.approx(pin + tree)
    assert power.clock.buffers == 1
    assert power.leakage_nw == pytest.approx(2 + 0.5)
    still = measured(tiny, netlist, [[0, 0], [0, 0]], tmp_path)
    assert still.kinds["registers"] == 0
    assert still.kinds["clock"] == pytest.approx(pin + tree)


def test_a_register_read_through_its_inverted_output(tmp_path: Path) -> None:
    """Leakage names Q, which nothing reads: it follows from QN."""
    text = samples.library((samples.CELLS[0], samples.CELLS[1], inverted_register()))
    library = load_library(samples.write(tmp_path, text))
    netlist = module({"l.ff": ("DFFN", {"CK": 1000, "D": 3, "QN": 2})}, {"d": 3}, {"q": 2})
    tree = 0.5  # nW of the one buffer
    low = measured(library, netlist, [[0, 0], [0, 0]], tmp_path)  # QN is 0: Q is 1
    high = measured(library, netlist, [[ONES, 0], [ONES, 0]], tmp_path)
    assert low.leakage_nw == pytest.approx(7 + tree)
    assert high.leakage_nw == pytest.approx(3 + tree)


def inverted_register() -> str:
    """A flip-flop with both outputs that leaks 7 nW while Q is 1, 3 nW while it is 0."""
    both = samples.flip_flop("DFFN")
    pin = both[both.index("pin (Q)") :].rsplit("}", 1)[0]
    states = (
        'leakage_power () { when : "Q"; value : 7; }\n'
        'leakage_power () { when : "!Q"; value : 3; }\n'
    )
    other = pin.replace("pin (Q)", "pin (QN)").replace('"IQ"', '"IQN"')
    return both.replace("pin (CK)", f"{states}pin (CK)", 1).rsplit("}", 1)[0] + other + "}\n"


def test_glitches_cost(tiny: Library, tmp_path: Path) -> None:
    """a XOR (a through four inverters) never moves in the end, but pulses once a change."""
    cells: dict[str, tuple[str, Mapping[str, int | str]]] = {
        f"l.i{k}": ("INV", {"A": 2 + k, "Y": 3 + k}) for k in range(4)
    }
    cells["l.x"] = ("XOR2", {"A": 2, "B": 6, "Y": 7})
    netlist = module(cells, {"a": 2}, {"y": 7})
    rows = [[0], [ONES], [0]]
    calm = measured(tiny, netlist, rows, tmp_path)
    real = measured(tiny, netlist, rows, tmp_path, timed=True)
    # The pulse: two toggles of the output's wire, each 5 + 10 x slew of the pin that caused it.
    slews = (0.1, 0.01 + 3 * 0.009)
    pulse = 2 * 0.5 * 5 * 1.5**2 + sum(5 + 10 * slew for slew in slews)
    assert real.kinds["logic"] - calm.kinds["logic"] == pytest.approx(pulse)


def test_the_clock_tree_has_a_buffer_for_sixteen_sinks() -> None:
    assert clock_tree(0) == ()
    assert clock_tree(1) == (1,)
    assert clock_tree(16) == (1,)
    assert clock_tree(17) == (2, 1)
    assert clock_tree(300) == (19, 2, 1)


def test_a_library_without_power_tables_is_refused(tmp_path: Path) -> None:
    cells = (samples.cell("INV", 2, "!A", "A", power=False),)
    library = load_library(samples.write(tmp_path, samples.library(cells)))
    netlist = module({"l.inv": ("INV", {"A": 2, "Y": 3})}, {"a": 2}, {"y": 3})
    with pytest.raises(InputError) as caught:
        measured(library, netlist, [[0], [1]], tmp_path)
    assert caught.value.code == "power.tables"


@pytest.mark.parametrize("kind", ["NAND3", "LATCH"])
def test_cells_that_are_not_known_are_refused(tiny: Library, tmp_path: Path, kind: str) -> None:
    netlist = module({"l.g": (kind, {"A": 2, "Y": 3})}, {"a": 2}, {"y": 3})
    with pytest.raises(InputError) as caught:
        measured(tiny, netlist, [[0], [1]], tmp_path)
    assert caught.value.code == "power.cell"


def test_every_state_of_a_real_nand(ihp: Library, tmp_path: Path) -> None:
    """All input changes of sg13g2_nand2_1 in lockstep, against the tables read another way."""
    cell = ihp.cells["sg13g2_nand2_1"]
    netlist = module({"l.g": (cell.name, {"A": 2, "B": 3, "Y": 4})}, {"a": 2, "b": 3}, {"y": 4})
    for before, after in itertools.product(itertools.product((0, 1), repeat=2), repeat=2):
        rows = [[ONES * bit for bit in state] for state in (before, after)]
        found = measured(ihp, netlist, rows, tmp_path).kinds["logic"]
        assert found == pytest.approx(nand_by_hand(cell, before, after), rel=0.02, abs=1e-6)


def nand_by_hand(cell: Any, before: tuple[int, ...], after: tuple[int, ...]) -> float:
    rose = (not all(after)) - (not all(before))
    if not rose:
        return 0.0
    load = WIRE
    alone = [k for k in (0, 1) if before[k] != after[k] and (rose < 0 or before[1 - k])]
    changed = [k for k in (0, 1) if before[k] != after[k]]
    pin = "AB"[(alone if rose > 0 else [k for k in changed if before[1 - k]] or changed)[0]]
    (entry,) = [e for e in cell.pins["Y"].internal_power if pin in e.related_pins]
    table = entry.rise if rose > 0 else entry.fall
    slews, loads = table.points
    i = int(np.searchsorted(slews, 0.1)) - 1
    j = int(np.searchsorted(loads, load)) - 1
    s = (0.1 - slews[i]) / (slews[i + 1] - slews[i])
    c = (load - loads[j]) / (loads[j + 1] - loads[j])
    v = table.values
    energy = (
        (1 - s) * (1 - c) * v[i, j] + s * (1 - c) * v[i + 1, j]
        + (1 - s) * c * v[i, j + 1] + s * c * v[i + 1, j + 1]
    )  # fmt: skip
    return float(energy + 0.5 * load * 1000 * 1.2**2)
