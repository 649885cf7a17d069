"""Which tool exactly: the part of a stage's key that changes when a tool is replaced.

A wheel is its distribution's version and the digest of its RECORD (which lists the checksum of
every file). A system program is its path, size and modification time; its version is asked once
and remembered for that path, size and time, so that a run that changes nothing starts no tool.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hwflow.errors import ToolFailed, ToolMissing
from hwflow.tools.locate import distribution_of, find, missing
from hwflow.tools.process import run
from hwflow.tools.table import Tool, tool_named

__all__ = ["ToolIdentity", "identity", "installed", "older"]

_ASK_SECONDS = 10.0
_VERSION = re.compile(r"(?<![\w.])v?(\d+(?:\.\d+)+)")


@dataclass(frozen=True, slots=True)
class ToolIdentity:
    """A tool's name, version for people, and a digest (hex) that changes whenever it does."""

    name: str
    version: str
    digest: str


def identity(tool: str) -> ToolIdentity:
    """The identity of an installed tool that is new enough.

    Raises:
        ToolMissing: "tool.missing", or "tool.old" naming the version found and the one needed.
        ToolFailed: "tool.version" when it does not tell its version.
    """
    entry = tool_named(tool)
    known = installed(entry)
    if older(known.version, entry.minimum):
        raise ToolMissing(
            "tool.old",
            f"{entry.name} is too old: found {known.version}, expected {entry.minimum} or newer",
            hint=f"it is needed for {entry.needed_for}: {entry.fix}",
        )
    return known


def installed(entry: Tool) -> ToolIdentity:
    """The identity of a tool, whatever its age; raises as `identity` does."""
    if entry.kind == "interpreter":
        return _interpreter(entry)
    return _wheel(entry) if entry.kind == "wheel" else _system(entry)


def older(version: str, minimum: str) -> bool:
    """Whether a dotted version comes before another one; only leading numbers count."""
    return _numbers(version) < _numbers(minimum)


def _numbers(version: str) -> tuple[int, ...]:
    leading = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in leading.group().split(".")) if leading else ()


def _interpreter(entry: Tool) -> ToolIdentity:
    version = platform.python_version()
    return ToolIdentity(entry.name, version, _digest(sys.implementation.name, sys.version))


@functools.cache
def _wheel(entry: Tool) -> ToolIdentity:
    distribution = distribution_of(entry)
    if distribution is None:
        raise missing(entry)
    record = distribution.read_text("RECORD") or ""
    # Compiled .pyc files carry no checksum and come and go; paths outside are scripts.
    lines = sorted(line for line in record.splitlines() if "sha256=" in line)
    version = distribution.version
    return ToolIdentity(entry.name, version, _digest(entry.name, version, *lines))


def _system(entry: Tool) -> ToolIdentity:
    path = find(entry.name).resolve()
    status = path.stat()
    facts = (entry.name, str(path), str(status.st_size), str(status.st_mtime_ns))
    version = _remembered_version(entry, path, _digest(*facts))
    return ToolIdentity(entry.name, version, _digest(*facts, version))


def _remembered_version(entry: Tool, path: Path, key: str) -> str:
    memory = _memory_file()
    versions = _read_memory(memory)
    if key not in versions:
        versions[key] = _ask_version(entry, path)
        _write_memory(memory, versions)
    return versions[key]


def _ask_version(entry: Tool, path: Path) -> str:
    with tempfile.TemporaryDirectory(prefix="hwflow-") as folder:
        log = Path(folder) / "version.log"
        run([path, "--version"], cwd=Path(folder), log=log, timeout=_ASK_SECONDS, tool=entry.name)
        text = log.read_bytes()[:4096].decode("utf-8", errors="replace")
    found = _VERSION.search(text)
    if found is None:
        raise ToolFailed(
            "tool.version",
            f"{entry.name} --version printed no version number",
            hint=f"the program found is {path}; reinstall it: {entry.fix}",
        )
    return found.group(1)


def _memory_file() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "hwflow" / "tool-versions.json"


def _read_memory(memory: Path) -> dict[str, str]:
    try:
        raw = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(raw, dict):
        return {}
    return {key: value for key, value in raw.items() if isinstance(value, str)}


def _write_memory(memory: Path, versions: dict[str, str]) -> None:
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        draft = memory.with_name(f"{memory.name}.{os.getpid()}")
        draft.write_text(json.dumps(versions, indent=1, sort_keys=True), encoding="utf-8")
        draft.replace(memory)
    except OSError:
        pass  # a read-only home only costs asking again


def _digest(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode()).hexdigest()
