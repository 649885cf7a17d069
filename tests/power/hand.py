"""Energy by hand: a second, plain reading of a Liberty file, and the sums that it gives.

Nothing of `hwflow.asic` or `hwflow.power` is used: groups are found by their braces, conditions are
evaluated as Python, tables are interpolated one axis after the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

__all__ = ["Hand", "HandCell", "holds"]

States = Sequence[Mapping[str, int]]


def groups(text: str, kind: str) -> Iterator[tuple[str, str]]:
    """Name and body of every group `kind (name) { ... }`, nested ones too."""
    for match in re.finditer(rf"\b{kind}\s*\(([^)]*)\)\s*{{", text):
        depth, at = 1, match.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            at += 1
        yield match[1].strip().strip('"'), text[match.end() : at - 1]


def attribute(body: str, name: str) -> str | None:
    found = re.search(rf'(?<![\w]){name}\s*:\s*"?([^";\n]*)"?\s*;?', body)
    return found[1].strip() if found else None


def holds(condition: str | None, values: Mapping[str, int]) -> bool:
    if condition is None:
        return True
    words = {"!": " not ", "&": " and ", "*": " and ", "+": " or ", "|": " or ", "^": " != "}
    # Two operands side by side are an AND.
    plain = re.sub(r"(?<=[\w)])\s+(?=[\w(!])", "*", condition.strip())
    text = "".join(words.get(letter, letter) for letter in plain)
    return bool(eval(text, {}, {name: bool(value) for name, value in values.items()}))


def numbers(text: str) -> list[float]:
    return [float(word) for word in re.findall(r"-?[\d.]+(?:[eE][-+]?\d+)?", text)]


@dataclass(frozen=True)
class Hand:
    """A library: its text, and values in V, pF, ns; energies come out in fJ, leakage in nW."""

    text: str
    volts: float
    leakage: float
    templates: Mapping[str, str]

    @classmethod
    def of(cls, path: Path) -> Hand:
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL).replace("\\\n", " ")
        unit = attribute(text, "leakage_power_unit") or ""
        scale = {"p": 1e-3, "n": 1.0, "u": 1e3}[unit[-2]] * float(unit[:-2])
        templates = dict(groups(text, r"\w*template"))
        return cls(text, float(attribute(text, "nom_voltage") or 0), scale, templates)

    def cell(self, name: str) -> HandCell:
        (body,) = (body for found, body in groups(self.text, "cell") if found == name)
        return HandCell(self, body, dict(groups(body, "pin")))

    def table(self, body: str, kind: str, slew: float, load: float) -> float:
        """The table `kind` in a group, at a slew and a load."""
        found = next(groups(body, kind), None)
        if found is None:
            return 0.0
        template, inside = found
        shape = self.templates.get(template, "")
        axes = []
        for index in ("1", "2"):
            of = re.search(rf"index_{index}\s*\(([^)]*)\)", inside) or re.search(
                rf"index_{index}\s*\(([^)]*)\)", shape
            )
            if of:
                axes.append((attribute(shape, f"variable_{index}") or "", numbers(of[1])))
        values = re.search(r"values\s*\(([^)]*)\)", inside)
        assert values is not None
        rows = np.array(numbers(values[1])).reshape([len(points) for _, points in axes])
        for variable, points in axes:
            where = load if "capacitance" in variable else slew
            assert points[0] <= where <= points[-1]
            rows = np.array([np.interp(where, points, row) for row in np.moveaxis(rows, 0, -1)
                             .reshape(-1, len(points))]).reshape(rows.shape[1:])  # fmt: skip
        return float(rows.reshape(-1)[0])


@dataclass(frozen=True, eq=False)
class HandCell:
    library: Hand
    body: str
    pins: Mapping[str, str]

    def capacitance(self, pin: str) -> float:
        return float(attribute(self.pins[pin], "capacitance") or 0)

    def function(self, pin: str) -> str:
        return attribute(self.pins[pin], "function") or ""

    def internal(
        self, pin: str, cause: str, edge: str, values: Mapping[str, int], slew: float, load: float
    ) -> float:
        """fJ of one edge at `pin`, in the state `values`, from the entries that `cause` relates
        to ("": the pin's own); a condition that holds comes before an entry without one."""
        return self._internal(pin, cause, edge, tuple(sorted(values.items())), slew, load)

    @cache  # noqa: B019 - as long as the test session
    def _internal(
        self, pin: str, cause: str, edge: str, state: tuple[tuple[str, int], ...], slew: float,
        load: float,
    ) -> float:  # fmt: skip
        values = dict(state)
        own = [
            body
            for _, body in groups(self.pins[pin], "internal_power")
            if (attribute(body, "related_pin") or "") == cause
        ]
        plain = [body for body in own if attribute(body, "when") is None]
        chosen = [
            body for body in own
            if (when := attribute(body, "when")) is not None and holds(when, values)
        ] or plain  # fmt: skip
        if not chosen:
            return 0.0
        assert len(chosen) == 1
        return 1000 * self.library.table(chosen[0], f"{edge}_power", slew, load)

    def leakage(self, values: Mapping[str, int]) -> float:
        """nW in a state of all pins."""
        return self._leakage(tuple(sorted(values.items())))

    @cache  # noqa: B019 - as long as the test session
    def _leakage(self, state: tuple[tuple[str, int], ...]) -> float:
        values = dict(state)
        found = [body for _, body in groups(self.body, "leakage_power")]
        for body in found:
            when = attribute(body, "when")
            if when is not None and holds(when, values):
                return self.library.leakage * float(attribute(body, "value") or 0)
        rest = next((b for b in found if attribute(b, "when") is None), None)
        value = attribute(rest, "value") if rest else attribute(self.body, "cell_leakage_power")
        return self.library.leakage * float(value or 0)

    def transition(self, pin: str, edge: str, slew: float, load: float) -> float:
        """The slowest arc's output transition in ns."""
        arcs = [body for _, body in groups(self.pins[pin], "timing")]
        return max(self.library.table(arc, f"{edge}_transition", slew, load) for arc in arcs)
