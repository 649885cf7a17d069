"""Which sources a stage's key covers."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hwflow.flow import DigestCache, SourceIndex
from hwflow.flow.sources import imports_of


@pytest.fixture
def package(tmp_path: Path) -> Path:
    files = {
        "pack/__init__.py": "",
        "pack/a.py": "from pack.sub import b\n",
        "pack/sub/__init__.py": "",
        "pack/sub/b.py": "def f():\n    from . import c\n",
        "pack/sub/c.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pack.d\n",
        "pack/sub/harness.cpp": "int main() {}",
        "pack/sub/cells/mult.v": "module",
        "pack/sub/README.md": "",
        "pack/d.py": "import numpy\n",
        "pack/flow/__init__.py": "import pack.d\n",
        "pack/e.py": "import pack.flow\nimport os.path\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def index(root: Path) -> SourceIndex:
    cache = DigestCache(root / "memory.json")
    return SourceIndex(cache, root, "pack", not_counted=("pack.flow",))


def test_imports_are_followed(package: Path) -> None:
    found = index(package).reached(["pack.a"])
    assert found == {"pack", "pack.a", "pack.sub", "pack.sub.b", "pack.sub.c"}
    assert index(package).reached(["pack.e", "numpy"]) == {"pack", "pack.e"}


def test_data_files_beside_count(package: Path) -> None:
    names = [p.relative_to(package).as_posix() for p in index(package).files(["pack.sub.c"])]
    assert names == [
        "pack/__init__.py",
        "pack/sub/__init__.py",
        "pack/sub/c.py",
        "pack/sub/cells/mult.v",
        "pack/sub/harness.cpp",
    ]


def test_a_change_of_a_reached_file_changes_the_digests(package: Path) -> None:
    before = index(package).digests(["pack.a"])
    (package / "pack" / "d.py").write_text("x = 1\n")
    assert index(package).digests(["pack.a"]) == before
    (package / "pack" / "sub" / "c.py").write_text("import pack.d\n")
    after = index(package).digests(["pack.a"])
    assert set(after) - set(before) == {"pack/d.py"}
    assert after["pack/sub/c.py"] != before["pack/sub/c.py"]


def test_relative_imports() -> None:
    names = imports_of(b"from .. import x\nfrom .y import z\n", "a.b")
    assert names == ["a", "a.b", "a.b.y", "a.b.y.z", "a.x"]


def test_our_own_package_is_quick_the_second_time(tmp_path: Path) -> None:
    cache = DigestCache(tmp_path / "memory.json")
    first = SourceIndex(cache).digests(["hwflow.tools"])
    assert "hwflow/tools/process.py" in first
    assert not [name for name in first if "errors" in name]
    cache.save()
    start = time.monotonic()
    assert SourceIndex(DigestCache(tmp_path / "memory.json")).digests(["hwflow.tools"]) == first
    assert time.monotonic() - start < 0.2
