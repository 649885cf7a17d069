"""`.keras` files: zip archives of two JSON texts and the weights, read without unpacking."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hwflow.archives import suspicion
from hwflow.errors import InputError
from hwflow.frontends.keras.hdf5 import MAX_BYTES, WeightFile, broken, unsafe

__all__ = ["KerasArchive", "keras_generation", "parse_json"]

WEIGHTS = "model.weights.h5"
_SIZES = {"config.json": 1 << 24, "metadata.json": 1 << 16, WEIGHTS: MAX_BYTES}
_MAX_RATIO = 50


def parse_json(text: str | bytes, name: str) -> dict[str, Any]:
    """One JSON object; deep nesting is refused.

    Raises:
        InputError: "model.format".
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise broken(name, f"its description is no JSON ({type(error).__name__})") from None
    if not isinstance(value, dict):
        raise broken(name, "its description is no JSON object")
    return value


@dataclass(frozen=True, slots=True)
class KerasArchive:
    """The members of a `.keras` file, each checked before it was read."""

    name: str
    metadata: dict[str, Any]
    config: dict[str, Any]
    weights: bytes

    @classmethod
    def read(cls, path: Path) -> KerasArchive:
        """Read a `.keras` file.

        Raises:
            InputError: "model.format" or "model.unsafe".
        """
        with _opened(path) as archive:
            metadata, config = (
                parse_json(_member(archive, member, path.name), path.name)
                for member in ("metadata.json", "config.json")
            )
            return cls(path.name, metadata, config, _member(archive, WEIGHTS, path.name))

    @property
    def generation(self) -> int:
        """The major version of the Keras that wrote the file."""
        return _generation(self.metadata, self.name)


def keras_generation(path: Path) -> int:
    """The major version of the Keras that wrote a Keras file: 2 (QKeras) or 3 (HGQ2).

    Raises:
        InputError: "model.format" or "model.unsafe".
    """
    if path.suffix.lower() == ".keras":
        with _opened(path) as archive:
            metadata = parse_json(_member(archive, "metadata.json", path.name), path.name)
        return _generation(metadata, path.name)
    with WeightFile.open(path, path.name) as file:
        version = file.text((), "keras_version")
    return _generation({"keras_version": version or "2"}, path.name)


def _generation(metadata: dict[str, Any], name: str) -> Literal[2, 3]:
    version = str(metadata.get("keras_version"))
    if version.startswith("2"):
        return 2
    if version.startswith("3"):
        return 3
    raise broken(name, f"it was written by Keras {version[:40]!r}, expected 2 or 3")


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    if path.stat().st_size > MAX_BYTES:
        raise broken(path.name, f"it is larger than {MAX_BYTES >> 20} MiB")
    try:
        with zipfile.ZipFile(path) as archive:
            wrong = suspicion(archive)
            if wrong is not None:
                raise unsafe(path.name, wrong)
            yield archive
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError) as error:
        raise broken(path.name, f"it is no zip archive ({str(error)[:80]})") from None


def _member(archive: zipfile.ZipFile, member: str, name: str) -> bytes:
    try:
        info = archive.getinfo(member)
    except KeyError:
        raise broken(name, f"the archive has no {member}") from None
    if info.flag_bits & 1:
        raise InputError("model.format", f"{name}: {member} is encrypted")
    limit = min(_SIZES[member], 4096 + _MAX_RATIO * info.compress_size)
    if info.file_size > limit:
        raise unsafe(name, f"{member} unpacks to {info.file_size} bytes")
    with archive.open(info) as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise unsafe(name, f"{member} unpacks to more than it declares")
    return data
