"""Upsets in the netlist simulator: 63 disturbed runs beside an undisturbed one, cycle by cycle."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from hwflow.plan.loading import Clocks
from hwflow.plan.streams import Interface
from hwflow.verify.netlist.circuit import Circuit, FaultTerm, Gate, read_circuit
from hwflow.verify.netlist.csource import Source, generate
from hwflow.verify.netlist.feed import Layout, Loading, feed
from hwflow.verify.netlist.library import STREAMS, Bench, Library, Port, compile_library
from hwflow.verify.netlist.parts import ONE
from hwflow.verify.netlist.trace import Beats

__all__ = ["OFFER", "RUNS", "TAKE", "Fault", "Observed", "Upset", "UpsetSim"]

RUNS: Final = STREAMS - 1
"""Disturbed runs at a time."""

OFFER: Final = 1
TAKE: Final = 2
"""Bits of a cycle in `gaps`: the source offers a beat, the sink takes one."""

_MORE: Final = Path(__file__).with_name("upsets.c")
_MOST_PORTS: Final = 16


class Fault(IntEnum):
    """What an upset does, for one run and one cycle: see upsets.c."""

    FLIP = 0
    PULSE = 1
    WORD = 2
    RESET = 3
    MISSED = 4
    ADDED = 5


@dataclass(frozen=True, slots=True, order=True)
class Upset:
    """One upset; `index` is a state net's place, a pulse's number, a store or a group."""

    cycle: int
    fault: Fault
    index: int = 0
    word: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """What the 64 runs of a batch did; run 0 was left alone.

    `rows` hold each output's beats (64, beats, bytes), `counts` how many came, `accepted` the
    beats that each input took, `extra` output beats too many, `last_beat` the cycle of the last
    output beat (the earliest over the outputs), `last_begun` that of the last tensor's first input
    beat, `last_differs` the last cycle in which a run's
    state was not that of run 0 (-1: never), `finals` when the last tensor began to leave in run 0.
    """

    rows: tuple[Beats, ...]
    counts: tuple[npt.NDArray[np.int64], ...]
    accepted: tuple[npt.NDArray[np.int64], ...]
    extra: npt.NDArray[np.int64]
    last_beat: npt.NDArray[np.int64]
    last_begun: npt.NDArray[np.int64]
    last_differs: npt.NDArray[np.int64]
    off_time: npt.NDArray[np.bool_]
    bad_last: npt.NDArray[np.bool_]
    finals: int


class _CUpset(ctypes.Structure):
    _fields_ = (
        ("cycle", ctypes.c_int64),
        ("word", ctypes.c_int64),
        ("kind", ctypes.c_int32),
        ("index", ctypes.c_int32),
        ("mask", ctypes.c_uint64),
    )


class _Campaign(ctypes.Structure):
    _fields_ = (
        ("upsets", ctypes.c_void_p),
        ("n_upsets", ctypes.c_int64),
        ("gaps", ctypes.c_void_p),
        ("group", ctypes.c_void_p),
        ("saved", ctypes.c_void_p),
        ("stores", ctypes.c_void_p),
        ("n_state", ctypes.c_int32),
        ("n_stores", ctypes.c_int32),
        ("off_time", ctypes.c_uint64),
        ("bad_last", ctypes.c_uint64),
        ("extra", ctypes.c_int64 * STREAMS),
        ("last_beat", ctypes.c_int64 * STREAMS),
        ("last_begun", ctypes.c_int64 * STREAMS),
        ("last_differs", ctypes.c_int64 * STREAMS),
    )


class UpsetSim:
    """A compiled netlist that can be disturbed; `pulsed` are the nets that pulses can invert.

    A pulse on the output of a clock gate (its latch upset) makes the flip-flops behind it miss an
    edge, or see one too many.
    """

    def __init__(
        self,
        circuit: Circuit,
        source: Source,
        library: Library,
        interface: Interface,
        load: Clocks | None = None,
    ) -> None:
        self.circuit, self.source, self.interface = circuit, source, interface
        self._library = library
        self._loading = Loading(interface, load, self._slots)

    @classmethod
    def build(
        cls,
        netlist: Path,
        interface: Interface,
        work: Path,
        pulsed: Sequence[int] = (),
        load: Clocks | None = None,
    ) -> UpsetSim:
        """Compile `netlist` into `work`; `load` as for `NetlistSim.build`.

        Raises:
            InputError, ToolFailed: as `read_circuit`, `generate` and `compile_library` say.
        """
        assert max(len(interface.inputs), len(interface.outputs)) <= _MOST_PORTS
        circuit = read_circuit(netlist, interface.top)
        numbers = {net: (FaultTerm(k, ()),) for k, net in enumerate(pulsed)}
        gates = tuple(
            replace(gate, faults=numbers[gate.out]) if gate.out in numbers else gate
            for gate in circuit.gates
        )
        circuit = _with_gates(replace(circuit, gates=gates), numbers)
        source = generate(circuit, interface.clock, len(pulsed))
        statements = len(circuit.gates) + len(circuit.registers)
        more = _MORE.read_text(encoding="utf-8")
        library = compile_library(source.text, statements, len(pulsed), work, more)
        return cls(circuit, source, library, interface, load)

    def run(
        self,
        inputs: Mapping[str, Beats],
        upsets: Sequence[Sequence[Upset]],
        gaps: npt.NDArray[np.uint8],
        groups: npt.NDArray[np.int32],
    ) -> Observed:
        """Feed all vectors to 64 runs; `upsets[k]` disturb run k + 1.

        The run lasts as many cycles as `gaps` has; `groups` gives each state net its clock group.
        """
        assert len(upsets) <= RUNS
        face = self.interface
        first = face.inputs[0]
        count = len(inputs[first.tensor]) // first.stream.beats
        given = [np.ascontiguousarray(inputs[g.tensor]) for g in face.inputs]
        taken = [
            np.zeros((count * STREAMS * g.stream.beats, g.data_bytes), np.uint8)
            for g in face.outputs
        ]
        sources = feed(face.inputs, given, Layout(count, 1, 0), self._slots)
        sinks = feed(face.outputs, taken, Layout(count, 1, count), self._slots)
        ins, outs = (Port * len(given))(*sources.ports), (Port * len(taken))(*sinks.ports)
        reset = self.circuit.inputs.get(face.reset)
        bench = Bench(
            inputs=ctypes.addressof(ins),
            outputs=ctypes.addressof(outs),
            n_inputs=len(ins),
            n_outputs=len(outs),
            reset=self.source.slots[reset[0]] if reset else -1,
            reset_level=int(face.reset_active_high),
            reset_cycles=face.reset_cycles,
            limit=len(gaps),
            spacing=1,
        )
        self._loading.into(bench)
        events = _events(upsets)
        saved = np.zeros(max(1, self.source.state), np.uint64)
        stores = np.zeros(1 + sum(bits for bits, _ in self.source.stores), np.uint64)
        campaign = _Campaign(
            upsets=ctypes.addressof(events),
            n_upsets=len(events),
            gaps=gaps.ctypes.data,
            group=groups.ctypes.data,
            saved=saved.ctypes.data,
            stores=stores.ctypes.data,
            n_state=self.source.state,
            n_stores=len(self.source.stores),
        )
        self._library.calls.hw_campaign(ctypes.byref(bench), ctypes.byref(campaign))
        return Observed(
            rows=tuple(rows.reshape(STREAMS, -1, rows.shape[1]) for rows in taken),
            counts=tuple(np.array(port.position[:], np.int64) for port in outs),
            accepted=tuple(np.array(port.position[:], np.int64) for port in ins),
            extra=np.array(campaign.extra[:], np.int64),
            last_beat=np.array(campaign.last_beat[:], np.int64),
            last_begun=np.array(campaign.last_begun[:], np.int64),
            last_differs=np.array(campaign.last_differs[:], np.int64),
            off_time=_bits(campaign.off_time),
            bad_last=_bits(campaign.bad_last),
            finals=max(int(first[-1]) for first in sinks.first_beats),
        )

    def _slots(self, port: str) -> tuple[int, ...]:
        bits = self.circuit.inputs.get(port) or self.circuit.outputs.get(port, ())
        return tuple(self.source.slots[bit] for bit in bits)


def _events(upsets: Sequence[Sequence[Upset]]) -> ctypes.Array[_CUpset]:
    """All upsets by cycle, with the runs as bits."""
    ordered = sorted((upset, run) for run, own in enumerate(upsets, 1) for upset in own)
    return (_CUpset * len(ordered))(
        *(_CUpset(u.cycle, u.word, int(u.fault), u.index, 1 << run) for u, run in ordered)
    )


def _bits(word: int) -> npt.NDArray[np.bool_]:
    return np.array([word >> stream & 1 for stream in range(STREAMS)], bool)


def _with_gates(circuit: Circuit, numbers: Mapping[int, tuple[FaultTerm, ...]]) -> Circuit:
    """Clock gates that are disturbed get an enable of their own."""
    fresh = 1 + max((net for gate in circuit.gates for net in (gate.out, *gate.ins)), default=ONE)
    fresh = max(fresh, 1 + max((net for r in circuit.registers for net in (r.q, r.d)), default=0))
    enables: dict[tuple[int, int], int] = {}
    registers = []
    opened = {latch.opened for latch in circuit.latches}
    for register in circuit.registers:
        if register.gate in numbers:
            latches = register.q in opened
            key = register.gate, register.d if latches else register.enable
            net = enables.setdefault(key, fresh + len(enables))
            registers.append(replace(register, d=net) if latches else replace(register, enable=net))
        else:
            registers.append(register)
    made = tuple(Gate(out, (net,), 0b10, numbers[gate]) for (gate, net), out in enables.items())
    return replace(circuit, gates=(*circuit.gates, *made), registers=tuple(registers))
