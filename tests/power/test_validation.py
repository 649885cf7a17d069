"""Validation: cells of real libraries, and small circuits of them, against sums made by hand.

The sums (tests/power/hand.py) read the file another way. They are the published definition: each
output toggle from the table of the pin that caused it in the state it was in, pins that move no
output from their own table, registers by their state at each edge, leakage by state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from hwflow.asic.liberty import Library, load_library
from tests.power.hand import Hand, HandCell, holds
from tests.power.test_asic import ONES, PERIOD, WIRE, measured, module

pytestmark = pytest.mark.tool

SLEW = 0.1
EXACT = 1e-6
LIBRARIES = pytest.mark.parametrize("real_library", ["sg13g2", "osu018"], indirect=True)
GATES = {
    "sg13g2": ("inv_1", "buf_1", "nand2_1", "nor2_1", "xor2_1", "xnor2_1", "a21oi_1", "mux2_1"),
    "osu018": ("INVX1", "OR2X1", "NAND2X1", "NOR2X1", "XOR2X1", "XNOR2X1", "AOI21X1", "MUX2X1"),
}
PREFIX = {"sg13g2": "sg13g2_", "osu018": ""}
FLOPS = {"sg13g2": ("sg13g2_dfrbpq_1", "CLK", {"RESET_B": 1}), "osu018": ("DFFPOSX1", "CLK", {})}
BUFFERS = {"sg13g2": "sg13g2_buf_1", "osu018": "BUFX2"}


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all, so that the engine is compiled once."""
    return tmp_path_factory.mktemp("waves")


@cache
def both(path: Path) -> tuple[Library, Hand]:
    """The library as hwflow reads it and as it is read by hand."""
    return load_library(path), Hand.of(path)


def known(path: Path) -> str:
    return "osu018" if "osu018" in path.name else "sg13g2"


def walk(pins: Sequence[str], steps: int) -> list[dict[str, int]]:
    """One pin changes at a time, every state and every change of it many times over."""
    rng = np.random.default_rng(7)
    state = dict.fromkeys(pins, 0)
    found = [dict(state)]
    for _ in range(steps):
        state[pins[int(rng.integers(len(pins)))]] ^= 1
        found.append(dict(state))
    return found


def logic_by_hand(
    cell: HandCell, out: str, states: Sequence[Mapping[str, int]], load: float
) -> float:
    """fJ a step of a gate with `load` pF, inputs at SLEW."""
    total = 0.0
    for before, after in pairwise(states):
        (pin,) = (p for p in before if before[p] != after[p])
        old, new = (holds(cell.function(out), state) for state in (before, after))
        if old != new:
            edge = "rise" if new else "fall"
            total += cell.internal(out, pin, edge, before, SLEW, load)
            total += 500 * load * cell.library.volts**2
        else:
            edge = "rise" if after[pin] else "fall"
            total += cell.internal(pin, "", edge, before, SLEW, load)
    return total / (len(states) - 1)


@LIBRARIES
@pytest.mark.parametrize("place", range(8))
def test_a_gate_in_every_state(real_library: Path, place: int, work: Path) -> None:
    library, hand = both(real_library)
    kind = known(real_library)
    name = PREFIX[kind] + GATES[kind][place]
    cell = library.cells[name]
    (out,) = cell.outputs
    states = walk(cell.inputs, 400)
    assert len({tuple(s.values()) for s in states}) == 1 << len(cell.inputs)
    nets = {pin: 2 + k for k, pin in enumerate(cell.inputs)}
    netlist = module({"l.g": (name, {**nets, out: 20})}, nets, {"y": 20})
    power = measured(library, netlist, [[ONES * b for b in s.values()] for s in states], work)
    mine = hand.cell(name)
    assert power.kinds["logic"] == pytest.approx(logic_by_hand(mine, out, states, WIRE), rel=EXACT)
    full = [{**s, out: int(holds(mine.function(out), s))} for s in states[1:]]
    leaks = np.mean([mine.leakage(s) for s in full])
    assert power.leakage_nw == pytest.approx(leaks, rel=EXACT)
    loads = {pin: mine.capacitance(pin) + WIRE for pin in cell.inputs}
    moved = sum(loads[p] for a, b in pairwise(states) for p in a if a[p] != b[p])
    assert power.kinds["inputs"] == pytest.approx(500 * moved * hand.volts**2 / 400, rel=EXACT)


@LIBRARIES
def test_a_flip_flop_by_its_state(real_library: Path, work: Path) -> None:
    """Data and output are correlated: the clock pin's table is read by their joint state."""
    library, hand = both(real_library)
    name, clock, fixed = FLOPS[known(real_library)]
    rng = np.random.default_rng(3)
    # From zero to zero: as many rising as falling changes, which the sums split evenly.
    data = [0, 0, *(rng.random(297) < 0.3).astype(int).tolist(), 0, 0]
    states = [{"Q": data[t - 1], "D": data[t], **fixed} for t in range(1, 301)]
    pins: dict[str, int | str] = {clock: 1000, "D": 3, "Q": 2, **dict.fromkeys(fixed, "1")}
    netlist = module({"l.ff": (name, pins)}, {"d": 3}, {"q": 2})
    rows = [[ONES * s["Q"], ONES * s["D"]] for s in states]
    power = measured(library, netlist, rows, work)
    mine, steps = hand.cell(name), len(states) - 1
    volts = hand.volts**2
    registers = 0.0
    for before, after in pairwise(states):
        if before["Q"] != after["Q"]:
            edge = "rise" if after["Q"] else "fall"
            registers += mine.internal("Q", clock, edge, before, SLEW, WIRE) + 500 * WIRE * volts
        if before["D"] != after["D"]:
            edge = "rise" if after["D"] else "fall"
            registers += mine.internal("D", "", edge, {**after, clock: 1}, SLEW, 0)
    assert power.kinds["registers"] == pytest.approx(registers / steps, rel=EXACT)
    at_edges = sum(
        mine.internal(clock, "", edge, s, SLEW, 0) for s in states[1:] for edge in ("rise", "fall")
    )
    pin = mine.capacitance(clock) + WIRE
    buffer = hand.cell(BUFFERS[known(real_library)])
    (source,) = (p for p in buffer.pins if "function" not in buffer.pins[p])
    (driven,) = (p for p in buffer.pins if p != source)
    tree = sum(buffer.internal(driven, source, e, {}, SLEW, pin) for e in ("rise", "fall"))
    tree += 1000 * (buffer.capacitance(source) + WIRE) * volts
    clocked = at_edges / steps + 1000 * pin * volts
    assert power.kinds["clock"] == pytest.approx(clocked + tree, rel=EXACT)


@LIBRARIES
def test_a_small_circuit(real_library: Path, work: Path) -> None:
    """A NAND drives two inverters: its load is their pins and two wires, their slew its tables'."""
    library, hand = both(real_library)
    kind = known(real_library)
    inv, nand = (PREFIX[kind] + GATES[kind][k] for k in (0, 2))
    netlist = module(
        {
            "l.n": (nand, {"A": 2, "B": 3, "Y": 4}),
            "l.i": (inv, {"A": 4, "Y": 5}),
            "l.j": (inv, {"A": 4, "Y": 6}),
        },
        {"a": 2, "b": 3},
        {"y": 5, "z": 6},
    )
    states = walk("AB", 200)
    rows = [[ONES * s["A"], ONES * s["B"]] for s in states]
    power = measured(library, netlist, rows, work)
    first, second = hand.cell(nand), hand.cell(inv)
    load = 2 * (second.capacitance("A") + WIRE)
    expected = logic_by_hand(first, "Y", states, load)
    moved = [not (s["A"] and s["B"]) for s in states]
    for before, after in pairwise(moved):
        if before != after:
            slew = first.transition("Y", "rise" if after else "fall", SLEW, load)
            edge, state = ("fall" if after else "rise"), {"A": int(before)}
            one = second.internal("Y", "A", edge, state, slew, WIRE) + 500 * WIRE * hand.volts**2
            expected += 2 * one / (len(states) - 1)
    assert power.kinds["logic"] == pytest.approx(expected, rel=EXACT)
    leaks = [
        first.leakage({**s, "Y": int(y)}) + 2 * second.leakage({"A": int(y), "Y": int(not y)})
        for s, y in zip(states[1:], moved[1:], strict=True)
    ]
    assert power.leakage_nw == pytest.approx(np.mean(leaks), rel=EXACT)
    assert power.kinds["leakage"] == pytest.approx(np.mean(leaks) * PERIOD / 1000, rel=EXACT)
