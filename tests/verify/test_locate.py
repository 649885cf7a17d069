"""Naming the layer that is wrong, on hand-made results of the layers."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hwflow.backends.amaranth.generate import generate_verilog
from hwflow.ir import Graph, evaluate
from hwflow.plan.folded import FoldedPlan
from hwflow.plan.folding import Folding
from hwflow.plan.layer import LayerPlan
from hwflow.plan.plan import Options, Plan, make_plan
from hwflow.plan.targets import target
from hwflow.verify import locate
from hwflow.verify.netlist.trace import Trace
from hwflow.verify.vectors import VectorClass, Vectors
from tests.integration.designs import duo_graph, rich_graph

Ints = npt.NDArray[np.int64]
Layers = dict[str, Ints]


def case(graph: Graph, fold: Mapping[str, Folding]) -> tuple[Plan, Vectors, Layers]:
    """A plan, a few vectors, and what the graph gives for each layer."""
    options = Options(target("lut4"), Fraction(50_000_000), "valid_ready", dict(fold))
    (node,) = graph.inputs
    kind = graph.types[node.name]
    lo, hi, _ = (a.astype(np.int64) for a in kind.elem.full((8, *kind.shape)))
    inputs = {node.name: np.random.default_rng(0).integers(lo, hi + 1)}
    vectors = Vectors(inputs, (VectorClass("corner", 0, 3), VectorClass("random", 3, 8)))
    layers = evaluate(graph, inputs, keep="layers")
    return make_plan(graph, options), vectors, {n: a.astype(np.int64) for n, a in layers.items()}


RICH = case(rich_graph(), {})
WINDOW = case(duo_graph(), {"conv": Folding(pos=1)})


def outputs_of(plan: Plan, layers: Layers, changed: set[str], vector: int) -> Layers:
    """What the hardware gives for one vector: the last element of some values is one more."""
    found = {}
    for name, array in layers.items():
        row = array[vector].reshape(-1).copy()
        if name in changed:
            row[-1] += 1 if row[-1] < 1 else -1
        found[name] = row
    return found


@pytest.mark.parametrize(
    ("changed", "layer"),
    [
        ({"conv_requant"}, "conv"),
        ({"residual_requant"}, "residual"),
        ({"dense_matmul", "mix_requant"}, "mix"),
        ({"decide_argmax"}, "decide"),
        (set(), None),
    ],
)
def test_the_first_layer_that_is_wrong_alone(
    changed: set[str], layer: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plan, vectors, layers = RICH
    found = outputs_of(plan, layers, changed, 4)
    asked: list[str] = []

    def alone(
        plan: Plan,
        part: LayerPlan,
        rtl: Path,
        inputs: Mapping[str, Ints],
        work: Path,
        fixed: object,
    ) -> Layers:
        asked.append(part.name)
        for name, array in inputs.items():
            right = {**vectors.inputs, **layers}[name]
            assert np.array_equal(array, right[4:5])
        return {name: found[name] for name in part.outputs}

    monkeypatch.setattr(locate, "_alone", alone)
    mismatch = locate.locate_in_rtl(plan, Path("x.v"), vectors, layers, 4, tmp_path)
    names = [part.name for part in plan.layers]
    if layer is None:
        assert mismatch is None
        assert asked == names
        return
    assert mismatch is not None
    assert (mismatch.layer, mismatch.vector, mismatch.vector_class) == (layer, 4, "random")
    assert asked == names[: names.index(layer) + 1]  # none is compiled after the first
    shape = layers[mismatch.value].shape[1:]
    assert mismatch.element == tuple(n - 1 for n in shape)
    assert mismatch.expected == layers[mismatch.value][4].reshape(-1)[-1]
    assert abs(mismatch.found - mismatch.expected) == 1


def words(part: LayerPlan, value: str, beats: Ints, cycles: int, stream: int | None) -> Any:
    """A net's words: its bits in one stream (others zero), or in all; the last beat stays."""
    kind = part.stream(value)
    packed = kind.pack(beats.reshape(1, -1))
    bits = np.unpackbits(packed, axis=1, bitorder="little")[:, : max(1, kind.bits)]
    held = np.concatenate([bits, np.repeat(bits[-1:], cycles - len(bits), axis=0)])
    every = np.uint64(2**64 - 1) if stream is None else np.uint64(1 << stream)
    return np.where(held.astype(bool), every, np.uint64(0))


class FakeSim:
    """Nets by name, with the words that a replay would give."""

    def __init__(self, nets: dict[str, Any]) -> None:
        self.nets = tuple(nets)
        self._words = nets

    def replay(self, inputs: Any, *, watch: Any, fault_masks: Any) -> Any:
        assert set(watch) <= set(self.nets)
        return SimpleNamespace(trace=Trace({net: self._words[net] for net in watch}))


def netlist(
    plan: Plan, layers: Layers, changed: set[str], hidden: set[str] = frozenset(),  # type: ignore[assignment]
    stream: int | None = None,
) -> Any:  # fmt: skip
    found = outputs_of(plan, layers, changed, 4)
    cycles = 40
    ones = np.full((cycles, 1), 2**64 - 1, dtype=np.uint64)
    nets = {}
    for part in plan.layers:
        for value in part.outputs:
            nets[f"{part.name}.out_data_o"] = words(part, value, found[value], cycles, stream)
        if part.folding.pos == 1:
            nets |= {f"{part.name}.out_valid_o": ones, f"{part.name}.en_i": ones}
    return FakeSim({name: w for name, w in nets.items() if name.split(".")[0] not in hidden})


@pytest.mark.parametrize(
    ("changed", "layer"),
    [
        ({"conv_requant"}, "conv"),
        ({"table_lut", "dense_matmul", "decide_argmax"}, "table"),
        ({"decide_argmax"}, "decide"),
        (set(), None),
    ],
)
@pytest.mark.parametrize("stream", [None, 0, 5])
def test_the_first_layer_whose_nets_are_wrong(
    changed: set[str], layer: str | None, stream: int | None
) -> None:
    plan, vectors, layers = RICH
    sim = netlist(plan, layers, changed, stream=stream)
    mismatch = locate.locate_in_netlist(plan, sim, vectors, layers, 4, stream=stream or 0)
    assert (None if mismatch is None else mismatch.layer) == layer


def test_layers_that_mapping_removed_are_passed_over() -> None:
    plan, vectors, layers = RICH
    sim = netlist(plan, layers, {"mix_requant", "dense_matmul"}, hidden={"mix"})
    mismatch = locate.locate_in_netlist(plan, sim, vectors, layers, 4)
    assert mismatch is not None
    assert mismatch.layer == "dense"


@pytest.mark.parametrize("changed", [{"conv_requant"}, {"dense_matmul"}, set()])
def test_a_window_layer_in_the_netlist(changed: set[str]) -> None:
    """Its beats are read where its valid and the enable say so."""
    plan, vectors, layers = WINDOW
    mismatch = locate.locate_in_netlist(plan, netlist(plan, layers, changed), vectors, layers, 4)
    expected = {name.split("_")[0] for name in changed}
    assert ({mismatch.layer} if mismatch else set()) == expected


def with_wrong_weight(text: str, module: str, row: int) -> str:
    """The RTL with the lowest bit of one row of a table flipped."""
    begin = text.index(f"module {module} (")
    at = text.index(f"words[{row}] = ", begin)
    end = text.index(";", at)
    assert end < text.index("endmodule", begin)
    line = text[at:end]
    size, _, digits = line.rpartition("'h")
    return f"{text[:at]}{size}'h{int(digits, 16) ^ 1:0{len(digits)}x}{text[end:]}"


FOLDED = case(duo_graph(), {"conv": Folding(1, 1), "dense": Folding(1, 2)})


@pytest.mark.tool
@pytest.mark.parametrize("layer", ["conv", "dense", None])
def test_a_wrong_weight_in_a_table_is_in_its_layer(layer: str | None, tmp_path: Path) -> None:
    """One bit of one word of the RTL: the layer is named, with the vector and both values."""
    plan, vectors, layers = FOLDED
    assert all(isinstance(part, FoldedPlan) for part in plan.layers)
    text = generate_verilog(plan)
    if layer:
        text = with_wrong_weight(text, f"duo__{layer}__weights", 1)
    rtl = tmp_path / "design.v"
    rtl.write_text(text, encoding="utf-8")
    found = locate.locate_in_rtl(plan, rtl, vectors, layers, 1, tmp_path / "alone")
    if layer is None:
        assert found is None
        return
    assert found is not None
    assert (found.layer, found.vector) == (layer, 1)
    assert found.expected == layers[found.value][(1, *found.element)] != found.found
