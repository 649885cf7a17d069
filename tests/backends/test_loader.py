"""The weight loader in Amaranth's simulator: both ports, read-back, the check of the CRC."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

import numpy as np
import numpy.typing as npt
import pytest
from amaranth.sim import Simulator, SimulatorContext

from hwflow.backends.amaranth.loader import LoaderModule
from hwflow.plan.loading import (
    CONTROL,
    EXPECTED,
    FIRST,
    FOUND,
    SCRUB,
    STATES,
    check_clocks,
    driven_pins,
    load_clocks,
    loader_cost,
)
from hwflow.plan.store import Field, WeightStore, crc

Words = npt.NDArray[np.uint32]
LOADING, CHECKING, RUNNING, FAILED = range(len(STATES))


def store_of_bits(bits: int) -> WeightStore:
    return WeightStore((Field("w", (bits,), (1,) * bits, (False,) * bits, 0),))


def random_words(store: WeightStore, rng: random.Random) -> Words:
    values = [rng.getrandbits(32) for _ in range(store.words)]
    values[-1] &= (1 << (store.bits - 32 * (store.words - 1))) - 1
    return np.array(values, np.uint32)


class Ports:
    """Masters of both ports."""

    def __init__(self, loader: LoaderModule, ctx: SimulatorContext) -> None:
        self.loader, self.ctx = loader, ctx

    async def wishbone(self, address: int, data: int | None = None) -> int:
        pins, ctx = self.loader.inputs, self.ctx
        ctx.set(pins["wb_cyc_i"], 1)
        ctx.set(pins["wb_stb_i"], 1)
        ctx.set(pins["wb_we_i"], int(data is not None))
        ctx.set(pins["wb_adr_i"], address)
        ctx.set(pins["wb_dat_i"], data or 0)
        for _ in range(40):
            found = ctx.get(self.loader.outputs["wb_dat_o"])
            acknowledged = ctx.get(self.loader.outputs["wb_ack_o"])
            await ctx.tick()
            if acknowledged:
                ctx.set(pins["wb_cyc_i"], 0)
                ctx.set(pins["wb_stb_i"], 0)
                return int(found)
        raise AssertionError("no acknowledge")

    async def serial(self, address: int, data: int | None = None, bits: int = 56) -> int:
        pins, ctx = self.loader.inputs, self.ctx
        frame = (data is not None) << 55 | address << 40 | (data or 0)
        found = 0
        ctx.set(pins["ser_select_i"], 1)
        for place in range(bits):
            ctx.set(pins["ser_clock_i"], 0)
            ctx.set(pins["ser_data_i"], frame >> (55 - place) & 1)
            await ctx.tick().repeat(4)
            found = found << 1 | ctx.get(self.loader.outputs["ser_data_o"])
            ctx.set(pins["ser_clock_i"], 1)
            await ctx.tick().repeat(4)
        ctx.set(pins["ser_clock_i"], 0)
        await ctx.tick().repeat(4)
        ctx.set(pins["ser_select_i"], 0)
        await ctx.tick().repeat(8)
        return found & 0xFFFFFFFF

    async def status(self) -> int:
        return await self.wishbone(CONTROL) & 0b111

    def weights(self) -> int:
        return int(self.ctx.get(self.loader.weights))


def run(store: WeightStore, body: Callable[[Ports], Awaitable[None]]) -> None:
    loader = LoaderModule("design__loader", store, generate=False)

    async def process(ctx: SimulatorContext) -> None:
        await body(Ports(loader, ctx))

    async def held(ctx: SimulatorContext) -> None:
        """Data stay as they are over the edge at which a word takes them, as latches need it."""
        before = 0, 0
        while True:
            await ctx.tick()
            now = int(ctx.get(loader.weights)), int(ctx.get(loader.data))
            assert now[0] == before[0] or now[1] == before[1]
            before = now

    simulator = Simulator(loader)
    simulator.add_clock(1e-6)
    simulator.add_testbench(process)
    simulator.add_testbench(held, background=True)
    simulator.run()


def vector(words: Words) -> int:
    return int.from_bytes(words.astype("<u4").tobytes(), "little")


@pytest.mark.parametrize("bits", [1, 31, 32, 33, 100, 700])
@pytest.mark.parametrize("way", ["wishbone", "serial"])
def test_two_weight_sets_are_loaded_read_back_and_run(bits: int, way: str) -> None:
    store, rng = store_of_bits(bits), random.Random(bits)

    async def body(ports: Ports) -> None:
        access = ports.wishbone if way == "wishbone" else ports.serial
        for words in (random_words(store, rng), random_words(store, rng)):
            await access(CONTROL, 0)
            for index, word in enumerate(words):
                await access(FIRST + index, int(word))
            await access(EXPECTED, crc(words))
            assert await ports.status() == LOADING
            assert ports.weights() == vector(words)
            assert [await access(FIRST + i) for i in range(len(words))] == list(words)
            assert await access(EXPECTED) == crc(words)
            await access(CONTROL, 1)
            await ports.ctx.tick().repeat(check_clocks(store) + 16)
            assert await ports.status() == RUNNING
            assert ports.ctx.get(ports.loader.running) == 1
            assert await access(CONTROL) >> 16 == store.words

    run(store, body)


def test_what_has_no_register_reads_as_zero() -> None:
    store = store_of_bits(40)

    async def body(ports: Ports) -> None:
        await ports.wishbone(FIRST + 1, 0xFFFFFFFF)
        assert await ports.wishbone(FIRST + 1) == 0xFF
        assert await ports.wishbone(3) == 0
        assert await ports.wishbone(FIRST + 2) == 0
        await ports.serial(FIRST + 0x4000, 5)
        await ports.serial(FIRST, 77, bits=55)
        assert await ports.serial(FIRST) == 0
        assert await ports.serial(FIRST + 0x4000) == 0

    run(store, body)


def test_a_wrong_crc_does_not_run_and_is_told() -> None:
    store = store_of_bits(100)
    words = random_words(store, random.Random(1))

    async def body(ports: Ports) -> None:
        await ports.wishbone(EXPECTED, crc(words))
        for index, word in enumerate(words):
            await ports.wishbone(FIRST + index, int(word) ^ (index == 2))
        await ports.wishbone(CONTROL, 1)
        assert await ports.status() == CHECKING
        await ports.ctx.tick().repeat(check_clocks(store) + 8)
        assert await ports.status() == FAILED
        assert ports.ctx.get(ports.loader.running) == 0
        found = words.copy()
        found[2] ^= 1
        assert await ports.wishbone(FOUND) == crc(found)
        await ports.wishbone(FIRST + 2, int(words[2]))
        await ports.wishbone(CONTROL, 1)
        await ports.ctx.tick().repeat(check_clocks(store) + 8)
        assert await ports.status() == RUNNING

    run(store, body)


def test_words_are_locked_while_the_design_runs() -> None:
    store = store_of_bits(64)
    words = random_words(store, random.Random(2))

    async def body(ports: Ports) -> None:
        for row in load_clocks(store, words):
            for pin, value in driven_pins(store, int(row)).items():
                ports.ctx.set(ports.loader.inputs[pin], value)
            await ports.ctx.tick()
        assert ports.ctx.get(ports.loader.running) == 1
        await ports.wishbone(FIRST, 0)
        await ports.serial(EXPECTED, 0)
        assert await ports.wishbone(FIRST) == words[0]
        assert await ports.wishbone(EXPECTED) == crc(words)
        await ports.wishbone(CONTROL, 0)
        assert ports.ctx.get(ports.loader.running) == 0
        await ports.wishbone(FIRST, 0)
        assert await ports.wishbone(FIRST) == 0

    run(store, body)


@pytest.mark.parametrize("bits", [32, 100, 320])
def test_the_load_sequence_takes_the_clocks_it_says(bits: int) -> None:
    store = store_of_bits(bits)
    words = random_words(store, random.Random(bits))

    async def body(ports: Ports) -> None:
        rows = [driven_pins(store, int(row)) for row in load_clocks(store, words)]
        running = []
        for row in rows:
            for pin, value in row.items():
                ports.ctx.set(ports.loader.inputs[pin], value)
            await ports.ctx.tick()
            running.append(ports.ctx.get(ports.loader.running))
        assert running.index(1) == len(rows) - 1

    run(store, body)


def test_a_word_that_changes_while_running_shows() -> None:
    store = store_of_bits(96)
    words = random_words(store, random.Random(3))

    async def body(ports: Ports) -> None:
        for row in load_clocks(store, words):
            for pin, value in driven_pins(store, int(row)).items():
                ports.ctx.set(ports.loader.inputs[pin], value)
            await ports.ctx.tick()
        await ports.ctx.tick().repeat(3 * SCRUB * store.words)
        assert await ports.status() == RUNNING
        ports.ctx.set(ports.loader.words[1], int(words[1]) ^ 1 << 7)
        await ports.ctx.tick().repeat(3 * SCRUB * store.words)
        assert await ports.status() == RUNNING | 4
        assert ports.ctx.get(ports.loader.running) == 1

    run(store, body)


def test_flip_flops_are_as_planned() -> None:
    for bits in (1, 100, 1000):
        store = store_of_bits(bits)
        loader = LoaderModule("design__loader", store, generate=False, voted=True)
        state = len(loader.outputs["state_o"]) + sum(len(word) for word in loader.words)
        assert loader_cost(store, 1).ffs == state
        assert loader_cost(store, 3).ffs == 3 * state


def test_both_ports_at_once_are_both_served() -> None:
    """Wishbone reads without pause do not disturb serial accesses during the check."""
    store = store_of_bits(320)
    words = random_words(store, random.Random(4))
    loader = LoaderModule("design__loader", store, generate=False)
    done = []

    async def serial(ctx: SimulatorContext) -> None:
        ports = Ports(loader, ctx)
        for index, word in enumerate(words):
            await ports.serial(FIRST + index, int(word))
        await ports.serial(EXPECTED, crc(words))
        await ports.serial(CONTROL, 1)
        for index, word in enumerate(words):
            assert await ports.serial(FIRST + index) == word
        done.append(await ports.serial(CONTROL) & 3)

    async def wishbone(ctx: SimulatorContext) -> None:
        ports = Ports(loader, ctx)
        while not done:
            assert await ports.wishbone(CONTROL) >> 16 == store.words
        await ports.ctx.tick().repeat(check_clocks(store))
        assert await ports.status() == RUNNING

    simulator = Simulator(loader)
    simulator.add_clock(1e-6)
    simulator.add_testbench(serial)
    simulator.add_testbench(wishbone)
    simulator.run()
