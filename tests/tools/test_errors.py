"""Errors as text, and an explanation for every code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import hwflow
from hwflow import errors
from hwflow.catalogue import CATALOGUE, explain
from hwflow.errors import CheckFailed, ErrorList, InputError, Place

PACKAGE = Path(hwflow.__file__).parent
CLASSES = {"HwflowError", "CheckFailed", "InputError", "ToolMissing", "ToolFailed"}
SLUG = re.compile(r"[a-z0-9]+(\.[a-z0-9-]+)+")
CLASSES |= {"InternalError", "DiskFull"}


def raised_codes() -> dict[str, str]:
    """Every literal code given to an error, and a place where."""
    codes: dict[str, str] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            name = node.func.id if isinstance(node.func, ast.Name) else name
            if name not in CLASSES and name != "fail":
                continue
            for part in ast.walk(node.args[0]):
                value = part.value if isinstance(part, ast.Constant) else None
                if isinstance(value, str) and SLUG.fullmatch(value):
                    codes[value] = f"{path.relative_to(PACKAGE)}:{node.lineno}"
    return codes


def test_every_code_is_explained() -> None:
    codes = raised_codes()
    assert len(codes) > 30
    missing = {code: place for code, place in codes.items() if code not in CATALOGUE}
    assert missing == {}


def test_explanations_are_complete() -> None:
    for code, text in CATALOGUE.items():
        assert code == code.lower()
        assert all(part.endswith(".") for part in (text.what, text.cause, text.action)), code


def test_explain() -> None:
    assert "lock" in explain("build.locked").action
    with pytest.raises(InputError, match=r"did you mean disk\.full"):
        explain("disk.ful")


def test_text_of_an_error() -> None:
    error = InputError("a.b", "found 1", hint="write 2", place=Place("d.yaml", 3, 4))
    assert str(error) == "d.yaml:3:4: error[a.b]: found 1\n  write 2"
    both = ErrorList([CheckFailed("c.d", "no"), error])
    assert both.exit_code == 1
    assert str(both) == f"error[c.d]: no\n{error}\n2 errors"


def test_exit_codes() -> None:
    names = ("CheckFailed", "InputError", "ToolMissing", "ToolFailed", "InternalError")
    assert [getattr(errors, name).exit_code for name in names] == [1, 2, 3, 4, 5]
