"""The campaign: which upsets strike when, and what came of each.

Every run has the same vectors, source gaps and stalls; 63 disturbed runs stand beside an
undisturbed one, whose outputs must be the integer graph's. Cycles of upsets are drawn from a
window in which the pipeline is full and after which more tensors follow.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from hwflow.errors import CheckFailed
from hwflow.plan.loading import Clocks
from hwflow.plan.streams import Interface, PortGroup
from hwflow.verify.netlist.circuit import highest_net, read_circuit
from hwflow.verify.netlist.trace import Beats
from hwflow.verify.netlist.triples import find_triples
from hwflow.verify.netlist.upsets import OFFER, RUNS, TAKE, Observed, Upset, UpsetSim
from hwflow.verify.seu.jobs import Job, flip_jobs, pulse_jobs, shared_jobs, spread
from hwflow.verify.seu.sites import CLASSES, FlipFlop, flip_flops

__all__ = ["OUTCOMES", "Campaign", "Row", "run_campaign"]

OUTCOMES: Final = {
    "masked": "every output right, in its cycle",
    "delayed": "every output right, some in another cycle",
    "wrong": "as many outputs as there should be, some wrong: silent",
    "handshake": "beats lost, doubled, or TLAST wrong: detectable",
    "hang": "inputs no longer taken, or nothing came out after the last tensor went in",
}
_WINDOW: Final = 32
_PACE: Final = 0.75
"""How often the source offers and the sink takes."""

Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Row:
    """Outcomes of `samples` upsets of one kind, drawn from `population` sites.

    `recovery` holds, for each run whose state differed, the cycles until it did not any more;
    `latent` counts the runs whose state still differed at the end.
    """

    fault: str
    where: str
    population: int
    samples: int
    outcomes: Mapping[str, int]
    recovery: tuple[int, ...]
    latent: int


@dataclass(frozen=True, slots=True)
class Campaign:
    """A whole campaign; `window` are the cycles of upsets, of `cycles` that a run lasts."""

    top: str
    seed: int
    triplicated: bool
    flip_flops: Mapping[str, int]
    nets: int
    vectors: int
    window: tuple[int, int]
    cycles: int
    rows: tuple[Row, ...]


def run_campaign(
    netlist: Path,
    interface: Interface,
    layers: Sequence[str],
    inputs: Mapping[str, Beats],
    outputs: Mapping[str, Beats],
    work: Path,
    *,
    samples: int,
    seed: int,
    load: Clocks | None = None,
    progress: Progress = lambda _fraction, _text: None,
) -> Campaign:
    """Disturb a mapped netlist; each row of the result is a sample of its own.

    `inputs` and `outputs` are packed vectors and what the integer graph makes of them; `load` are
    the weight loader's pins after reset.

    Raises:
        CheckFailed: "seu.reference" when the undisturbed run is not the integer graph's.
        InputError, ToolFailed: as `UpsetSim.build` says.
    """
    progress(0.0, "compiling the netlist")
    circuit = read_circuit(netlist, interface.top)
    physical = highest_net(netlist, interface.top)
    logic = circuit.with_flip_flops().gates
    nets = [g.out for g in logic if not g.memory and g.out <= physical]
    triples = find_triples(circuit)
    voters = {*triples.voted, *triples.inside}
    triplicated = bool(triples.voted) and triples.flip_flops == 3 * triples.bits
    kinds = {"all nets": nets}
    if triplicated:
        kinds = {"logic": [n for n in nets if n not in voters],
                 "voters": [n for n in nets if n in voters]}  # fmt: skip
    if gates := sorted({r.gate for r in circuit.registers if r.gate}):
        kinds["clock gates"] = gates
    chosen = {
        where: [int(found[k]) for k in spread(_rng(seed, where), len(found), samples)]
        for where, found in kinds.items()
        if found
    }
    pulsed = list(dict.fromkeys(net for found in chosen.values() for net in found))
    sim = UpsetSim.build(netlist, interface, work, pulsed, load)
    flops = flip_flops(sim.circuit, sim.source, layers)
    bench = _Bench(sim, flops, inputs, outputs, seed)
    jobs = [*flip_jobs(flops, sim), *pulse_jobs(chosen, kinds, pulsed), *shared_jobs(flops)]
    rows = []
    for index, job in enumerate(jobs):
        progress(index / len(jobs), f"{job.fault}: {job.where}")
        rows.append(bench.row(job, samples, progress, index / len(jobs), 1 / len(jobs)))
    return Campaign(
        interface.top,
        seed,
        triplicated,
        {kind: n for kind in CLASSES if (n := sum(f.kind == kind for f in flops))},
        len(nets),
        bench.vectors,
        bench.window,
        len(bench.gaps),
        tuple(rows),
    )


def _rng(seed: int, *words: str) -> np.random.Generator:
    """A generator for one purpose, whatever else is drawn."""
    return np.random.default_rng([seed, zlib.crc32(" ".join(words).encode())])


class _Bench:
    """Stimuli of all runs: how many vectors, which gaps, in which cycles upsets strike."""

    def __init__(
        self,
        sim: UpsetSim,
        flops: Sequence[FlipFlop],
        inputs: Mapping[str, Beats],
        outputs: Mapping[str, Beats],
        seed: int,
    ) -> None:
        self.sim, self.seed = sim, seed
        face = sim.interface
        self.inputs = {g.tensor: _tensors(g, inputs[g.tensor]) for g in face.inputs}
        self.outputs = {g.tensor: _tensors(g, outputs[g.tensor]) for g in face.outputs}
        layers = sorted({f.layer for f in flops})
        self.groups = np.full(max(1, sim.source.state), -1, np.int32)
        for flop in flops:
            self.groups[flop.place] = layers.index(flop.layer)
        for latch in sim.circuit.latches:  # the clock opens it; what it holds needs none
            held, opened = (sim.source.slots[net] for net in (latch.held, latch.opened))
            self.groups[opened], self.groups[held] = self.groups[held], -1
        latency = face.latency
        beats = max(g.stream.beats for g in (*face.inputs, *face.outputs))
        interval = max(face.initiation_interval, beats)
        width = max(_WINDOW, 2 * interval)
        self.vectors = 4 + -(-(width + 3 * latency) // interval)
        self.gaps = self._gaps(4 * (latency + interval * (self.vectors + 2)) + 200)
        seen, _ = self._batch(_rng(seed, "reference"), [])
        start = latency + 1
        stop = max(start + 1, min(start + width, seen.finals - 2 * latency - interval))
        self.window = (start, stop)
        self.gaps = self.gaps[: int(seen.last_beat[0]) + 2 * latency + 2 * interval + 32]

    def _gaps(self, cycles: int) -> npt.NDArray[np.uint8]:
        rng = _rng(self.seed, "gaps")
        offer, take = rng.random(cycles) < _PACE, rng.random(cycles) < _PACE
        return (OFFER * offer + TAKE * take).astype(np.uint8)

    def row(self, job: Job, samples: int, progress: Progress, start: float, share: float) -> Row:
        """One row, 63 runs at a time."""
        rng = _rng(self.seed, job.fault, job.where)
        drawn = [
            tuple(Upset(int(rng.integers(*self.window)), u.fault, u.index, u.word) for u in upsets)
            for upsets in job.draw(rng, samples)
        ]
        outcomes: Counter[str] = Counter()
        recovery: list[int] = []
        latent = 0
        for at in range(0, len(drawn), RUNS):
            part = drawn[at : at + RUNS]
            progress(start + share * at / len(drawn), f"{job.fault}: {job.where}")
            seen, rows = self._batch(rng, part)
            for run, upsets in enumerate(part, 1):
                outcomes[_outcome(seen, rows, run, self.vectors, self.sim.interface)] += 1
                last = int(seen.last_differs[run])
                if last == len(self.gaps) - 1:
                    latent += 1
                elif last >= 0:
                    recovery.append(last - max(u.cycle for u in upsets) + 1)
        counts = {name: outcomes[name] for name in OUTCOMES}
        kept = tuple(max(0, cycles) for cycles in recovery)
        return Row(job.fault, job.where, job.population, len(drawn), counts, kept, latent)

    def _batch(
        self, rng: np.random.Generator, upsets: Sequence[Sequence[Upset]]
    ) -> tuple[Observed, tuple[Beats, ...]]:
        """One batch on vectors of its own; also the outputs that are right."""
        total = len(next(iter(self.inputs.values())))
        which = rng.integers(0, total, self.vectors)
        beats = {n: a[which].reshape(-1, a.shape[-1]) for n, a in self.inputs.items()}
        right = tuple(
            self.outputs[g.tensor][which].reshape(-1, g.data_bytes)
            for g in self.sim.interface.outputs
        )
        seen = self.sim.run(beats, upsets, self.gaps, self.groups)
        if _outcome(seen, right, 0, self.vectors, self.sim.interface) != "masked":
            raise CheckFailed(
                "seu.reference",
                "the netlist without an upset does not give the integer graph's outputs",
                hint="run `hwflow build` up to the rung `netlist` first",
            )
        return seen, right


def _tensors(group: PortGroup, rows: Beats) -> Beats:
    """Beats as (vectors, beats, bytes)."""
    return rows.reshape(-1, group.stream.beats, rows.shape[1])


def _outcome(
    seen: Observed, right: Sequence[Beats], run: int, vectors: int, interface: Interface
) -> str:
    sent = [
        counts[run] == vectors * group.stream.beats
        for counts, group in zip(seen.accepted, interface.inputs, strict=True)
    ]
    if not all(sent) or seen.last_beat[run] < seen.last_begun[run]:
        return "hang"
    came = [
        counts[run] == vectors * group.stream.beats
        for counts, group in zip(seen.counts, interface.outputs, strict=True)
    ]
    if not all(came) or seen.extra[run] or seen.bad_last[run]:
        return "handshake"
    same = all(np.array_equal(rows[run], r) for rows, r in zip(seen.rows, right, strict=True))
    if not same:
        return "wrong"
    return "delayed" if seen.off_time[run] else "masked"
