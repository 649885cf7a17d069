"""Cells by role, and libraries that lack one."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwflow.asic.delays import FAN_OUT, library_delays
from hwflow.asic.kit import FullAdder, Kit, Tie, check_cells, kit_of
from hwflow.asic.liberty import Library, load_library
from hwflow.asic.power_data import without_power_data
from hwflow.asic.wires import wire_pf
from hwflow.errors import InputError
from hwflow.plan.asic import asic_target
from tests.asic import samples

CELLS = {text.split("(")[1].split(")")[0]: text for text in samples.CELLS}


def load(folder: Path, *cells: str) -> Library:
    return load_library(samples.write(folder, samples.library(cells)))


def without(*names: str) -> tuple[str, ...]:
    return tuple(text for name, text in CELLS.items() if name not in names)


def test_roles(tiny_library: Path) -> None:
    kit = kit_of(load_library(tiny_library))
    assert kit == Kit(
        gate="NAND2",
        gate_area=4.0,
        inverter="INV",
        full_adder=None,
        flip_flop="DFF",
        buffers=("BUF",),
        tie_low=Tie("TIE0", "Y"),
        tie_high=Tie("TIE1", "Y"),
        clock_gate=None,
        latch=None,
        unused=(),
    )
    assert kit.equivalents(10) == 2.5


def test_cells_are_found_by_what_they_do_and_dont_use_is_kept(tmp_path: Path) -> None:
    larger = samples.cell("AAA", 9, "(!A) | (!B)")
    banned = samples.cell("CHEAP", 1, "!(A B)").replace("area", "dont_use : true; area")
    latch = samples.flip_flop("LAT").replace("ff (", "latch (")
    latch = latch.replace("clocked_on", "enable").replace("next_state", "data_in")
    slow = samples.cell("DELAY", 30, "A", "A")
    strong = samples.cell("BUF9", 5, "A", "A").replace(
        "max_capacitance : 0.4", "max_capacitance : 2"
    )
    kit = kit_of(load(tmp_path, *CELLS.values(), larger, banned, latch, slow, strong))
    assert kit.gate == "NAND2"
    assert kit.unused == ("CHEAP", "LAT")
    assert kit.buffers == ("BUF", "BUF9")  # the delay cell is larger than what drives as much


def test_cells_to_avoid(tiny_library: Path) -> None:
    """The unit of gate equivalents stays; what must be there may not all be avoided."""
    library = load_library(tiny_library)
    kit = kit_of(library, ("NAND2", "TIE1"))
    assert (kit.gate, kit.tie_high, kit.unused) == ("NAND2", None, ("NAND2", "TIE1"))
    with pytest.raises(InputError) as caught:
        kit_of(library, ("DFF",))
    assert caught.value.code == "library.no-flip-flop"
    with pytest.raises(InputError, match="no buffer"):
        kit_of(library, ("BUF",))
    check_cells(library, ("NAND2",))
    with pytest.raises(InputError) as caught:
        check_cells(library, ("NAND3",))
    assert caught.value.code == "library.cell"
    assert "did you mean 'NAND2'" in caught.value.hint


def test_names_that_scripts_cannot_hold_are_not_used(tmp_path: Path) -> None:
    evil = CELLS["NAND2"].replace("cell (NAND2)", 'cell ("N; exec rm")').replace("4;", "1;", 1)
    kit = kit_of(load(tmp_path, *CELLS.values(), evil))
    assert (kit.gate, kit.unused) == ("NAND2", ("N; exec rm",))


@pytest.mark.parametrize(
    ("cells", "code", "words"),
    [
        (without("DFF"), "library.no-flip-flop", "no rising-edge flip-flop"),
        (without("NAND2"), "library.no-gate", "NAND"),
        (without("INV"), "library.no-gate", "inverter"),
        ((*without("NAND2"), samples.cell("NAND2", 0, "!(A&B)")), "library.area", "NAND2"),
    ],
)
def test_libraries_without_what_is_needed(
    cells: tuple[str, ...], code: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=words) as caught:
        kit_of(load(tmp_path, *cells))
    assert caught.value.code == code


def test_falling_edge_flip_flops_do_not_count(tmp_path: Path) -> None:
    falling = samples.flip_flop().replace('clocked_on : "CK"', 'clocked_on : "!CK"')
    with pytest.raises(InputError, match="rising-edge"):
        kit_of(load(tmp_path, *without("DFF"), falling))


def test_no_tie_cells_and_no_buffers(tmp_path: Path) -> None:
    kit = kit_of(load(tmp_path, *without("TIE0", "TIE1", "BUF")))
    assert (kit.tie_low, kit.tie_high, kit.buffers) == (None, None, ())


def test_delays_follow_from_the_tables(tiny_library: Path) -> None:
    library = load_library(tiny_library)
    kit = kit_of(library)
    load_pf = FAN_OUT * 0.004
    slew = 0.01 + 3 * load_pf
    found = library_delays(library, kit)
    assert found.gate == pytest.approx(0.02 + 0.1 * slew + 2 * load_pf, abs=1e-4)
    assert found.register == pytest.approx(found.gate + 0.05, abs=1e-4)
    target = asic_target(found)
    assert (target.name, target.resources) == ("asic", None)
    assert target.delay.clock_overhead > found.register
    assert wire_pf(library, kit) == pytest.approx(0.008)


def test_a_library_without_timing(tmp_path: Path) -> None:
    bare = CELLS["NAND2"].partition("timing ()")[0] + "}\n}\n"
    library = load(tmp_path, *without("NAND2"), bare)
    with pytest.raises(InputError, match="NAND2") as caught:
        library_delays(library, kit_of(library))
    assert caught.value.code == "library.no-timing"


def test_a_library_without_power_tables_is_read(tmp_path: Path) -> None:
    bare = samples.cell("NAND2", 4, "!(A & B)", power=False)
    library = load(tmp_path, *without("NAND2"), bare)
    assert library.cells["NAND2"].pins["Y"].internal_power == ()
    kit_of(library)
    assert without_power_data(library, library.cells) == ("NAND2",)


@pytest.mark.parametrize("real_library", ["sg13g2", "osu018"], indirect=True)
def test_real_libraries(real_library: Path) -> None:
    library = load_library(real_library)
    kit = kit_of(library)
    assert without_power_data(library, set(library.cells) - set(kit.unused)) == ()
    ties = (kit.tie_low, kit.tie_high)
    known = {
        "sg13g2_nand2_1": ("sg13g2_dfrbpq_1", 7.2576, False, None),
        "NAND2X1": ("DFFPOSX1", 24.0, True, FullAdder("FAX1", ("A", "B", "C"), "YS", "YC")),
    }
    found = kit.flip_flop, kit.gate_area, ties == (None, None), kit.full_adder
    assert known[kit.gate] == found
    assert 0.05 < library_delays(library, kit).gate < 0.2
