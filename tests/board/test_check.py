"""hardware.board in design.yaml, and what it asks of the other keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwflow.board.check import check_board
from hwflow.config import DesignConfig, load_design
from hwflow.errors import ErrorList, InputError
from hwflow.ir import save_graph
from tests.cli.conftest import tiny_graph


def design(folder: Path, hardware: str) -> DesignConfig:
    save_graph(tiny_graph(), folder / "graph.hwf")
    (folder / "design.yaml").write_text(
        f"design: tiny\nmodel: {{file: graph.hwf}}\nhardware:\n{hardware}"
    )
    return load_design(folder / "design.yaml")


def test_all_fits(tmp_path: Path) -> None:
    config = design(tmp_path, "  board: icebreaker\n  target: ice40-up5k\n  clock: 12 MHz\n")
    assert check_board(config).name == "icebreaker"


def test_no_board_by_default(tmp_path: Path) -> None:
    assert design(tmp_path, "  clock: 12 MHz\n").hardware.board is None
    assert design(tmp_path, "  board: null\n").hardware.board is None


def test_unknown_board_at_its_place(tmp_path: Path) -> None:
    config = design(tmp_path, "  board: icebraker\n")
    with pytest.raises(InputError, match="unknown board 'icebraker'") as caught:
        check_board(config)
    assert caught.value.code == "board.unknown"
    assert caught.value.hint.startswith("did you mean 'icebreaker'?")
    assert caught.value.place is not None
    assert caught.value.place.line == 4


def test_everything_wrong_at_once(tmp_path: Path) -> None:
    config = design(tmp_path, "  board: icebreaker\n  interface: valid_only\n  clock: 25 ns\n")
    with pytest.raises(ErrorList) as caught:
        check_board(config)
    found = [(error.code, error.hint) for error in caught.value.errors]
    assert found == [
        ("board.target", "write target: ice40-up5k"),
        ("board.clock", "write clock: 12 MHz"),
        ("board.streams", "write interface: valid_ready"),
    ]
    assert [error.place.line for error in caught.value.errors if error.place] == [3, 6, 5]


def test_one_wrong(tmp_path: Path) -> None:
    config = design(tmp_path, "  board: icebreaker\n  target: ice40-hx8k\n  clock: 12 MHz\n")
    with pytest.raises(InputError) as caught:
        check_board(config)
    assert caught.value.code == "board.target"
    assert "found ice40-hx8k, expected ice40-up5k" in caught.value.message


def test_a_board_is_a_name(tmp_path: Path) -> None:
    with pytest.raises(ErrorList) as caught:
        design(tmp_path, "  board: ../secret\n")
    assert caught.value.code == "config.value"
