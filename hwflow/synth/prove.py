"""Proofs by Yosys' SAT solver."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from hwflow.errors import ToolFailed
from hwflow.synth.run import run_yosys

__all__ = ["never"]

_FOUND: Final = re.compile(r"SAT proof finished - (no )?model found", re.M)


def never(blif: str, output: str, work: Path, timeout: float = 3600.0) -> bool:
    """Whether an output of a combinational circuit is 0 whatever its inputs are.

    Raises:
        ToolMissing, ToolFailed: Yosys is absent or failed, `synth.output`.
    """
    work.mkdir(parents=True, exist_ok=True)
    circuit = work / "question.blif"
    circuit.write_text(blif, encoding="utf-8")
    script = f"read_blif {circuit.name}\nsat -prove {output} 0\n"
    run_yosys(circuit, script, (), work, timeout)
    log = (work / "yosys.log").read_text(encoding="utf-8", errors="replace")
    found = _FOUND.search(log)
    if found is None:
        raise ToolFailed(
            "synth.output",
            "yosys: expected the result of a proof, found none",
            hint="the log is beside the netlist",
        )
    return found[1] is not None
