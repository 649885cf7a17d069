"""The hls4ml backend: types, refusals, and its compiled emulation against the integer graph."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import hwflow.ir
from hwflow.backends.hls4ml.hls import HlsReport, read_report
from hwflow.backends.hls4ml.jobs import Settings, write_project
from hwflow.backends.hls4ml.rewrite import rewrite
from hwflow.backends.hls4ml.translate import REFUSED, translate
from hwflow.backends.hls4ml.types import ApType, element_types, uniform_type
from hwflow.errors import InputError, ToolFailed
from hwflow.ir import GraphBuilder, IntType, Overflow, Rounding, TensorType, evaluate
from hwflow.ir.modes import AP_OVERFLOW, AP_ROUNDING
from hwflow.ir.ops import OPERATIONS, Compare, Const, Input, Requant, Select
from hwflow.ir.ops.round import overflowed, rounded
from tests.backends.hls4ml_nets import corners, every_layer, every_mode
from tests.backends.hls4ml_runs import differences

MODES = list(itertools.product(Rounding, Overflow))


def assigned(kind: ApType, codes: np.ndarray, frac: int) -> np.ndarray:
    """What assigning integers of binary point `frac` to an ap_fixed type gives."""
    top = (1 << kind.width - kind.signed) - 1
    whole = IntType(-top - 1 if kind.signed else 0, top)
    shift = np.asarray(frac - kind.frac)
    return overflowed(rounded(codes, shift, kind.rounding), whole, kind.overflow)


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(MODES),
    st.tuples(st.integers(-300, 300), st.integers(-300, 300)).map(sorted),
    st.tuples(st.integers(-40, 40), st.integers(-40, 40)).map(sorted),
    st.integers(-3, 6),
    st.integers(-3, 6),
)
@example((Rounding.FLOOR, Overflow.WRAP), [-9, 9], [0, 0], 2, 1)
def test_a_type_does_what_the_requantization_does(modes, reach, bounds, frac, target) -> None:
    operand = TensorType((1,), IntType(reach[0], reach[1], frac))
    op = Requant(IntType(bounds[0], bounds[1], target), *modes)
    kind = uniform_type(op, operand)
    codes = np.arange(reach[0], reach[1] + 1)
    types = (operand,)
    wanted = op.evaluate((codes[:, None],), types, op.infer(types)).ravel()
    if kind is not None:
        assert np.array_equal(assigned(kind, codes, frac), wanted)
    each = element_types(op, operand)
    if bounds == [0, 0]:
        assert each is not None
        assert each[0].width == 0
        assert not wanted.any()
        return
    assert (each is None) == (kind is None)
    if each is not None:
        assert np.array_equal(assigned(each[0], codes, frac), wanted)


@pytest.mark.parametrize("mode", MODES, ids=lambda m: f"{m[0].value}-{m[1].value}")
@pytest.mark.parametrize("signed", [True, False])
def test_whole_bits_are_always_expressible(mode, signed) -> None:
    operand = TensorType((3,), IntType.fixed(12, 6))
    assert uniform_type(Requant(IntType.fixed(5, 2, signed=signed), *mode), operand) is not None


def test_every_operation_is_translated_or_refused() -> None:
    from hwflow.backends.hls4ml.translate import _HANDLERS

    assert {*_HANDLERS, *REFUSED, Input, Const, Compare, Select} == set(OPERATIONS)
    assert not set(_HANDLERS) & set(REFUSED)


def test_the_table_of_semantics_is_the_one_used() -> None:
    page = (Path(hwflow.ir.__file__).parent / "SEMANTICS.md").read_text(encoding="utf-8")
    rows = {**AP_ROUNDING, **AP_OVERFLOW}
    assert len(rows) == len(Rounding) + len(Overflow)
    assert [m for m, name in rows.items() if f"| `{m.value}` | `AP_{name}` |" not in page] == []


def test_the_page_tells_of_every_operation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "hls4ml.md").read_text(encoding="utf-8")
    assert [op.name for op in OPERATIONS if f"`{op.name}`" not in page] == []


KINDS = ("ge", "gt", "le", "lt", "eq", "ne")


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.sampled_from(KINDS), st.booleans())
def test_comparisons_are_rewritten_exactly(seed: int, kind: str, live: bool) -> None:
    rng = np.random.default_rng(seed)
    fracs = rng.integers(-3, 4, (2, 3))
    b = GraphBuilder("choices")
    x = b.input("x", (2, 3), IntType(-9, 8, fracs))
    with b.layer("choose"):
        other = b.const(rng.integers(-9, 9, (3,)), frac=rng.integers(-3, 4, (3,)))
        y = b.mul(x, b.const([-1, 1, 2])) if live else other
        picked = b.select(b.compare(kind, x, y), x, y)
        levels = rng.integers(-9, 9, (rng.integers(1, 5), 2, 3))
        steps = b.threshold(b.add(x, other), levels, frac=int(rng.integers(-2, 3)))
    with b.layer("clip"):
        ends = np.sort(rng.integers(-30, 30, (2, 3)), axis=0)
        frac = rng.integers(-2, 3, (3,))
        mode = MODES[3 * rng.integers(0, 5) + rng.integers(1, 3)]
        ends[1] = np.maximum(ends[1], 0)
        clipped = b.requant(picked, IntType(ends[0], ends[1], frac), *mode)
    with b.layer("edge"):
        padded = b.pad(x, (1, 0), (0, 2), int(rng.integers(-20, 20)))
    graph = b.build({"picked": picked, "steps": steps, "clipped": clipped, "padded": padded})
    other_graph = rewrite(graph)
    assert not [n for n in other_graph.nodes if isinstance(n.op, Compare | Select)]
    given = {"x": rng.integers(-9, 9, (50, 2, 3))}
    wanted, found = evaluate(graph, given), evaluate(other_graph, given)
    for name, value in graph.outputs:
        assert np.array_equal(wanted[name], found[name])
        before, after = graph.types[value].elem, other_graph.types[value].elem
        assert np.array_equal(*np.broadcast_arrays(before.frac, after.frac))


def refused(build, *, stream: bool = False) -> InputError:
    b = GraphBuilder("no")
    x = b.input("x", (4, 4, 2), IntType.fixed(6, 2))
    with b.layer("here"):
        y = build(b, x)
    with pytest.raises(InputError) as caught:
        translate(b.build({"y": y}), stream=stream)
    assert caught.value.code == "hls4ml.layer"
    assert "layer " in caught.value.message
    assert caught.value.hint
    return caught.value


def test_refusals_say_what_is_not_there() -> None:
    assert "argmax" in refused(lambda b, x: b.argmax(x)).message
    assert (
        "constants"
        in refused(lambda b, x: b.matmul(x, b.param("w", (2, 3), IntType.fixed(4, 0)))).message
    )
    hundred = IntType(-100, 99)
    cast = refused(lambda b, x: b.requant(b.mul(x, b.const(99)), hundred, *MODES[0]))
    assert "wrap into [-100, 99]" in cast.message
    assert "leading" in refused(lambda b, x: b.pad(x, (0, 0, 1), (0, 0, 0))).message
    assert "crops" in refused(lambda b, x: b.slice(x, (0, 0, 1), (4, 4, 2), (1, 1, 1))).message
    assert (
        "one shape"
        in refused(lambda b, x: b.add(x, b.reshape(b.reduce_sum(x, (0, 1)), (2,)))).message
    )
    each = IntType(np.array([-4, -8]), np.array([3, 7]), 1)
    assert "one type" in refused(lambda b, x: b.requant(x, each, *MODES[1]), stream=True).message


def test_numbers_beyond_a_double_are_refused() -> None:
    error = refused(lambda b, x: b.mul(x, b.const((1 << 54) + 1)))
    assert "53 bits" in error.hint
    b = GraphBuilder("wide")
    x = b.input("x", (2,), IntType.fixed(60, 2))
    with b.layer("here"), pytest.raises(InputError, match="60 bits"):
        translate(b.build({"y": b.shift(x, 1)}))


def test_an_output_has_to_be_computed() -> None:
    assert "not computed" in refused(lambda b, x: b.reshape(x, (32,))).message


def test_what_follows_joins_the_product() -> None:
    b = GraphBuilder("joined")
    x = b.input("x", (4,), IntType.fixed(6, 2))
    with b.layer("dense"):
        total = b.sub(b.matmul(x, b.const(np.ones((4, 3), int), frac=1)), b.const([1, 2, 3]))
        y = b.requant(total, IntType.fixed(5, 1, signed=False), *MODES[1])
    made = translate(b.build({"y": y})).layers
    assert [layer.kind for layer in made] == ["Input", "Dense"]
    assert str(made[1].made) == "ufixed<5,4,TRN,SAT>"
    assert made[1].arrays["bias_data"].tolist() == [-1, -2, -3]


def test_a_graph_gives_the_same_files(tmp_path: Path) -> None:
    found = []
    for name in ("a", "b"):
        out, work = tmp_path / name / "out", tmp_path / name
        out.mkdir(parents=True)
        write_project(translate(every_layer(2)), Settings(part="xc7a35tcpg236-1"), out, work)
        files = {p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()}
        assert not [p for p, data in files.items() if str(tmp_path).encode() in data]
        found.append(files)
    assert found[0] == found[1]
    assert Path("firmware/layers_hls.cpp") in found[0]


REPORT = """<profile><UserAssignments><TargetClockPeriod>5.00</TargetClockPeriod></UserAssignments>
<PerformanceEstimates><SummaryOfTimingAnalysis><EstimatedClockPeriod>3.5</EstimatedClockPeriod>
</SummaryOfTimingAnalysis><SummaryOfOverallLatency><Worst-caseLatency>12</Worst-caseLatency>
<Interval-max>1</Interval-max></SummaryOfOverallLatency></PerformanceEstimates>
<AreaEstimates><Resources><BRAM_18K>2</BRAM_18K><DSP48E>7</DSP48E><FF>900</FF><LUT>1200</LUT>
</Resources></AreaEstimates></profile>"""


def test_the_report_of_an_hls_tool(tmp_path: Path) -> None:
    folder = tmp_path / "x_hls_prj" / "solution1" / "syn" / "report"
    folder.mkdir(parents=True)
    with pytest.raises(ToolFailed, match=r"hls\.report"):
        read_report(tmp_path, "x_hls")
    (folder / "x_hls_csynth.xml").write_text(REPORT)
    assert read_report(tmp_path, "x_hls") == HlsReport(12, 1, 3.5, 1200, 900, 7, 2)
    (folder / "x_hls_csynth.xml").write_text(REPORT.replace("LUT", "LAT"))
    with pytest.raises(ToolFailed, match="LUT"):
        read_report(tmp_path, "x_hls")


@pytest.mark.tool
def test_every_layer_is_equal(tmp_path: Path) -> None:
    assert differences(every_layer(1), tmp_path) == ([], 43)


@pytest.mark.tool
@pytest.mark.long
@pytest.mark.parametrize("stream", [False, True])
def test_corners_are_equal(tmp_path: Path, stream: bool) -> None:
    wrong, compared = differences(corners(stream=stream), tmp_path, Settings(stream=stream))
    assert wrong == []
    assert compared > 20


@pytest.mark.tool
@pytest.mark.long
@pytest.mark.parametrize("seed", [2, 3])
def test_every_mode_is_equal(tmp_path: Path, seed: int) -> None:
    assert differences(every_mode(seed), tmp_path) == ([], 60)


@pytest.mark.tool
@pytest.mark.long
@pytest.mark.parametrize("strategy", ["latency", "resource", "distributed_arithmetic"])
@pytest.mark.parametrize("stream", [False, True])
def test_every_setting_is_equal(tmp_path: Path, strategy: str, stream: bool) -> None:
    asked = Settings(stream=stream, strategy=strategy, reuse=4 if strategy == "resource" else 1)
    wrong, compared = differences(every_layer(4, stream=stream), tmp_path, asked)
    assert wrong == []
    assert compared > 25
