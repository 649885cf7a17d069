"""What `hardware.board` asks of the rest of a design; light, so that it is told at once."""

from __future__ import annotations

from fractions import Fraction

from hwflow.board.boards import Board, board
from hwflow.config import DesignConfig
from hwflow.errors import ErrorList, HwflowError, InputError

__all__ = ["check_board"]


def check_board(config: DesignConfig) -> Board:
    """The board of a design that names one.

    Raises:
        InputError: `board.unknown`, `board.target`, `board.clock`, `board.streams`; ErrorList when
            several are wrong.
    """
    hardware = config.hardware
    assert hardware.board is not None
    try:
        found = board(hardware.board)
    except InputError as error:
        error.place = config.place("hardware.board")
        raise
    errors: list[HwflowError] = []

    def expect(key: str, code: str, value: str, wanted: str, why: str) -> None:
        errors.append(
            InputError(
                code,
                f"hardware.{key}: found {value}, expected {wanted}: {why}",
                hint=f"write {key}: {wanted}",
                place=config.place(f"hardware.{key}"),
            )
        )

    if hardware.target != found.target:
        why = f"the board {found.name} carries an {found.target}"
        expect("target", "board.target", hardware.target, found.target, why)
    if hardware.clock != found.clock_hertz:
        why = f"the oscillator of the board {found.name}"
        expect("clock", "board.clock", _mhz(hardware.clock), _mhz(found.clock_hertz), why)
    if hardware.interface == "valid_only":
        why = "a UART is slower than the design and must hold it back"
        expect("interface", "board.streams", "valid_only", "valid_ready", why)
    if len(errors) > 1:
        raise ErrorList(errors)
    if errors:
        raise errors[0]
    return found


def _mhz(hertz: Fraction | int) -> str:
    return f"{float(hertz) / 1e6:.6g} MHz"
