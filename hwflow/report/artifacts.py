"""Reading the artifacts of other stages: JSON with the place named when it is not as expected."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwflow.errors import InternalError

__all__ = ["Record", "read"]


@dataclass(frozen=True, slots=True)
class Record:
    """A JSON object, with typed access; `source` is its file as `stage/name`.

    A key that is absent or of another type raises InternalError "report.artifact": artifacts are
    written by hwflow and guarded by checksums.
    """

    source: str
    data: Mapping[str, Any]

    def number(self, key: str) -> int | float:
        """A number."""
        found = self.data.get(key)
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise self.wrong(key, "a number")
        return found

    def number_or_none(self, key: str) -> int | float | None:
        """A number, or None where it is null or absent."""
        return None if self.data.get(key) is None else self.number(key)

    def integer(self, key: str) -> int:
        """A whole number."""
        found = self.number(key)
        if not isinstance(found, int):
            raise self.wrong(key, "a whole number")
        return found

    def text(self, key: str) -> str:
        """A text."""
        found = self.data.get(key)
        if not isinstance(found, str):
            raise self.wrong(key, "a text")
        return found

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        found = self.data.get(key)
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise self.wrong(key, "a list of texts")
        return tuple(found)

    def inner(self, key: str) -> Record:
        """An object inside this one."""
        found = self.data.get(key)
        if not isinstance(found, dict):
            raise self.wrong(key, "an object")
        return Record(self.source, found)

    def inner_or_none(self, key: str) -> Record | None:
        """An object inside this one, or None where it is null or absent."""
        return None if self.data.get(key) is None else self.inner(key)

    def rows(self, key: str) -> tuple[Record, ...]:
        """A list of objects."""
        found = self.data.get(key)
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise self.wrong(key, "a list of objects")
        return tuple(Record(self.source, item) for item in found)

    def wrong(self, key: str, expected: str) -> InternalError:
        """The error for a key that is not as expected."""
        return InternalError(
            "report.artifact",
            f"{self.source}: {key!r} is not {expected}",
            hint="the stage that wrote this artifact and the report disagree; rebuild with --force",
        )


def read(artifacts: Mapping[str, Path], stage: str, name: str) -> Record | None:
    """The JSON file `name` of a stage's artifact, None where the stage has not run.

    A list at the top becomes the object ``{"items": [...]}``.
    """
    folder = artifacts.get(stage)
    if folder is None or not (folder / name).is_file():
        return None
    source = f"{stage}/{name}"
    try:
        found = json.loads((folder / name).read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if isinstance(found, list):
        found = {"items": found}
    if not isinstance(found, dict):
        raise InternalError(
            "report.artifact", f"{source} is not JSON", hint="rebuild its stage with --force"
        )
    return Record(source, found)
