"""Libraries for the tests: our own tiny one, and real ones where they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwflow.asic.libraries import KNOWN, installed
from tests.asic import samples

IHP = "pdk/ihp-sg13g2/sg13g2_stdcell_typ_1p20V_25C.lib"


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
        pytest.skip("needs the library osu018 (hwflow doctor --fix)")
    return found
