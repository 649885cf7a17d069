"""Digests of files and of JSON data.

A file is read again only if its path, size, inode, modification or change time differ from what
is remembered: a program that writes a file cannot keep its change time, so only decay of the disk
itself escapes, and that is caught by the full check before an artifact is used by a stage.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

__all__ = ["DigestCache", "canonical", "digest_of", "file_digest"]


def canonical(data: object) -> str:
    """JSON text that is the same for equal data: sorted keys, no spaces, no NaN."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest_of(data: object) -> str:
    """SHA-256 (hex) of JSON data."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 (hex) of a file's content, always read."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


_CLOCK_TICK_NS = 20_000_000
"""A file changed this recently may change again without its times telling; never remembered."""


class DigestCache:
    """File digests (and small facts derived from file content) remembered between runs."""

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        self._facts: dict[str, list[object]] = _read(memory)
        self._fresh: dict[str, list[object]] = {}

    def digest(self, path: Path) -> str:
        """SHA-256 (hex) of a file, remembered while the file is not written to."""
        return str(self.fact(path, "sha256", file_digest))

    def fact(self, path: Path, name: str, compute: Callable[[Path], object]) -> object:
        """Any JSON-able fact that follows from a file's content, remembered likewise."""
        key = f"{path.absolute()}#{name}"
        state = _state(path)
        known = self._fresh.get(key) or self._facts.get(key)
        if known is None or known[0] != state:
            known = [state, compute(path)]
        if time.time_ns() - path.stat().st_ctime_ns > _CLOCK_TICK_NS:
            self._fresh[key] = known
        return known[1]

    def remember(self, path: Path, digest: str) -> None:
        """Take the digest of a file that this process has just written."""
        self._fresh[f"{path.absolute()}#sha256"] = [_state(path), digest]

    def save(self) -> None:
        """Write what was looked up; concurrent builds only lose memories, never gain wrong ones."""
        if all(self._facts.get(key) == value for key, value in self._fresh.items()):
            return
        merged = {**_read(self._memory), **self._fresh}
        kept = {
            key: value for key, value in merged.items() if Path(key.rpartition("#")[0]).exists()
        }
        draft = self._memory.with_name(f"{self._memory.name}.{os.getpid()}")
        try:
            draft.write_text(json.dumps(kept, sort_keys=True), encoding="utf-8")
            draft.replace(self._memory)
        except OSError:
            draft.unlink(missing_ok=True)  # only a memory: never worth failing for


def _state(path: Path) -> str:
    status = path.stat()
    return f"{status.st_size}-{status.st_ino}-{status.st_mtime_ns}-{status.st_ctime_ns}"


def _read(memory: Path) -> dict[str, list[object]]:
    try:
        raw = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(raw, dict):
        return {}
    return {k: v for k, v in raw.items() if isinstance(v, list) and len(v) == 2}
