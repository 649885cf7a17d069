"""What runs, what is found, what changes a key, and what a failure leaves."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from hwflow.errors import CheckFailed, InputError, ToolFailed
from hwflow.flow import (
    QuietListener,
    Stage,
    StageContext,
    StageResult,
    Store,
    default_store,
    file_digest,
    gc,
    open_build,
)
from hwflow.flow.store import MANIFEST, MEMORY
from tests.flow.tiny import build, pipeline, stage


def statuses(folder: Path, stages: tuple[Stage, ...], **options: object) -> list[str]:
    return [result.status for result in build(folder, stages, **options).stages]


class Recorder(QuietListener):
    def __init__(self) -> None:
        self.events: list[str] = []

    def stage_started(self, name: str, index: int, total: int) -> None:
        self.events.append(f"start {name} {index}/{total}")

    def stage_progress(self, name: str, fraction: float, text: str) -> None:
        self.events.append(f"{name} {fraction} {text}")

    def stage_finished(self, result: StageResult) -> None:
        self.events.append(f"{result.status} {result.name}")

    def warning(self, text: str) -> None:
        self.events.append(f"warning {text}")


def test_runs_then_hits(tmp_path: Path) -> None:
    assert statuses(tmp_path, pipeline()) == ["ran"] * 3
    net = tmp_path / "build" / "net"
    assert (net / "three" / "result.txt").read_text() == "three=3\ntwo=2\none=1\n"
    assert not (net / "three" / "junk.txt").exists()
    before = (net / "build.json").stat().st_mtime_ns
    assert statuses(tmp_path, pipeline()) == ["hit"] * 3
    assert (net / "build.json").stat().st_mtime_ns == before


def test_listener(tmp_path: Path) -> None:
    recorder = Recorder()
    build(tmp_path, pipeline()[:1], listener=recorder)
    build(tmp_path, pipeline()[:1], listener=recorder)
    assert recorder.events == ["start one 0/1", "one 0.5 half", "ran one", "hit one"]


def test_only_what_depends_on_a_change_runs(tmp_path: Path) -> None:
    build(tmp_path, pipeline())
    result = build(tmp_path, pipeline((1, 2, 4)))
    assert [s.status for s in result.stages] == ["hit", "hit", "ran"]
    assert result.stage("three").because == ("configuration",)
    result = build(tmp_path, pipeline((1, 5, 4)))
    assert [s.because for s in result.stages] == [(), ("configuration",), ("input two",)]
    assert statuses(tmp_path, pipeline()) == ["hit"] * 3  # the first ones are still stored


def test_equal_output_stops_the_wave(tmp_path: Path) -> None:
    def constant(seed: int) -> tuple[Stage, ...]:
        def write(context: StageContext) -> None:
            (context.out / "result.txt").write_text("same")

        return (Stage("one", write, config={"seed": seed}), stage("two", "one"))

    build(tmp_path, constant(1))
    assert statuses(tmp_path, constant(2)) == ["ran", "hit"]


def test_user_files_count_by_content(tmp_path: Path) -> None:
    user = tmp_path / "user.csv"

    def pipe() -> tuple[Stage, ...]:
        def copy(context: StageContext) -> None:
            (context.out / "copy").write_bytes(user.read_bytes())

        return (Stage("one", copy, files=(user,)),)

    result = build(tmp_path, pipe())
    assert [e.code for e in result.errors] == ["file.missing"]
    user.write_text("1")
    assert statuses(tmp_path, pipe()) == ["ran"]
    user.touch()
    assert statuses(tmp_path, pipe()) == ["hit"]
    user.write_text("2")
    assert statuses(tmp_path, pipe()) == ["ran"]


def test_a_missing_tool_fails_its_stage_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    needs = Stage("needs", lambda context: None, tools=("g++",))
    result = build(tmp_path, (needs, stage("other")), keep_going=True)
    assert [s.status for s in result.stages] == ["failed", "ran"]
    assert (result.errors[0].code, result.errors[0].exit_code) == ("tool.missing", 3)


def test_a_replaced_tool_changes_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    fake = tmp_path / "make"
    needs = (Stage("needs", lambda context: None, tools=("make",)),)
    for version, status in (("4.3", "ran"), ("4.3", "hit"), ("4.4", "ran")):
        if not fake.exists() or version not in fake.read_text():
            fake.write_text(f"#!/bin/sh\necho {version}\n")
            fake.chmod(0o755)
        assert statuses(tmp_path, needs) == [status]


def test_from_to_force(tmp_path: Path) -> None:
    assert statuses(tmp_path, pipeline(), to="two") == ["ran", "ran", "pending"]
    changed = pipeline((9, 2, 3))
    assert statuses(tmp_path, changed, from_="two") == ["kept", "hit", "ran"]
    assert statuses(tmp_path, pipeline(), force=["two"]) == ["hit", "ran", "hit"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"to": "tow"}, "flow.stage"),
        ({"force": ["x"]}, "flow.stage"),
        ({"from_": "three", "to": "one"}, "flow.stage"),
        ({"from_": "two"}, "flow.from"),
    ],
)
def test_wrong_selections(tmp_path: Path, options: dict[str, object], code: str) -> None:
    with pytest.raises(InputError) as caught:
        build(tmp_path, pipeline(), **options)
    assert caught.value.code == code


def test_dry_run_writes_nothing(tmp_path: Path) -> None:
    assert statuses(tmp_path, pipeline(), dry_run=True) == ["pending"] * 3
    assert list(tmp_path.iterdir()) == []
    build(tmp_path, pipeline())
    assert statuses(tmp_path, pipeline((1, 2, 4)), dry_run=True) == ["hit", "hit", "pending"]


def test_a_failed_check_keeps_its_report(tmp_path: Path) -> None:
    def check(context: StageContext) -> None:
        (context.out / "rung.json").write_text("mismatch")
        (context.scratch / "sub").mkdir()
        (context.scratch / "sub" / "sim.log").write_text("log")
        (context.scratch / "big.bin").write_text("big")
        raise CheckFailed("flow.stage", "differs", hint="look")

    pipe = (stage("one"), Stage("rtl", check), stage("after", "rtl"), stage("other", "one"))
    result = build(tmp_path, pipe)
    assert [s.status for s in result.stages] == ["ran", "failed", "pending", "pending"]
    net = tmp_path / "build" / "net"
    kept = sorted(p.name for p in (net / "failed" / "rtl").rglob("*") if p.is_file())
    assert kept == ["rung.json", "sim.log"]
    assert "failed/rtl" in result.errors[0].hint
    assert not (net / "rtl").exists()
    assert open_build(net).stages["rtl"].state == "failed"
    assert statuses(tmp_path, pipe, keep_going=True) == ["hit", "failed", "pending", "ran"]
    assert statuses(tmp_path, (stage("one"), stage("rtl"))) == ["hit", "ran"]
    assert not (net / "failed" / "rtl").exists()


def test_a_tool_failure_is_not_stored(tmp_path: Path) -> None:
    def fail(context: StageContext) -> None:
        raise ToolFailed("tool.failed", "x")

    for _ in range(2):
        assert statuses(tmp_path, (Stage("one", fail),)) == ["failed"]


def test_our_own_mistakes_are_not_swallowed(tmp_path: Path) -> None:
    def crash(context: StageContext) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        build(tmp_path, (stage("one"), Stage("two", crash)))
    assert list((tmp_path / "build" / ".store" / ".tmp").iterdir()) == []
    assert open_build(tmp_path / "build" / "net").stages["one"].state == "done"


def test_a_stage_after_a_failure_is_stale(tmp_path: Path) -> None:
    build(tmp_path, pipeline())
    build(tmp_path, pipeline((1, 7, 3), full="two"))
    states = {n: r.state for n, r in open_build(tmp_path / "build" / "net").stages.items()}
    assert states == {"one": "done", "two": "failed", "three": "stale"}


def test_artifacts_are_the_same_in_two_folders(tmp_path: Path) -> None:
    for name in ("a", "b"):
        build(tmp_path / name, pipeline())
    trees = [
        {p.relative_to(root).as_posix(): p.read_bytes() for p in root.glob("*-*/*")}
        for root in (tmp_path / n / "build" / ".store" for n in ("a", "b"))
    ]
    assert trees[0] == trees[1]
    assert len(trees[0]) == 6
    files = [(tmp_path / n / "build" / "net" / "build.json").read_bytes() for n in ("a", "b")]
    assert files[0] == files[1]


def test_open_build(tmp_path: Path) -> None:
    build(tmp_path, pipeline(), to="one")
    net = tmp_path / "build" / "net"
    assert (open_build(net).artifact("one") / MANIFEST).is_file()
    with pytest.raises(InputError, match="no result of the stage 'two'"):
        open_build(net).artifact("two")
    with pytest.raises(InputError, match="not a build folder"):
        open_build(tmp_path)
    for text in ("{", "[]", json.dumps({"format": 1, "design": "x", "stages": {"a": 1}})):
        (net / "build.json").write_text(text)
        with pytest.raises(InputError) as caught:
            open_build(net)
        assert caught.value.code == "build.corrupt"


def test_a_build_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "build").write_text("")
    with pytest.raises(InputError) as caught:
        build(tmp_path, pipeline())
    assert caught.value.code == "build.folder"


def test_store_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_store(tmp_path / "net") == tmp_path / ".store"
    monkeypatch.setenv("HWFLOW_STORE", "/elsewhere")
    assert default_store(tmp_path / "net") == Path("/elsewhere")


def test_gc_keeps_what_builds_point_to(tmp_path: Path) -> None:
    build(tmp_path, pipeline((1, 2, 3)))
    build(tmp_path, pipeline((1, 2, 4)))
    store = Store(tmp_path / "build" / ".store")
    (store.root / MEMORY / "circuits").mkdir(parents=True)
    removed = gc(store)
    assert [path.name.partition("-")[0] for path in removed] == [MEMORY, "three"]
    assert not any(path.exists() for path in removed)
    assert statuses(tmp_path, pipeline((1, 2, 4))) == ["hit"] * 3


def test_a_run_that_changes_nothing_is_quick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """50 MB of artifact and the sources of our own package: no file is read again."""

    def write(context: StageContext) -> None:
        (context.out / "big.bin").write_bytes(bytes(50_000_000))

    pipe = (Stage("big", write, modules=("hwflow.tools",), tools=("g++", "pyosys")),)
    build(tmp_path, pipe)
    reads: list[Path] = []

    def read(path: Path) -> str:
        reads.append(path)
        return file_digest(path)

    monkeypatch.setattr("hwflow.flow.digests.file_digest", read)
    start = time.monotonic()
    assert statuses(tmp_path, pipe) == ["hit"]
    assert time.monotonic() - start < 1.0
    assert reads == []
