"""What the canonical netlist still needs to be one of standard cells: ties, functions, Verilog."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from hwflow.asic.kit import Kit, Tie
from hwflow.asic.liberty import Cell, Latch, Library
from hwflow.synth.netlist import layer_of

__all__ = ["TIE_LOADS", "functions", "tie_constants", "verilog"]

TIE_LOADS: Final = 64
"""Pins that one tie cell drives: nothing moves there, so only the wiring would set a limit."""

# A module of Yosys' JSON.
Json = Any


def tie_constants(module: Json, layers: Sequence[str], kit: Kit) -> None:
    """Drive constant input pins and output ports by tie cells, in place.

    Each tie cell belongs to the layer of its loads. A value without a tie cell stays a constant,
    which is a connection to a supply rail.
    """
    fresh = 1 + max(_nets(module), default=1)
    made: dict[tuple[str, str], list[int]] = {}  # the net of the last tie, its loads, all ties
    cells: dict[str, Json] = {}
    for layer, bits in _loads(module, layers):
        for position, bit in enumerate(bits):
            tie = {"0": kit.tie_low, "1": kit.tie_high, "x": kit.tie_low}.get(bit)
            if tie is None:
                bits[position] = "0" if bit == "x" else bit
                continue
            found = made.setdefault((layer, tie.cell), [0, TIE_LOADS, 0])
            if found[1] == TIE_LOADS:
                name = f"{tie.cell}_{found[2]}"
                cells[f"{layer}.{name}" if layer else name] = _tie_cell(tie, fresh)
                found[:] = [fresh, 0, found[2] + 1]
                fresh += 1
            bits[position] = found[0]
            found[1] += 1
    module["cells"].update(cells)


def _loads(module: Json, layers: Sequence[str]) -> Iterator[tuple[str, list[Any]]]:
    for name, cell in sorted(module["cells"].items()):
        for pin, bits in sorted(cell["connections"].items()):
            if cell["port_directions"][pin] == "input":
                yield layer_of(name, layers), bits
    for _, port in sorted(module["ports"].items()):
        if port["direction"] == "output":
            yield "", port["bits"]


def _tie_cell(tie: Tie, net: int) -> Json:
    return {
        "attributes": {},
        "connections": {tie.pin: [net]},
        "hide_name": 0,
        "parameters": {},
        "port_directions": {tie.pin: "output"},
        "type": tie.cell,
    }


def _nets(module: Json) -> Iterable[int]:
    owners = [*module["ports"].values(), *module["netnames"].values()]
    lists = [owner["bits"] for owner in owners]
    lists += [bits for cell in module["cells"].values() for bits in cell["connections"].values()]
    return (bit for bits in lists for bit in bits if isinstance(bit, int))


def functions(module: Json, library: Library) -> Json:
    """What each kind of cell in the netlist does, in Liberty's own expressions.

    It stands in the netlist's file, so that the file can be simulated by itself.
    """
    used = sorted({cell["type"] for cell in module["cells"].values()})
    return {"library": library.name, "cells": {n: _function(library.cells[n]) for n in used}}


def _function(cell: Cell) -> Json:
    outputs = {name: cell.pins[name].function for name in cell.outputs}
    found: Json = {"outputs": {n: f.text for n, f in outputs.items() if f is not None}}
    if cell.clock_gate:
        pins = {pin.gating: name for name, pin in cell.pins.items() if pin.gating}
        enables = " | ".join(n for n, p in cell.pins.items() if p.gating in ("enable", "test"))
        found["gate"] = {"clock": pins["clock"], "enable": enables, "out": pins["out"]}
    if cell.transparent is not None:
        found["latch"] = _latch(cell.transparent)
    register = cell.ff
    if register is not None:
        found["ff"] = {
            "state": register.state,
            "inverse": register.inverse,
            "clocked_on": register.clocked_on.text,
            "next_state": register.next_state.text,
        }
        forces = (("clear", register.clear), ("preset", register.preset))
        found["ff"] |= {name: force.text for name, force in forces if force}
    return found


def _latch(latch: Latch) -> Json:
    parts = ("enable", "data_in", "clear", "preset")
    found = {name: getattr(latch, name) for name in parts}
    texts = {name: function.text for name, function in found.items() if function is not None}
    return {"state": latch.state, "inverse": latch.inverse, **texts}


def verilog(module: Json, top: str) -> str:
    """The netlist as structural Verilog: one wire a net, instances with their names escaped.

    Ports keep their widths; every other net is `n<number>`, so that no tool's rules about names
    matter.
    """
    ports = sorted(module["ports"].items())
    lines = [f"module {top} ({', '.join(name for name, _ in ports)});"]
    names: dict[Any, str] = {"0": "1'b0", "1": "1'b1", "x": "1'b0"}
    outputs: list[str] = []
    for name, port in ports:
        width = len(port["bits"])
        span = f"[{width - 1}:0] " if width > 1 else ""
        lines.append(f"  {port['direction']} {span}{name};")
        for index, bit in enumerate(port["bits"]):
            word = f"{name}[{index}]" if width > 1 else name
            if port["direction"] == "output" and bit in names:
                outputs.append(f"  assign {word} = {names[bit]};")
            else:
                names[bit] = word
    inner = sorted({*_nets({**module, "netnames": {}})} - names.keys())
    names |= {net: f"n{net}" for net in inner}
    lines += [f"  wire n{net};" for net in inner]
    lines += outputs
    for name, cell in sorted(module["cells"].items()):
        pins = ", ".join(
            f".{pin}({names[bits[0]]})"
            for pin, bits in sorted(cell["connections"].items())
            if not (cell["port_directions"][pin] == "output" and bits[0] == "x")
        )
        lines.append(f"  {cell['type']} \\{name} ({pins});")
    return "\n".join([*lines, "endmodule"]) + "\n"
