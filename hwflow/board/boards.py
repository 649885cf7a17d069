"""Boards: which pin is what, read strictly from `constraints/<board>.toml`."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hwflow.errors import InputError, InternalError
from hwflow.plan.targets import target

__all__ = ["CONSTRAINTS", "Board", "board", "board_file", "board_names", "parse_board", "pcf"]

CONSTRAINTS: Final = Path(__file__).resolve().parents[2] / "constraints"
"""Beside the package, like the testbenches."""

_SLOWEST_BIT: Final = 8
_LARGEST_ERROR: Final = 0.02
_SECTIONS: Final[dict[str, dict[str, type]]] = {
    "": {"title": str, "target": str, "package": str},
    "clock": {"pin": int, "hertz": int},
    "uart": {"rx": int, "tx": int, "baud": int},
    "leds": {"active_low": bool, "busy": int, "error": int},
}


@dataclass(frozen=True, slots=True)
class Board:
    """A board with one clock, a UART and two LEDs.

    `clock_hertz` is the oscillator's frequency; `baud` the UART's rate in bit/s; `high` are pins
    (name, number) that the design drives high.
    """

    name: str
    title: str
    target: str
    package: str
    clock_pin: int
    clock_hertz: int
    rx_pin: int
    tx_pin: int
    baud: int
    leds_active_low: bool
    busy_pin: int
    error_pin: int
    high: tuple[tuple[str, int], ...] = ()

    @property
    def clocks_per_bit(self) -> int:
        """Clock cycles per UART bit, rounded."""
        return (self.clock_hertz + self.baud // 2) // self.baud

    @property
    def baud_error(self) -> float:
        """Relative error of the UART's rate that comes from rounding."""
        return self.clock_hertz / self.clocks_per_bit / self.baud - 1

    @property
    def pins(self) -> tuple[tuple[str, int], ...]:
        """The board top's ports and their pins."""
        return (
            ("clk", self.clock_pin),
            ("uart_rx", self.rx_pin),
            ("uart_tx", self.tx_pin),
            ("led_busy", self.busy_pin),
            ("led_error", self.error_pin),
            *self.high,
        )


def board_names() -> tuple[str, ...]:
    """Names of all boards, sorted."""
    if not CONSTRAINTS.is_dir():
        raise InternalError("board.folder", "the folder constraints/ was not installed with hwflow")
    return tuple(sorted(path.stem for path in CONSTRAINTS.glob("*.toml")))


def board_file(name: str) -> Path:
    """The file that describes a board.

    Raises:
        InputError: `board.unknown`, with the nearest name.
    """
    names = board_names()
    if name in names:
        return CONSTRAINTS / f"{name}.toml"
    close = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)
    meant = f"did you mean {close[0]!r}? " if close else ""
    raise InputError(
        "board.unknown",
        f"unknown board {name!r}, expected one of: {', '.join(names)}",
        hint=f"{meant}for another board, write a file like those in constraints/",
    )


def board(name: str) -> Board:
    """The board called `name`.

    Raises:
        InputError: `board.unknown`, or `board.file` when its file is not as it must be.
    """
    path = board_file(name)
    return parse_board(name, path.read_text(encoding="utf-8"))


def parse_board(name: str, text: str) -> Board:
    """A board from the text of its file.

    Raises:
        InputError: `board.file`, `target.unknown`.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _wrong(name, f"no TOML: {error}", "TOML as in the other files") from None
    top = {key: value for key, value in raw.items() if not isinstance(value, dict)}
    tables = {key: value for key, value in raw.items() if isinstance(value, dict)}
    high = tables.pop("high", {})
    if set(tables) != set(_SECTIONS) - {""}:
        found = ", ".join(sorted(tables)) or "none"
        raise _wrong(name, f"the tables {found}", "clock, leds, uart and perhaps high")
    parts = {key: _section(name, key, table) for key, table in {"": top, **tables}.items()}
    clock, uart, leds = parts["clock"], parts["uart"], parts["leds"]
    made = Board(
        name=name,
        title=parts[""]["title"],
        target=parts[""]["target"],
        package=parts[""]["package"],
        clock_pin=clock["pin"],
        clock_hertz=clock["hertz"],
        rx_pin=uart["rx"],
        tx_pin=uart["tx"],
        baud=uart["baud"],
        leds_active_low=leds["active_low"],
        busy_pin=leds["busy"],
        error_pin=leds["error"],
        high=tuple((str(key), _pin(name, f"high.{key}", high[key])) for key in sorted(high)),
    )
    _check(made)
    return made


def pcf(board: Board) -> str:
    """The pin file for nextpnr."""
    lines = [f"# {board.title}, {board.target} {board.package}"]
    for port, pin in board.pins:
        # An open line must read as idle, or the bridge would see bytes that nobody sent.
        pull = "-pullup yes " if port == "uart_rx" else ""
        lines.append(f"set_io {pull}{port} {pin}")
    return "\n".join(lines) + "\n"


def _section(name: str, key: str, table: dict[str, Any]) -> dict[str, Any]:
    kinds = _SECTIONS[key]
    where = f"[{key}]" if key else "the head"
    if set(table) != set(kinds):
        found = ", ".join(sorted(table)) or "nothing"
        raise _wrong(name, f"{where} holding {found}", ", ".join(sorted(kinds)))
    for word, kind in kinds.items():
        if type(table[word]) is not kind:
            raise _wrong(name, f"{where} {word} = {table[word]!r}", f"a value of type {kind}")
    return table


def _pin(name: str, where: str, value: object) -> int:
    if type(value) is not int:
        raise _wrong(name, f"{where} = {value!r}", "a pin's number")
    return value


def _check(made: Board) -> None:
    device = target(made.target)
    if device.family != "ice40" or device.package != made.package:
        raise _wrong(
            made.name,
            f"{made.target} in package {made.package}",
            "an iCE40 target in its package",
        )
    numbers = [pin for _, pin in made.pins]
    ports = [port for port, _ in made.pins]
    if len(set(numbers)) != len(numbers) or len(set(ports)) != len(ports):
        raise _wrong(made.name, f"the pins {made.pins}", "each pin and each name once")
    if not all(port.isidentifier() for port in ports) or min(numbers) < 1:
        raise _wrong(made.name, f"the pins {made.pins}", "identifiers and pins from 1")
    if made.baud < 1 or made.clocks_per_bit < _SLOWEST_BIT:
        raise _wrong(
            made.name,
            f"{made.baud} baud at a clock of {made.clock_hertz} Hz",
            f"at least {_SLOWEST_BIT} clocks a bit",
        )
    if abs(made.baud_error) > _LARGEST_ERROR:
        raise _wrong(
            made.name,
            f"{made.baud} baud, off by {100 * made.baud_error:.1f}% at {made.clock_hertz} Hz",
            f"a rate off by at most {100 * _LARGEST_ERROR:g}%",
        )


def _wrong(name: str, found: str, expected: str) -> InputError:
    return InputError(
        "board.file",
        f"constraints/{name}.toml: found {found}, expected {expected}",
        hint="compare it with the other boards' files",
    )
