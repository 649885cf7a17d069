"""Layer circuits: the same whoever solves them, kept by what they depend on, damage seen."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hwflow.errors import InputError
from hwflow.flow import MEMORY, StageContext
from hwflow.ir import Graph, GraphBuilder, IntType, Overflow, Rounding
from hwflow.plan import solver as solving
from hwflow.plan.archive import dump_circuits
from hwflow.plan.elaborate import elaborate
from hwflow.plan.layer import LayerPlan
from hwflow.plan.plan import Options, make_plan
from hwflow.plan.solver import CircuitStore, Solver
from hwflow.plan.targets import target
from hwflow.stages.solving import layer_solver

OPTIONS = Options(target("lut6"), Fraction(40_000_000))


def network(seed: int = 0, width: int = 32) -> Graph:
    """Three dense layers; `seed` changes the last one's weights only."""
    rng, b = np.random.default_rng(7), GraphBuilder("net")
    eight = IntType.fixed(8, 5, signed=False)
    value = b.input("x", (width,), eight)
    for index in range(3):
        chosen = rng if index < 2 else np.random.default_rng(100 + seed)
        weights = chosen.integers(-3, 4, (width, width))
        with b.layer(f"dense{index}"):
            product = b.matmul(value, b.const(weights, frac=4))
            value = b.requant(product, eight, Rounding.FLOOR, Overflow.SATURATE)
    return b.build({"y": value})


def circuits(graph: Graph, solver: Solver | None) -> str:
    """The archive of the circuits that planning `graph` takes from `solver`."""
    layers = make_plan(graph, OPTIONS, solver=solver).layers
    return dump_circuits({n.name: n.circuit for n in layers if isinstance(n, LayerPlan)})


@pytest.fixture
def solved_here(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the kernels that this process solves from now on."""
    names: list[str] = []

    def counted(graph: Graph) -> object:
        names.append(graph.name)
        return elaborate(graph)

    monkeypatch.setattr(solving, "elaborate", counted)
    return names


def test_any_number_of_workers_gives_the_same_circuits(
    tmp_path: Path, solved_here: list[str]
) -> None:
    alone = circuits(network(), None)
    assert solved_here == ["dense0", "dense1", "dense2"]
    for workers in (1, 2, 3):
        solved_here.clear()
        scratch = tmp_path / str(workers)
        scratch.mkdir()
        assert circuits(network(), Solver(workers=workers, scratch=scratch)) == alone
        # Interval analysis foresaw every layer's hardware types: nothing was solved twice.
        assert solved_here == ([] if workers > 1 else ["dense0", "dense1", "dense2"])


def test_small_layers_start_no_worker(tmp_path: Path, solved_here: list[str]) -> None:
    circuits(network(width=4), Solver(workers=2, scratch=tmp_path))
    assert len(solved_here) == 3
    assert not list(tmp_path.iterdir())


def test_what_workers_cannot_solve_is_refused_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(solving, "_LARGE", 0)
    b = GraphBuilder("net")
    value = b.input("x", (4,), IntType.fixed(4, 4))
    for index in range(2):
        with b.layer(f"dense{index}"):
            odd = IntType(0, 2, 4)  # to wrap into three values has no hardware
            value = b.requant(value, odd, Rounding.FLOOR, Overflow.WRAP)
    with pytest.raises(InputError) as caught:
        make_plan(b.build({"y": value}), OPTIONS, solver=Solver(workers=2, scratch=tmp_path))
    assert caught.value.code == "plan.operation"


def test_a_changed_layer_is_solved_alone(tmp_path: Path, solved_here: list[str]) -> None:
    def build(seed: int, versions: str = "1") -> str:
        solved_here.clear()
        return circuits(network(seed), Solver(CircuitStore(tmp_path / "kept", versions, tmp_path)))

    first = build(0)
    assert len(solved_here) == 3
    assert build(0) == first
    assert not solved_here
    build(1)
    assert solved_here == ["dense2"]
    assert build(0, versions="2") == first
    assert len(solved_here) == 3


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "binary"])
def test_a_damaged_entry_is_solved_anew(
    tmp_path: Path, solved_here: list[str], damage: str
) -> None:
    def build() -> str:
        return circuits(network(), Solver(CircuitStore(tmp_path / "kept", "1", tmp_path)))

    first = build()
    for path in sorted((tmp_path / "kept").iterdir()):
        whole = path.read_bytes()
        changed = whole.replace(b"[", b"(", 1)
        wrong = {"cut": whole[:-9], "changed": changed, "empty": b"", "binary": b"\xff\xfe\x00"}
        path.write_bytes(wrong[damage])
    solved_here.clear()
    assert build() == first
    assert len(solved_here) == 3
    solved_here.clear()
    assert build() == first
    assert not solved_here


def test_a_store_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file, not a folder")
    kept = CircuitStore(tmp_path / "kept", "1", tmp_path)
    assert circuits(network(), Solver(kept)) == circuits(network(), None)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["kept"]


def test_a_killed_writer_leaves_no_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = CircuitStore(tmp_path / "kept", "1", tmp_path)

    def killed(_path: Path, _target: Path) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            circuits(network(), Solver(kept))
    assert not list((tmp_path / "kept").iterdir())
    assert circuits(network(), Solver(kept)) == circuits(network(), None)


def test_a_build_keeps_circuits_in_its_store(tmp_path: Path, solved_here: list[str]) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    def build(store: Path | None) -> str:
        solved_here.clear()
        context = StageContext(tmp_path, {}, scratch, lambda _f, _t: None, store)
        return circuits(network(width=8), layer_solver(context))

    first = build(tmp_path)
    assert len(solved_here) == 3
    assert len(list((tmp_path / MEMORY / "circuits").iterdir())) == 3
    assert build(tmp_path) == first
    assert not solved_here
    assert build(None) == first
    assert len(solved_here) == 3
