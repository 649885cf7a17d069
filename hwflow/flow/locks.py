"""Locks that the kernel releases when their process dies, however it dies."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hwflow.errors import InputError

__all__ = ["build_lock", "held", "try_lock", "wait_lock"]

_POLL_SECONDS = 0.1


def try_lock(path: Path) -> int | None:
    """An open descriptor holding the lock, or None while another process holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def held(descriptor: int) -> Iterator[None]:
    """Release a lock at the end of the block."""
    try:
        yield
    finally:
        os.close(descriptor)


@contextmanager
def wait_lock(path: Path, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold a lock for the block, waiting for its owner; `on_wait` is called once if so.

    Polls, so that a signal ends the wait at once.
    """
    descriptor = try_lock(path)
    if descriptor is None:
        on_wait()
    while descriptor is None:
        time.sleep(_POLL_SECONDS)
        descriptor = try_lock(path)
    with held(descriptor):
        yield


@contextmanager
def build_lock(folder: Path) -> Iterator[None]:
    """Hold a build folder for the block.

    Raises:
        InputError: "build.locked", naming the process that holds it and since when.
    """
    path = folder / ".lock"
    descriptor = try_lock(path)
    if descriptor is None:
        raise InputError(
            "build.locked",
            f"another build is running in {folder}: {_holder(path)}",
            hint="wait for it to end, or stop that process",
        )
    with held(descriptor):
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps({"pid": os.getpid(), "since": since}).encode())
        yield


def _holder(path: Path) -> str:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return f"process {int(raw['pid'])}, since {raw['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "a process that has just started"
