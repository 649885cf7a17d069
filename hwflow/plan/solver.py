"""Solving the circuits of layers: each once, large ones side by side, kept between builds.

A circuit follows from its kernel graph alone, so neither the number of workers nor what was kept
changes a plan.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from hwflow.errors import ToolFailed
from hwflow.flow import digest_of
from hwflow.ir import digest, ops, save_graph
from hwflow.ir.graph import Graph
from hwflow.plan.archive import dump_circuits, load_circuits
from hwflow.plan.elaborate import elaborate
from hwflow.plan.words import Circuit
from hwflow.tools import python_worker, run

__all__ = ["CircuitStore", "Solver", "cores"]

_LARGE: Final = 1024
"""Weights from which solving takes longer than starting a worker."""
_SECONDS: Final = 24 * 3600.0
# The worker must find this very package also where it runs from a checkout, not installed.
_ENVIRONMENT: Final = {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}


class CircuitStore:
    """Circuits in a folder, by digest of their kernel graph and of `versions`.

    `versions` names all else that a circuit depends on: the solver and our own code. An entry is
    written in `scratch` (on the same file system) and renamed; one whose checksum does not match
    counts as absent.
    """

    def __init__(self, folder: Path, versions: str, scratch: Path) -> None:
        self._folder, self._versions, self._scratch = folder, versions, scratch

    def path(self, graph: Graph) -> Path:
        """Where the circuit of a kernel graph stands."""
        return self._folder / digest_of([digest(graph), self._versions])

    def load(self, graph: Graph) -> Circuit | None:
        """The circuit kept for `graph`, None where there is none or a damaged one."""
        try:
            checksum, _, text = self.path(graph).read_text(encoding="utf-8").partition("\n")
        except (OSError, ValueError):
            return None
        return _circuit(text) if checksum == _checksum(text) else None

    def save(self, graph: Graph, circuit: Circuit) -> None:
        """Keep a circuit; a folder that cannot be written to only costs solving it again."""
        text, path = _text(circuit), self.path(graph)
        draft = self._scratch / f"{path.name}.draft"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            draft.write_text(f"{_checksum(text)}\n{text}", encoding="utf-8")
            draft.replace(path)
        except OSError:
            draft.unlink(missing_ok=True)


class Solver:
    """Gives the circuit of a kernel graph: remembered, kept, or solved now.

    With `workers` above 1, `prepare` solves that many graphs at once in processes that exchange
    files in `scratch`.
    """

    def __init__(
        self, kept: CircuitStore | None = None, workers: int = 1, scratch: Path | None = None
    ) -> None:
        self._kept, self._scratch = kept, scratch
        self._workers = workers if scratch is not None else 1
        self._known: dict[str, Circuit] = {}

    def __call__(self, graph: Graph) -> Circuit:
        """The circuit of `graph`.

        Raises:
            InputError: "plan.operation".
        """
        circuit = self._found(graph)
        return self._keep(graph, elaborate(graph)) if circuit is None else circuit

    def prepare(self, graphs: Sequence[Graph]) -> None:
        """Solve those of `graphs` that are large and unknown, side by side.

        What a worker refuses or fails at is left for the call that needs it.
        """
        if self._workers < 2:
            return
        different = {digest(g): g for g in graphs if _weights(g) >= _LARGE}
        missing = [g for g in different.values() if self._found(g) is None]
        if len(missing) >= 2:
            self._solve(missing)

    def _found(self, graph: Graph) -> Circuit | None:
        key = digest(graph)
        if key not in self._known and self._kept is not None:
            kept = self._kept.load(graph)
            if kept is not None:
                self._known[key] = kept
        return self._known.get(key)

    def _keep(self, graph: Graph, circuit: Circuit) -> Circuit:
        self._known[digest(graph)] = circuit
        if self._kept is not None:
            self._kept.save(graph, circuit)
        return circuit

    def _solve(self, graphs: Sequence[Graph]) -> None:
        assert self._scratch is not None
        folder = self._scratch / "circuits"
        folder.mkdir(exist_ok=True)
        names = [f"{index}.hwf" for index in range(len(graphs))]
        for name, graph in zip(names, graphs, strict=True):
            save_graph(graph, folder / name)
            (folder / name).with_suffix(".json").unlink(missing_ok=True)
        # What they have not solved is solved here, which gives the true error.
        with suppress(ToolFailed):
            run(
                python_worker("hwflow.plan.worker", str(self._workers), *names),
                cwd=folder.resolve(),
                log=(self._scratch / "circuits.log").resolve(),
                timeout=_SECONDS,
                env=_ENVIRONMENT,
                tool="adder-graph worker",
            )
        for name, graph in zip(names, graphs, strict=True):
            solved = (folder / name).with_suffix(".json")
            if solved.is_file():
                self._keep(graph, _circuit(solved.read_text(encoding="utf-8")))


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _weights(graph: Graph) -> int:
    return sum(n.op.values.size for n in graph.nodes if isinstance(n.op, ops.Const))


def _text(circuit: Circuit) -> str:
    return dump_circuits({"": circuit})


def _circuit(text: str) -> Circuit:
    return load_circuits(text)[""]


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
