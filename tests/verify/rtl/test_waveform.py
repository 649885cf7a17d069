"""Waveforms of one vector and the settle table read from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwflow.errors import InputError
from hwflow.verify.rtl import build_replay, settle_cycles, trace, trace_vector
from tests.verify.rtl import designs
from tests.verify.rtl.designs import ADDER_TREE

pytestmark = pytest.mark.tool


def test_trace_and_settle(tmp_path: Path) -> None:
    values = designs.inputs(ADDER_TREE, 3)
    beats = designs.packed(ADDER_TREE.inputs, values)
    replay = build_replay(designs.rtl(ADDER_TREE), ADDER_TREE, tmp_path, trace=True)
    vcd = trace_vector(replay, ADDER_TREE, beats, 2)
    x = [int(v) for v in values["x"][2, :8]]
    total = sum(x)
    assert total != 0
    assert settle_cycles(
        vcd,
        {
            "sum_i.x3": x[3],
            "sum_i.a1": x[2] + x[3],
            "sum_i.b1": sum(x[4:]),
            "sum_i.out_data_o": total,
            "y_data_o": total,
            "sum_i.c0": total + 1,
        },
    ) == {
        "sum_i.x3": 0,
        "sum_i.a1": 1,
        "sum_i.b1": 2,
        "sum_i.out_data_o": 3,
        "y_data_o": 4,
        "sum_i.c0": None,
    }
    first = vcd.read_bytes()
    assert b"$date" not in first
    assert str(tmp_path).encode() not in first
    again = trace_vector(replay, ADDER_TREE, beats, 2)
    assert again.read_bytes() == first
    with pytest.raises(InputError, match="no_such") as caught:
        settle_cycles(vcd, {"no_such": 1})
    assert caught.value.code == "trace.signal"


def test_errors_before_any_tool(tmp_path: Path) -> None:
    beats = designs.packed(ADDER_TREE.inputs, designs.inputs(ADDER_TREE, 3))
    for index in (-1, 3):
        with pytest.raises(InputError) as caught:
            trace(designs.rtl(ADDER_TREE), ADDER_TREE, beats, index, tmp_path)
        assert caught.value.code == "trace.index"
    with pytest.raises(InputError) as caught:
        settle_cycles(tmp_path / "absent.vcd", {})
    assert caught.value.code == "trace.file"
