"""Which design and which build folder a command's argument means."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hwflow.errors import InputError

if TYPE_CHECKING:
    from hwflow.flow import Build

__all__ = ["DEFAULT_ROOT", "build_at", "default_folder", "is_design"]

DEFAULT_ROOT = Path("build")


def default_folder(design: str) -> Path:
    """Where a design is built: build/<design> below the current folder."""
    return DEFAULT_ROOT / design


def is_design(argument: Path) -> bool:
    """Whether the argument names a design file, or the folder of one, and no build."""
    if (argument / "build.json").is_file():
        return False
    return argument.suffix in (".yaml", ".yml") or (argument / "design.yaml").is_file()


def build_at(argument: Path) -> Build:
    """The build that a user means: its folder, its design's file, or just its name.

    Raises:
        InputError: "build.missing", "build.corrupt", or what is wrong with the design file.
    """
    from hwflow.flow import open_build

    folder = argument
    if is_design(argument):
        from hwflow.config import load_design

        folder = default_folder(load_design(argument).design)
    elif not argument.exists() and len(argument.parts) == 1:
        named = default_folder(argument.name)
        folder = named if named.is_dir() else argument
    if not folder.exists():
        raise InputError(
            "build.missing",
            f"there is no build folder {folder}",
            hint="run `hwflow build DESIGN.yaml` first; `hwflow status` lists builds",
        )
    return open_build(folder)
