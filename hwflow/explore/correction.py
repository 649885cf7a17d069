"""What earlier syntheses say of the estimates: factors by kind of layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Literal

from hwflow.plan.folding import Candidate, Cost, Folding, Multiplier

__all__ = ["KINDS", "NO_CORRECTION", "Correction", "Kind", "Seen", "kind_of", "learned"]

Kind = Literal["constant", "mac-lut", "mac-dsp", "mac-serial"]
KINDS: tuple[Kind, ...] = ("constant", "mac-lut", "mac-dsp", "mac-serial")
_WIDEST = 4.0
"""Factors stay within this and its inverse: beyond it something else is wrong."""


def kind_of(folding: Folding) -> Kind:
    """Which estimate a folding's LUTs come from."""
    if not folding.folded:
        return "constant"
    kinds: dict[Multiplier, Kind] = {"lut": "mac-lut", "dsp": "mac-dsp", "serial": "mac-serial"}
    return kinds[folding.multiplier]


@dataclass(frozen=True, slots=True)
class Seen:
    """A layer that was planned and then synthesized: its kind and LUTs."""

    kind: Kind
    planned: int
    counted: int


@dataclass(frozen=True, slots=True)
class Correction:
    """Factors on estimated LUTs by kind, each learned from `layers` of that kind."""

    factors: Mapping[Kind, float] = field(default_factory=dict)
    layers: Mapping[Kind, int] = field(default_factory=dict)

    def of(self, candidate: Candidate) -> Candidate:
        """`candidate` with its LUTs corrected."""
        return replace(candidate, cost=self.of_cost(candidate.folding, candidate.cost))

    def of_cost(self, folding: Folding, cost: Cost) -> Cost:
        """The cost of a layer of that folding with its LUTs corrected."""
        factor = self.factors.get(kind_of(folding))
        return cost if factor is None else replace(cost, luts=max(1, round(cost.luts * factor)))

    def as_json(self) -> dict[str, dict[str, float | int]]:
        """Plain data for plan.json, kinds in order."""
        return {
            kind: {"factor": self.factors[kind], "layers": self.layers[kind]}
            for kind in KINDS
            if kind in self.factors
        }


NO_CORRECTION = Correction()


def learned(seen: Sequence[Seen]) -> Correction:
    """The median of counted over planned LUTs of each kind; kinds never seen stay as they are."""
    ratios: dict[Kind, list[float]] = {}
    for layer in seen:
        if layer.planned > 0 and layer.counted > 0:
            ratios.setdefault(layer.kind, []).append(layer.counted / layer.planned)
    return Correction(
        {k: round(min(max(median(r), 1 / _WIDEST), _WIDEST), 3) for k, r in ratios.items()},
        {k: len(r) for k, r in ratios.items()},
    )
