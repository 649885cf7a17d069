"""What every importer gives: an integer graph, and what ties it to the network it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hwflow.errors import ErrorList, HwflowError, InputError
from hwflow.ir import Graph
from hwflow.ir.exact import IntArray

__all__ = ["Finding", "Lowered", "Probe", "RefusedError"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one layer of a network, of class `kind`.

    `errors` are all reasons why it has no exact integer form. A layer that is not `reached` gets
    its input from a refused one: of it, only its own settings were looked at.
    """

    layer: str
    kind: str
    errors: tuple[HwflowError, ...] = ()
    reached: bool = True


class RefusedError(ErrorList, InputError):  # type: ignore[override]
    """Layers of a network have no exact integer form; every one of them is told.

    Attributes:
        findings: one for each layer of the network, in its order.
    """

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__([error for finding in findings for error in finding.errors])
        self.findings = tuple(findings)


@dataclass(frozen=True, slots=True)
class Probe:
    """A graph value whose real number must equal the output of a network's layer, bit for bit."""

    value: str
    layer: str


@dataclass(frozen=True, slots=True, eq=False)
class Lowered:
    """An integer graph and what ties it to the network it came from.

    Attributes:
        graph: the result, after `hwflow.passes.optimize`; its layers carry the (sanitised) names
            of compute, pooling and merge layers, its inputs and outputs those of the network.
        certificates: for each BatchNormalization chain (and binary or ternary activation), the
            thresholds with the float function's codes on both sides, and the form chosen.
        wide: layers in which float32 could round; the training rung runs them in float64.
        probes: values to compare with the network's layers. The real number is ``int * 2**-frac``
            with the value's `frac` in ``graph.types``.
        params: values of the weights that are loaded at run time.
    """

    graph: Graph
    certificates: tuple[Mapping[str, Any], ...] = ()
    wide: tuple[str, ...] = ()
    probes: tuple[Probe, ...] = ()
    params: Mapping[str, IntArray] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """The probes and wide layers, as JSON."""
        return {
            "probes": [{"layer": p.layer, "value": p.value} for p in self.probes],
            "wide": list(self.wide),
        }
