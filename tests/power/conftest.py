"""The real library that tests may use."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwflow.asic.liberty import Library, load_library


@pytest.fixture
def ihp(shared: Path) -> Library:
    return load_library(shared / "pdk/ihp-sg13g2/sg13g2_stdcell_typ_1p20V_25C.lib")
