"""A wrapper with three pins, so that a design with wide ports can be placed.

Inputs come from one long shift register, outputs are folded into another by XOR. The design's own
cells and nets are taken over unchanged: what is placed inside is the netlist that was counted and
simulated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from hwflow.errors import InputError
from hwflow.plan.targets import Family

__all__ = ["PINS", "serial_wrapper", "wrapper_registers"]

# A module of Yosys' JSON.
Json = Any

PREFIX: Final = "$serial_"
PINS: Final = ("clock", "serial_i", "serial_o")


@dataclass(frozen=True, slots=True)
class _Kit:
    """A plain register and a two-input XOR of a family; pins in the order in and out."""

    register: str
    register_parameters: tuple[tuple[str, str], ...]
    clock: str
    data: str
    tied_low: tuple[str, ...]
    lut: str
    init: str
    lut_inputs: tuple[str, ...]
    lut_output: str


_XOR16: Final = "0110" * 4
_KITS: Final[dict[Family, _Kit]] = {
    "ecp5": _Kit(
        register="TRELLIS_FF",
        register_parameters=(
            ("CEMUX", "1 "),  # the blank keeps nextpnr from reading a number
            ("CLKMUX", "CLK"),
            ("GSR", "AUTO"),
            ("LSRMUX", "LSR"),
            ("REGSET", "RESET"),
        ),
        clock="CLK",
        data="DI",
        tied_low=("LSR",),
        lut="LUT4",
        init="INIT",
        lut_inputs=("A", "B", "C", "D"),
        lut_output="Z",
    ),
    "ice40": _Kit(
        register="SB_DFF",
        register_parameters=(),
        clock="C",
        data="D",
        tied_low=(),
        lut="SB_LUT4",
        init="LUT_INIT",
        lut_inputs=("I0", "I1", "I2", "I3"),
        lut_output="O",
    ),
    "gowin": _Kit(
        register="DFF",
        register_parameters=(),
        clock="CLK",
        data="D",
        tied_low=(),
        lut="LUT4",
        init="INIT",
        lut_inputs=("I0", "I1", "I2", "I3"),
        lut_output="F",
    ),
}


def wrapper_registers(module: Json, clock: str) -> int:
    """Return how many flip-flops the wrapper adds: one for each port bit but the clock."""
    return sum(len(port["bits"]) for name, port in module["ports"].items() if name != clock)


def serial_wrapper(module: Json, clock: str, family: Family) -> Json:
    """Return the module with its ports replaced by PINS.

    Raises:
        InputError: `pnr.family` for a family without place and route, `pnr.clock`.
    """
    kit = _KITS.get(family)
    if kit is None:
        raise InputError(
            "pnr.family",
            f"no place and route for the family {family!r}, expected one of {sorted(_KITS)}",
            hint="choose an ECP5 or iCE40 target, or leave place and route out",
        )
    if len(module["ports"].get(clock, {}).get("bits", ())) != 1:
        raise InputError(
            "pnr.clock", f"the netlist has no one-bit port {clock!r}", hint="name its clock port"
        )
    return _Wrapper(module, clock, kit).build()


class _Wrapper:
    """Adds one bit of shift register after another."""

    def __init__(self, module: Json, clock: str, kit: _Kit) -> None:
        self._module = module
        self._kit = kit
        self._clock = module["ports"][clock]["bits"][0]
        self._ports = {n: p for n, p in sorted(module["ports"].items()) if n != clock}
        self._cells: dict[str, Json] = {}
        self._net = 1 + max(_nets(module))

    def build(self) -> Json:
        serial_in = self._fresh()
        last = serial_in
        for port in self._ports.values():
            if port["direction"] == "input":
                for bit in port["bits"]:
                    self._register(last, bit)
                    last = bit
        for port in self._ports.values():
            if port["direction"] == "output":
                for bit in port["bits"]:
                    last = self._register(self._xor(last, bit), self._fresh())
        bits = dict(zip(PINS, (self._clock, serial_in, last), strict=True))
        return {
            "attributes": self._module["attributes"],
            "cells": {**self._module["cells"], **self._cells},
            "netnames": self._module["netnames"],
            "ports": {
                name: {"bits": [bit], "direction": "output" if name.endswith("_o") else "input"}
                for name, bit in bits.items()
            },
        }

    def _fresh(self) -> int:
        self._net += 1
        return self._net

    def _register(self, data: object, out: int) -> int:
        kit = self._kit
        ins = {kit.clock: self._clock, kit.data: data, **dict.fromkeys(kit.tied_low, "0")}
        self._cell(kit.register, dict(kit.register_parameters), ins, "Q", out)
        return out

    def _xor(self, a: object, b: object) -> int:
        kit, out = self._kit, self._fresh()
        ins = dict(zip(kit.lut_inputs, (a, b, "0", "0"), strict=True))
        self._cell(kit.lut, {kit.init: _XOR16}, ins, kit.lut_output, out)
        return out

    def _cell(
        self, kind: str, parameters: dict[str, str], ins: dict[str, Any], pin: str, out: int
    ) -> None:
        self._cells[f"{PREFIX}{len(self._cells)}"] = {
            "attributes": {},
            "connections": {**{name: [bit] for name, bit in ins.items()}, pin: [out]},
            "hide_name": 1,
            "parameters": parameters,
            "port_directions": {**dict.fromkeys(ins, "input"), pin: "output"},
            "type": kind,
        }


def _nets(module: Json) -> list[int]:
    nets = [1]
    for cell in module["cells"].values():
        for bits in cell["connections"].values():
            nets += [bit for bit in bits if isinstance(bit, int)]
    for port in module["ports"].values():
        nets += [bit for bit in port["bits"] if isinstance(bit, int)]
    return nets
