"""Can the ladder fail? One small change at a time, in the graph and in the netlist.

    python benchmarks/sensitivity.py [--vectors N] [--netlist-vectors N] [--faults N]

Graph: every other rounding and overflow mode of every requantization, and the least significant
bit of every weight and bias of the published ECON-T encoder. Netlist: random LUT configuration
bits. A change is killed when the comparison with the integer graph fails; the layer it names is
compared with the layer that was changed. Survivors are shown to be unobservable where possible:
by comparing the two requantizations over the whole reachable interval; for the last layer's
weights, by intervals that saturate alike; in the netlist as `unobservable.py` says. The rest is
undecided. Graph changes are compared on every layer's results, as the training rung does;
`by_search` counts those killed only by inputs that `saturation.py` finds, not by the ladder's own
vectors. Needs python-sat beside hwflow; see `netlist_sat.py`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np
from common import ROOT, emit, shared
from saturation import Ints, cross, lowest_input, walk
from unobservable import unobservable

sys.path.insert(0, str(ROOT))

from hwflow.backends.amaranth.generate import generate_verilog
from hwflow.ir import Graph, Node, Overflow, Rounding, evaluate
from hwflow.ir.exact import IntArray
from hwflow.ir.ops import Const, Requant
from hwflow.plan.plan import Options, Plan, make_plan
from hwflow.plan.targets import target
from hwflow.synth.synthesize import synthesize
from hwflow.verify.compare import first_mismatch
from hwflow.verify.locate import locate_in_netlist
from hwflow.verify.netlist import NetlistSim, fault_sites
from hwflow.verify.vectors import VectorClass, Vectors, make_vectors
from tests.econ_t import load_arrays, published_encoder, published_vectors


@dataclass(frozen=True, slots=True)
class Mutant:
    """A changed graph and where it was changed."""

    kind: str
    layer: str
    node: str
    graph: Graph
    place: tuple[int, ...] = ()


def graph_mutants(graph: Graph) -> Iterator[Mutant]:
    """Every single change of a rounding mode, an overflow mode or a weight's lowest bit."""
    for node in graph.nodes:
        if isinstance(node.op, Requant):
            for rounding in Rounding:
                if rounding is not node.op.rounding:
                    yield _changed(graph, node, replace(node.op, rounding=rounding), "rounding")
            for overflow in Overflow:
                if overflow is not node.op.overflow:
                    yield _changed(graph, node, replace(node.op, overflow=overflow), "overflow")
        elif isinstance(node.op, Const):
            for index in np.ndindex(*node.op.values.shape):
                values = node.op.values.copy()
                values[index] ^= 1
                yield _changed(graph, node, Const(values, node.op.frac), "weight LSB", index)


def _changed(
    graph: Graph, node: Node, op: Requant | Const, kind: str, place: tuple[int, ...] = ()
) -> Mutant:
    nodes = tuple(replace(n, op=op) if n is node else n for n in graph.nodes)
    users = [n.layer for n in graph.nodes if node.name in n.args]
    layer = node.layer or users[0]
    return Mutant(kind, layer, node.name, Graph(graph.name, nodes, graph.outputs), place)


def equivalent(graph: Graph, mutant: Mutant) -> bool:
    """Whether the change is provably without effect."""
    node, changed = graph.node(mutant.node), mutant.graph.node(mutant.node)
    if isinstance(node.op, Requant):
        source = graph.types[node.args[0]]
        lo, hi = int(source.elem.lo.min()), int(source.elem.hi.max())
        every = np.arange(lo, hi + 1, dtype=np.int64)[:, None]
        kind = replace_shape(source)
        before = node.op.evaluate((every,), (kind,), kind)
        after = changed.op.evaluate((every,), (kind,), kind)
        return bool((before == after).all())
    return _same_bounds(graph, mutant)


def replace_shape(kind: object) -> object:
    """The tensor type of one element (the published encoder has one binary point a tensor)."""
    from hwflow.ir import IntType, TensorType

    assert isinstance(kind, TensorType)
    elem = IntType(kind.elem.lo.min(), kind.elem.hi.max(), int(kind.elem.frac.max()))
    return TensorType((1,), elem)


def _same_bounds(graph: Graph, mutant: Mutant) -> bool:
    """Whether every output element whose interval changed is a constant that stays the same.

    That proves something for weights of the last layer alone: one of them that is multiplied by
    anything but zero moves the interval of its sum. An earlier layer saturates in between.
    """
    changed = mutant.graph
    for _, value in graph.outputs:
        if graph.node(value).layer != mutant.layer:
            return False
        a, b = graph.types[value], changed.types[value]
        first, second = a.elem.full(a.shape), b.elem.full(b.shape)
        fixed = (first[0] == first[1]) & (second[0] == second[1]) & (first[0] == second[0])
        producer = graph.node(graph.node(value).args[0])
        moved = _moved_columns(graph, changed, producer.name)
        if bool((moved & ~fixed.ravel()).any()):
            return False
    return True


def _moved_columns(graph: Graph, changed: Graph, value: str) -> np.ndarray:
    a, b = graph.types[value], changed.types[value]
    pairs = zip(a.elem.full(a.shape)[:2], b.elem.full(b.shape)[:2], strict=True)
    return np.logical_or.reduce([(x != y).ravel() for x, y in pairs])


COLUMNS = ("total", "killed", "by_search", "right_layer", "unobservable", "undecided")


def run_graph(
    graph: Graph, path: Path, vectors: Vectors, searched: Vectors
) -> list[dict[str, object]]:
    """Killed, shown equivalent and named right, by kind of change.

    `searched` vectors are tried where the ladder's own do not kill, and after them, for a weight of
    the last layer, some that are searched for it alone.
    """
    order = [(layer.name, v) for layer in graph.layers() for v in layer.outputs]
    both = [(v, evaluate(graph, v.inputs, keep="layers")) for v in (vectors, searched)]
    rows: dict[str, dict[str, int]] = {}
    for mutant in graph_mutants(graph):
        row = rows.setdefault(mutant.kind, dict.fromkeys(COLUMNS, 0))
        row["total"] += 1
        for tried, golden in chain(both, _aimed(graph, path, mutant)):
            found = evaluate(mutant.graph, tried.inputs, keep="layers")
            mismatch = first_mismatch(order, golden, found, tried)
            if mismatch is not None:
                row["killed"] += 1
                row["by_search"] += tried is not vectors
                row["right_layer"] += mismatch.layer == mutant.layer
                break
        else:
            row["unobservable" if equivalent(graph, mutant) else "undecided"] += 1
    return [{"where": "graph", "change": kind, **row} for kind, row in rows.items()]


def _aimed(
    graph: Graph, path: Path, mutant: Mutant
) -> Iterator[tuple[Vectors, dict[str, IntArray]]]:
    """Inputs searched for one weight of the last layer, with golden values; made when asked for."""
    if mutant.node != "w_dense":
        return
    rows = cross(graph, _weights(path), *mutant.place)
    if len(rows):
        aimed = Vectors({"x": rows}, (VectorClass("aimed", 0, len(rows)),))
        yield aimed, evaluate(graph, aimed.inputs, keep="layers")


def _weights(path: Path) -> tuple[Ints, Ints, Ints, Ints]:
    arrays = load_arrays(path)
    w_conv, b_conv, w_dense, b_dense = (
        arrays[k].astype(np.int64) for k in ("w_conv", "b_conv", "w_dense", "b_dense")
    )
    return w_conv, b_conv, w_dense, b_dense


def search(graph: Graph, path: Path, vectors: Vectors) -> IntArray:
    """Inputs for outputs that hardly ever leave saturation on the ladder's vectors."""
    weights = _weights(path)
    seen = evaluate(graph, vectors.inputs)["y"]
    parts = [np.zeros((1, 8, 8, 1), np.int64)]
    for output in map(int, np.flatnonzero((seen == 511).mean(axis=0) > 0.99)):
        start, _ = lowest_input(*weights, output)
        parts.append(walk(graph, start, output, 2000))
        hidden = evaluate(graph, {"x": parts[-1]}, keep="layers")["conv_requant"]
        for unit in map(int, np.flatnonzero(hidden.reshape(-1, 128).max(axis=0) < 256)):
            start, _ = lowest_input(*weights, output, unit)
            parts.append(walk(graph, start, output, 200, seed=unit))
    return np.concatenate(parts)


def run_netlist(
    plan: Plan, netlist: Path, vectors: Vectors, count: int, work: Path
) -> tuple[dict[str, object], dict[str, object]]:
    """The same for `count` random LUT bits, and facts about the survivors."""
    rng = np.random.default_rng(7)
    sites = fault_sites(netlist, plan.graph.name)
    faults = [sites[i] for i in rng.choice(len(sites), size=count, replace=False)]
    sim = NetlistSim.build(netlist, plan.interface, work, faults=faults)
    layers = evaluate(plan.graph, vectors.inputs, keep="layers")
    outputs = evaluate(plan.graph, vectors.inputs)
    packed = {
        g.tensor: g.pack(vectors.inputs[g.tensor].reshape(len(vectors), -1))
        for g in plan.interface.inputs
    }
    expected = {
        g.tensor: g.pack(outputs[g.tensor].reshape(len(vectors), -1))
        for g in plan.interface.outputs
    }
    row = dict.fromkeys(COLUMNS, 0)
    names = [layer.name for layer in plan.layers]
    undecided, by_interval = [], []
    how: Counter[str] = Counter()
    for run in sim.mutants(packed, range(len(faults))):
        row["total"] += 1
        cell, bit = faults[run.fault]
        wrong = [
            (run.outputs[n] != expected[n]).any(axis=1).nonzero()[0] // g.stream.beats
            for n, g in ((g.tensor, g) for g in plan.interface.outputs)
        ]
        failing = np.concatenate(wrong)
        if len(failing):
            row["killed"] += 1
            masks = np.zeros(len(faults), dtype=np.uint64)
            masks[run.fault] = np.uint64(1)
            place = locate_in_netlist(
                plan, sim, vectors, layers, int(failing.min()), fault_masks=masks
            )
            own = next((n for n in names if cell.startswith(f"{n}.")), "top")
            row["right_layer"] += (place.layer if place else "top") == own
        elif shown := unobservable(netlist, plan, cell, bit):
            row["unobservable"] += 1
            how[shown] += 1
            if shown == "interval":
                by_interval.append(f"{cell} bit {bit}")
        else:
            row["undecided"] += 1
            undecided.append(f"{cell} bit {bit}")
    facts: dict[str, object] = {
        "undecided netlist bits": undecided,
        "netlist bits shown unobservable by": dict(sorted(how.items())),
        "of these by interval": by_interval,
    }
    return {"where": "netlist", "change": "LUT bit", **row}, facts


def main() -> None:
    """Measure and write benchmarks/results/sensitivity.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=int, default=500)
    parser.add_argument("--netlist-vectors", type=int, default=20_000)
    parser.add_argument("--faults", type=int, default=200)
    options = parser.parse_args()
    path = shared("data/econ_t/encoder_8x8.npz")
    graph = published_encoder(path)
    wafers = {"x": published_vectors(path)[0]}
    few = make_vectors(graph, options.vectors, 1, wafers)
    extra = search(graph, path, few)
    searched = Vectors({"x": extra}, (VectorClass("searched", 0, len(extra)),))
    rows = run_graph(graph, path, few, searched)
    device = target("ecp5-85k")
    plan = make_plan(graph, Options(device, Fraction(40_000_000)))
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        (work / "design.v").write_text(generate_verilog(plan), encoding="utf-8")
        modules = [f"{graph.name}__{layer.name}" for layer in plan.layers]
        synthesize(work / "design.v", graph.name, modules, device, work / "out", work / "synth")
        both = {"x": np.concatenate([wafers["x"], extra])}
        many = make_vectors(graph, options.netlist_vectors, 2, both)
        netlist = work / "out" / "netlist.json"
        row, facts = run_netlist(plan, netlist, many, options.faults, work / "netlist")
    rows.append(row)
    killed = sum(int(r["killed"]) for r in rows)  # type: ignore[call-overload]
    right = sum(int(r["right_layer"]) for r in rows)  # type: ignore[call-overload]
    emit(
        "sensitivity",
        rows,
        {
            "graph vectors": len(few),
            "searched vectors": len(extra),
            "netlist vectors": len(many),
            "right layer among killed": round(right / max(1, killed), 4),
            **facts,
        },
    )


if __name__ == "__main__":
    main()
