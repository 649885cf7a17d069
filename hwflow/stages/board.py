"""Stage board: a bitstream for a real board, the design behind a UART, simulated over its pins."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hwflow.board.bitstream import Bitstream, make_bitstream
from hwflow.board.boards import Board
from hwflow.board.bridge import FILE, Protocol, protocol
from hwflow.board.check import check_board
from hwflow.board.record import board_record
from hwflow.board.simulate import UartTest, simulate, write_bench
from hwflow.board.top import DESIGN, bridge_module, top_verilog
from hwflow.board.waveform import decode, encode, line_cycles, line_interface, line_netlist
from hwflow.config import DesignConfig
from hwflow.errors import CheckFailed
from hwflow.flow import StageContext
from hwflow.plan.streams import Interface
from hwflow.plan.targets import target
from hwflow.stages.files import read_json, write_json
from hwflow.stages.rungs import Golden, finish, load_golden
from hwflow.synth.synthesize import synthesize
from hwflow.verify.compare import Mismatch, RungReport
from hwflow.verify.netlist import NetlistSim

__all__ = ["Job", "run", "simulate_netlist"]

_RTL_CLOCKS = 4_000_000
"""Budget of the RTL simulation: a UART takes thousands of clocks for a tensor."""

_RTL_VECTORS = (4, 32)
_BOARDS = 64
"""Boards that the netlist simulator runs at once."""

_TIMEOUT_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Job:
    """What every step of the stage needs."""

    context: StageContext
    board: Board
    golden: Golden
    protocol: Protocol

    @property
    def interface(self) -> Interface:
        return self.golden.interface

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.golden.graph.outputs)


def run(config: DesignConfig, context: StageContext) -> None:
    """Board top, simulation over the UART pins (RTL and netlist), pins, bitstream, figures."""
    board = check_board(config)
    golden = load_golden(context.inputs)
    job = Job(context, board, golden, protocol(golden.interface, board))
    name = golden.interface.top
    top = top_verilog(golden.interface, board, job.protocol)
    (context.out / f"{name}_board.v").write_text(top, encoding="utf-8")
    (context.out / FILE).write_text(job.protocol.to_json(), encoding="utf-8")
    tests = _simulate_rtl(job, top)
    netlist = _synthesize(job, top)
    used = simulate_netlist(job, netlist)
    context.progress(0.7, f"nextpnr for {board.title}")
    bitstream = make_bitstream(
        netlist, name, board, context.out, context.scratch / "place", timeout=_TIMEOUT_SECONDS
    )
    record = board_record(board, job.protocol, golden.interface, bitstream, tests)
    write_json(context.out / "board.json", record)
    figures: dict[str, object] = {
        "uart": [{"test": t.test, "vectors": t.vectors, "cycles": t.cycles} for t in tests],
        "netlist_vectors": used,
    }
    most = max(test.vectors for test in tests)
    notes = (f"over the UART pins: {most} vectors in the RTL, {used} in the netlist",)
    finish(context, RungReport("board", used, job.names, notes=notes, figures=figures))
    _check_clock(board, bitstream)


def _simulate_rtl(job: Job, top: str) -> tuple[UartTest, ...]:
    """The RTL in Verilator, bit by bit; a result that differs ends the stage."""
    context, line = job.context, job.protocol
    per_tensor = 10 * line.clocks_per_bit * (line.input_bytes + line.output_bytes)
    per_tensor += job.interface.latency + job.interface.initiation_interval
    least, most = _RTL_VECTORS
    part = job.golden.part(max(least, min(most, _RTL_CLOCKS // per_tensor)))
    count = len(part.vectors)
    context.progress(0.0, f"{count} vectors over the UART pins in Verilator")
    bench = context.scratch / "bench"
    inputs, outputs = part.packed()[line.input], part.packed_outputs()[line.output]
    write_bench(bench, line, top, context.inputs["generate"] / "design.v", inputs, outputs)
    tests = simulate(bench, context.scratch, count)
    for test in tests:
        if test.finding is None:
            continue
        mismatch = _mismatch(part, line, test, count)
        if mismatch is not None:
            finish(context, RungReport("board", count, job.names, mismatch))
        raise CheckFailed(
            "board.uart",
            f"testbench/uart: {test.test}: {test.finding}",
            hint="run it alone: python testbench/uart/run.py, on the folder that README.md "
            "beside it describes",
        )
    return tests


def _mismatch(part: Golden, line: Protocol, test: UartTest, count: int) -> Mismatch | None:
    """Where a test that sent every vector differs from the integer graph."""
    if len(test.received) != count * line.output_bytes:
        return None
    rows = np.frombuffer(test.received, dtype=np.uint8).reshape(-1, line.output_beat_bytes)
    return part.compare_outputs({line.output: rows})


def _synthesize(job: Job, top: str) -> Path:
    """The board's netlist, by the same recipes and with the same layer borders as the design's."""
    context, name = job.context, job.interface.top
    context.progress(0.3, "Yosys for the board top")
    layers = read_json(context.inputs["plan"] / "plan.json")["layers"]
    modules = {f"{name}__{entry['name']}": entry.get("multiplier") for entry in layers}
    rtl = context.scratch / "whole.v"
    design = (context.inputs["generate"] / "design.v").read_text(encoding="utf-8")
    rtl.write_text(f"{top}\n{design}", encoding="utf-8")
    synthesize(
        rtl,
        job.protocol.top,
        [bridge_module(name), *modules],
        target(job.board.target),
        context.out,
        context.scratch / "synth",
        dsp_modules=[module for module, kind in modules.items() if kind == "dsp"],
    )
    return context.out / "netlist.json"


def simulate_netlist(job: Job, netlist: Path) -> int:
    """The netlist that is placed, on 64 boards at once; returns the vectors compared."""
    context, line = job.context, job.protocol
    each = min(2, line.window)
    part = job.golden.part(_BOARDS * each)
    used = len(part.vectors)
    context.progress(0.4, f"{used} vectors over the UART pins of the netlist")
    cycles = line_cycles(line, each, job.interface.latency, job.interface.initiation_interval)
    face = line_interface(line, cycles)
    derived = context.scratch / "line.json"
    derived.write_text(json.dumps(line_netlist(read_json(netlist), line.top)), encoding="utf-8")
    sim = NetlistSim.build(derived, face, context.scratch / "netlist")
    tensors = part.packed()[line.input].reshape(used, line.input_bytes)
    filled = np.resize(tensors, (-(-used // each) * each, line.input_bytes))
    levels = encode(filled.reshape(-1, each * line.input_bytes), line.clocks_per_bit, cycles)
    result = sim.replay({"rx": levels.reshape(-1, 1)})
    heard = result.outputs["tx"].reshape(-1, cycles)
    rows = decode(heard, line.clocks_per_bit, each * line.output_bytes)
    beats = rows.reshape(-1, line.output_beat_bytes)[: used * line.output_beats]
    mismatch = part.compare_outputs({line.output: beats})
    if mismatch is not None:
        finish(context, RungReport("board", used, job.names, mismatch, notes=("in the netlist",)))
    return used


def _check_clock(board: Board, bitstream: Bitstream) -> None:
    if bitstream.fmax < board.clock_hertz:
        raise CheckFailed(
            "board.timing",
            f"{board.title}: nextpnr reaches {bitstream.fmax / 1e6:.2f} MHz, expected the "
            f"{board.clock_hertz / 1e6:g} MHz of the board's oscillator",
            hint="the longest path is in nextpnr.log; fold less, or use fewer bits or inputs in "
            f"the layer it names (instance {DESIGN})",
        )
