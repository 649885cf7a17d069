"""Starting programs: failures, hanging, garbage, interrupts, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from hwflow.errors import DiskFull, ToolFailed
from hwflow.tools import last_lines, python_worker, run


def start(folder: Path, script: str, timeout: float = 20, **env: str) -> None:
    run(
        ["/bin/sh", "-c", script],
        cwd=folder,
        log=folder / "x.log",
        timeout=timeout,
        tool="fake",
        env=env,
    )


def gone(pid: int, within: float = 5) -> bool:
    """Whether a process has ended (a zombie counts) within some seconds."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def wait_for(path: Path, within: float = 10) -> str:
    end = time.monotonic() + within
    while not (path.exists() and path.read_text().strip()):
        assert time.monotonic() < end, f"{path} never appeared"
        time.sleep(0.02)
    return path.read_text()


def test_output_goes_to_the_log(tmp_path: Path) -> None:
    start(tmp_path, "echo out; echo err >&2")
    assert (tmp_path / "x.log").read_text() == "out\nerr\n"


def test_failure_shows_code_and_last_lines(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed) as caught:
        start(tmp_path, "seq 100; exit 3")
    assert caught.value.code == "tool.failed"
    assert "exit code 3" in caught.value.message
    assert "x.log" in caught.value.hint
    assert "| 100" in caught.value.hint
    assert "| 50\n" not in caught.value.hint


def test_killed_by_a_signal(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed, match="ended by SIGSEGV"):
        start(tmp_path, "kill -SEGV $$")


def test_cannot_be_started(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed) as caught:
        run(["/no/such"], cwd=tmp_path, log=tmp_path / "x.log", timeout=5, tool="fake")
    assert caught.value.code == "tool.start"


def test_hanging_tool_is_stopped_with_its_children(tmp_path: Path) -> None:
    begin = time.monotonic()
    with pytest.raises(ToolFailed) as caught:
        start(tmp_path, "sleep 60 & echo $! > child; wait", timeout=0.5)
    assert caught.value.code == "tool.timeout"
    assert time.monotonic() - begin < 3
    assert gone(int((tmp_path / "child").read_text()))


def test_a_tool_deaf_to_term_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hwflow.tools.process.GRACE_SECONDS", 0.2)
    with pytest.raises(ToolFailed, match="still running"):
        start(tmp_path, "trap '' TERM; echo $$ > self; while :; do sleep 1; done", timeout=0.5)
    assert gone(int((tmp_path / "self").read_text()))


def test_children_left_behind_are_ended(tmp_path: Path) -> None:
    start(tmp_path, "sleep 60 & echo $! > child")
    assert gone(int((tmp_path / "child").read_text()))


def test_garbage_is_made_printable(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed) as caught:
        start(tmp_path, r"printf '\033[2J\377\000\nlast'; head -c 5000 /dev/zero; exit 1")
    assert "\033" not in caught.value.hint
    assert "\0" not in caught.value.hint
    assert len(caught.value.hint) < 1000


def test_a_tool_without_disk_space(tmp_path: Path) -> None:
    with pytest.raises(DiskFull) as caught:
        start(tmp_path, "echo 'cannot write: No space left on device'; exit 1")
    assert (caught.value.code, caught.value.exit_code) == ("disk.full", 4)


def test_small_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAKEFLAGS", "-j99")
    monkeypatch.setenv("LC_ALL", "tr_TR")
    monkeypatch.setenv("HWFLOW_X", "1")
    start(tmp_path, "env", EXTRA="2")
    names = {line.partition("=")[0] for line in (tmp_path / "x.log").read_text().splitlines()}
    assert {"PATH", "HWFLOW_X", "EXTRA", "LANG"} <= names
    assert not names & {"MAKEFLAGS", "PYTEST_CURRENT_TEST", "PYTHONPATH"}
    assert "LC_ALL=C.UTF-8" in (tmp_path / "x.log").read_text()


def test_stdin_comes_from_a_file_or_is_empty(tmp_path: Path) -> None:
    log, source = tmp_path / "x.log", tmp_path / "in"
    source.write_text("hello")
    run(["/bin/cat"], cwd=tmp_path, log=log, timeout=5, tool="cat", stdin=source)
    assert log.read_text() == "hello"
    run(["/bin/cat"], cwd=tmp_path, log=log, timeout=5, tool="cat")
    assert log.read_text() == ""


def test_last_lines_of_no_log(tmp_path: Path) -> None:
    assert last_lines(tmp_path / "none") == ()


def test_python_worker_uses_this_interpreter() -> None:
    assert python_worker("a.b", Path("j.json")) == (sys.executable, "-m", "a.b", "j.json")


HOST = """
import sys
from pathlib import Path
from hwflow.tools import run, term_is_interrupt
here = Path(sys.argv[1])
try:
    with term_is_interrupt():
        run(["/bin/sh", "-c", "echo $$ > self; sleep 60 & echo $! > child; wait"],
            cwd=here, log=here / "x.log", timeout=50, tool="fake")
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -signal.SIGKILL)],
)
def test_the_tool_dies_with_hwflow(tmp_path: Path, number: int, code: int) -> None:
    host = _host([sys.executable, "-c", HOST, str(tmp_path)])
    try:
        pids = [int(wait_for(tmp_path / name)) for name in ("self", "child")]
        os.kill(host.pid, number)
        assert host.wait(10) == code
    finally:
        host.kill()
    assert all(gone(pid) for pid in pids)


def _host(argv: Sequence[str]) -> subprocess.Popen[bytes]:
    # A session of its own, so that a stray signal never reaches pytest.
    return subprocess.Popen(argv, start_new_session=True)
