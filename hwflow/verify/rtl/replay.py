"""Bulk replay of vectors through the RTL: a native Verilator program fed from files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from hwflow.errors import CheckFailed, InputError
from hwflow.plan.loading import Clocks
from hwflow.plan.streams import Interface
from hwflow.tools import run
from hwflow.verify.rtl.verilator import compile_harness
from hwflow.verify.rtl.wrapper import (
    Fixed,
    LayerPorts,
    harness_constants,
    layer_wrapper,
    stream_wrapper,
)

__all__ = [
    "Port",
    "Replay",
    "ReplayResult",
    "build_layer_replay",
    "build_replay",
    "check_timing",
    "replay_layer",
]

_RUN_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Port:
    """One tensor's port as the harness sees it."""

    tensor: str
    name: str
    beat_bytes: int
    beats: int


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What a replay gave.

    `outputs` hold beats (n * beats, bytes per beat) per tensor. `latency` counts cycles from the
    edge that accepts the first beat after reset to the edge that delivers the first output beat.
    `initiation_interval` is the spacing of the second half of the tensors at the first output,
    rounded up; None with fewer than three vectors. `cycles` counts edges after reset.
    """

    outputs: dict[str, npt.NDArray[np.uint8]]
    latency: int
    initiation_interval: int | None
    cycles: int


@dataclass(frozen=True, slots=True)
class Replay:
    """A compiled design, ready to run vectors.

    `load` are the weight loader's pins after reset, see `load_clocks`; cycles are counted from
    behind them.
    """

    design: str
    program: Path
    work: Path
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    latency: int
    initiation_interval: int
    load: Clocks | None = None

    def run(self, inputs: Mapping[str, npt.NDArray[np.uint8]]) -> ReplayResult:
        """Pushes vectors through, one array of beats (n * beats, bytes per beat) per input tensor.

        The source is always valid and the sink always ready; a `valid_only` source starts tensors
        no closer than the initiation interval.

        Raises:
            InputError: `replay.inputs` where names or shapes do not fit.
            CheckFailed: `rtl.deadlock`, `rtl.last`, `rtl.early-output` or `rtl.extra-output`, with
                port and cycle.
        """
        return self._run(inputs, wave=None)

    def run_traced(self, inputs: Mapping[str, npt.NDArray[np.uint8]], wave: str) -> ReplayResult:
        """As `run`, writing a VCD named `wave` into `work`; the program must know how to."""
        return self._run(inputs, wave=wave)

    def _run(self, inputs: Mapping[str, npt.NDArray[np.uint8]], wave: str | None) -> ReplayResult:
        vectors = self._vectors(inputs)
        for index, port in enumerate(self.inputs):
            np.ascontiguousarray(inputs[port.tensor]).tofile(self.work / f"in{index}.bin")
        load = np.zeros(0, np.uint64) if self.load is None else self.load
        load.astype("<u8").tofile(self.work / "load.bin")
        # Slow or stuck? Progress is a handshake on any port; the slack covers wrong promises.
        patience = 1000 + 4 * (self.latency + self.initiation_interval)
        drain = 64 + 2 * (self.latency + self.initiation_interval)
        run(
            (
                *(self.program.resolve(), str(vectors), str(patience), str(drain)),
                *(f"in{index}.bin" for index in range(len(self.inputs))),
                *(f"out{index}.bin" for index in range(len(self.outputs))),
                *("status.txt", "load.bin"),
                *(() if wave is None else (wave,)),
            ),
            cwd=self.work.resolve(),
            log=(self.work / "replay.log").resolve(),
            timeout=_RUN_SECONDS,
            tool="replay",
        )
        status = dict(
            line.split(" ", 1)
            for line in (self.work / "status.txt").read_text(encoding="utf-8").splitlines()
        )
        self._check(status, vectors, patience)
        return self._result(status, vectors)

    def _vectors(self, inputs: Mapping[str, npt.NDArray[np.uint8]]) -> int:
        counts = [
            len(beats) // port.beats
            for port in self.inputs
            if (beats := inputs.get(port.tensor)) is not None
            and beats.dtype == np.uint8
            and beats.ndim == 2
            and beats.shape[1] == port.beat_bytes
            and len(beats) % port.beats == 0
        ]
        usable = len(counts) == len(self.inputs) == len(inputs)
        if usable and counts[0] > 0 and len(set(counts)) == 1:
            return counts[0]
        found = {name: (array.dtype.name, array.shape) for name, array in inputs.items()}
        wanted = {p.tensor: ("uint8", (f"n * {p.beats}", p.beat_bytes)) for p in self.inputs}
        raise InputError(
            "replay.inputs",
            f"{self.design}: found {found}, expected {wanted} with one n > 0",
            hint="pack each input tensor with its port's pack()",
        )

    def _check(self, status: Mapping[str, str], vectors: int, patience: int) -> None:
        kind = status["status"]
        if kind == "ok":
            return
        port = self.outputs[int(status["port"])]
        where = f"{self.design}: port {port.name}, cycle {status['cycle']} after reset"
        done, total = status["beats"], vectors * port.beats
        if kind == "deadlock":
            raise CheckFailed(
                "rtl.deadlock",
                f"{where}: found {done} of {total} output beats and then no handshake on any port "
                f"for {patience} cycles",
                hint="source always valid, sink always ready: look at the valid and ready paths",
            )
        if kind == "last":
            raise CheckFailed(
                "rtl.last",
                f"{where}: found TLAST wrong at output beat {int(done) - 1}, "
                f"expected it at every {port.beats}th beat and nowhere else",
                hint="TLAST marks a tensor's last beat",
            )
        if kind == "extra":
            code, word = "rtl.extra-output", "more outputs than inputs"
        else:
            code, word = "rtl.early-output", "an output before its input"
        raise CheckFailed(
            code,
            f"{where}: found {word} (output beat {int(done) - 1}), expected {total} beats in all",
            hint="valid must follow accepted inputs only, and be low after reset",
        )

    def _result(self, status: Mapping[str, str], vectors: int) -> ReplayResult:
        spaces = vectors - 1 - (vectors - 1) // 2
        span = int(status["last_out"]) - int(status["middle_out"])
        return ReplayResult(
            outputs={
                port.tensor: np.fromfile(self.work / f"out{index}.bin", dtype=np.uint8).reshape(
                    vectors * port.beats, port.beat_bytes
                )
                for index, port in enumerate(self.outputs)
            },
            latency=int(status["first_out"]) - int(status["first_in"]),
            initiation_interval=-(-span // spaces) if vectors >= 3 else None,
            cycles=int(status["cycles"]),
        )


def build_replay(
    rtl: Path,
    interface: Interface,
    work: Path,
    *,
    trace: bool = False,
    jobs: int = 1,
    load: Clocks | None = None,
    fixed: Sequence[Fixed] = (),
) -> Replay:
    """Compiles the design's replay program in `work` (`jobs` compilers at once).

    `load` are the weight loader's pins, which the program does not depend on; `fixed` are inputs
    that keep their values.

    Raises:
        ToolMissing, ToolFailed: from Verilator, make or the C++ compiler.
    """
    constants = harness_constants(
        [(group.data_bytes, group.stream.beats) for group in interface.inputs],
        [(group.data_bytes, group.stream.beats) for group in interface.outputs],
        reset_cycles=interface.reset_cycles,
        spacing=interface.initiation_interval if interface.kind == "valid_only" else 0,
        check_last=interface.kind == "axi_stream",
    )
    program = compile_harness(
        rtl, stream_wrapper(interface, fixed), constants, work, trace=trace, jobs=jobs
    )
    inputs, outputs = (
        tuple(Port(g.tensor, g.data, g.data_bytes, g.stream.beats) for g in groups)
        for groups in (interface.inputs, interface.outputs)
    )
    return Replay(
        design=interface.top,
        program=program,
        work=work,
        inputs=inputs,
        outputs=outputs,
        latency=interface.latency,
        initiation_interval=interface.initiation_interval,
        load=load,
    )


def build_layer_replay(rtl: Path, layer: LayerPorts, work: Path, *, jobs: int = 1) -> Replay:
    """Compiles one layer module of a design on its own; its tensors are named after its ports.

    Every vector is one beat per port. Used to find which layer differs.

    Raises:
        ToolMissing, ToolFailed: from Verilator, make or the C++ compiler.
    """
    inputs, outputs = (
        tuple(Port(name, name, (bits + 7) // 8, 1) for name, bits in ports)
        for ports in (layer.inputs, layer.outputs)
    )
    constants = harness_constants(
        [(port.beat_bytes, 1) for port in inputs],
        [(port.beat_bytes, 1) for port in outputs],
        reset_cycles=1,
        spacing=0,
        check_last=False,
    )
    program = compile_harness(rtl, layer_wrapper(layer), constants, work, trace=False, jobs=jobs)
    return Replay(
        design=layer.module,
        program=program,
        work=work,
        inputs=inputs,
        outputs=outputs,
        latency=layer.latency,
        initiation_interval=1,
    )


def replay_layer(
    rtl: Path,
    layer: LayerPorts,
    vectors: Mapping[str, npt.NDArray[np.uint8]],
    work: Path,
    *,
    jobs: int = 1,
) -> dict[str, npt.NDArray[np.uint8]]:
    """Runs vectors through one layer module: bytes (n, ceil(bits / 8)) per port, in and out.

    Raises:
        InputError: `replay.inputs`.
        ToolMissing, ToolFailed: from the tools.
    """
    return build_layer_replay(rtl, layer, work, jobs=jobs).run(vectors).outputs


def check_timing(interface: Interface, result: ReplayResult) -> None:
    """Compares measured with promised timing.

    Raises:
        CheckFailed: `rtl.timing`.
    """
    for what, expected, found in (
        ("latency", interface.latency, result.latency),
        ("initiation interval", interface.initiation_interval, result.initiation_interval),
    ):
        if found is not None and found != expected:
            raise CheckFailed(
                "rtl.timing",
                f"{interface.top}: {what}: found {found} cycles, expected {expected}",
                hint="measured with source always valid and sink always ready",
            )
