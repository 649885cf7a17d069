"""Starting Yosys on a script, in a folder of its own."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hwflow.synth.recipes import DESIGN
from hwflow.tools import find, run

__all__ = ["run_yosys"]

_SCRIPT: Final = "synth.ys"
_HERE: Final = Path(__file__).parent


def run_yosys(rtl: Path, script: str, maps: Sequence[str], work: Path, timeout: float) -> None:
    """Run `script` in `work` on a copy of `rtl`, with the files of `maps/` beside it.

    Raises:
        ToolMissing, ToolFailed: Yosys is absent or failed.
    """
    work.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(rtl, work / DESIGN)
    for name in maps:
        shutil.copyfile(_HERE / "maps" / name, work / name)
    (work / _SCRIPT).write_text(script, encoding="utf-8")
    run(
        (find("pyosys"), "-I", _HERE / "worker.py", _SCRIPT),
        cwd=work,
        log=work / "yosys.log",
        timeout=timeout,
        tool="yosys",
    )
