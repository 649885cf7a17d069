"""The tests every stream design has to pass, run by cocotb inside the simulator.

HWFLOW_TB_CONFIG names a JSON file: design (folder), vectors, paced_vectors, seed, results, timing.
"""

from __future__ import annotations

import functools
import json
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cocotb

from hwflow_tb.bench import Beats, Bench, random_point
from hwflow_tb.design import Design, load_beats, load_design, load_words
from hwflow_tb.finding import Finding, FindingError
from hwflow_tb.loader import FAILED, LOADING, Access, Loader

__all__ = ["crc_error", "full_rate", "random_pace", "reset_in_stream", "two_weight_sets"]


@dataclass(frozen=True, slots=True)
class _Setup:
    design: Design
    vectors: int
    paced_vectors: int
    seed: int
    results: Path
    timing: Path
    inputs: dict[str, list[int]]
    outputs: dict[str, list[int]]
    weights: list[int]
    other: list[int]
    other_outputs: dict[str, list[int]]

    def first(self, vectors: int) -> tuple[Beats, Beats]:
        """The beats of the first vectors."""
        return (
            {p.tensor: self.inputs[p.tensor][: vectors * p.beats] for p in self.design.inputs},
            {p.tensor: self.outputs[p.tensor][: vectors * p.beats] for p in self.design.outputs},
        )


_results: list[dict[str, object]] = []
_seconds: list[dict[str, object]] = []


@functools.cache
def _setup() -> _Setup:
    config = json.loads(Path(os.environ["HWFLOW_TB_CONFIG"]).read_text(encoding="utf-8"))
    folder = Path(config["design"])
    design = load_design(folder)
    limit = config["vectors"]
    inputs = {
        p.tensor: load_beats(folder / "inputs" / f"{p.tensor}.bin", p, limit) for p in design.inputs
    }
    outputs = _outputs(folder, design, limit)
    weights = load_words(folder / "weights.hex", design)
    second = folder / "other" if (folder / "other").is_dir() else folder
    vectors = min(
        len(beats[port.tensor]) // port.beats
        for beats, ports in ((inputs, design.inputs), (outputs, design.outputs))
        for port in ports
    )
    return _Setup(
        design=design,
        vectors=vectors,
        paced_vectors=min(vectors, config["paced_vectors"]),
        seed=config["seed"],
        results=Path(config["results"]),
        timing=Path(config["timing"]),
        inputs=inputs,
        outputs=outputs,
        weights=weights,
        other=load_words(second / "weights.hex", design),
        other_outputs=_outputs(second, design, limit),
    )


def _outputs(folder: Path, design: Design, limit: int) -> dict[str, list[int]]:
    return {
        p.tensor: load_beats(folder / "outputs" / f"{p.tensor}.bin", p, limit)
        for p in design.outputs
    }


_Body = Callable[[Bench, _Setup, dict[str, object]], Awaitable[None]]


async def _run(dut: Any, name: str, body: _Body) -> None:
    setup = _setup()
    record: dict[str, object] = {"test": name, "finding": None}
    bench = Bench(dut, setup.design, setup.weights)
    begin = time.perf_counter()
    try:
        await bench.reset()
        await body(bench, setup, record)
    except FindingError as error:
        record["finding"] = error.finding.record()
        raise
    finally:
        record["cycles"] = bench.total_cycles
        seconds = time.perf_counter() - begin
        _results.append(record)
        _seconds.append({"test": name, "cycles": bench.total_cycles, "seconds": seconds})
        _write(setup.results, _results)
        _write(setup.timing, _seconds)


def _write(path: Path, records: list[dict[str, object]]) -> None:
    path.write_text(json.dumps(records, indent=1, sort_keys=True) + "\n", encoding="utf-8")


@cocotb.test()
async def full_rate(dut: Any) -> None:
    """Source always valid, sink always ready: values, latency and initiation interval."""
    await _run(dut, "full_rate", _full_rate)


@cocotb.test()
async def random_pace(dut: Any) -> None:
    """Random gaps and random back-pressure: values and protocol."""
    await _run(dut, "random_pace", _random_pace)


@cocotb.test()
async def reset_in_stream(dut: Any) -> None:
    """Reset in the middle of a stream; then a clean stream comes out right."""
    await _run(dut, "reset_in_stream", _reset_in_stream)


@cocotb.test()
async def two_weight_sets(dut: Any) -> None:
    """Other weights over the serial port, then the first ones again: read-back and values."""
    await _run(dut, "two_weight_sets", _two_weight_sets)


@cocotb.test()
async def crc_error(dut: Any) -> None:
    """One wrong bit is told, and nothing is taken or given before right weights run."""
    await _run(dut, "crc_error", _crc_error)


async def _full_rate(bench: Bench, setup: _Setup, record: dict[str, object]) -> None:
    await bench.stream(*setup.first(setup.vectors), seed=None)
    found = bench.timing()
    record["vectors"] = setup.vectors
    record["latency"], record["initiation_interval"] = found
    for what, expected, value in (
        ("latency", setup.design.latency, found[0]),
        ("initiation interval", setup.design.initiation_interval, found[1]),
    ):
        if value is not None and value != expected:
            text = f"{what}: expected {expected} cycles, found {value}"
            port = setup.design.outputs[0].data
            raise FindingError(Finding("timing", port, bench.cycle, text))


async def _random_pace(bench: Bench, setup: _Setup, record: dict[str, object]) -> None:
    record["vectors"] = setup.paced_vectors
    await bench.stream(*setup.first(setup.paced_vectors), seed=f"pace {setup.seed}")


async def _reset_in_stream(bench: Bench, setup: _Setup, record: dict[str, object]) -> None:
    design = setup.design
    record["vectors"] = setup.paced_vectors
    # Once while the pipeline fills, once with outputs under way.
    full = design.latency + design.initiation_interval + max(p.beats for p in design.inputs)
    for turn, seed in enumerate((None, f"reset {setup.seed}")):
        cycles = random_point(f"{setup.seed} {turn}", 1 + turn * full, (turn + 1) * full + 8)
        await bench.stream(*setup.first(setup.vectors), seed=seed, cycles=cycles)
        await bench.reset()
    await bench.stream(*setup.first(setup.paced_vectors), seed=f"clean {setup.seed}")


async def _two_weight_sets(bench: Bench, setup: _Setup, record: dict[str, object]) -> None:
    loader = bench.loader
    assert loader is not None
    record["vectors"] = setup.paced_vectors
    inputs, outputs = setup.first(setup.paced_vectors)
    others = {
        p.tensor: setup.other_outputs[p.tensor][: setup.paced_vectors * p.beats]
        for p in setup.design.outputs
    }
    await bench.stream(inputs, outputs, seed=None)
    for words, write, read, golden in (
        (setup.other, loader.serial, loader.wishbone, others),
        (setup.weights, loader.wishbone, loader.serial, outputs),
    ):
        await loader.write(write, words)
        await _expect_words(loader, read, words)
        await _expect_state(bench, loader, write, LOADING)
        await loader.run(write)
        await bench.stream(inputs, golden, seed=f"weights {setup.seed}")


async def _crc_error(bench: Bench, setup: _Setup, record: dict[str, object]) -> None:
    loader, wait = bench.loader, setup.design.latency + setup.design.initiation_interval
    assert loader is not None
    record["vectors"] = setup.paced_vectors
    inputs, outputs = setup.first(setup.paced_vectors)
    await loader.write(loader.wishbone, setup.weights, damaged=True)
    await bench.offer(inputs, 64 + 2 * wait)
    found = await loader.start(loader.wishbone)
    if found != FAILED:
        text = f"state {found} with one bit of the weights wrong, expected {FAILED}"
        raise FindingError(Finding("crc", "wb_dat_o", bench.cycle, text))
    await bench.offer(inputs, 64 + 2 * wait)
    await loader.load(loader.wishbone, setup.weights)
    await bench.stream(inputs, outputs, seed=None)


async def _expect_words(loader: Loader, access: Access, words: list[int]) -> None:
    for index, found in enumerate(await loader.read(access)):
        if found != words[index]:
            text = f"word {index} reads as {found:08x}, expected {words[index]:08x}"
            raise FindingError(Finding("read-back", "wb_dat_o", 0, text))


async def _expect_state(bench: Bench, loader: Loader, access: Access, state: int) -> None:
    found = await loader.state(access)
    if found != state:
        text = f"state {found}, expected {state}"
        raise FindingError(Finding("state", "wb_dat_o", bench.cycle, text))
