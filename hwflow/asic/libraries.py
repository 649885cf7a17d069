"""Libraries known by name: where they are found on this machine, and how they come there."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hwflow.errors import InputError, ToolFailed, ToolMissing
from hwflow.tools import find, run

__all__ = ["KNOWN", "Known", "fetch", "installed", "library_file"]

_SECONDS: Final = 300.0
_ROOT: Final = Path("/")


@dataclass(frozen=True, slots=True)
class Known:
    """A library that comes in a Debian package; `file` is its Liberty file inside of it."""

    name: str
    package: str
    file: str
    what: str


KNOWN: Final[tuple[Known, ...]] = (
    Known(
        "osu018",
        "qflow-tech-osu018",
        "usr/share/qflow/tech/osu018/osu018_stdcells.lib",
        "180 nm, 1.8 V, typical corner only",
    ),
)


def library_file(name: str) -> Path:
    """The Liberty file of a known library.

    Raises:
        ToolMissing: `library.missing`, with the command that fetches it.
        InputError: `library.unknown`.
    """
    known = _known(name)
    found = installed(known)
    if found is None:
        raise ToolMissing(
            "library.missing",
            f"the cell library {name} ({known.what}) is not on this machine",
            hint=f"`hwflow doctor --fix` fetches it from the Debian package {known.package}; or "
            "give the path of another Liberty file: `library: path/to/cells.lib`",
        )
    return found


def installed(known: Known) -> Path | None:
    """Where the library is: in the user's cache, or installed from its package."""
    places = (_cached(known), _ROOT / known.file)
    return next((place for place in places if place.is_file()), None)


def fetch(name: str) -> Path:
    """Download the library's package and keep its Liberty file in the user's cache.

    Nothing is installed: the package is only unpacked.

    Raises:
        ToolMissing: apt-get or dpkg is absent.
        ToolFailed: the download failed, or `library.package` if the package lacks the file.
    """
    known = _known(name)
    kept = _cached(known)
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="hwflow-") as folder:
        work = Path(folder)
        _run(work, "apt-get", "download", known.package)
        packages = sorted(work.glob("*.deb"))
        if packages:
            _run(work, "dpkg", "-x", packages[0].name, "unpacked")
        found = work / "unpacked" / known.file
        if not found.is_file():
            raise ToolFailed(
                "library.package",
                f"the package {known.package} holds no {Path(known.file).name}",
                hint="give the path of a Liberty file: `library: path/to/cells.lib`",
            )
        draft = kept.with_name(f"{kept.name}.{os.getpid()}")
        shutil.copyfile(found, draft)
        draft.replace(kept)
    return kept


def _run(work: Path, tool: str, *arguments: str) -> None:
    log = work / f"{tool}.log"
    run((find(tool), *arguments), cwd=work, log=log, timeout=_SECONDS, tool=tool)


def _known(name: str) -> Known:
    for known in KNOWN:
        if known.name == name:
            return known
    names = ", ".join(known.name for known in KNOWN)
    raise InputError(
        "library.unknown",
        f"unknown cell library {name!r}, expected one of: {names}",
        hint="or give the path of a Liberty file (.lib)",
    )


def _cached(known: Known) -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "hwflow" / "libraries" / known.name / Path(known.file).name
