"""The waveform engine against an event-driven simulation of one stream in plain Python."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwflow.power.waves import STREAMS, Activity, Delays, Gate, Network, run_waves

pytestmark = pytest.mark.tool


def random_network(rng: random.Random) -> Network:
    inputs = rng.randint(1, 5)
    sources = tuple(range(2, 2 + inputs))
    nets = [0, 1, *sources]
    gates = []
    for _ in range(rng.randint(1, 25)):
        ins = tuple(
            rng.choice(nets[-8:] if rng.random() < 0.8 else nets) for _ in range(rng.randint(1, 4))
        )
        gates.append(Gate(len(nets), ins, rng.getrandbits(1 << len(ins))))
        nets.append(len(nets))
    flops = tuple(tuple(rng.choice(nets) for _ in range(rng.randint(1, 3))) for _ in range(2))
    return Network(len(nets), tuple(gates), sources, flops)


def random_delays(network: Network, rng: random.Random, most: int) -> Delays:
    def some(count: int) -> np.ndarray:
        return np.array([rng.randint(1 if most else 0, most) for _ in range(count)], np.int32)

    pins = sum(len(g.ins) for g in network.gates)
    return Delays(some(pins), some(pins), some(len(network.sources)), some(len(network.sources)))


class Stream:
    """One stream, lane by lane: pure Python, the same delay rules."""

    def __init__(self, network: Network, delays: Delays, first: list[int]) -> None:
        self.network, self.delays = network, delays
        self.value = [0] * network.nets
        self.value[1] = 1
        for net, bit in zip(network.sources, first, strict=True):
            self.value[net] = bit
        for gate in network.gates:
            self.value[gate.out] = self.of(gate, self.value)
        self.toggles = [0] * network.nets
        self.cause: dict[tuple[int, int, int], int] = {}
        self.idle: dict[tuple[int, int, int], int] = {}

    @staticmethod
    def state(gate: Gate, value: list[int]) -> int:
        return sum(value[n] << p for p, n in enumerate(gate.ins))

    def of(self, gate: Gate, value: list[int]) -> int:
        return gate.table >> self.state(gate, value) & 1

    def clock(self, bits: list[int]) -> None:
        waves: dict[int, list[int]] = {}
        for k, net in enumerate(self.network.sources):
            rising = bits[k]
            delay = (self.delays.source_rise if rising else self.delays.source_fall)[k]
            waves[net] = [int(delay)] if bits[k] != self.value[net] else []
        pin = 0
        for number, gate in enumerate(self.network.gates):
            waves[gate.out] = self.gate(number, gate, pin, waves)
            pin += len(gate.ins)
        for net, moves in waves.items():
            self.toggles[net] += len(moves)
            self.value[net] ^= len(moves) & 1

    def gate(self, number: int, gate: Gate, pin: int, waves: dict[int, list[int]]) -> list[int]:
        now = [self.value[n] for n in gate.ins]
        target = self.value[gate.out]
        waiting: tuple[int, int, int] | None = None
        moves: list[int] = []
        for time in sorted({t for n in gate.ins for t in waves.get(n, [])}):
            if waiting and waiting[0] <= time:
                moves.append(waiting[0])
                self.count(self.cause, number, *waiting[1:])
                waiting = None
            old = sum(b << p for p, b in enumerate(now))
            changed = [p for p, n in enumerate(gate.ins) if time in waves.get(n, [])]
            for p in changed:
                now[p] ^= 1
            new = gate.table >> sum(b << p for p, b in enumerate(now)) & 1
            if new == target:
                for p in changed:
                    self.count(self.idle, number, p, old)
                continue
            target = new
            if waiting:
                waiting = None
                continue
            alone = [p for p in changed if (gate.table >> old ^ gate.table >> (old ^ 1 << p)) & 1]
            chosen = (alone or changed)[0]
            delays = self.delays.rise if new else self.delays.fall
            waiting = (time + int(delays[pin + chosen]), chosen, old)
        if waiting:
            moves.append(waiting[0])
            self.count(self.cause, number, *waiting[1:])
        return moves

    @staticmethod
    def count(where: dict[tuple[int, int, int], int], gate: int, pin: int, state: int) -> None:
        where[gate, pin, state] = where.get((gate, pin, state), 0) + 1


def expected(
    network: Network, delays: Delays, rows: np.ndarray
) -> tuple[np.ndarray, dict[tuple[int, int, int], int], dict[tuple[int, int, int], int]]:
    toggles = np.zeros(network.nets, np.int64)
    cause: dict[tuple[int, int, int], int] = {}
    idle: dict[tuple[int, int, int], int] = {}
    for lane in range(STREAMS):
        bits = (rows >> np.uint64(lane) & np.uint64(1)).astype(int).tolist()
        stream = Stream(network, delays, bits[0])
        for row in bits[1:]:
            stream.clock(row)
        toggles += np.array(stream.toggles)
        for mine, whole in ((stream.cause, cause), (stream.idle, idle)):
            for key, number in mine.items():
                whole[key] = whole.get(key, 0) + number
    return toggles, cause, idle


def as_dict(parts: tuple[np.ndarray, ...]) -> dict[tuple[int, int, int], int]:
    return {
        (g, int(p), int(s)): int(part[p, s])
        for g, part in enumerate(parts)
        for p, s in zip(*np.nonzero(part), strict=True)
    }


def run_random(seed: int, most: int, work: Path) -> tuple[Network, Delays, np.ndarray, Activity]:
    rng = random.Random(seed)
    network = random_network(rng)
    delays = random_delays(network, rng, most)
    rows = np.array(
        [[rng.getrandbits(64) for _ in network.sources] for _ in range(4)], dtype=np.uint64
    )
    return network, delays, rows, run_waves(network, rows, work, delays=delays)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), most=st.sampled_from((0, 1, 3, 9)))
def test_counts_equal_plain_simulation(
    tmp_path_factory: pytest.TempPathFactory, seed: int, most: int
) -> None:
    work = tmp_path_factory.getbasetemp() / "waves"
    network, delays, rows, found = run_random(seed, most, work)
    toggles, cause, idle = expected(network, delays, rows)
    assert found.toggles.tolist() == toggles.tolist()
    assert as_dict(found.cause) == cause
    assert as_dict(found.idle) == idle
    assert found.cycles == 3
    assert all(int(d.sum()) == 3 * STREAMS for d in (*found.dwell, *found.edges))


def test_a_glitch_needs_time_to_show(tmp_path: Path) -> None:
    """a AND NOT a: a pulse as long as the inverter is slow, if the gate is quicker than that."""
    network = Network(5, (Gate(3, (2,), 0b01), Gate(4, (2, 3), 0b1000)), (2,), ())
    rows = np.array([[0], [2**64 - 1]], dtype=np.uint64)

    def toggles(inverter: int, gate: int) -> list[int]:
        pins = np.array([inverter, gate, gate], np.int32)
        one = np.array([1], np.int32)
        return run_waves(
            network, rows, tmp_path, delays=Delays(pins, pins, one, one)
        ).toggles.tolist()

    assert toggles(5, 3) == [0, 0, 64, 64, 128]
    assert toggles(3, 5) == [0, 0, 64, 64, 0]
    assert run_waves(network, rows, tmp_path).toggles.tolist() == [0, 0, 64, 64, 0]


def test_changes_after_the_period_are_told(tmp_path: Path) -> None:
    network = Network(4, (Gate(3, (2,), 0b01),), (2,), ())
    rows = np.array([[0], [1]], dtype=np.uint64)
    slow, none = np.array([100], np.int32), np.array([0], np.int32)
    delays = Delays(slow, slow, none, none)
    assert run_waves(network, rows, tmp_path, delays=delays, period=99).late == 1
    assert run_waves(network, rows, tmp_path, delays=delays, period=100).late == 0
