"""Shared fixtures: the read-only reference material, and golden files."""

from __future__ import annotations

import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from hwflow.asic.libraries import KNOWN, installed
from tests.asic import samples

# A shell that starts the tests in the background lets them inherit an ignored SIGINT, and so would
# every program they start: the tests of Ctrl-C need the usual handling.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parents[1]
IHP = "pdk/ihp-sg13g2/sg13g2_stdcell_typ_1p20V_25C.lib"
_ABSENT = "absent"
"""The property of a skipped test's report that names what it lacks."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite golden files instead of comparing"
    )


@pytest.fixture
def shared(request: pytest.FixtureRequest) -> Path:
    """The folder of reference material; a CI run without it fails, others skip and say so."""
    folder = Path(os.environ.get("HWFLOW_SHARED") or ROOT.parent / "shared")
    if folder.is_dir():
        return folder
    message = f"needs the reference material in {folder} (set HWFLOW_SHARED)"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    _skip(request, "the reference material (HWFLOW_SHARED)", message)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """check(name, text): text equals the file golden/<name> beside the test, to the byte."""
    folder = request.path.parent / "golden"
    update = bool(request.config.getoption("--update-golden"))

    def check(name: str, text: str) -> None:
        path = folder / name
        if update:
            folder.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"no golden file {path}: run pytest --update-golden"
        assert text == path.read_text(encoding="utf-8")

    return check


@pytest.fixture
def tiny_library(tmp_path: Path) -> Path:
    """The sample library as a file."""
    return samples.write(tmp_path)


@pytest.fixture
def real_library(request: pytest.FixtureRequest) -> Path:
    """The Liberty file of `request.param`: "sg13g2" or "osu018"."""
    if request.param == "sg13g2":
        shared: Path = request.getfixturevalue("shared")
        return shared / IHP
    found = installed(KNOWN[0])
    if found is None:
        _skip(request, "the library osu018", "needs the library osu018 (hwflow doctor --fix)")
    return found


@pytest.fixture
def opensta(request: pytest.FixtureRequest) -> None:
    """The test needs OpenSTA, which is no requirement of hwflow: skipped and counted without."""
    if shutil.which("sta") is None:
        _skip(request, "OpenSTA", "needs OpenSTA (apt-get install opensta)")


def _skip(request: pytest.FixtureRequest, absent: str, message: str) -> NoReturn:
    request.node.user_properties.append((_ABSENT, absent))
    pytest.skip(message)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    lacks = [value for r in skipped for name, value in r.user_properties if name == _ABSENT]
    for absent, count in sorted(Counter(lacks).items()):
        terminalreporter.write_line(f"{count} tests SKIPPED: {absent} is absent", yellow=True)
