"""The Liberty reader: what it reads from real libraries, and every broken file it refuses."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from hwflow.asic.liberty import Library, function_of, load_library
from hwflow.asic.liberty.syntax import MOST_DEPTH, parse
from hwflow.asic.power_data import without_power_data
from hwflow.errors import InputError
from tests.asic import samples

IHP = "pdk/ihp-sg13g2/sg13g2_stdcell_typ_1p20V_25C.lib"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return load_library(samples.write(tmp_path_factory.mktemp("library")))


def test_cells_and_units(tiny: Library) -> None:
    assert (tiny.name, tiny.voltage, tiny.temperature) == ("tiny", 1.5, 25.0)
    nand = tiny.cells["NAND2"]
    assert (nand.area, nand.inputs, nand.outputs, nand.leakage_nw) == (4.0, ("A", "B"), ("Y",), 0.5)
    assert nand.combinational
    assert nand.pins["A"].capacitance == 0.004
    assert nand.pins["Y"].max_transition == 2.0
    flip_flop = tiny.cells["DFF"]
    assert flip_flop.ff is not None
    assert not flip_flop.combinational
    assert (flip_flop.ff.clocked_on.text, flip_flop.ff.next_state.text) == ("CK", "D")
    assert flip_flop.pins["CK"].clock
    assert [arc.kind for arc in flip_flop.pins["D"].timing] == ["setup_rising", "hold_rising"]


def test_tables_have_one_order_of_axes_and_interpolate(tiny: Library) -> None:
    (arc, _) = tiny.cells["NAND2"].pins["Y"].timing
    delay = arc.cell_rise
    assert delay is not None
    assert delay.axes == ("slew", "load")  # the file has them the other way round
    assert delay.values.shape == (2, 3)
    for slew, load in itertools.product((0.0, 0.01, 0.3, 2.0), (0.001, 0.05, 0.4, 0.9)):
        assert float(delay.at(slew=slew, load=load)) == pytest.approx(0.02 + 0.1 * slew + 2 * load)
    loads = np.array([0.01, 0.2])
    assert delay.at(slew=0.5, load=loads) == pytest.approx(0.07 + 2 * loads)


def test_energy_is_in_femtojoules(tiny: Library) -> None:
    entry = tiny.cells["NAND2"].pins["Y"].internal_power[0]
    assert entry.related_pins == ("A",)
    assert entry.rise is not None
    # The unit of energy is pF V^2; the header says 1 pF and 1 V.
    assert float(entry.rise.at(slew=0.51)) == pytest.approx(10.1)
    (clock,) = tiny.cells["DFF"].pins["CK"].internal_power
    assert clock.related_pins == ()


def test_other_units(tmp_path: Path) -> None:
    header = samples.HEADER.replace('"1ns"', '"10ps"').replace("(1, pf)", "(1000, ff)")
    header = header.replace('leakage_power_unit : "1nW"', 'leakage_power_unit : "1pW"')
    found = load_library(samples.write(tmp_path, samples.library(header=header)))
    (arc, _) = found.cells["NAND2"].pins["Y"].timing
    assert arc.cell_rise is not None
    assert float(arc.cell_rise.at()) == pytest.approx(0.01 * (0.02 + 0.1 * 0.01 + 2 * 0.001))
    assert found.cells["NAND2"].pins["A"].capacitance == pytest.approx(0.004)
    assert found.cells["NAND2"].leakage_nw == pytest.approx(0.0005)


def test_without_a_unit_of_leakage_there_is_none(tmp_path: Path) -> None:
    header = samples.HEADER.replace('leakage_power_unit : "1nW";', "")
    found = load_library(samples.write(tmp_path, samples.library(header=header)))
    assert found.cells["INV"].leakage_nw is None
    assert set(without_power_data(found, found.cells)) == set(found.cells)


@pytest.mark.parametrize(
    ("text", "inputs", "table"),
    [
        ("A", ("A",), 0b10),
        ("!A'", ("A",), 0b10),
        ("(A & B)'", ("A", "B"), 0b0111),
        ("A B + C", ("A", "B", "C"), 0b11111000),
        ("A*B|!C", ("A", "B", "C"), 0b10001111),
        ("A ^ B & C", ("A", "B", "C"), 0b01100000),
        ("A + B ^ C", ("A", "B", "C"), 0b10111110 | 0b00101000),
        ("1", (), 1),
        ("0", (), 0),
        ("S1 (!A)", ("S1", "A"), 0b0010),
    ],
)
def test_expressions(text: str, inputs: tuple[str, ...], table: int) -> None:
    found = function_of(text)
    assert (found.inputs, found.table) == (inputs, table)
    rows = range(1 << len(inputs))
    values = [found.value({n: (r >> i) & 1 for i, n in enumerate(inputs)}) for r in rows]
    assert sum(v << r for r, v in enumerate(values)) == table


@pytest.mark.parametrize(
    "text", ["A &", "(A", "A)", "A ? B : C", "& A", "A ! ", " + ".join(f"x{i}" for i in range(13))]
)
def test_bad_expressions(text: str) -> None:
    with pytest.raises(ValueError, match="found"):
        function_of(text)


def _edited(old: str, new: str) -> str:
    text = samples.library()
    assert old in text
    return text.replace(old, new, 1)


BROKEN = {
    "empty": ("", "liberty.syntax", "the file is empty"),
    "no library": ("cell (a) { area : 1; }", "liberty.syntax", "expected library"),
    "cut short": (samples.library().rpartition("cell (DFF)")[0], "liberty.syntax", "the end"),
    "two libraries": (samples.library() * 2, "liberty.syntax", "nothing else"),
    "open quote": (_edited('"1ns";', '"1ns;'), "liberty.syntax", "found"),
    "too deep": ("library (a) {" + "b () {" * 50, "liberty.syntax", f"deeper than {MOST_DEPTH}"),
    "no time unit": (_edited('time_unit : "1ns";', ""), "liberty.unit", "time_unit"),
    "strange unit": (_edited('"1ns"', '"1 fortnight"'), "liberty.unit", "time_unit"),
    "no load unit": (_edited("capacitive_load_unit (1, pf);", ""), "liberty.unit", "capacitive"),
    "wrong load unit": (_edited("(1, pf)", "(1, ff)"), "liberty.unit", "typical input pin"),
    "wrong time unit": (_edited('"1ns"', '"1ps"'), "liberty.unit", "typical delay is .* ns"),
    "slow time unit": (_edited('"1ns"', '"1us"'), "liberty.unit", "correct time_unit"),
    "wrong energies": (
        _edited("nom_voltage : 1.5", "nom_voltage : 15").replace("(1, pf)", "(10, pf)"),
        "liberty.unit",
        "typical internal energy is .* fJ",
    ),
    "no voltage": (_edited("nom_voltage : 1.5;", ""), "liberty.unit", "supply"),
    "delay model": (_edited("table_lookup", "polynomial"), "liberty.table", "polynomial"),
    "no area": (_edited("area : 4;", ""), "liberty.cell", "NAND2"),
    "area no number": (_edited("area : 4;", "area : big;"), "liberty.number", "big"),
    "infinite area": (_edited("area : 4;", "area : 1e999;"), "liberty.number", "1e999"),
    "no direction": (_edited("direction : output;", ""), "liberty.cell", "direction"),
    "negative load": (_edited("0.004", "-0.004"), "liberty.number", "at least 0"),
    "function": (_edited("!(A & B)", "!(A & B"), "liberty.function", "parenthesis"),
    "no clock": (_edited('clocked_on : "CK";', ""), "liberty.cell", "clocked_on"),
    "no template": (_edited("cell_rise (delay)", "cell_rise (none)"), "liberty.table", "none"),
    "values": (_edited('("0.0051, 0.0151")', '("0.0051")'), "liberty.table", "found 1 values"),
    "axis": (_edited('index_2 ("0.01, 1.01")', 'index_2 ("1, 1")'), "liberty.table", "increase"),
    "twice": (samples.library((*samples.CELLS, samples.CELLS[0])), "liberty.cell", "twice"),
    "binary": ("\0" * 100, "liberty.read", "binary"),
}  # fmt: skip


@pytest.mark.parametrize("case", list(BROKEN))
def test_broken_files_are_refused_with_their_place(case: str, tmp_path: Path) -> None:
    text, code, words = BROKEN[case]
    path = tmp_path / "broken.lib"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words) as caught:
        load_library(path)
    assert caught.value.code == code
    assert caught.value.place is not None
    assert caught.value.place.file == "broken.lib"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file") as caught:
        load_library(tmp_path / "none.lib")
    assert caught.value.code == "liberty.read"


def test_forgotten_semicolons_and_comments() -> None:
    group = parse("library (x) { /* c */ a : 1 \n b : two words ; \n // c\n v (1, \\\n 2) }", "x")
    assert group.attributes == {"a": "1", "b": "two words"}
    assert group.lists == {"v": [("1", "2")]}


def test_every_prefix_of_a_library_is_refused_or_read(tmp_path: Path) -> None:
    """A cut file never crashes the reader."""
    text = samples.library()
    for end in range(0, len(text) - 2, 97):
        path = samples.write(tmp_path, text[: end or 1])
        with pytest.raises(InputError):
            load_library(path)


def test_ihp_library(shared: Path) -> None:
    found = load_library(shared / IHP)
    assert (found.voltage, found.temperature, len(found.cells)) == (1.2, 25.0, 84)
    nand = found.cells["sg13g2_nand2_1"]
    assert (nand.area, nand.combinational) == (7.2576, True)
    assert nand.pins["Y"].function == function_of("!(A*B)")
    register = found.cells["sg13g2_dfrbpq_1"]
    assert register.ff is not None
    assert register.ff.clear is not None
    assert register.ff.clear.inputs == ("RESET_B",)
    clock = {e.when.text: e for e in register.pins["CLK"].internal_power if e.when is not None}
    fall = clock["(!D * RESET_B * Q)"].fall
    assert fall is not None
    assert float(fall.at(slew=0.0186)) == pytest.approx(35.0379)  # fJ
    assert len(register.leakage) == 12
    assert register.leakage[0].nw == pytest.approx(0.444565)
    gate = found.cells["sg13g2_lgcp_1"]
    assert (gate.clock_gate, gate.unread) == ("latch_posedge", ("statetable",))


def test_sram_library(shared: Path) -> None:
    """A macro's buses are not read, and it says so."""
    path = shared / "pdk/ihp-sg13g2/RM_IHPSG13_1P_256x64_c2_bm_bist_typ_1p20V_25C.lib"
    (macro,) = load_library(path).cells.values()
    assert "bus" in macro.unread
    assert not macro.combinational
