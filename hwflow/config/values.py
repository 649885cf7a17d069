"""Values with a form of their own: names, clocks, files, limits."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from hwflow.asic.libraries import KNOWN
from hwflow.config.design import BudgetConfig, Builder, Limit
from hwflow.config.names import KEYWORDS, NAME_PATTERN
from hwflow.config.schema import (
    INVALID,
    Context,
    Integer,
    Key,
    MapOf,
    Number,
    Section,
    did_you_mean,
)
from hwflow.config.yamltree import Item, MapItem, ScalarItem, read_yaml
from hwflow.errors import ErrorList, HwflowError, Place

__all__ = [
    "CLOCK_PATTERN",
    "BudgetOf",
    "LimitsOf",
    "cell_library",
    "clock",
    "data_file",
    "design_name",
    "liberty_file",
    "model_builder",
    "model_file",
    "weights_file",
]


CLOCK_PATTERN = r"[0-9]+(\.[0-9]+)? *([kMG]?Hz|[pnum]?s)"
_UNITS = {
    "Hz": Fraction(1),
    "kHz": Fraction(10**3),
    "MHz": Fraction(10**6),
    "GHz": Fraction(10**9),
    "s": Fraction(1),
    "ms": Fraction(1, 10**3),
    "us": Fraction(1, 10**6),
    "ns": Fraction(1, 10**9),
    "ps": Fraction(1, 10**12),
}
_SLOWEST, _FASTEST = 1_000, 2_000_000_000
_METRIC = r"[a-z][a-z0-9_]*([./][A-Za-z0-9_]+)*"
LIBRARIES = tuple(known.name for known in KNOWN)
MODEL_FILES = (".hwf", ".json", ".onnx", ".h5", ".hdf5", ".keras")
"""Formats that `hwflow.stages.models` reads."""
INTEGER_FILES = (".hwf", ".json", ".onnx")
"""Formats without a training rung."""


def design_name(text: str, place: Place, context: Context) -> object:
    """A name that Verilog, VHDL and Tcl take for a name."""
    if re.fullmatch(NAME_PATTERN, text) is None:
        return context.fail(
            "config.name",
            f"design: found {text[:80]!r}, expected a letter followed by at most 62 letters, "
            "digits or underscores",
            "it names the Verilog module",
            place,
        )
    if text.lower() in KEYWORDS:
        return context.fail(
            "config.name",
            f"design: {text!r} is a keyword of a hardware language or of Tcl, expected a name",
            f"for example {text}_net",
            place,
        )
    return text


def clock(text: str, place: Place, context: Context) -> object:
    """A frequency in hertz from "40 MHz" or "25 ns"."""
    match = re.fullmatch(r"([0-9.]+) *([A-Za-z]+)", text)
    assert match is not None, "the pattern was checked before"
    number, unit = Fraction(match.group(1)), match.group(2)
    if number == 0:
        return context.fail("config.range", "hardware.clock: found 0", "write 40 MHz", place)
    hertz = number * _UNITS[unit] if unit.endswith("Hz") else 1 / (number * _UNITS[unit])
    if not _SLOWEST <= hertz <= _FASTEST:
        return context.fail(
            "config.range",
            f"hardware.clock: found {text!r}, expected from 1 kHz to 2 GHz",
            "write for example 40 MHz or 25 ns",
            place,
        )
    return hertz


def model_builder(text: str, place: Place, context: Context) -> object:
    """The file and function of "model.py:function"."""
    name, _, function = text.rpartition(":")
    path = _inside(name, place, context)
    return Builder(path, function) if isinstance(path, Path) else INVALID


def model_file(text: str, place: Place, context: Context) -> object:
    """A model's file inside the design's folder."""
    suffix = Path(text).suffix.lower()
    if suffix not in MODEL_FILES:
        return context.fail(
            "config.path",
            f"model.file: found {text!r}",
            f"expected a file named {', '.join('*' + known for known in MODEL_FILES)}",
            place,
        )
    return _inside(text, place, context)


def weights_file(text: str, place: Place, context: Context) -> object:
    """Values of weights; the file may lie outside the design's folder."""
    if Path(text).suffix.lower() != ".npz":
        return context.fail(
            "config.path", f"model.weights: found {text!r}", "expected a .npz file", place
        )
    return _existing(context.folder / text, text, place, context)


def data_file(text: str, place: Place, context: Context) -> object:
    """A user's data file; it may lie outside the design's folder."""
    if Path(text).suffix.lower() not in (".npz", ".csv"):
        return context.fail(
            "config.path", f"data.path: found {text!r}", "expected a .npz or .csv file", place
        )
    return _existing(context.folder / text, text, place, context)


def cell_library(text: str, place: Place, context: Context) -> object:
    """A cell library known by name, or a Liberty file (`$PDK_ROOT/...` is found)."""
    if text in LIBRARIES:
        return text
    if Path(text).suffix.lower() != ".lib":
        names = ", ".join(LIBRARIES)
        return context.fail(
            "config.path",
            f"{context.dotted}: found {text[:80]!r}, expected {names} or a Liberty file (.lib)",
            f"{did_you_mean(text, LIBRARIES)}; or write path/to/cells.lib",
            place,
        )
    return liberty_file(text, place, context)


def liberty_file(text: str, place: Place, context: Context) -> object:
    """A Liberty file; it may lie outside the design's folder."""
    if Path(text).suffix.lower() != ".lib":
        return context.fail(
            "config.path", f"{context.dotted}: found {text[:80]!r}", "expected a .lib file", place
        )
    root, _, rest = text.partition("/")
    if root == "$PDK_ROOT":
        found = os.environ.get("PDK_ROOT")
        if not found:
            return context.fail(
                "config.path",
                f"{context.dotted}: PDK_ROOT is not set",
                "set it to the folder of your PDKs, or write the whole path",
                place,
            )
        return _existing(Path(found) / rest, text, place, context)
    return _existing(context.folder / Path(text).expanduser(), text, place, context)


def _inside(text: str, place: Place, context: Context) -> object:
    relative = Path(text)
    path = context.folder / relative
    escapes = relative.is_absolute() or ".." in relative.parts
    if escapes or not path.resolve().is_relative_to(context.folder.resolve()):
        return context.fail(
            "config.path",
            f"{context.dotted}: {text!r} leads outside the folder of design.yaml",
            "put the file beside design.yaml",
            place,
        )
    return _existing(path, text, place, context)


def _existing(path: Path, text: str, place: Place, context: Context) -> object:
    try:
        found = path.is_file()
    except (OSError, ValueError):  # a name too long, or with a zero byte
        found = False
    if found:
        return path
    return context.fail(
        "file.missing",
        f"{context.dotted}: there is no file {text!r}",
        "paths are relative to the folder of design.yaml",
        place,
    )


_BUDGET = Section(
    (
        Key("lut", Integer(0, 10_000_000), "LUTs at the most"),
        Key("ff", Integer(0, 10_000_000), "flip-flops at the most"),
        Key("dsp", Integer(0, 10_000_000), "DSPs at the most"),
        Key("bram", Integer(0, 10_000_000), "block RAMs at the most"),
    ),
    make=BudgetConfig,
)


class BudgetOf:
    """Figures of a budget, or the word device for what the device has less a margin."""

    def read(self, item: Item, context: Context) -> object:
        if isinstance(item, MapItem):
            return _BUDGET.read(item, context)
        if isinstance(item, ScalarItem) and item.text == "device":
            return BudgetConfig(device=True)
        return context.wrong_type(item, "figures such as {lut: 4000, dsp: 8}, or device")

    def json_schema(self) -> dict[str, object]:
        return {"anyOf": [{"const": "device"}, _BUDGET.json_schema()]}


@dataclass(frozen=True, slots=True)
class _Bounds:
    min: float | None
    max: float | None


def _check_bounds(values: dict[str, object], item: MapItem, context: Context) -> None:
    low, high = values["min"], values["max"]
    if not item.entries:
        context.fail(
            "config.missing", f"{context.dotted}: no bound", "write min: or max:", item.place
        )
    if isinstance(low, float) and isinstance(high, float) and low > high:
        context.fail(
            "config.combination",
            f"{context.dotted}: min {low:g} is above max {high:g}",
            "exchange them",
            item.place,
        )


_BOUNDS = Section(
    (
        Key("min", Number(-1e30, 1e30), "the smallest value allowed"),
        Key("max", Number(-1e30, 1e30), "the largest value allowed"),
    ),
    make=_Bounds,
    check=_check_bounds,
    rules={"minProperties": 1},
)
_LIMITS = MapOf(_METRIC, "metrics", _BOUNDS)


class LimitsOf:
    """Limits written in place, or the name of a YAML file that holds them."""

    def read(self, item: Item, context: Context) -> object:
        if isinstance(item, ScalarItem) and item.kind == "text":
            path = _inside(item.text, item.place, context)
            if not isinstance(path, Path):
                return INVALID
            shown = str(Path(item.place.file).parent / item.text)
            try:
                item = read_yaml(path, shown)
            except HwflowError as error:
                context.errors.extend(error.errors if isinstance(error, ErrorList) else (error,))
                return INVALID
        elif not isinstance(item, MapItem):
            return context.wrong_type(item, "a mapping of metrics or a file such as limits.yaml")
        pairs = _LIMITS.read(item, context)
        if not isinstance(pairs, tuple):
            return INVALID
        return tuple(
            Limit(name, bounds.min, bounds.max, context.places[f"{context.dotted}.{name}"])
            for name, bounds in pairs
            if isinstance(bounds, _Bounds)
        )

    def json_schema(self) -> dict[str, object]:
        return {"anyOf": [{"type": "string"}, _LIMITS.json_schema()]}
