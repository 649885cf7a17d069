"""Board files: the shipped ones, and everything that can be wrong in one."""

from __future__ import annotations

import pytest

from hwflow.board.boards import board, board_file, board_names, parse_board, pcf
from hwflow.catalogue import CATALOGUE
from hwflow.errors import InputError
from hwflow.plan.targets import target

GOOD = board_file("icebreaker").read_text(encoding="utf-8")


def test_icebreaker_pins() -> None:
    """Against the pin file of the board's own examples, typed in here by hand."""
    assert pcf(board("icebreaker")) == (
        "# iCEBreaker v1.0, ice40-up5k sg48\n"
        "set_io clk 35\n"
        "set_io -pullup yes uart_rx 6\n"
        "set_io uart_tx 9\n"
        "set_io led_busy 37\n"
        "set_io led_error 11\n"
    )


def test_upduino_keeps_the_flash_deselected() -> None:
    assert pcf(board("upduino3")).splitlines()[1:] == [
        "set_io clk 20",
        "set_io -pullup yes uart_rx 15",
        "set_io uart_tx 14",
        "set_io led_busy 39",
        "set_io led_error 41",
        "set_io flash_select 16",
    ]


@pytest.mark.parametrize("name", board_names())
def test_shipped_boards(name: str) -> None:
    found = board(name)
    assert found.package == target(found.target).package
    assert found.clocks_per_bit * found.baud == found.clock_hertz
    assert found.baud_error == 0
    text = board_file(name).read_text(encoding="utf-8")
    assert "github.com/" in text, "say where the pins come from"


def test_a_rate_that_does_not_divide() -> None:
    made = parse_board("slow", GOOD.replace("baud = 1_000_000", "baud = 115_200"))
    assert made.clocks_per_bit == 104
    assert made.baud_error == pytest.approx(12e6 / 104 / 115200 - 1)


def test_did_you_mean() -> None:
    with pytest.raises(InputError, match=r"icebreaker, upduino3") as caught:
        board("IceBraker")
    assert caught.value.code == "board.unknown"
    assert "did you mean 'icebreaker'?" in caught.value.hint


WRONG = {
    "not TOML": ("[clock]", "[clock", "no TOML"),
    "missing table": ("[leds]\nactive_low = true", "[uart2]\nactive_low = true", "the tables"),
    "missing key": ("rx = 6", "", "[uart] holding baud, tx"),
    "unknown key": ("rx = 6", "rx = 6\nrts = 7", "[uart] holding baud, rts, rx, tx"),
    "wrong type": ("rx = 6", 'rx = "6"', "[uart] rx = '6'"),
    "flag as number": ("active_low = true", "active_low = 1", "[leds] active_low = 1"),
    "number as flag": ("rx = 6", "rx = true", "[uart] rx = True"),
    "pin twice": ("rx = 6", "rx = 9", "each pin and each name once"),
    "pin 0": ("rx = 6", "rx = 0", "pins from 1"),
    "other package": ('"sg48"', '"uwg30"', "in package uwg30"),
    "not an iCE40": ('"ice40-up5k"', '"ecp5-25k"', "an iCE40 target"),
    "too fast": ("1_000_000", "3_000_000", "at least 8 clocks a bit"),
    "too inexact": ("1_000_000", "1_300_000", "off by"),
    "no rate": ("1_000_000", "0", "0 baud"),
    "high pin of another type": ("[uart]", '[high]\ncs = "16"\n[uart]', "high.cs = '16'"),
    "high pin under a port's name": ("[uart]", "[high]\nclk = 16\n[uart]", "each name once"),
    "high pin that is no name": ("[uart]", '[high]\n"a b" = 16\n[uart]', "identifiers"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_files(name: str) -> None:
    old, new, words = WRONG[name]
    assert GOOD.count(old) == 1 or name in ("other package", "not an iCE40")
    with pytest.raises(InputError) as caught:
        parse_board("mine", GOOD.replace(old, new))
    assert caught.value.code == "board.file"
    assert caught.value.code in CATALOGUE
    assert words in caught.value.message
    assert "constraints/mine.toml" in caught.value.message


def test_unknown_target() -> None:
    with pytest.raises(InputError) as caught:
        parse_board("mine", GOOD.replace('"ice40-up5k"', '"ice40-up6k"'))
    assert caught.value.code == "target.unknown"
