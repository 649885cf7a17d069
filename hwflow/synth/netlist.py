"""Yosys' JSON made canonical: one flat module, stable names, nothing of the machine in it.

Each cell is called `<layer>.<type>_<number>` (`<type>_<number>` outside layers). Named nets keep
the names of the RTL (`conv.in_data_i`); unnamed ones have no name. The result is what is counted,
simulated and placed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hwflow.errors import ToolFailed

__all__ = [
    "NETLIST_VERSION",
    "canonical",
    "layer_instances",
    "layer_of",
    "plain_name",
    "read_json",
    "write_json",
]

NETLIST_VERSION = "hwflow netlist 1"
_FLATTENED = "$flatten"

# The JSON tree Yosys writes; checked where it is read, typed nowhere else.
Json = Any


def read_json(path: Path) -> Json:
    """Read a JSON file that Yosys wrote.

    Raises:
        ToolFailed: `synth.output` when it is absent or no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ToolFailed(
            "synth.output",
            f"yosys: expected a netlist in {path.name}, found {type(error).__name__}",
            hint="run the stage again with --force; the log is beside the netlist",
        ) from None


def write_json(netlist: Json, path: Path) -> None:
    """Write a netlist, the same bytes for the same content."""
    text = json.dumps(netlist, sort_keys=True, separators=(",", ":"))
    path.write_text(text.replace('},"', '},\n"') + "\n", encoding="utf-8")


def layer_instances(top_only: Json, top: str, layer_modules: Sequence[str]) -> tuple[str, ...]:
    """Return the instance path of each layer, from the top module before mapping."""
    wanted = frozenset(layer_modules)
    cells = _module(top_only, top)["cells"]
    return tuple(sorted(plain_name(name) for name, cell in cells.items() if cell["type"] in wanted))


def layer_of(cell: str, layers: Sequence[str]) -> str:
    """Return the layer instance that a cell's or net's name belongs to, "" for the top."""
    return next((layer for layer in layers if cell.startswith(f"{layer}.")), "")


def canonical(mapped: Json, top: str, layers: Sequence[str]) -> Json:
    """Return the netlist with canonical names and without attributes of the run.

    Output pins that nothing reads are left open ("x"): for a net without readers nextpnr would
    still route the carry out of its chain, at two LUTs a chain.
    """
    module = _module(mapped, top)
    wanted = _wanted(module)
    driven = {bit for port in module["ports"].values() for bit in port["bits"]}
    numbers: Counter[tuple[str, str]] = Counter()
    cells: dict[str, Json] = {}
    for name, cell in module["cells"].items():
        layer, kind = layer_of(plain_name(name), layers), str(cell["type"])
        number = numbers[layer, kind]
        numbers[layer, kind] += 1
        directions = cell["port_directions"]
        pins = {
            pin: bits if not wanted.isdisjoint(bits) else ["x"] * len(bits)
            for pin, bits in cell["connections"].items()
        }
        for pin, bits in pins.items():
            driven.update(bits if directions[pin] == "output" else ())
        driven.discard("x")
        cells[f"{layer}.{kind}_{number}" if layer else f"{kind}_{number}"] = {
            "attributes": {},
            "connections": pins,
            "hide_name": 0,
            "parameters": cell.get("parameters", {}),
            "port_directions": directions,
            "type": kind,
        }
    flat = {
        "attributes": {"top": "00000000000000000000000000000001"},
        "cells": cells,
        "netnames": _netnames(module["netnames"], driven | {"0", "1"}),
        "ports": module["ports"],
    }
    return {"creator": NETLIST_VERSION, "modules": {top: flat}}


def _wanted(module: Json) -> set[Json]:
    """Nets that something reads or that have a name in the RTL."""
    wanted = {bit for port in module["ports"].values() for bit in port["bits"]}
    for cell in module["cells"].values():
        for pin, bits in cell["connections"].items():
            wanted.update(bits if cell["port_directions"][pin] == "input" else ())
    for net in module["netnames"].values():
        wanted.update(() if net["hide_name"] else net["bits"])
    return wanted


def _netnames(found: Json, driven: set[Json]) -> Json:
    """Keep the RTL's names, and unnamed nets only for the start value of their register.

    Bits that mapping left without a driver become "x"; a name without any driven bit is dropped.
    """
    kept: dict[str, Json] = {}
    for name, net in found.items():
        init = {k: v for k, v in net["attributes"].items() if k == "init"}
        if not (init or not net["hide_name"]) or driven.isdisjoint(net["bits"]):
            continue
        key = f"$init_{len(kept)}" if net["hide_name"] else plain_name(name)
        bits = [bit if bit in driven else "x" for bit in net["bits"]]
        kept[key] = {"attributes": init, "bits": bits, "hide_name": net["hide_name"]}
    return kept


def plain_name(name: str) -> str:
    """`$flatten\\conv.$abc$1` -> `conv.$abc$1`: the instance path first, as in public names."""
    return name.removeprefix(_FLATTENED).replace("\\", "")


def _module(netlist: Json, top: str) -> Json:
    module = netlist.get("modules", {}).get(top) if isinstance(netlist, dict) else None
    if not isinstance(module, dict) or not {"cells", "netnames", "ports"} <= module.keys():
        raise ToolFailed(
            "synth.output",
            f"yosys: expected module {top!r} with cells, nets and ports; the file has none",
            hint="run the stage again with --force",
        )
    return module
