"""The verification ladder: what was compared with the integer graph, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from hwflow.config import BACKEND_RUNGS, DesignConfig
from hwflow.report.artifacts import Record, read

__all__ = ["RUNG_TEXT", "BenchTest", "Difference", "Ladder", "Rung", "VectorClass", "read_ladder"]

Status = Literal["equal", "different", "not run"]
Verdict = Literal["equal", "different", "incomplete", "unchecked"]

RUNG_TEXT: Final[dict[str, str]] = {
    "training": "training graph, float32",
    "graph": "integer graph, the reference",
    "amaranth": "Amaranth simulation",
    "rtl": "Verilog, by Verilator and cocotb",
    "netlist": "synthesized netlist, bit-parallel",
    "hls4ml": "hls4ml's C++ emulation, layer by layer",
}
"""The rungs in the ladder's order; "graph" is what the others are compared with."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a rung first differs from the integer graph."""

    layer: str
    value: str
    vector: int
    vector_class: str
    element: tuple[int, ...]
    expected: int
    found: int
    differing: int


@dataclass(frozen=True, slots=True)
class VectorClass:
    """A named group of test vectors and how many there are."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class BenchTest:
    """A cocotb test that passed."""

    name: str
    vectors: int
    cycles: int


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung; `reason` says why where it was not run."""

    name: str
    status: Status
    reason: str = ""
    vectors: int = 0
    values: tuple[str, ...] = ()
    mismatch: Difference | None = None
    notes: tuple[str, ...] = ()
    figures: tuple[tuple[str, int | float | str], ...] = ()
    tests: tuple[BenchTest, ...] = ()

    @property
    def source(self) -> str:
        """The file that tells of it."""
        return "golden/golden.json" if self.name == "graph" else f"{self.name}/rung.json"

    def figure(self, name: str) -> int | None:
        """A whole number among the rung's own figures."""
        found = dict(self.figures).get(name)
        return found if isinstance(found, int) else None


@dataclass(frozen=True, slots=True)
class Ladder:
    """All rungs in order ("graph" included, as the reference) and the classes of vectors."""

    rungs: tuple[Rung, ...]
    classes: tuple[VectorClass, ...]
    vectors: int | None

    @property
    def compared(self) -> tuple[Rung, ...]:
        """Rungs that were compared with the integer graph."""
        return tuple(r for r in self.rungs if r.name != "graph" and r.status != "not run")

    @property
    def verdict(self) -> Verdict:
        """Different if any rung is; incomplete if one that was asked for did not run."""
        if any(rung.status == "different" for rung in self.rungs):
            return "different"
        if not self.compared:
            return "unchecked"
        missing = [r for r in self.rungs if r.status == "not run" and r.reason == _NOT_REACHED]
        return "incomplete" if missing else "equal"


_NOT_REACHED: Final = "the build did not reach it"


def read_ladder(artifacts: Mapping[str, Path], config: DesignConfig) -> Ladder:
    """The ladder as the artifacts tell it."""
    golden = read(artifacts, "golden", "golden.json")
    vectors = golden.integer("vectors") if golden else None
    rungs = tuple(
        _reference(vectors) if name == "graph" else _rung(name, artifacts, config)
        for name in RUNG_TEXT
        if _belongs(name, config)
    )
    listed = read(artifacts, "vectors", "classes.json")
    rows = listed.rows("items") if listed else ()
    classes = [VectorClass(r.text("name"), r.integer("stop") - r.integer("start")) for r in rows]
    return Ladder(rungs, tuple(item for item in classes if item.count), vectors)


def _belongs(name: str, config: DesignConfig) -> bool:
    """Whether the design's backend has the rung, or it was asked for."""
    own = BACKEND_RUNGS[config.hardware.backend]
    return name == "graph" or name in own or name in config.verify.rungs


def _reference(vectors: int | None) -> Rung:
    if vectors is None:
        return Rung("graph", "not run", _NOT_REACHED)
    return Rung("graph", "equal", vectors=vectors)


def _rung(name: str, artifacts: Mapping[str, Path], config: DesignConfig) -> Rung:
    record = read(artifacts, name, "rung.json")
    if record is None:
        return Rung(name, "not run", _why_not(name, artifacts, config))
    found = record.inner_or_none("mismatch")
    return Rung(
        name,
        "different" if found else "equal",
        vectors=record.integer("vectors"),
        values=record.texts("values"),
        mismatch=_mismatch(found) if found else None,
        notes=record.texts("notes"),
        figures=_scalars(record.inner("figures").data),
        tests=_tests(record.inner("figures")),
    )


def _why_not(name: str, artifacts: Mapping[str, Path], config: DesignConfig) -> str:
    # Stage load is there for files that Keras 2 wrote, whose rung it is; others are integers.
    if name == "training" and config.model.file is not None and "load" not in artifacts:
        return "an imported integer graph has no training graph"
    if name in config.verify.rungs:
        return _NOT_REACHED
    return "not asked for in verify.rungs"


def _mismatch(record: Record) -> Difference:
    element = record.data.get("element")
    if not isinstance(element, list) or not all(isinstance(i, int) for i in element):
        raise record.wrong("element", "a list of whole numbers")
    return Difference(
        record.text("layer"),
        record.text("value"),
        record.integer("vector"),
        record.text("vector_class"),
        tuple(element),
        record.integer("expected"),
        record.integer("found"),
        record.integer("differing"),
    )


def _scalars(data: Mapping[str, Any]) -> tuple[tuple[str, int | float | str], ...]:
    plain = [(k, v) for k, v in data.items() if isinstance(v, int | float | str)]
    return tuple(sorted((k, v) for k, v in plain if not isinstance(v, bool)))


def _tests(figures: Record) -> tuple[BenchTest, ...]:
    rows = figures.rows("cocotb") if "cocotb" in figures.data else ()
    return tuple(BenchTest(r.text("test"), r.integer("vectors"), r.integer("cycles")) for r in rows)
