"""The only place that starts an external program.

An argument list, never a shell; a small environment; a log file; a time limit; and nothing left
running afterwards, however hwflow itself ends.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from hwflow.errors import DiskFull, ToolFailed

__all__ = ["last_lines", "python_worker", "run", "term_is_interrupt"]

GRACE_SECONDS = 3.0
"""Time between TERM and KILL."""

SHOWN_LINES = 15
_TAIL_BYTES = 16_384
_LINE_CHARACTERS = 300
_PASSED = ("PATH", "HOME", "TMPDIR", "PYTHONHASHSEED", "XDG_CACHE_HOME", "LD_LIBRARY_PATH")
_SUPERVISOR = Path(__file__).with_name("supervise.py")
_NO_SPACE = "No space left on device"


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path,
    log: Path,
    timeout: float,
    env: Mapping[str, str] | None = None,
    tool: str,
    stdin: Path | None = None,
) -> None:
    """Run a program to its end, stdout and stderr going to `log`.

    Args:
        argv: the program and its arguments.
        cwd: the folder it runs in.
        log: the file that receives its output; overwritten.
        timeout: seconds after which its process group is ended (TERM, then KILL).
        env: additions to the small environment.
        tool: the name used in messages.
        stdin: a file to read from; nothing by default.

    Raises:
        ToolFailed: "tool.failed", "tool.timeout" or "tool.start", with the log's last lines.
        DiskFull: the program ran out of disk space.
    """
    words = [str(word) for word in argv]
    log.parent.mkdir(parents=True, exist_ok=True)
    code = _supervised(words, cwd, log, timeout, {**_environment(), **(env or {})}, stdin)
    if code == 0:
        return
    shown = last_lines(log)
    if code is not None and any(_NO_SPACE in line for line in shown):
        raise DiskFull(
            "disk.full",
            f"{tool}: no space left on the disk",
            hint=f"free some space under {cwd} and run the same command again",
        )
    raise _failure(tool, code, timeout, log, shown)


def python_worker(module: str, *arguments: str | Path) -> tuple[str, ...]:
    """The argument list that runs `python -m module` with this interpreter."""
    return (sys.executable, "-m", module, *(str(word) for word in arguments))


def last_lines(log: Path, count: int = SHOWN_LINES) -> tuple[str, ...]:
    """The last non-empty lines of a log, made safe to print whatever a tool wrote into it."""
    if not log.is_file():
        return ()
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        text = stream.read().decode("utf-8", errors="replace")
    lines = [_printable(line) for line in text.splitlines()]
    return tuple(line for line in lines if line.strip())[-count:]


@contextmanager
def term_is_interrupt() -> Iterator[None]:
    """Within the block SIGTERM and SIGHUP raise KeyboardInterrupt, as Ctrl-C does.

    Outside the main thread, where signals cannot be handled, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {n: signal.signal(n, _interrupt) for n in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _environment() -> dict[str, str]:
    """PATH and a few more: a tool's result must not hang on the caller's settings."""
    kept = {name: os.environ[name] for name in _PASSED if name in os.environ}
    ours = {name: value for name, value in os.environ.items() if name.startswith("HWFLOW_")}
    return {**kept, **ours, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}


def _supervised(
    words: list[str],
    cwd: Path,
    log: Path,
    timeout: float,
    env: Mapping[str, str],
    stdin: Path | None,
) -> int | None:
    """The program's exit code (128 + n for signal n); None when its time was up."""
    lifeline, ours = os.pipe()
    try:
        with log.open("wb") as output, (stdin or Path(os.devnull)).open("rb") as source:
            command = [sys.executable, "-I", "-S", str(_SUPERVISOR), str(lifeline), *words]
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=dict(env),
                stdin=source,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(lifeline,),
            )
            try:
                return process.wait(timeout)
            except subprocess.TimeoutExpired:
                return None
            finally:
                _end_group(process)
    finally:
        os.close(lifeline)
        os.close(ours)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End whatever is left of the program and its children: TERM, a moment's grace, KILL."""
    running = process.poll() is None
    if running:
        _signal_group(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
    _signal_group(process.pid, signal.SIGKILL)
    process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    # Either error means that nothing of the group is left.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _failure(
    tool: str, code: int | None, timeout: float, log: Path, shown: Sequence[str]
) -> ToolFailed:
    tail = "\n".join(f"  | {line}" for line in shown) or "  | (it printed nothing)"
    hint = f"last lines of {log.name}:\n{tail}"
    if code is None:
        return ToolFailed(
            "tool.timeout", f"{tool}: still running after {timeout:g} s, stopped", hint=hint
        )
    if code == 127:
        return ToolFailed("tool.start", f"{tool}: could not be started", hint=hint)
    if code > 128:
        return ToolFailed("tool.failed", f"{tool}: ended by {_signal_name(code - 128)}", hint=hint)
    return ToolFailed("tool.failed", f"{tool}: returned exit code {code}, expected 0", hint=hint)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _printable(line: str) -> str:
    clean = "".join(c if c.isprintable() or c == "\t" else "?" for c in line)
    return clean if len(clean) <= _LINE_CHARACTERS else clean[:_LINE_CHARACTERS] + "..."
