"""Projections against figures worked out by hand, and the published table's rows."""

from __future__ import annotations

import pytest

from hwflow.power.moves import move
from hwflow.power.scaling import MEASURED, Node, node_of, projections
from hwflow.report.published import PUBLISHED

LP65 = Node(65, 1.2)


def factors(origin: Node, gate: float) -> dict[str, tuple[float, float | None]]:
    return {p.method: (p.area, p.energy) for p in projections(origin, LP65, gate)}


def test_from_180_nm() -> None:
    """Classical 0.130 and 0.160; interpolated 0.059 and 0.058, less than half."""
    found = factors(Node(180, 1.8), 24.0)
    assert found["classical"] == pytest.approx((0.130, 0.160), abs=6e-4)
    assert found["measured libraries"] == pytest.approx((0.0593, 0.0579), abs=1e-4)
    assert found["gate equivalents"] == (pytest.approx(0.06), None)


def test_from_130_nm_at_the_same_voltage() -> None:
    found = factors(Node(130, 1.2), 7.2576)
    assert found["classical"] == (0.25, 0.5)
    assert found["measured libraries"] == pytest.approx((0.3286, 0.767), abs=1e-3)
    assert found["gate equivalents"] == (pytest.approx(1.44 / 7.2576), None)


def test_interpolation_meets_the_libraries() -> None:
    """From one measured library to another: the quotient of the two, at their own voltages."""
    goal, origin = MEASURED[0], MEASURED[2]
    (found,) = (
        p
        for p in projections(Node(origin.nm, origin.volts), Node(goal.nm, goal.volts), 1.0)
        if p.method == "measured libraries"
    )
    assert found.area == pytest.approx(goal.um2 / origin.um2)
    assert found.energy == pytest.approx(goal.milliwatts / origin.milliwatts)


def test_nothing_is_said_beyond_the_libraries() -> None:
    methods = [p.method for p in projections(Node(130, 1.2), Node(28, 0.9), 7.2576)]
    assert methods == ["classical", "gate equivalents"]


def test_libraries_known_by_name() -> None:
    assert node_of("sg13g2_stdcell_typ_1p20V_25C") == 130
    assert node_of("osu018_stdcells") == 180
    assert node_of("made_up") is None


def test_the_least_and_the_largest() -> None:
    found = move("wire", {"5 fF": 2.0, "0 fF": 1.0, "20 fF": 4.0})
    assert found == {"what": "wire", "low": 1.0, "at_low": "0 fF", "high": 4.0, "at_high": "20 fF"}


def test_every_published_row_says_what_it_is() -> None:
    assert len({row.name for row in PUBLISHED}) == len(PUBLISHED)
    for row in PUBLISHED:
        assert row.energy > 0
        assert row.scope in {"core", "chip", "board"}
        assert row.kind in {"simulated", "measured"}
        assert row.source
