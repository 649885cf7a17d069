"""Limits: kept, broken, unknown and not run."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwflow.config import Limit
from hwflow.errors import CheckFailed, ErrorList, InputError, Place
from hwflow.report import check_limits, check_names, collect
from tests.report.samples import design, sample


def limit(metric: str, low: float | None = None, high: float | None = None) -> Limit:
    return Limit(metric, low, high, Place("limits.yaml", 3, 1))


def test_limits_of_the_file_hold(tmp_path: Path) -> None:
    config = design(
        tmp_path, "limits: {lut: {max: 81}, accuracy: {min: 0.95, max: 1}, lut/logits: {min: 30}}\n"
    )
    check_limits(collect(sample(tmp_path / "build"), config), config.limits)


def test_a_broken_limit_names_metric_bound_value_and_place(tmp_path: Path) -> None:
    config = design(tmp_path, "limits:\n  lut: {max: 80}\n")
    with pytest.raises(CheckFailed) as error:
        check_limits(collect(sample(tmp_path / "build"), config), config.limits)
    assert error.value.code == "limit.failed"
    assert error.value.message == "lut: expected at most 80, found 81 LUT (counted)"
    assert (error.value.place.line, error.value.place.column) == (6, 3)  # type: ignore[union-attr]


def test_all_broken_limits_are_named_at_once(tmp_path: Path) -> None:
    metrics = collect(sample(tmp_path / "build"), design(tmp_path))
    broken = [limit("accuracy", low=0.96), limit("lut", high=1e6), limit("lut/hidden", 50, 60)]
    with pytest.raises(CheckFailed) as error:
        check_limits(metrics, broken)
    text = error.value.message
    assert "2 limits do not hold" in text
    assert "accuracy: expected at least 0.96, found 0.95 fraction (measured) (limits.y" in text
    assert "lut/hidden: expected at least 50 and at most 60, found 46 LUT (counted)" in text


@pytest.mark.parametrize(
    ("metric", "why"),
    [
        ("fmax_routed_mhz", "not run: synth.place_and_route is off"),
        ("lut/conv", "there is no layer 'conv'"),
    ],
)
def test_a_figure_that_is_not_there_does_not_hold(tmp_path: Path, metric: str, why: str) -> None:
    found = sample(tmp_path / "build")
    del found["pnr"]
    with pytest.raises(CheckFailed) as error:
        check_limits(collect(found, design(tmp_path)), [limit(metric, low=0)])
    assert why in error.value.message


@pytest.mark.parametrize(
    ("metric", "hint"),
    [
        ("luts", "did you mean 'lut'?"),
        ("synth.lut", "did you mean 'lut'?"),
        ("acuracy", "did you mean 'accuracy'?"),
        ("throughput/hidden", "did you mean 'throughput'?"),
        ("width_in", "did you mean 'width_in'?"),
        ("zzz", "expected one of: rungs_compared, "),
    ],
)
def test_an_unknown_metric(metric: str, hint: str) -> None:
    with pytest.raises(InputError) as error:
        check_names([limit(metric, high=1)])
    assert error.value.code == "limit.unknown"
    assert error.value.hint.startswith(hint)
    assert error.value.place == Place("limits.yaml", 3, 1)


def test_several_unknown_metrics(tmp_path: Path) -> None:
    metrics = collect({}, design(tmp_path))
    with pytest.raises(ErrorList) as error:
        check_limits(metrics, [limit("a", 1), limit("lut", 1), limit("b", 1)])
    assert [e.code for e in error.value.errors] == ["limit.unknown"] * 2
    assert error.value.exit_code == 2
