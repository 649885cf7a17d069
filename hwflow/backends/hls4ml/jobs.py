"""hls4ml from outside: writing a project, compiling its C++ emulation, running vectors through it.

hls4ml is imported in a process of its own only, and the emulation runs in another. The compiler is
started with an argument list; hls4ml's own build_lib.sh, a shell script, is not used.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from hwflow.backends.hls4ml.context import EXACT_BITS
from hwflow.backends.hls4ml.project import HlsInterface, HlsProject, Port, Reals, Traced
from hwflow.ir import Graph, TensorType
from hwflow.ir.exact import IntArray
from hwflow.tools import find, python_worker, run

__all__ = [
    "Emulated", "Settings", "codes_at", "codes_of", "compile_emulation", "emulate",
    "reals_of", "write_project",
]  # fmt: skip

HOUR: Final = 3600.0
LIBRARY: Final = "emulation.so"
_ENVIRONMENT = {
    "PYTHONPATH": str(Path(__file__).resolve().parents[3]),
    "PYTHONDONTWRITEBYTECODE": "1",
}
_PROJECT: Final = "written"
_LEFT_OUT: Final = ("hls4ml_config.yml", "build_lib.sh", "tb_data")
"""Files with paths of this machine or names drawn at random, and what only hls4ml itself runs."""
_AT_ONCE: Final = 1 << 24
"""Numbers that one run of the emulation gives back at the most, 128 MiB."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What hls4ml is asked for: its backend, and its main settings; None: hls4ml's own."""

    backend: str = "Vitis"
    stream: bool = False
    strategy: str = "latency"
    reuse: int = 1
    part: str | None = None
    clock_ns: float | None = None


def write_project(project: HlsProject, settings: Settings, out: Path, work: Path) -> HlsInterface:
    """Write the C++ project into `out`, an existing folder; `work` is for the job's files.

    Raises:
        ToolFailed: hls4ml failed; the log is hls4ml.log in `work`.
    """
    arrays = {f"{layer.name}.{k}": a for layer in project.layers for k, a in layer.arrays.items()}
    np.savez(work / "layers.npz", **arrays)  # type: ignore[arg-type]
    (work / "job.json").write_text(json.dumps(_job(project, settings)), encoding="utf-8")
    shutil.rmtree(work / _PROJECT, ignore_errors=True)
    run(
        python_worker("hwflow.backends.hls4ml.worker", (work / "job.json").resolve()),
        cwd=work,
        log=work / "hls4ml.log",
        timeout=HOUR,
        env=_ENVIRONMENT,
        tool="hls4ml",
    )
    left = shutil.ignore_patterns(*_LEFT_OUT)
    shutil.copytree(work / _PROJECT, out, dirs_exist_ok=True, ignore=left)
    report = json.loads((work / "report.json").read_text(encoding="utf-8"))
    return _interface(project, settings, report["outputs"], set(report["traced"]))


def _top(project: HlsProject) -> str:
    """The C++ function's name; the suffix keeps it apart from words of C++."""
    return f"{project.name}_hls"


def _job(project: HlsProject, settings: Settings) -> dict[str, object]:
    given: dict[str, object] = {"write_tar": False}
    if settings.part:
        given["part"] = settings.part
    if settings.clock_ns:
        given["clock_period"] = settings.clock_ns
    return {
        "backend": settings.backend,
        "io": "io_stream" if settings.stream else "io_parallel",
        "strategy": settings.strategy,
        "reuse": settings.reuse,
        "settings": given,
        "top": _top(project),
        "output": _PROJECT,
        "layers": [
            {
                "name": layer.name,
                "kind": layer.kind,
                "inputs": list(layer.inputs),
                "attributes": dict(layer.attributes),
                "arrays": list(layer.arrays),
                "types": {
                    **{what: str(kind) for what, kind in layer.types.items()},
                    "result": str(layer.made),
                },
            }
            for layer in project.layers
        ],
        "inputs": list(project.inputs),
        "outputs": list(project.outputs),
    }


def _interface(
    project: HlsProject, settings: Settings, sizes: list[int], traced: set[str]
) -> HlsInterface:
    made = {layer.name: layer.made for layer in project.layers}
    value = {layer.name: layer.value for layer in project.layers}
    return HlsInterface(
        _top(project),
        settings.backend,
        tuple(value[name] for name in project.inputs),
        tuple(
            Port(size, made[name].frac) for name, size in zip(project.outputs, sizes, strict=True)
        ),
        project.results,
        tuple(
            Traced(layer.name, layer.value, layer.made.frac, layer.made.width)
            for layer in project.layers
            if layer.name in traced
        ),
    )


def compile_emulation(project: Path, interface: HlsInterface, work: Path) -> None:
    """Compile the C++ of `project` for this machine, in `work`, where its weights are kept, too.

    Raises:
        ToolMissing: there is no g++.
        ToolFailed: it failed; the log is g++.log in `work`.
    """
    top = interface.top
    shutil.copytree(project / "firmware", work / "firmware", dirs_exist_ok=True)
    shutil.copyfile(project / f"{top}_bridge.cpp", work / f"{top}_bridge.cpp")
    # NDEBUG: ap_types assert that rounding drops no more bits than there are, which they can.
    run(
        [
            find("g++"), "-O1", "-std=c++14", "-DNDEBUG", "-w", "-fPIC", "-shared",
            "-fno-gnu-unique", "-Ifirmware/ap_types", "-Ifirmware/ac_types",
            '-DWEIGHTS_DIR="firmware/weights"',
            f"firmware/{top}.cpp", f"{top}_bridge.cpp", "-o", LIBRARY,
        ],
        cwd=work,
        log=work / "g++.log",
        timeout=HOUR,
        tool="g++",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Emulated:
    """Integers (n, elements) that the emulation computed, in units of ``2**-frac``.

    `outputs` by the graph's output, `layers` by the graph's value.
    """

    outputs: Mapping[str, tuple[IntArray, int]]
    layers: Mapping[str, tuple[IntArray, int]]


def emulate(
    graph: Graph,
    interface: HlsInterface,
    library: Path,
    inputs: Mapping[str, IntArray],
    work: Path,
    values: frozenset[str] = frozenset(),
) -> Emulated:
    """Run integer inputs (n, *shape) through the library in folder `library`, and watch `values`.

    Values that hls4ml does not keep, or that a double does not hold, are left out.

    Raises:
        ToolFailed: the emulation died; the log is emulate.log in `work`.
    """
    reals = [reals_of(graph.types[name], inputs[name]) for name in interface.inputs]
    watched = [t for t in interface.traced if t.value in values and t.width <= EXACT_BITS]
    sizes = {t.name: graph.types[t.value].size for t in watched}
    row = sum(port.elements for port in interface.outputs) + sum(sizes.values())
    step = max(1, _AT_ONCE // max(1, row))
    parts = [
        _run_part(interface, library, [a[k : k + step] for a in reals], sizes, work)
        for k in range(0, len(reals[0]), step)
    ]
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    ports = interface.outputs
    return Emulated(
        {o: (_codes(found[f"out{k}"], ports[k].frac), ports[k].frac) for o, k in interface.results},
        {t.value: (_codes(found[t.name], t.frac), t.frac) for t in watched},
    )


def _run_part(
    interface: HlsInterface, library: Path, reals: list[Reals], sizes: dict[str, int], work: Path
) -> dict[str, Reals]:
    np.savez(work / "inputs.npz", **{f"in{k}": a for k, a in enumerate(reals)})  # type: ignore[arg-type]
    job = {
        "library": str((library / LIBRARY).resolve()),
        "top": interface.top,
        "inputs": len(reals),
        "outputs": [port.elements for port in interface.outputs],
        "traced": sizes,
        "layers": len(interface.traced),
    }
    (work / "emulate.json").write_text(json.dumps(job), encoding="utf-8")
    run(
        python_worker("hwflow.backends.hls4ml.emulate", (work / "emulate.json").resolve()),
        cwd=library,
        log=work / "emulate.log",
        timeout=HOUR,
        env=_ENVIRONMENT,
        tool="hls4ml's emulation",
    )
    with np.load(work / "found.npz", allow_pickle=False) as arrays:
        return dict(arrays)


def reals_of(tensor: TensorType, codes: IntArray) -> Reals:
    """Integers as the real numbers they stand for, (n, elements)."""
    frac = np.broadcast_to(tensor.elem.frac, tensor.shape).astype(np.int64)
    return np.ldexp(codes.astype(np.float64), -frac).reshape(len(codes), -1)


def _codes(reals: Reals, frac: int) -> IntArray:
    """Real numbers of a type with `frac` bits behind the binary point as its integers."""
    return np.asarray(np.ldexp(reals, frac).astype(np.int64))


def codes_of(tensor: TensorType, codes: IntArray, frac: int) -> IntArray:
    """The reverse of `codes_at`: (n, elements) in units of ``2**-frac`` as the graph's integers."""
    shaped = codes.reshape(len(codes), *tensor.shape)
    return np.asarray(shaped >> np.asarray(frac - tensor.elem.frac, dtype=np.int64))


def codes_at(tensor: TensorType, codes: IntArray, frac: int) -> IntArray:
    """The graph's integers (n, *shape) in units of ``2**-frac``, at least as fine as its own."""
    shift = np.asarray(frac - tensor.elem.frac, dtype=np.int64)
    return np.asarray(codes << shift)
