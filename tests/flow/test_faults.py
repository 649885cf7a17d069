"""Killed, interrupted, damaged, out of disk, two at once: nothing half-written is ever read."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hwflow.errors import DiskFull, InputError
from hwflow.flow import QuietListener, Store, open_build
from hwflow.flow.build import Build, StageRecord
from hwflow.flow.locks import build_lock
from tests.conftest import ROOT
from tests.flow.tiny import NAMES, build, pipeline, stage


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.flow.tiny", str(folder), *arguments],
        cwd=ROOT,
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(path: Path) -> None:
    end = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < end, f"{path} never appeared"
        time.sleep(0.01)


def leftovers(folder: Path) -> list[Path]:
    return list((folder / "build" / ".store" / ".tmp").iterdir())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_stopped_in_a_stage(tmp_path: Path, name: str, number: signal.Signals) -> None:
    process = start(tmp_path, name)
    try:
        wait_for(tmp_path / f"waiting-{name}")
        os.kill(process.pid, number)
        _, text = process.communicate(timeout=10)
    finally:
        process.kill()
    assert process.returncode == (-9 if number == signal.SIGKILL else 130)
    assert "Traceback" not in text
    # SIGKILL leaves its temporary folder, and only that; the next run removes it.
    assert len(leftovers(tmp_path)) == (1 if number == signal.SIGKILL else 0)
    result = build(tmp_path, pipeline())
    done = NAMES.index(name)
    assert [s.status for s in result.stages] == ["hit"] * done + ["ran"] * (3 - done)
    assert leftovers(tmp_path) == []
    text = (tmp_path / "build" / "net" / "three" / "result.txt").read_text()
    assert text == "three=3\ntwo=2\none=1\n"


class _Warnings(QuietListener):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def warning(self, text: str) -> None:
        self.texts.append(text)


def _flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[0] ^= 1
    path.write_bytes(raw)


@pytest.mark.parametrize("damage", ["flip", "flip-keeping-time", "remove", "extra", "manifest"])
def test_a_damaged_artifact_is_rebuilt(tmp_path: Path, damage: str) -> None:
    build(tmp_path, pipeline())
    folder = tmp_path / "build" / "net" / "two"
    victim = folder / "result.txt"
    if damage.startswith("flip"):
        times = victim.stat()
        _flip(victim)
        if damage == "flip-keeping-time":
            os.utime(victim, ns=(times.st_atime_ns, times.st_mtime_ns))
    elif damage == "remove":
        victim.unlink()
    elif damage == "extra":
        (folder / "more.txt").write_text("")
    else:
        (folder / "manifest.json").write_text("{}")
    listener = _Warnings()
    result = build(tmp_path, pipeline(), listener=listener)
    assert [s.status for s in result.stages] == ["hit", "ran", "hit"]
    assert len(listener.texts) == 1
    assert "damaged" in listener.texts[0]
    assert (folder / "result.txt").read_text() == "two=2\none=1\n"
    assert len(list((tmp_path / "build" / ".store" / ".broken").iterdir())) == 1


def test_decay_of_the_disk_does_not_reach_a_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where size and all times stay the same, a stage never reads damaged input."""
    build(tmp_path, pipeline())
    monkeypatch.setattr("hwflow.flow.digests._state", lambda path: str(path.stat().st_size))
    (tmp_path / "build" / ".store" / ".digests.json").unlink(missing_ok=True)
    time.sleep(0.05)  # digests of files just written are never remembered
    build(tmp_path, pipeline())
    _flip(tmp_path / "build" / "net" / "two" / "result.txt")
    result = build(tmp_path, pipeline((1, 2, 4)))
    assert [e.code for e in result.errors] == ["store.damaged"]
    monkeypatch.undo()
    assert not build(tmp_path, pipeline((1, 2, 4))).errors


def test_two_builds_in_one_folder(tmp_path: Path) -> None:
    process = start(tmp_path, "two")
    try:
        wait_for(tmp_path / "waiting-two")
        with pytest.raises(InputError) as caught:
            build(tmp_path, pipeline())
        assert (caught.value.code, caught.value.exit_code) == ("build.locked", 2)
        assert f"process {process.pid}, since 2" in caught.value.message
        second = start(tmp_path)
        _, text = second.communicate(timeout=10)
        assert second.returncode == 2
        assert "build.locked" in text
    finally:
        process.kill()
        process.communicate()
    # The kernel released the lock with the process.
    assert not build(tmp_path, pipeline()).errors


def test_two_builds_of_one_store_share_the_work(tmp_path: Path) -> None:
    """The second waits for the first one's artifact instead of writing it too."""
    programs = [
        "import sys, time; from pathlib import Path; from hwflow.flow import Stage, run\n"
        "root = Path(sys.argv[1])\n"
        "def work(c):\n"
        f"    (root / 'ran-{name}').touch(); time.sleep(0.7); (c.out / 'x').write_text('x')\n"
        "def show(r): print(r.stages[0].status)\n"
        f"show(run([Stage('one', work)], design='d', build_folder=root / '{name}' / 'd',"
        " store=root / 'store'))\n"
        for name in ("a", "b")
    ]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for program in programs
    ]
    said = sorted(process.communicate(timeout=20)[0].strip() for process in running)
    assert said == ["hit", "ran"]
    assert len(list(tmp_path.glob("ran-*"))) == 1


def test_the_lock_is_free_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with build_lock(tmp_path):
            pass


def test_sweep_leaves_living_writers_alone(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.prepare()
    with store.workspace("one") as workspace:
        assert store.sweep() == 0
        assert workspace.out.is_dir()
    (tmp_path / ".tmp" / "dead").mkdir()
    assert store.sweep() == 1


def test_disk_full_in_a_stage(tmp_path: Path) -> None:
    result = build(tmp_path, pipeline(full="two"))
    assert [s.status for s in result.stages] == ["ran", "failed", "pending"]
    error = result.errors[0]
    assert (error.code, error.exit_code) == ("disk.full", 4)
    assert leftovers(tmp_path) == []
    assert not (tmp_path / "build" / "net" / "failed").exists()
    assert [s.status for s in build(tmp_path, pipeline()).stages] == ["hit", "ran", "ran"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_disk_full_while_storing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(root: Path) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("hwflow.flow.store._flush_tree", full)
    assert [e.code for e in build(tmp_path, pipeline()).errors] == ["disk.full"]
    assert leftovers(tmp_path) == []
    monkeypatch.undo()
    assert [s.status for s in build(tmp_path, pipeline()).stages] == ["ran"] * 3


def test_disk_full_while_recording_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(tmp_path, pipeline())
    before = (tmp_path / "build" / "net" / "build.json").read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("hwflow.flow.build.os.fsync", full)
        with pytest.raises(DiskFull):
            build(tmp_path, (stage("one", value=5),))
    assert (tmp_path / "build" / "net" / "build.json").read_bytes() == before
    assert not build(tmp_path, pipeline()).errors


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 256 KiB where mounting is permitted."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if mount.returncode != 0:
        pytest.skip("mounting a tmpfs is not permitted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(4096))


def test_a_really_full_disk(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    build(small_disk, pipeline(), to="one")
    with pytest.raises(OSError, match="No space"):
        fill(ballast)
    try:
        codes = [error.code for error in build(small_disk, pipeline()).errors]
    except DiskFull as error:  # even build.json could not be written
        codes = [error.code]
    assert codes == ["disk.full"]
    assert leftovers(small_disk) == []
    ballast.unlink()
    assert [s.status for s in build(small_disk, pipeline()).stages] == ["hit", "ran", "ran"]
    assert open_build(small_disk / "build" / "net").stages["three"].state == "done"


@pytest.mark.parametrize(
    ("stages", "hint"),
    [
        ({}, "run `hwflow build` first"),
        ({"synth": "failed"}, "it failed; what it wrote is kept in b/failed/synth"),
        ({"report": "done"}, "this design has no such stage; "),
    ],
)
def test_why_a_result_is_not_there(stages: dict[str, str], hint: str) -> None:
    records = {name: StageRecord("", "", state) for name, state in stages.items()}
    with pytest.raises(InputError) as caught:
        Build(Path("b"), "toy", records).artifact("synth")
    assert caught.value.code == "build.missing"
    assert caught.value.hint.startswith(hint)
