"""Pushing a user's vectors through one rung of a build; compiled programs are kept."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from hwflow.backends.hls4ml.jobs import codes_of, compile_emulation, emulate
from hwflow.backends.hls4ml.project import HlsInterface
from hwflow.errors import InputError
from hwflow.flow import Build, DigestCache, SourceIndex, digest_of, file_digest
from hwflow.flow.locks import wait_lock
from hwflow.flow.store import writing
from hwflow.ir import Graph, evaluate, load_graph
from hwflow.ir.exact import IntArray
from hwflow.plan.interface_file import read_interface
from hwflow.plan.loading import Clocks, load_clocks
from hwflow.plan.streams import Interface
from hwflow.stages.files import load_params, scales
from hwflow.tools import identity
from hwflow.verify.netlist import NetlistSim
from hwflow.verify.rtl import Port, Replay, build_replay, trace_vector

__all__ = ["RUNGS", "Outcome", "Rungs"]

RUNGS: Final = ("graph", "rtl", "netlist", "hls4ml")
Beats = npt.NDArray[np.uint8]
Note = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Integer outputs (n, *shape) by name, and the cycles it took where that has a meaning."""

    outputs: Mapping[str, IntArray]
    latency_cycles: int | None = None
    initiation_interval: int | None = None


class Rungs:
    """The rungs of one build.

    Raises:
        InputError: "build.missing" when the build has not come far enough.
    """

    def __init__(self, build: Build, note: Note) -> None:
        self.build = build
        self._note = note
        lowered = build.artifact("lower")
        self.graph: Graph = load_graph(lowered / "graph.hwf")
        self.params = load_params(lowered / "params", self.graph)

    def scales(self, port: Literal["input", "output"]) -> dict[str, float]:
        """What one integer of each input (output) is worth, where that is no power of two."""
        return scales(self.build.artifact("lower"), port)

    @property
    def folder(self) -> Path:
        """Where compiled programs and waveforms are kept."""
        return self.build.folder / "run"

    @property
    def interface(self) -> Interface:
        """The interface of the generated hardware."""
        text = (self.build.artifact("generate") / "interface.json").read_text(encoding="utf-8")
        return read_interface(text)

    @property
    def rtl(self) -> Path:
        """The generated Verilog."""
        return self.build.artifact("generate") / "design.v"

    def _load(self, interface: Interface) -> Clocks | None:
        store = interface.store
        return load_clocks(store, store.image(self.params)) if store else None

    def run(self, rung: str, inputs: Mapping[str, IntArray]) -> Outcome:
        """The outputs of one of RUNGS for integer inputs (n, *shape)."""
        if rung == "graph":
            return Outcome(evaluate(self.graph, {**inputs, **self.params}))
        if rung == "hls4ml":
            return self._on_hls4ml(inputs)
        return self._on_rtl(inputs) if rung == "rtl" else self._on_netlist(inputs)

    def waveform(self, inputs: Mapping[str, IntArray], vector: int) -> Path:
        """Run one vector on the RTL with tracing; returns the VCD's path."""
        interface = self.interface
        with self._scratch() as work:
            replay = replace(self._replay(interface, trace=True), work=Path(work))
            made = trace_vector(replay, interface, self._packed(interface, inputs), vector)
            kept = self.folder / made.name
            shutil.move(made, kept)
        return kept

    def _on_rtl(self, inputs: Mapping[str, IntArray]) -> Outcome:
        interface = self.interface
        replay = self._replay(interface, trace=False)
        with self._scratch() as work:
            result = replace(replay, work=Path(work)).run(self._packed(interface, inputs))
        outputs = _unpacked(interface, result.outputs)
        return Outcome(outputs, result.latency, result.initiation_interval)

    def _on_netlist(self, inputs: Mapping[str, IntArray]) -> Outcome:
        interface = self.interface
        work = self.folder / "netlist"
        with self._held("netlist"):
            # The library is named by what it was made from and is not compiled twice.
            netlist = self.build.artifact("synth") / "netlist.json"
            if not any(work.glob("*.so")):
                self._note("compiling the netlist's simulator; later runs keep it")
            sim = NetlistSim.build(netlist, interface, work.resolve(), load=self._load(interface))
        result = sim.replay(self._packed(interface, inputs))
        outputs = _unpacked(interface, result.outputs)
        return Outcome(outputs, result.latency, result.initiation_interval)

    def _on_hls4ml(self, inputs: Mapping[str, IntArray]) -> Outcome:
        if "hls4ml" not in self.build.stages:
            raise InputError(
                "build.missing",
                f"{self.build.folder} was built without hls4ml",
                hint="add hls4ml to verify.rungs and run `hwflow build`",
            )
        made = self.build.artifact("hls4ml")
        text = (made / "interface.json").read_text(encoding="utf-8")
        interface = HlsInterface.from_json(text)
        name = f"hls4ml-{digest_of({'interface': text, 'artifact': str(made)})[:16]}"
        library = self.folder / name
        with self._held(name):
            ready = library / "ready"
            if not ready.is_file():
                self._note("compiling hls4ml's emulation; later runs keep it")
                library.mkdir(exist_ok=True)
                compile_emulation(made / "project", interface, library)
                ready.touch()
        with self._scratch() as work:
            found = emulate(self.graph, interface, library, inputs, Path(work))
        outputs = {
            output: codes_of(self.graph.types[value], *found.outputs[output])
            for output, value in self.graph.outputs
        }
        return Outcome(outputs)

    def _replay(self, interface: Interface, *, trace: bool) -> Replay:
        """The compiled RTL, made now if it is not there yet."""
        name = f"{'trace' if trace else 'rtl'}-{self._key(interface)}"
        work = self.folder / name
        with self._held(name):
            ready = work / "ready"
            if not ready.is_file():
                self._note("compiling the RTL with Verilator; later runs keep it")
                build_replay(self.rtl, interface, work, trace=trace, jobs=2)
                ready.touch()
        inputs, outputs = (
            tuple(Port(g.tensor, g.data, g.data_bytes, g.stream.beats) for g in groups)
            for groups in (interface.inputs, interface.outputs)
        )
        return Replay(
            design=interface.top,
            program=(work / "obj" / "replay").resolve(),
            work=work,
            inputs=inputs,
            outputs=outputs,
            latency=interface.latency,
            initiation_interval=interface.initiation_interval,
            load=self._load(interface),
        )

    def _key(self, interface: Interface) -> str:
        """A digest of all that a compiled replay program is made of."""
        sources = SourceIndex(DigestCache(self.folder / ".digests.json"))
        parts = {
            "rtl": file_digest(self.rtl),
            "interface": interface.to_json(),
            "code": sources.digests(("hwflow.verify.rtl.replay",)),
            "tools": {tool: identity(tool).digest for tool in ("verilator", "g++")},
        }
        return digest_of(parts)[:16]

    def _held(self, name: str) -> AbstractContextManager[None]:
        with writing(self.folder):
            self.folder.mkdir(exist_ok=True)
        return wait_lock(
            self.folder / f".{name}.lock", lambda: self._note("waiting for another run")
        )

    def _scratch(self) -> tempfile.TemporaryDirectory[str]:
        with writing(self.folder):
            self.folder.mkdir(exist_ok=True)
            return tempfile.TemporaryDirectory(prefix=".work-", dir=self.folder)

    def _packed(self, interface: Interface, inputs: Mapping[str, IntArray]) -> dict[str, Beats]:
        return {group.tensor: group.pack(_rows(inputs[group.tensor])) for group in interface.inputs}


def _rows(array: IntArray) -> npt.NDArray[np.int64]:
    return np.asarray(array.reshape(len(array), -1), dtype=np.int64)


def _unpacked(interface: Interface, beats: Mapping[str, Beats]) -> dict[str, IntArray]:
    return {
        group.tensor: group.unpack(beats[group.tensor]).reshape(-1, *group.shape)
        for group in interface.outputs
    }
