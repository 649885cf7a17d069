"""The figures a design must keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hwflow.config import Limit
from hwflow.errors import CheckFailed, ErrorList, InputError
from hwflow.report.figures import NAMES, Figure, near, show
from hwflow.report.metrics import Metrics

__all__ = ["Judgement", "check_limits", "check_names", "judge"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A limit and the figure it bounds; None where that is not known."""

    limit: Limit
    figure: Figure | None
    why_missing: str

    @property
    def holds(self) -> bool:
        """Whether the figure is known and within its bounds."""
        if self.figure is None:
            return False
        low, high, value = self.limit.min, self.limit.max, self.figure.value
        return (low is None or value >= low) and (high is None or value <= high)

    @property
    def bounds(self) -> str:
        """The bounds in words."""
        low, high = self.limit.min, self.limit.max
        parts = [f"at least {show(low)}" if low is not None else ""]
        parts.append(f"at most {show(high)}" if high is not None else "")
        return " and ".join(part for part in parts if part)

    @property
    def found(self) -> str:
        """The value in words."""
        if self.figure is None:
            return self.why_missing
        return f"{self.figure.value} {self.figure.unit} ({self.figure.kind})"


def check_names(limits: Sequence[Limit]) -> None:
    """Refuse limits on metrics that do not exist; needs no figures.

    Raises:
        InputError: "limit.unknown" with the nearest name (ErrorList where there are several).
    """
    errors = [
        InputError(
            "limit.unknown",
            f"no metric is called {limit.metric!r}",
            hint=near(limit.metric),
            place=limit.place,
        )
        for limit in limits
        if not _known(limit.metric)
    ]
    if errors:
        raise errors[0] if len(errors) == 1 else ErrorList(errors)


def _known(name: str) -> bool:
    plain, slash, _ = name.partition("/")
    entry = NAMES.get(plain)
    return entry is not None and (entry.layers if slash else entry.design)


def judge(metrics: Metrics, limits: Sequence[Limit]) -> tuple[Judgement, ...]:
    """Each limit beside its figure."""
    return tuple(
        Judgement(limit, metrics.figure(limit.metric), metrics.why_missing(limit.metric))
        for limit in limits
    )


def check_limits(metrics: Metrics, limits: Sequence[Limit]) -> None:
    """Hold the figures against the limits; a figure that is not known does not hold.

    Raises:
        InputError: "limit.unknown".
        CheckFailed: "limit.failed", naming each metric, its bound, its value and its place.
    """
    check_names(limits)
    broken = [entry for entry in judge(metrics, limits) if not entry.holds]
    if not broken:
        return
    lines = [
        f"{entry.limit.metric}: expected {entry.bounds}, found {entry.found}"
        + (f" ({entry.limit.place})" if len(broken) > 1 else "")
        for entry in broken
    ]
    raise CheckFailed(
        "limit.failed",
        "\n  ".join([f"{len(broken)} limits do not hold", *lines]) if len(broken) > 1 else lines[0],
        hint="the report shows where each figure comes from; a limit is loosened in its file",
        place=broken[0].limit.place,
    )
