"""PyTorch networks through hls4ml twice, with 'Vitis' and 'hwflow': equal bit for bit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hwflow.tools import run
from tests.models.zoo import interpreter, missing
from tests.plugin.torch_networks import TORCH

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.long
@pytest.mark.tool
@pytest.mark.parametrize("name", TORCH)
def test_a_network_equals_the_emulation_and_so_does_its_rtl(name: str, tmp_path: Path) -> None:
    if missing("pytorch"):
        pytest.skip(missing("pytorch"))
    log = tmp_path / "log.txt"
    run(
        [str(interpreter("pytorch")), "-m", "tests.plugin.compare", name, str(tmp_path / "made"),
         "--vectors", "2000", "--rtl"],
        cwd=ROOT,
        log=log,
        timeout=600.0,
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        tool="python",
    )  # fmt: skip
    found = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
    assert found["predict_equal"] == found["rtl_equal"] == found["vectors"] == 2000
    assert found["layers_equal"] == found["layers"] > 0
    assert found["distinct"] > 100
