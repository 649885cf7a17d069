"""The example of docs/graph_api.md runs, and SEMANTICS.md names every operation and mode."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import hwflow.ir
from hwflow.ir import Overflow, Rounding
from hwflow.ir.ops import OPERATIONS

ROOT = Path(__file__).resolve().parents[2]


def test_the_example_runs_as_it_stands(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "graph_api.md").read_text()
    (example,) = re.findall(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    (tmp_path / "example.py").write_text(example)
    done = subprocess.run(
        [sys.executable, "example.py"], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "two_layers.hwf").is_file()


@pytest.mark.parametrize(
    "word",
    [op.name for op in OPERATIONS] + [m.value for m in (*Rounding, *Overflow)]
    + ["scan", "popcount", "and"],
)  # fmt: skip
def test_semantics_names(word: str) -> None:
    text = (Path(hwflow.ir.__file__).parent / "SEMANTICS.md").read_text()
    assert re.search(rf"`{word}[`(]", text)
