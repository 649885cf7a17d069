"""Random LUT networks: the compiled simulator against a slow evaluator on the raw JSON."""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwflow.verify.netlist import NetlistSim
from hwflow.verify.netlist.circuit import Gate, read_circuit
from hwflow.verify.netlist.csource import _expression
from hwflow.verify.netlist.parts import ONE
from tests.verify.netlist.circuits import valid_ready

INPUTS = 6
TOP = "net"


def network(seed: int, luts: int, faulty: bool = False) -> tuple[dict[str, Any], list[Any]]:
    """A combinational netlist of $lut cells with constants, repeats and dead inputs."""
    rng = random.Random(seed)
    nets: list[Any] = ["0", "1", *range(10, 10 + INPUTS)]
    cells: dict[str, Any] = {}
    order = []
    for k in range(luts):
        width = rng.randint(1, 6)
        ins = [rng.choice(nets[-12:] + nets[:2]) for _ in range(width)]
        init = rng.getrandbits(1 << width)
        out = 100 + k
        order.append((f"lut{k}", ins, init, out))
        cells[f"lut{k}"] = {
            "type": "$lut",
            "parameters": {"LUT": format(init, f"0{1 << width}b"), "WIDTH": "0"},
            "connections": {"A": ins, "Y": [out]},
            "port_directions": {"A": "input", "Y": "output"},
        }
        nets.append(out)
    shuffled = list(cells.items())
    rng.shuffle(shuffled)
    ports = {
        "clk": ("input", [2]),
        "rst": ("input", [3]),
        "x_valid_i": ("input", [4]),
        "x_ready_o": ("output", [5]),
        "y_valid_o": ("output", [4]),
        "y_ready_i": ("input", [5]),
        "x_data_i": ("input", list(range(10, 10 + INPUTS))),
        "y_data_o": ("output", [nets[-1], nets[-2], nets[-3]]),
    }
    module = {
        "cells": dict(shuffled),
        "netnames": {},
        "ports": {n: {"direction": d, "bits": b} for n, (d, b) in ports.items()},
    }
    return {"modules": {TOP: module}}, order


def evaluate(order: list[Any], outputs: list[Any], x: int, flip: tuple[str, int] | None) -> int:
    """One vector, bit by bit, as the cells are defined."""
    value: dict[Any, int] = {"0": 0, "1": 1}
    value |= {10 + i: (x >> i) & 1 for i in range(INPUTS)}
    for name, ins, init, out in order:
        row = sum(value[net] << i for i, net in enumerate(ins))
        value[out] = (init >> row) & 1
        if flip == (name, row):
            value[out] ^= 1
    return sum(value[net] << k for k, net in enumerate(outputs))


def simulate_gates(gates: tuple[Gate, ...], nets: list[int], x: int) -> int:
    value = {0: 0, ONE: 1, **{10 + i: (x >> i) & 1 for i in range(INPUTS)}}
    for gate in gates:
        row = sum(value[net] << i for i, net in enumerate(gate.ins))
        value[gate.out] = (gate.init >> row) & 1
    return sum(value[net] << k for k, net in enumerate(nets))


@given(st.integers(0, 10**6), st.integers(3, 40))
@settings(max_examples=60, deadline=None)
def test_folding_keeps_the_function(seed: int, luts: int) -> None:
    netlist, order = network(seed, luts)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "netlist.json"
        path.write_text(json.dumps(netlist), encoding="utf-8")
        circuit = read_circuit(path, TOP)
    raw = netlist["modules"][TOP]["ports"]["y_data_o"]["bits"]
    outputs = list(circuit.outputs["y_data_o"])
    for x in range(1 << INPUTS):
        assert simulate_gates(circuit.gates, outputs, x) == evaluate(order, raw, x, None)


@given(
    st.integers(1, 6).flatmap(lambda k: st.tuples(st.just(k), st.integers(0, 2 ** (1 << k) - 1)))
)
@settings(max_examples=300, deadline=None)
def test_expressions_equal_their_table(table: tuple[int, int]) -> None:
    inputs, init = table
    text = _expression(init, tuple(range(inputs)))[1]
    rows = range(1 << inputs)
    words = [sum(((row >> i) & 1) << row for row in rows) for i in range(inputs)]
    assert c_value(text.format(*words)) & ((1 << (1 << inputs)) - 1) == init


def c_value(text: str) -> int:
    """A C expression of numbers, ~, &, |, ^ and parentheses (fully parenthesised)."""
    tokens = text.replace("(u64)", "").replace("(", " ( ").replace(")", " ) ").replace("~", " ~ ")
    queue = tokens.split()

    def operand() -> int:
        token = queue.pop(0)
        if token == "~":
            return ~operand()
        if token != "(":
            return int(token)
        value = operand()
        while queue[0] != ")":
            operator, right = queue.pop(0), operand()
            value = {"&": value & right, "|": value | right, "^": value ^ right}[operator]
        queue.pop(0)
        return value

    return operand()


@pytest.mark.tool
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_compiled_network_and_each_mutant(seed: int, tmp_path: Path) -> None:
    netlist, order = network(seed, 30)
    path = tmp_path / "netlist.json"
    path.write_text(json.dumps(netlist), encoding="utf-8")
    face = valid_ready(TOP, ((INPUTS,), False, 1), ((3,), False, 1), 0)
    faults = [(name, row) for name, ins, _, _ in order for row in range(0, 1 << len(ins), 3)]
    x = np.arange(1 << INPUTS, dtype=np.int64)[:, None]
    packed = {"x": face.inputs[0].pack(x)}
    sim = NetlistSim.build(path, face, tmp_path, faults=faults)
    bits = netlist["modules"][TOP]["ports"]["y_data_o"]["bits"]
    golden = [evaluate(order, bits, int(v), None) for v in x[:, 0]]
    assert sim.replay(packed).outputs["y"][:, 0].tolist() == golden
    for run in sim.mutants(packed, range(len(faults))):
        expected = [evaluate(order, bits, int(v), faults[run.fault]) for v in x[:, 0]]
        assert run.outputs["y"][:, 0].tolist() == expected
