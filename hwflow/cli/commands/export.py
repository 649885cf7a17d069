"""hwflow export: a build as files for other tools."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hwflow.cli.console import Console
from hwflow.cli.places import build_at
from hwflow.errors import InputError

if TYPE_CHECKING:
    from hwflow.flow import Build
    from hwflow.plan.streams import Interface, PortGroup

__all__ = ["arguments", "execute"]

_TESTBENCH: Final = Path(__file__).resolve().parents[3] / "testbench"
_SDC: Final = Path(__file__).resolve().parents[3] / "constraints" / "asic.sdc"
_LOADER: Final = _TESTBENCH.parent / "docs" / "loader.md"
_LEFT_OUT: Final = shutil.ignore_patterns(".*", "__pycache__", "tb_build", "*.pyc")
_RUNGS: Final = ("amaranth", "rtl", "netlist")
_COPIED: Final = {
    "design.v": ("generate", "design.v"),
    "interface.json": ("generate", "interface.json"),
    "graph.hwf": ("lower", "graph.hwf"),
    "graph.txt": ("lower", "graph.txt"),
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("build", metavar="BUILD", type=Path, help="the build folder")
    parser.add_argument("folder", metavar="DIR", type=Path, help="the folder to write")
    parser.add_argument(
        "--force", action="store_true", help="write into DIR even if it is not empty"
    )
    parser.add_argument(
        "--format", choices=("rtl", "qonnx", "onnx"), default="rtl",
        help="rtl: everything for the hardware; qonnx or onnx: the integer graph as one model",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def execute(options: argparse.Namespace, console: Console) -> int:
    """Write the Verilog with constraints, test vectors, testbench and vendor scripts to a folder.

    The names of the files are always the same. Scripts are run from inside the folder.
    """
    build = build_at(options.build)
    console.build_folder = build.folder
    if options.format != "rtl":
        return _model(build, options, console)
    through_hls4ml = "hls4ml" in build.stages and "generate" not in build.stages
    own = ("hls4ml",) if through_hls4ml else ("plan", "generate")
    for stage in ("lower", *own, "vectors", "golden"):
        build.artifact(stage)  # all there, or nothing is written
    unproven = _unproven(build, ("hls4ml",) if through_hls4ml else _RUNGS)
    if unproven:
        console.warn(f"not verified by {', '.join(unproven)}: `hwflow status {build.folder}`")
    from hwflow.cli.exporting_hls import write_hls
    from hwflow.flow.store import writing

    folder: Path = options.folder
    _check_folder(folder, force=options.force)
    with writing(folder):
        if through_hls4ml:
            folder.mkdir(parents=True, exist_ok=True)
            write_hls(build, folder)
        else:
            _write(build, folder, unproven)
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    console.show(f"wrote {len(files)} files to {folder}: see {folder / 'README.txt'}")
    console.result({"folder": str(folder), "files": files, "exit_code": 0})
    return 0


def _model(build: Build, options: argparse.Namespace, console: Console) -> int:
    """Write the graph as graph.onnx."""
    from hwflow.backends.onnx import export_onnx
    from hwflow.flow.store import writing
    from hwflow.ir import load_graph

    data = export_onnx(load_graph(build.artifact("lower") / "graph.hwf"), options.format)
    folder: Path = options.folder
    _check_folder(folder, force=options.force)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "graph.onnx").write_bytes(data)
    console.show(f"wrote {folder / 'graph.onnx'}")
    console.result({"folder": str(folder), "files": ["graph.onnx"], "exit_code": 0})
    return 0


def _check_folder(folder: Path, *, force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise InputError("export.folder", f"{folder} is a file", hint="name a folder")
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise InputError(
            "export.folder",
            f"{folder} is not empty",
            hint="name a new folder, or use --force to write among what is there",
        )


def _unproven(build: Build, own: tuple[str, ...]) -> tuple[str, ...]:
    """Rungs of the ladder that this very design has not passed, also where none was asked for."""
    trained = not {"train", "load"}.isdisjoint(build.stages)
    rungs = (*(("training",) if trained else ()), *own)
    return tuple(r for r in rungs if r not in build.stages or build.stages[r].state != "done")


def _write(build: Build, folder: Path, unproven: tuple[str, ...]) -> None:
    from hwflow.cli.exporting import (
        CELLS,
        cell_constraints,
        constraints,
        instance,
        readme,
        scripts,
    )
    from hwflow.cli.exporting_hls import write_project
    from hwflow.ir import load_graph
    from hwflow.plan.interface_file import read_interface

    interface = read_interface(
        (build.artifact("generate") / "interface.json").read_text(encoding="utf-8")
    )
    plan = json.loads((build.artifact("plan") / "plan.json").read_text(encoding="utf-8"))
    clock, target = Fraction(plan["clock_hz"]), str(plan["target"])
    graph = load_graph(build.artifact("lower") / "graph.hwf")
    values = [(node.name, node.name) for node in graph.inputs] + list(graph.outputs)
    facts = {f"codes of {name}": str(graph.types[value]) for name, value in values}
    facts["digest of the graph"] = str(plan["graph"])
    if unproven:
        facts["NOT verified by"] = ", ".join(unproven)
    cells = target == "asic" and "synth" in build.stages
    texts = {
        "design.f": "design.v\n",
        "instance.v": instance(interface),
        "README.txt": readme(interface, clock, target, facts, CELLS if cells else {}),
        **constraints(interface, clock),
        **scripts(interface, target),
    }
    if cells:
        outside = _SDC.read_text(encoding="utf-8") if _SDC.is_file() else ""
        texts["constraints/cells.sdc"] = cell_constraints(interface, clock, outside)
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    copied = _COPIED | ({"netlist.v": ("synth", "netlist.v")} if cells else {})
    for name, (stage, source) in copied.items():
        shutil.copyfile(build.artifact(stage) / source, folder / name)
    if _TESTBENCH.is_dir():
        target_folder = folder / "testbench"
        shutil.copytree(_TESTBENCH, target_folder, ignore=_LEFT_OUT, dirs_exist_ok=True)
    _write_vectors(build, interface, folder)
    if "hls4ml" in build.stages:
        write_project(build, folder)
    if interface.store is not None:
        from hwflow.plan.store import hex_words
        from hwflow.stages.files import load_params

        params = load_params(build.artifact("lower") / "params", graph)
        text = hex_words(interface.store.image(params))
        (folder / "weights.hex").write_text(text, encoding="utf-8")
        if _LOADER.is_file():
            shutil.copyfile(_LOADER, folder / "loader.md")


def _write_vectors(build: Build, interface: Interface, folder: Path) -> None:
    sides: Mapping[str, tuple[str, tuple[PortGroup, ...]]] = {
        "inputs": ("vectors", interface.inputs),
        "outputs": ("golden", interface.outputs),
    }
    import numpy as np

    for side, (stage, groups) in sides.items():
        (folder / side).mkdir(exist_ok=True)
        for group in groups:
            path = build.artifact(stage) / side / f"{group.tensor}.npy"
            values = np.load(path, allow_pickle=False)
            beats = group.pack(values.reshape(len(values), -1))
            (folder / side / f"{group.tensor}.bin").write_bytes(beats.tobytes())
