"""Running the HLS tool on a project that hls4ml wrote, and reading its report."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from hwflow.backends.hls4ml.project import HlsInterface
from hwflow.errors import ToolFailed
from hwflow.tools import find, run

__all__ = ["HlsReport", "read_report", "synthesize"]

_DAY: Final = 24 * 3600.0
_OPTIONS: Final = {"reset": 1, "csim": 0, "synth": 1, "cosim": 0, "validation": 0, "export": 0,
                   "vsynth": 0, "fifo_opt": 0}  # fmt: skip
_MOST_BYTES: Final = 1 << 26


@dataclass(frozen=True, slots=True)
class HlsReport:
    """What the HLS tool estimates before synthesis; `clock_ns` is its clock period."""

    latency_cycles: int
    initiation_interval: int
    clock_ns: float
    lut: int
    ff: int
    dsp: int
    bram: int


def synthesize(tool: str, project: Path, interface: HlsInterface, work: Path) -> HlsReport:
    """Run C synthesis on a copy of `project` in `work`; hours for large designs.

    Raises:
        ToolMissing, ToolFailed: the tool's log is hls.log in `work`.
    """
    folder = work / "project"
    shutil.copytree(project, folder, dirs_exist_ok=True)
    (folder / "tb_data").mkdir(exist_ok=True)
    options = "".join(f"    {name} {value}\n" for name, value in _OPTIONS.items())
    (folder / "build_opt.tcl").write_text(f"array set opt {{\n{options}}}\n", encoding="utf-8")
    given = " ".join(f"{name}={value}" for name, value in _OPTIONS.items())
    words = {
        "vitis-run": ("--mode", "hls", "--tcl", "build_prj.tcl"),
        "vivado_hls": ("-f", "build_prj.tcl", given),
    }[tool]
    run(
        [find(tool), *words],
        cwd=folder,
        log=work / "hls.log",
        timeout=_DAY,
        tool=tool,
    )
    return read_report(folder, interface.top)


def read_report(folder: Path, top: str) -> HlsReport:
    """The estimates in the tool's csynth.xml.

    Raises:
        ToolFailed: "hls.report": there is none, or it is not as expected.
    """
    path = folder / f"{top}_prj" / "solution1" / "syn" / "report" / f"{top}_csynth.xml"
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError("it is too large")
        root = ElementTree.fromstring(path.read_bytes())  # noqa: S314  written by the tool
        area, delays = "AreaEstimates/Resources", "PerformanceEstimates"
        latency = f"{delays}/SummaryOfOverallLatency"
        return HlsReport(
            int(_text(root, f"{latency}/Worst-caseLatency")),
            int(_text(root, f"{latency}/Interval-max")),
            float(_text(root, f"{delays}/SummaryOfTimingAnalysis/EstimatedClockPeriod")),
            int(_text(root, f"{area}/LUT")),
            int(_text(root, f"{area}/FF")),
            int(_text(root, f"{area}/DSP", f"{area}/DSP48E")),
            int(_text(root, f"{area}/BRAM_18K")),
        )
    except (OSError, ValueError, ElementTree.ParseError) as error:
        raise ToolFailed(
            "hls.report",
            f"no estimates in {path.name}: {error}",
            hint="the tool's log, hls.log, says what it did",
        ) from None


def _text(root: ElementTree.Element, *paths: str) -> str:
    for path in paths:
        found = root.findtext(path)
        if found is not None:
            return found
    raise ValueError(f"it has no {paths[0]}")
