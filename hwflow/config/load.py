"""Reading a design file into a `DesignConfig`, and its JSON Schema."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from hwflow.config.design import DesignConfig
from hwflow.config.keys import DESIGN
from hwflow.config.overrides import apply_overrides
from hwflow.config.schema import Context
from hwflow.config.yamltree import MapItem, describe, read_yaml
from hwflow.errors import ErrorList, InputError

__all__ = ["json_schema", "load_design"]


def load_design(path: Path, overrides: Sequence[str] = ()) -> DesignConfig:
    """Read design.yaml, apply `--set` overrides, check everything.

    Raises:
        InputError: the file cannot be read as YAML.
        ErrorList: every mistake found, in the order of the file, each with its place.
    """
    if path.is_dir():
        path = path / "design.yaml"
    item = read_yaml(path)
    if not isinstance(item, MapItem):
        raise InputError(
            "yaml.empty",
            f"found {describe(item)}, expected keys and values",
            hint="`hwflow init` writes an example",
            place=item.place,
        )
    context = Context(path.parent)
    values = cast("dict[str, Any]", DESIGN.read(apply_overrides(item, overrides), context))
    if context.errors:
        far = 1 << 30
        raise ErrorList(
            sorted(
                context.errors,
                key=lambda error: (
                    (error.place.line or far, error.place.column or far)
                    if error.place
                    else (far, far)
                ),
            )
        )
    return DesignConfig(**values, folder=path.parent, places=dict(context.places))


def json_schema() -> dict[str, object]:
    """The JSON Schema (draft 2020-12) of design.yaml, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "hwflow design",
        "description": "A network, its training, the hardware to build and how to check it.",
        **DESIGN.json_schema(),
    }
