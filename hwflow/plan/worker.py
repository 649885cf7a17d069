"""The process that solves adder graphs: `python -m hwflow.plan.worker WORKERS GRAPH.hwf...`.

Writes GRAPH.json, a circuit as in hwflow.plan.archive, beside each kernel graph, whole or not at
all; a graph without a circuit (an operation without hardware) gets none.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from hwflow.errors import InputError
from hwflow.ir import load_graph
from hwflow.plan.archive import dump_circuits
from hwflow.plan.elaborate import elaborate

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Solves every graph named; returns 0."""
    workers, *paths = arguments
    with ProcessPoolExecutor(max_workers=min(int(workers), len(paths))) as pool:
        list(pool.map(_solve, paths))
    return 0


def _solve(path: str) -> None:
    try:
        circuit = elaborate(load_graph(Path(path)))
    except InputError:
        return
    draft = Path(path).with_suffix(".draft")
    draft.write_text(dump_circuits({"": circuit}), encoding="utf-8")
    draft.replace(Path(path).with_suffix(".json"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
