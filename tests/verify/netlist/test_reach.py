"""The proof that a LUT bit is never read, against every input of small random netlists."""

from __future__ import annotations

import json
import random
from itertools import product
from pathlib import Path

import pytest

from hwflow.verify.netlist import fault_sites, unreachable

Lut = tuple[int, tuple[int, ...]]
"""Truth table and the nets that it reads; net k below the number of inputs is input k."""


def write(path: Path, inputs: int, luts: list[Lut]) -> Path:
    """An ECP5 netlist `top`: its outputs are the last two LUTs."""
    cells = {
        f"l{k}": {
            "type": "LUT4",
            "parameters": {"INIT": f"{table:016b}"},
            "connections": {
                **{pin: [net + 2] for pin, net in zip("ABCD", nets, strict=True)},
                "Z": [inputs + k + 2],
            },
        }
        for k, (table, nets) in enumerate(luts)
    }
    last = inputs + len(luts) + 1
    ports = {
        "x": {"direction": "input", "bits": [net + 2 for net in range(inputs)]},
        "y": {"direction": "output", "bits": [last - 1, last]},
    }
    module = {"cells": cells, "netnames": {}, "ports": ports}
    path.write_text(json.dumps({"modules": {"top": module}}), encoding="utf-8")
    return path


def outputs(luts: list[Lut], x: tuple[int, ...]) -> list[int]:
    nets = list(x)
    for table, reads in luts:
        nets.append((table >> sum(nets[n] << i for i, n in enumerate(reads))) & 1)
    return nets[-2:]


def observable(inputs: int, luts: list[Lut], cell: int, bit: int) -> bool:
    """Whether flipping the bit changes an output for any input."""
    flipped = list(luts)
    flipped[cell] = (luts[cell][0] ^ 1 << bit, luts[cell][1])
    return any(outputs(luts, x) != outputs(flipped, x) for x in product((0, 1), repeat=inputs))


@pytest.mark.parametrize("seed", range(4))
def test_what_is_called_unreachable_is_never_seen(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    inputs = 5
    luts = [
        (rng.getrandbits(16), tuple(rng.randrange(inputs + k) for _ in range(4))) for k in range(9)
    ]
    netlist = write(tmp_path / "n.json", inputs, luts)
    proven = 0
    sites = fault_sites(netlist, "top")
    assert len(sites) == 16 * len(luts)
    for cell, bit in sites:
        if unreachable(netlist, "top", cell, bit):
            proven += 1
            assert not observable(inputs, luts, int(cell[1:]), bit), (cell, bit)
    assert 0 < proven < len(sites)


def test_a_row_that_its_own_fan_in_excludes(tmp_path: Path) -> None:
    """y = a AND (NOT a): rows where both are equal are never read, the others are."""
    inverter, conjunction = 0x5555, 0x8888
    luts = [(inverter, (0, 1, 1, 1)), (conjunction, (0, 2, 1, 1)), (conjunction, (0, 2, 1, 1))]
    netlist = write(tmp_path / "n.json", 2, luts)
    found = {bit for bit in range(16) if unreachable(netlist, "top", "l2", bit)}
    # Rows: a is bit 0, NOT a bit 1, the repeated input bits 2 and 3.
    assert found == set(range(16)) - {0b0001, 0b0010, 0b1101, 0b1110}
