"""Stage rtl: the generated Verilog in Verilator: lint, all vectors in bulk, then cocotb."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hwflow.config import DesignConfig
from hwflow.errors import CheckFailed
from hwflow.flow import StageContext
from hwflow.ir import evaluate
from hwflow.plan.store import hex_words
from hwflow.stages.planned import load_plan
from hwflow.stages.rungs import Golden, finish, load_golden
from hwflow.verify.compare import Mismatch, RungReport
from hwflow.verify.locate import locate_in_rtl
from hwflow.verify.rtl import build_replay, check_timing, lint, run_cocotb

__all__ = ["run"]

_SEED = 1
_COCOTB_VECTORS = 2000
_PACED_VECTORS = 200
_COCOTB_CYCLES = 400_000
"""Cycles that cocotb runs at the most, about half a minute; bulk replay takes every vector."""


def run(config: DesignConfig, context: StageContext) -> None:
    """Replay every vector on the file that is synthesized, and check the stream protocol."""
    rtl = context.inputs["generate"] / "design.v"
    golden = load_golden(context.inputs)
    interface = golden.interface
    context.progress(0.0, "Verilator lint")
    lint(rtl, interface.top, context.scratch)
    context.progress(0.1, "compiling the replay harness")
    work = context.scratch / "replay"
    replay = build_replay(rtl, interface, work, jobs=2, load=golden.load)
    context.progress(0.5, f"{len(golden.vectors)} vectors through the RTL")
    result = replay.run(golden.packed())
    mismatch = golden.compare_outputs(result.outputs)
    if mismatch is not None:
        mismatch = _located(config, context, golden, mismatch)
        finish(context, _report(golden, mismatch, {}))
    check_timing(interface, result)
    context.progress(0.6, "cocotb: random gaps, back-pressure, protocol")
    tests = _cocotb(context, golden, rtl)
    figures: dict[str, object] = {
        "latency_cycles": result.latency,
        "initiation_interval": result.initiation_interval,
        "cycles": result.cycles,
        "cocotb": tests,
    }
    finish(context, _report(golden, None, figures))


def _report(golden: Golden, mismatch: Mismatch | None, figures: Mapping[str, object]) -> RungReport:
    names = tuple(name for name, _ in golden.graph.outputs)
    return RungReport("rtl", len(golden.vectors), names, mismatch, figures=figures)


def _located(
    config: DesignConfig, context: StageContext, golden: Golden, mismatch: Mismatch
) -> Mismatch:
    """The first layer that differs on its own, or the output's mismatch if none does."""
    context.progress(0.7, "a mismatch: running layer by layer")
    plan = load_plan(config, context.inputs)
    rtl = context.inputs["generate"] / "design.v"
    work = context.scratch / "locate"
    vectors, layers = golden.vectors, golden.layers
    found = locate_in_rtl(plan, rtl, vectors, layers, mismatch.vector, work, golden.params)
    return found or mismatch


def _cocotb(context: StageContext, golden: Golden, rtl: Path) -> list[dict[str, object]]:
    most = max(4, _COCOTB_CYCLES // golden.interface.initiation_interval)
    few = golden.part(min(_COCOTB_VECTORS, most))
    folder = context.scratch / "design"
    _write_vectors(folder / "inputs", few.packed())
    _write_answers(folder, few)
    if golden.params:
        _write_answers(folder / "other", _with_other_weights(few))
    (folder / "design.v").write_bytes(rtl.read_bytes())
    (folder / "interface.json").write_text(golden.interface.to_json(), encoding="utf-8")
    results = run_cocotb(
        folder,
        context.scratch,
        vectors=len(few.vectors),
        paced_vectors=min(_PACED_VECTORS, max(2, most // 10)),
        jobs=2,
    )
    if not results:
        raise CheckFailed("rtl.cocotb", "cocotb ran no test")
    return [{"test": r.test, "vectors": r.vectors, "cycles": r.cycles} for r in results]


def _write_vectors(folder: Path, beats: Mapping[str, npt.NDArray[np.uint8]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for tensor, rows in beats.items():
        (folder / f"{tensor}.bin").write_bytes(rows.tobytes())


def _write_answers(folder: Path, golden: Golden) -> None:
    """Expected outputs, and the weights that they come from."""
    _write_vectors(folder / "outputs", golden.packed_outputs())
    if golden.words is not None:
        (folder / "weights.hex").write_text(hex_words(golden.words), encoding="utf-8")


def _with_other_weights(golden: Golden) -> Golden:
    """The same vectors with weights drawn from their whole types."""
    rng, params = np.random.default_rng(_SEED), {}
    for node in golden.graph.params:
        kind = golden.graph.types[node.name]
        low, high, _ = kind.elem.full(kind.shape)
        params[node.name] = rng.integers(low.astype(np.int64), high.astype(np.int64) + 1)
    outputs = evaluate(golden.graph, {**golden.vectors.inputs, **params})
    return replace(golden, outputs=outputs, params=params)
