"""The netlist rung: replaying vectors on the mapped netlist, 64 streams at a time."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hwflow.errors import CheckFailed, InputError
from hwflow.plan.loading import Clocks
from hwflow.plan.streams import Interface
from hwflow.verify.netlist.circuit import Circuit, read_circuit
from hwflow.verify.netlist.csource import Source, generate
from hwflow.verify.netlist.feed import Feed, Layout, Loading, feed
from hwflow.verify.netlist.library import (
    DONE,
    SPLIT,
    STREAMS,
    Bench,
    Library,
    Port,
    compile_library,
)
from hwflow.verify.netlist.trace import Beats, MutantRun, Replay, Toggles, Trace

__all__ = ["NetlistSim"]

_SLACK = 2_000
Masks = npt.NDArray[np.uint64]


class NetlistSim:
    """A compiled netlist with the streams of its interface."""

    def __init__(
        self,
        circuit: Circuit,
        source: Source,
        library: Library,
        interface: Interface,
        faults: int,
        load: Clocks | None = None,
    ) -> None:
        self._circuit = circuit
        self._slots = source.slots
        self._library = library
        self._interface = interface
        self._faults = faults
        self._check_ports()
        self._loading = Loading(interface, load, self._port_slots)

    @classmethod
    def build(
        cls,
        netlist: Path,
        interface: Interface,
        work: Path,
        *,
        faults: Sequence[tuple[str, int]] = (),
        load: Clocks | None = None,
    ) -> NetlistSim:
        """Compile `netlist` into `work`.

        `load` are the weight loader's pins after every reset, see `load_clocks`; what is counted,
        watched and timed begins behind them.

        `faults` are pairs (cell, configuration bit), see `fault_sites`; they stay off until
        `replay` or `mutants` asks for them.

        Raises:
            InputError, ToolFailed: as `read_circuit`, `generate` and `compile_library` say.
        """
        circuit = read_circuit(netlist, interface.top, faults)
        source = generate(circuit, interface.clock, len(faults))
        statements = len(circuit.gates) + len(circuit.registers)
        library = compile_library(source.text, statements, len(faults), work)
        return cls(circuit, source, library, interface, len(faults), load)

    @property
    def nets(self) -> tuple[str, ...]:
        """Names that `watch` accepts."""
        named = self._circuit.nets.items()
        return tuple(sorted(name for name, bits in named if all(b in self._slots for b in bits)))

    def dangling(self, net: str) -> tuple[int, ...]:
        """Bits of a named net that mapping removed (nothing read them); they are watched as 0."""
        return self._circuit.dangling.get(net, ())

    def replay(
        self,
        inputs: Mapping[str, Beats],
        *,
        watch: Sequence[str] = (),
        toggles: bool = False,
        fault_masks: Masks | None = None,
    ) -> Replay:
        """Feed all vectors, source always valid, sink always ready; vector i goes to stream i % 64.

        `inputs` holds one uint8 array (n * beats, bytes) per input tensor. Bit j of
        `fault_masks[i]` puts fault i into stream j.

        Raises:
            CheckFailed: `netlist.stuck` when outputs stop coming, `netlist.split` when the streams
                disagree on a handshake, `netlist.last` when TLAST is wrong.
            InputError: `netlist.inputs`, `netlist.net`.
        """
        count = self._count(inputs)
        layout = Layout(-(-count // STREAMS), STREAMS, 1)
        sources = self._sources(inputs, layout, layout.vectors * STREAMS)
        sinks = self._sinks(layout, layout.vectors * STREAMS)
        self._set_faults(fault_masks)
        bench = self._bench(layout, strict=True)
        slots, words = self._watching(watch, bench)
        counts = self._counting(bench) if toggles else None
        status = self._run(bench, sources, sinks)
        self._check(status, bench, sinks)
        cycles = int(bench.cycle)
        latency, interval = _timing(sources, sinks)
        return Replay(
            outputs=_outputs(sinks, count),
            latency=latency,
            initiation_interval=interval,
            cycles=cycles,
            trace=Trace({n: words[:cycles, s] for n, s in slots.items()}) if watch else None,
            toggles=None if counts is None else self._toggles(counts, cycles),
        )

    def states(self, inputs: Mapping[str, Beats], nets: Sequence[int]) -> Masks:
        """Values of numbered nets (Yosys' bits) in every cycle of a replay: (cycles, nets) words.

        As in `Trace`: bit j of a word is stream j, sampled by the edge that ends the cycle.

        Raises:
            CheckFailed, InputError: as `replay`.
        """
        count = self._count(inputs)
        layout = Layout(-(-count // STREAMS), STREAMS, 1)
        sources = self._sources(inputs, layout, layout.vectors * STREAMS)
        sinks = self._sinks(layout, layout.vectors * STREAMS)
        self._set_faults(None)
        bench = self._bench(layout, strict=True)
        alias = self._circuit.alias
        words = self._trace(bench, [self._slots[alias.get(net, net)] for net in nets])
        self._check(self._run(bench, sources, sinks), bench, sinks)
        return words[: int(bench.cycle)]

    def mutants(self, inputs: Mapping[str, Beats], faults: Sequence[int]) -> tuple[MutantRun, ...]:
        """Feed all vectors to each of the given faults (indices into those of `build`).

        64 mutants run at a time, one per stream; one that breaks a handshake only loses its own
        outputs (`complete` is false and missing beats are zero).

        Raises:
            InputError: `netlist.inputs`.
        """
        found: list[MutantRun] = []
        for begin in range(0, len(faults), STREAMS):
            found += self._mutant_batch(inputs, faults[begin : begin + STREAMS])
        return tuple(found)

    def _mutant_batch(self, inputs: Mapping[str, Beats], faults: Sequence[int]) -> list[MutantRun]:
        count = self._count(inputs)
        sources = self._sources(inputs, Layout(count, 1, 0), count)
        sinks = self._sinks(Layout(count, 1, count), count * STREAMS)
        masks = np.zeros(self._faults, dtype=np.uint64)
        for stream, fault in enumerate(faults):
            masks[fault] |= np.uint64(1 << stream)
        self._set_faults(masks)
        bench = self._bench(Layout(count, 1, 0), strict=False)
        self._run(bench, sources, sinks)
        runs: list[MutantRun] = []
        for stream, fault in enumerate(faults):
            outputs: dict[str, Beats] = {}
            complete = True
            for group, port, rows in zip(sinks.groups, sinks.ports, sinks.rows, strict=True):
                beats = count * group.stream.beats
                outputs[group.tensor] = rows[stream * beats : (stream + 1) * beats]
                complete = complete and int(port.position[stream]) == beats
            runs.append(MutantRun(fault, outputs, complete))
        return runs

    # -- arrays ------------------------------------------------------------------------------------

    def _count(self, inputs: Mapping[str, Beats]) -> int:
        """Vectors given, the same number for every input."""
        expected = {group.tensor: group for group in self._interface.inputs}
        shapes = {name: tuple(rows.shape) for name, rows in inputs.items()}
        counts = set()
        for name, group in expected.items():
            rows = inputs.get(name)
            if rows is None or rows.dtype != np.uint8 or rows.ndim != 2:
                continue
            vectors, rest = divmod(len(rows), group.stream.beats)
            if rest == 0 and rows.shape[1] == group.data_bytes:
                counts.add(vectors)
        usable = set(inputs) == set(expected) and len(counts) == 1 and counts != {0}
        if not usable or len(shapes) != len(expected):
            wanted = {n: (f"n * {g.stream.beats}", g.data_bytes) for n, g in expected.items()}
            raise InputError(
                "netlist.inputs",
                f"beats for the netlist: found {shapes}, expected uint8 arrays {wanted}, one n > 0",
                hint="pack the vectors with PortGroup.pack",
            )
        return int(counts.pop())

    def _sources(self, inputs: Mapping[str, Beats], layout: Layout, vectors: int) -> Feed:
        """Inputs, the last group of streams filled up with zero vectors."""
        rows: list[Beats] = []
        for group in self._interface.inputs:
            given = inputs[group.tensor]
            full = np.zeros((vectors * group.stream.beats, group.data_bytes), dtype=np.uint8)
            full[: len(given)] = given
            rows.append(full)
        return feed(self._interface.inputs, rows, layout, self._port_slots)

    def _sinks(self, layout: Layout, vectors: int) -> Feed:
        rows = [
            np.zeros((vectors * group.stream.beats, group.data_bytes), dtype=np.uint8)
            for group in self._interface.outputs
        ]
        return feed(self._interface.outputs, rows, layout, self._port_slots)

    def _port_slots(self, port: str) -> tuple[int, ...]:
        return tuple(self._slots[bit] for bit in self._port_bits(port))

    def _port_bits(self, port: str) -> tuple[int, ...]:
        return self._circuit.inputs.get(port) or self._circuit.outputs.get(port, ())

    # -- running -----------------------------------------------------------------------------------

    def _bench(self, layout: Layout, *, strict: bool) -> Bench:
        face = self._interface
        beats = max(g.stream.beats for g in (*face.inputs, *face.outputs))
        per_vector = max(face.initiation_interval, beats)
        reset = self._port_bits(face.reset)
        bench = Bench(
            reset=self._slots[reset[0]] if reset else -1,
            reset_level=int(face.reset_active_high),
            reset_cycles=face.reset_cycles,
            strict=int(strict),
            limit=_SLACK + 2 * face.latency + 2 * per_vector * (layout.vectors + 1),
            spacing=face.initiation_interval if face.kind == "valid_only" else 1,
        )
        self._loading.into(bench)
        return bench

    def _run(self, bench: Bench, sources: Feed, sinks: Feed) -> int:
        inputs = (Port * len(sources.ports))(*sources.ports)
        outputs = (Port * len(sinks.ports))(*sinks.ports)
        bench.inputs, bench.n_inputs = ctypes.addressof(inputs), len(inputs)
        bench.outputs, bench.n_outputs = ctypes.addressof(outputs), len(outputs)
        status = self._library.run(bench)
        for port, used in zip(sinks.ports, outputs, strict=True):
            port.position, port.late_last = used.position, used.late_last
        return status

    def _set_faults(self, masks: Masks | None) -> None:
        off = np.zeros(self._faults, dtype=np.uint64)
        self._library.set_faults(off if masks is None else masks)

    def _watching(self, watch: Sequence[str], bench: Bench) -> tuple[dict[str, slice], Masks]:
        """Point the bench at the watched nets; returns each net's columns and the buffer."""
        columns: dict[str, slice] = {}
        slots: list[int] = []
        for name in watch:
            bits = self._circuit.nets.get(name) or self._port_bits(name)
            if not bits or any(bit not in self._slots for bit in bits):
                raise InputError(
                    "netlist.net",
                    f"net {name!r}: expected a named net of the netlist that is driven",
                    hint="NetlistSim.nets lists them; mapping removes nets inside of logic",
                )
            columns[name] = slice(len(slots), len(slots) + len(bits))
            slots += [self._slots[bit] for bit in bits]
        return columns, self._trace(bench, slots)

    def _trace(self, bench: Bench, slots: Sequence[int]) -> Masks:
        words = np.zeros((int(bench.limit) if slots else 0, len(slots)), dtype=np.uint64)
        self._watched = np.array(slots, dtype=np.int32)
        bench.watched, bench.n_watched = self._watched.ctypes.data, len(slots)
        bench.trace = words.ctypes.data
        return words

    def _counting(self, bench: Bench) -> Masks:
        counts = np.zeros((2, self._library.size), dtype=np.uint64)
        bench.toggles, bench.before = counts[0].ctypes.data, counts[1].ctypes.data
        return counts

    def _toggles(self, counts: Masks, cycles: int) -> Toggles:
        by_net = {net: int(counts[0, slot]) for net, slot in self._slots.items() if net > 1}
        by_net |= {net: by_net.get(other, 0) for net, other in self._circuit.alias.items()}
        return Toggles(cycles, by_net)

    # -- checks ------------------------------------------------------------------------------------

    def _check_ports(self) -> None:
        face = self._interface
        names = [name for g in (*face.inputs, *face.outputs) for name in (g.data, g.valid)]
        for name in names:
            if not self._port_bits(name):
                raise InputError(
                    "netlist.port",
                    f"the netlist has no port {name!r}, which the interface names",
                    hint="use the interface.json and netlist.json of one build",
                )

    def _check(self, status: int, bench: Bench, sinks: Feed) -> None:
        if status == SPLIT:
            side = self._interface.outputs if bench.split_output else self._interface.inputs
            tensor = side[bench.split_port].tensor
            raise CheckFailed(
                "netlist.split",
                f"cycle {bench.cycle}: the handshake of {tensor!r} differs between streams",
                hint="control must not depend on data; 64 streams run in lockstep",
            )
        for group, port, rows in zip(sinks.groups, sinks.ports, sinks.rows, strict=True):
            if status != DONE and int(port.position[0]) < len(rows) // STREAMS:
                raise CheckFailed(
                    "netlist.stuck",
                    f"output {group.tensor!r}: {port.position[0]} of {len(rows) // STREAMS} beats "
                    f"after {bench.cycle} cycles",
                    hint="the netlist stalls, or the interface's timing is not the netlist's",
                )
            if port.late_last:
                raise CheckFailed(
                    "netlist.last",
                    f"output {group.tensor!r}: {group.last} is wrong on {port.late_last} beats",
                    hint="it must be high on the last beat of each tensor only",
                )


def _outputs(sinks: Feed, count: int) -> dict[str, Beats]:
    pairs = zip(sinks.groups, sinks.rows, strict=True)
    return {group.tensor: rows[: count * group.stream.beats] for group, rows in pairs}


def _timing(sources: Feed, sinks: Feed) -> tuple[int, int | None]:
    """Latency from the first input accepted to the last output's first beat, and the interval."""
    start = min(int(first[0]) for first in sources.first_beats)
    latency = max(int(first[0]) for first in sinks.first_beats) - start
    gaps = [np.diff(first) for first in sinks.first_beats]
    steady = [gap[len(gap) // 2 :] for gap in gaps if len(gap) >= 2]
    interval = max((int(gap.max()) for gap in steady), default=None)
    return latency, interval
