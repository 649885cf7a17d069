"""What a model's file would become, found out without building anything."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwflow.config import HardwareConfig
from hwflow.errors import HwflowError, InputError
from hwflow.frontends.keras import read_keras
from hwflow.frontends.lowered import Lowered
from hwflow.ir import Graph, Layer
from hwflow.ir.ops import Add, Conv, Dot, MatMul, ReduceSum, Sub
from hwflow.stages.models import is_rebuilt, read_model

if TYPE_CHECKING:
    from hwflow.plan.folding import Candidate

__all__ = ["Inspection", "inspect_model"]

_SUMS = (Add, Conv, Dot, MatMul, ReduceSum, Sub)


@dataclass(frozen=True, slots=True)
class Inspection:
    """The record of a model that can be built.

    `layers` are those of the integer graph, in order, with the widths of
    `hwflow.passes.layer_widths`, the accumulator's range by interval analysis (integers, and the
    smallest step as a power of two), and estimated costs: fully parallel, and with the fewest
    LUTs.
    """

    target: str
    inputs: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, str], ...]
    layers: tuple[dict[str, Any], ...]
    wide: tuple[str, ...]
    certificates: int

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "certificates": self.certificates,
            "inputs": dict(self.inputs),
            "layers": list(self.layers),
            "outputs": dict(self.outputs),
            "target": self.target,
            "wide": list(self.wide),
        }


def inspect_model(path: Path, progress: Callable[[str], None]) -> Inspection:
    """Read and lower the model in `path`, and estimate what its layers cost.

    Args:
        path: a file of any format of `model.file`.
        progress: told what is going on where it takes long.

    Raises:
        InputError: "file.missing"; the file is no model or is hostile; or, as a RefusedError, all
            layers that have no exact integer form.
    """
    if not path.is_file():
        raise InputError("file.missing", f"there is no file {str(path)!r}")
    lowered = _lowered(path, progress)  # a file that is refused waits for no planner
    from hwflow.explore.candidates import candidates
    from hwflow.passes import layer_widths
    from hwflow.plan.targets import target

    graph, hardware = lowered.graph, HardwareConfig()
    widths = {row.layer: row.record() for row in layer_widths(graph)}
    device, period = target(hardware.target), float(1_000_000_000 / hardware.clock)
    rows = []
    for layer in graph.layers():
        try:
            ways = candidates(graph, layer, device, period)
        except HwflowError:
            ways = ()  # this operation has no hardware yet; a plan would say so
        rows.append({**widths[layer.name], **_range(graph, layer), "cost": _costs(ways)})
    return Inspection(
        hardware.target,
        tuple((n.name, _port(lowered, "input", n.name, n.name)) for n in graph.inputs),
        tuple((name, _port(lowered, "output", name, value)) for name, value in graph.outputs),
        tuple(rows),
        lowered.wide,
        sum("layer" in c for c in lowered.certificates),
    )


def _lowered(path: Path, progress: Callable[[str], None]) -> Lowered:
    if not is_rebuilt(path):
        return read_model(path, "model")
    model = read_keras(path)
    from hwflow.frontends.qkeras import load_network, lower
    from hwflow.train.jobs import load

    progress("quantizing the weights with QKeras")
    with tempfile.TemporaryDirectory(prefix="hwflow-check-") as name:
        work, output = Path(name), Path(name) / "network"
        output.mkdir()
        load(model=model.record(), arrays=model.arrays(), name=path.name, data=None,
             output=output, work=work)  # fmt: skip
        return lower(load_network(output), "model")


def _port(lowered: Lowered, kind: str, name: str, value: str) -> str:
    """A port's type, and what one integer is worth where that is no power of two."""
    found = [c["scale"] for c in lowered.certificates if c.get(kind) == name]
    return f"{lowered.graph.types[value]}" + (f" times {found[0]}" if found else "")


def _range(graph: Graph, layer: Layer) -> dict[str, Any]:
    sums = [graph.types[n.name].elem for n in layer.nodes if isinstance(n.op, _SUMS)]
    if not sums:
        return {"range": None, "step": None}
    widest = max(sums, key=lambda elem: elem.max_width())
    return {
        "range": [int(widest.lo.min()), int(widest.hi.max())],
        "step": -int(widest.frac.max()),
    }


def _costs(ways: tuple[Candidate, ...]) -> dict[str, Any] | None:
    if not ways:
        return None
    from hwflow.plan.folding import Folding

    parallel = next((w for w in ways if w.folding == Folding()), ways[0])
    smallest = min(ways, key=lambda w: (w.cost.luts, w.cycles))
    return {"parallel": _cost(parallel), "smallest": _cost(smallest)}


def _cost(way: Candidate) -> dict[str, int]:
    cost = way.cost
    return {
        "adder_bits": cost.adder_bits, "adders": cost.adders, "brams": cost.brams,
        "cycles": way.cycles, "dsps": cost.dsps, "ffs": cost.ffs, "luts": cost.luts,
    }  # fmt: skip
