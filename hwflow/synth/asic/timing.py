"""Static timing with OpenSTA: setup, hold, Fmax, and the critical path named in layers.

The clock is ideal, nets carry the wire model's load (`hwflow.asic.wires`), inputs change at the
clock edge and outputs are sampled at the next one. Hold is checked between registers only. Words
of the weight loader begin no path: the design runs long after they were written. Where they are
latches, their data come before the edge that opens them, a clock or more after they moved.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from hwflow.asic.kit import kit_of
from hwflow.asic.liberty import Library, load_library
from hwflow.asic.wires import wire_pf
from hwflow.errors import InputError, ToolFailed
from hwflow.synth.asic.script import LIBRARY
from hwflow.synth.asic.words import word_registers
from hwflow.synth.netlist import layer_of, read_json
from hwflow.tools import find, run

__all__ = ["RESULT", "CornerTiming", "Corners", "PathCell", "Timing", "check_timing"]

RESULT: Final = "timing.json"
_LOG: Final = "sta.log"
_SDC: Final = "constraints.sdc"
_WIRES: Final = "wires.lib"
_STEP: Final = re.compile(r"\s*(-?[\d.]+)\s+(-?[\d.]+)\s+[v^]\s+(\S+)/(\S+) \((\S+)\)\s*\Z")
_SLACK: Final = re.compile(r"\s*(-?[\d.]+)\s+slack\b")
_READS: Final = "reads activity:"
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class Corners:
    """Liberty files: the design's own, and those of other corners where there are any."""

    typical: Path
    slow: Path | None = None
    fast: Path | None = None


@dataclass(frozen=True, slots=True)
class PathCell:
    """A cell on a path: `delay` ns through it, its output settling `at` ns after the edge."""

    layer: str
    cell: str
    kind: str
    delay: float
    at: float


@dataclass(frozen=True, slots=True)
class CornerTiming:
    """One check in one corner; `slack` in ns is None where no path is checked."""

    library: str
    voltage: float
    temperature: float
    slack: float | None
    path: tuple[PathCell, ...]


@dataclass(frozen=True, slots=True)
class Timing:
    """Setup and hold; `fmax_mhz` is None for a design without a path to time.

    `reads` are the commands by which this OpenSTA takes activity for its power, if it has any.
    """

    period_ns: float
    wire_pf: float
    fmax_mhz: float | None
    setup: CornerTiming
    hold: CornerTiming
    reads: tuple[str, ...]

    def to_json(self) -> str:
        """Return the canonical JSON text."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"


def check_timing(
    synth: Path,
    top: str,
    layers: Sequence[str],
    clock: str,
    period_ns: float,
    corners: Corners,
    constraints: Path,
    out: Path,
    work: Path,
    *,
    timeout: float = 3600.0,
) -> Timing:
    """Time the netlist in the folder `synth` and write `timing.json` into `out`.

    `clock` is the clock's port; `constraints` an SDC file of what lies outside. A clock that is not
    met is a result, no error.

    Raises:
        InputError: `liberty.*`; `library.corner` for a corner that lacks a cell of the netlist.
        ToolMissing, ToolFailed: OpenSTA is absent or failed, `timing.output`.
    """
    module = read_json(synth / "netlist.json")["modules"][top]
    typical = load_library(corners.typical)
    wire = wire_pf(typical, kit_of(typical))
    registers = {name for name, cell in typical.cells.items() if cell.ff or cell.transparent}
    found = {}
    reads: tuple[str, ...] = ()
    for check, corner in (("max", corners.slow), ("min", corners.fast)):
        file = corner or corners.typical
        library = load_library(file)
        _check_cells(library, module)
        folder = work / check
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(synth / "netlist.v", folder / "netlist.v")
        shutil.copyfile(constraints, folder / _SDC)
        shutil.copyfile(file, folder / LIBRARY)
        (folder / _WIRES).write_text(_wire_library(wire), encoding="utf-8")
        tcl = _script(top, module, clock, period_ns, check, registers, _latches(module, typical))
        (folder / "timing.tcl").write_text(tcl, encoding="utf-8")
        found[check] = _run(folder, library, layers, timeout)
        reads = _reads(folder / _LOG)
    slack = found["max"].slack
    result = Timing(
        period_ns=round(period_ns, 6),
        wire_pf=wire,
        fmax_mhz=None if slack is None else round(1000 / (period_ns - slack), 3),
        setup=found["max"],
        hold=found["min"],
        reads=reads,
    )
    out.mkdir(parents=True, exist_ok=True)
    (out / RESULT).write_text(result.to_json(), encoding="utf-8")
    return result


def _check_cells(library: Library, module: Any) -> None:
    for kind in sorted({str(cell["type"]) for cell in module["cells"].values()}):
        if kind not in library.cells:
            raise InputError(
                "library.corner",
                f"the corner {library.name} has no cell {kind!r}, which the netlist uses",
                hint="give the same library at another corner in hardware.corners",
            )


def _script(
    top: str,
    module: Any,
    clock: str,
    period_ns: float,
    check: str,
    registers: Collection[str],
    latches: Sequence[str],
) -> str:
    """Names in it are ours or checked; nothing of the user's stands in it."""
    ports = sorted(module["ports"].items())
    assert all(_NAME.match(name) for name in (top, clock, *(name for name, _ in ports)))
    ins = " ".join(n for n, port in ports if port["direction"] == "input" and n != clock)
    outs = " ".join(n for n, port in ports if port["direction"] == "output")
    lines = (
        f"read_liberty {LIBRARY}",
        f"read_liberty {_WIRES}",
        "read_verilog netlist.v",
        f"link_design {top}",
        "set_cmd_units -time ns -capacitance pF",
        f"read_sdc {_SDC}",
        f"create_clock -name clock -period {period_ns:.6f} [get_ports {clock}]",
        "set_wire_load_mode top",
        "set_wire_load_model -name hwflow -library hwflow_wires",
        f"set_input_delay 0 -clock clock [get_ports {{{ins}}}]",
        f"set_output_delay 0 -clock clock [get_ports {{{outs}}}]",
        *(
            f"set_false_path -from [get_cells {{{' '.join(part)}}}]"
            for part in _parts(word_registers(module, registers))
        ),
        *(line for part in _parts(latches) for line in _held(part)),
        *(
            (
                f"set_false_path -from [get_ports {{{ins}}}]",
                f"set_false_path -to [get_ports {{{outs}}}]",
            )
            if check == "min"
            else ()
        ),
        f"report_checks -path_delay {check} -format full -digits 4",
        f'puts "{_READS} [info commands read_saif] [info commands read_vcd]"',
    )
    return "\n".join(lines) + "\n"


def _parts(names: Sequence[str], size: int = 200) -> Iterator[Sequence[str]]:
    """`names`, so many at a time: a line of Tcl has its limits."""
    return (names[start : start + size] for start in range(0, len(names), size))


def _latches(module: Any, library: Library) -> list[str]:
    """The data pins of latches."""
    found = []
    for name, cell in sorted(module["cells"].items()):
        latch = library.cells[cell["type"]].transparent
        if latch is not None and latch.data_in is not None:
            found.append(f"{name}/{latch.data_in.inputs[0]}")
    return found


def _held(pins: Sequence[str]) -> tuple[str, ...]:
    """Data of latches that do not move at the edge that opens them."""
    to = f"-to [get_pins {{{' '.join(pins)}}}]"
    cells = " ".join(pin.rpartition("/")[0] for pin in pins)
    return (
        f"set_multicycle_path -setup 2 {to}",
        f"set_multicycle_path -hold 1 {to}",
        f"set_max_time_borrow 0 [get_cells {{{cells}}}]",
    )


def _wire_library(pf: float) -> str:
    """The wire model as a Liberty wire load: so many pF for each load, no resistance."""
    thresholds = [
        f"{side}_threshold_pct_{edge} : {percent};"
        for side, percent in (("input", 50), ("output", 50), ("slew_lower", 20), ("slew_upper", 80))
        for edge in ("rise", "fall")
    ]
    return "\n".join(
        (
            "library (hwflow_wires) {",
            "delay_model : table_lookup;",
            'time_unit : "1ns"; voltage_unit : "1V"; current_unit : "1mA";',
            'leakage_power_unit : "1nW"; pulling_resistance_unit : "1kohm";',
            "capacitive_load_unit (1, pf);",
            *thresholds,
            'wire_load ("hwflow") {',
            f"capacitance : 1; resistance : 0; slope : {pf:.6f}; fanout_length (1, {pf:.6f});",
            "}}",
        )
    )


def _run(folder: Path, library: Library, layers: Sequence[str], timeout: float) -> CornerTiming:
    log = folder / _LOG
    run(
        (find("sta"), "-no_init", "-no_splash", "-exit", "timing.tcl"),
        cwd=folder,
        log=log,
        timeout=timeout,
        env={"HOME": str(folder)},
        tool="sta",
    )
    text = log.read_text(encoding="utf-8", errors="replace")
    slack, path = _read(text, layers)
    return CornerTiming(library.name, library.voltage, library.temperature, slack, path)


def _reads(log: Path) -> tuple[str, ...]:
    """Which of the commands for activity the program has: 2.0.17 has none."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    found = next((line for line in lines if line.startswith(_READS)), _READS)
    return tuple(found.removeprefix(_READS).split())


def _read(text: str, layers: Sequence[str]) -> tuple[float | None, tuple[PathCell, ...]]:
    """Slack and cells of the one path reported."""
    lines = text.replace("\\", "").splitlines()
    slacks = [float(match[1]) for line in lines if (match := _SLACK.match(line))]
    wrong = next((line for line in lines if line.startswith("Error")), None)
    if wrong is not None or (not slacks and "No paths found." not in lines):
        raise ToolFailed(
            "timing.output",
            f"sta: expected one path with its slack, found {(wrong or 'neither')[:200]!r}",
            hint="this OpenSTA may be of a version that was not tried; 2.0.17 works",
        )
    if not slacks:
        return None, ()
    steps: list[PathCell] = []
    for line in lines[: next(i for i, text in enumerate(lines) if "data arrival time" in text)]:
        match = _STEP.match(line)
        if match is not None and (float(match[1]) or not steps):
            layer = layer_of(match[3], layers) or "top"
            at = float(match[2])
            steps.append(PathCell(layer, match[3], match[5], float(match[1]), at))
    # The first line is the clock's arrival at the register that the path begins at.
    begins_at_register = bool(steps) and steps[0].delay == 0
    return slacks[0], tuple(steps[1:] if begins_at_register else steps)
