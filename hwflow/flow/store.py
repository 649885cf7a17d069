"""The content-addressed store: artifacts by key, whole or not there at all.

    store/<stage>-<key16>/           an artifact: its files and manifest.json
    store/.tmp/<stage>-<random>/     being written; swept once its writer is dead
    store/.locks/                    one lock per key, one per temporary folder
    store/.digests.json              remembered file digests
    store/.memory/                   what stages remember between builds; emptied by `gc`
    store/.broken/                   artifacts whose checksums did not match, kept for a look
    store/.roots/                    the build folders that point here (for `gc`)

An artifact is written aside, gets its manifest last, is flushed to disk and renamed into place:
without a manifest it never happened.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hwflow.errors import DiskFull, InputError, InternalError
from hwflow.flow.digests import DigestCache, canonical, digest_of, file_digest
from hwflow.flow.locks import held, try_lock, wait_lock

__all__ = ["MANIFEST", "MEMORY", "Artifact", "Store", "Workspace", "disk_full", "writing"]

MANIFEST = "manifest.json"
MEMORY = ".memory"
_FORMAT = 1
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class Artifact:
    """A stored artifact; `digest` covers the names and contents of its files."""

    folder: Path
    digest: str


@dataclass(frozen=True, slots=True)
class Workspace:
    """Two folders of a stage being run: `out` becomes the artifact, `scratch` is thrown away."""

    root: Path

    @property
    def out(self) -> Path:
        return self.root / "out"

    @property
    def scratch(self) -> Path:
        return self.root / "scratch"


def disk_full(error: OSError, folder: Path) -> DiskFull | None:
    """The DiskFull of an operating system's error, None for other errors."""
    if error.errno not in _FULL:
        return None
    return DiskFull(
        "disk.full",
        f"no space left on the disk while writing under {folder}",
        hint="free some space and run the same command again: finished stages are kept",
    )


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Within the block a full disk becomes a DiskFull and a refusal an InputError."""
    try:
        yield
    except OSError as error:
        full = disk_full(error, folder)
        if full is not None:
            raise full from None
        if isinstance(error, PermissionError | NotADirectoryError | FileExistsError):
            raise InputError(
                "build.folder",
                f"cannot write in {folder}: {error.strerror}",
                hint="choose another folder or correct its permissions",
            ) from None
        raise


class Store:
    """A folder of artifacts, shared by any number of builds at once."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.digests = DigestCache(self.root / ".digests.json")

    def prepare(self) -> None:
        """Create the store's folders and remove what dead writers left behind."""
        with writing(self.root):
            for name in (".tmp", ".locks", ".broken", ".roots"):
                (self.root / name).mkdir(parents=True, exist_ok=True)
            self.sweep()

    def folder(self, stage: str, key: str) -> Path:
        """Where the artifact of a key stands."""
        return self.root / f"{stage}-{key[:16]}"

    def get(self, stage: str, key: str, *, deep: bool = False) -> Artifact | None:
        """The artifact of a key, its checksums verified; None when absent or damaged.

        With `deep` every byte is read; otherwise files not written to since the last check are
        taken as they were.
        """
        folder = self.folder(stage, key)
        files = _manifest_files(folder, stage, key)
        if files is None or not self._intact(folder, files, deep):
            return None
        return Artifact(folder, digest_of(files))

    def present(self, stage: str, key: str) -> bool:
        """Whether anything, even damaged, stands at a key's place."""
        return self.folder(stage, key).exists()

    def set_aside(self, stage: str, key: str) -> Path:
        """Move a damaged artifact out of the way; returns where it is now."""
        folder = self.folder(stage, key)
        place = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=self.root / ".broken"))
        return folder.rename(place / folder.name)

    def put(self, stage: str, key: str, workspace: Workspace) -> Artifact:
        """Make the workspace's `out` the artifact of a key; the caller holds the key's lock."""
        out = workspace.out
        files = _file_table(out)
        manifest = {"format": _FORMAT, "stage": stage, "key": key, "files": files}
        (out / MANIFEST).write_text(_pretty(manifest), encoding="utf-8")
        _flush_tree(out)
        folder = self.folder(stage, key)
        if folder.exists():
            folder.rename(workspace.root / "replaced")
        out.rename(folder)
        _flush(self.root)
        for name, digest in files.items():
            self.digests.remember(folder / name, digest)
        return Artifact(folder, digest_of(files))

    @contextmanager
    def workspace(self, stage: str) -> Iterator[Workspace]:
        """A temporary folder for one run of a stage, removed at the end whatever happens."""
        with writing(self.root):
            # One lock for all of .tmp while folder and lock appear: see `sweep`.
            with wait_lock(self.root / ".locks" / "tmp"):
                root = Path(tempfile.mkdtemp(prefix=f"{stage}-", dir=self.root / ".tmp"))
                lock = self.root / ".locks" / f"tmp-{root.name}"
                descriptor = try_lock(lock)
            assert descriptor is not None, "nobody else knows this folder"
        with held(descriptor):
            try:
                workspace = Workspace(root)
                with writing(self.root):
                    workspace.out.mkdir()
                    workspace.scratch.mkdir()
                yield workspace
            finally:
                shutil.rmtree(root, ignore_errors=True)
                lock.unlink(missing_ok=True)

    @contextmanager
    def key_lock(self, stage: str, key: str, on_wait: Callable[[], None]) -> Iterator[None]:
        """Hold the right to write one key, waiting for another build that writes it."""
        with wait_lock(self.root / ".locks" / self.folder(stage, key).name, on_wait):
            yield

    def sweep(self) -> int:
        """Remove temporary folders whose writer is dead; returns how many."""
        swept = 0
        with wait_lock(self.root / ".locks" / "tmp"):
            for folder in sorted((self.root / ".tmp").iterdir()):
                lock = self.root / ".locks" / f"tmp-{folder.name}"
                descriptor = try_lock(lock)
                if descriptor is None:
                    continue
                with held(descriptor):
                    shutil.rmtree(folder, ignore_errors=True)
                    lock.unlink(missing_ok=True)
                    swept += 1
        return swept

    def _intact(self, folder: Path, files: dict[str, str], deep: bool) -> bool:
        digest = file_digest if deep else self.digests.digest
        try:
            present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
            if present - {MANIFEST} != set(files):
                return False
            return all(digest(folder / name) == value for name, value in files.items())
        except OSError:
            return False


def _manifest_files(folder: Path, stage: str, key: str) -> dict[str, str] | None:
    try:
        raw = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(raw, dict) or not isinstance(raw.get("files"), dict):
        return None
    if (raw.get("format"), raw.get("stage"), raw.get("key")) != (_FORMAT, stage, key):
        return None
    return {str(name): str(value) for name, value in raw["files"].items()}


def _file_table(out: Path) -> dict[str, str]:
    table: dict[str, str] = {}
    for path in sorted(out.rglob("*")):
        if path.is_symlink() or not (path.is_file() or path.is_dir()) or path.name == MANIFEST:
            name = path.relative_to(out)
            raise InternalError(
                "flow.artifact",
                f"a stage wrote {name}, expected regular files not called {MANIFEST}",
                hint="please report this",
            )
        if path.is_file():
            table[path.relative_to(out).as_posix()] = file_digest(path)
    return table


def _pretty(data: object) -> str:
    return json.dumps(json.loads(canonical(data)), indent=1, sort_keys=True) + "\n"


def _flush_tree(root: Path) -> None:
    for path in sorted(root.rglob("*")):
        _flush(path)
    _flush(root)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
