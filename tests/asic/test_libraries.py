"""Known libraries: found, fetched, missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwflow.asic.libraries import KNOWN, fetch, installed, library_file
from hwflow.errors import InputError, ToolFailed, ToolMissing
from tests.asic import samples

OSU = KNOWN[0]
APT = """echo "$@" > {log}
touch qflow_1.deb
"""
DPKG = """mkdir -p "$3/$(dirname {file})"
cp {library} "$3/{file}"
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Fake package tools on PATH and an empty cache; the package's folder is not looked at."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    monkeypatch.setenv("PATH", f"{bin_folder}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("hwflow.asic.libraries._ROOT", tmp_path / "root")
    return tmp_path


def program(machine: Path, name: str, script: str) -> None:
    path = machine / "bin" / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def test_fetched_into_the_cache(machine: Path) -> None:
    program(machine, "apt-get", APT.format(log=machine / "asked"))
    program(machine, "dpkg", DPKG.format(file=OSU.file, library=samples.write(machine)))
    with pytest.raises(ToolMissing, match="doctor --fix") as caught:
        library_file("osu018")
    assert caught.value.code == "library.missing"
    kept = fetch("osu018")
    assert kept == installed(OSU) == library_file("osu018")
    assert kept.is_relative_to(machine / "cache")
    assert (machine / "asked").read_text().split() == ["download", OSU.package]


def test_a_package_that_is_installed(machine: Path) -> None:
    place = machine / "root" / OSU.file
    place.parent.mkdir(parents=True)
    samples.write(place.parent, name=place.name)
    assert library_file("osu018") == place


def test_no_network(machine: Path) -> None:
    program(machine, "apt-get", "echo 'E: Unable to fetch' >&2; exit 100")
    with pytest.raises(ToolFailed, match="Unable to fetch"):
        fetch("osu018")
    assert installed(OSU) is None


def test_a_package_without_the_library(machine: Path) -> None:
    program(machine, "apt-get", APT.format(log=machine / "asked"))
    program(machine, "dpkg", "mkdir -p unpacked")
    with pytest.raises(ToolFailed) as caught:
        fetch("osu018")
    assert caught.value.code == "library.package"


def test_unknown() -> None:
    with pytest.raises(InputError, match="osu018") as caught:
        library_file("osu81")
    assert caught.value.code == "library.unknown"
