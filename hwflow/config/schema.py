"""A small declarative schema: one description drives reading, messages and JSON Schema.

Every kind of value has `read(item, context) -> value`, which records each mistake in the context
and goes on, and `json_schema()`. After a mistake it returns INVALID, so that one wrong value never
hides the next one.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from hwflow.config.yamltree import Item, ListItem, MapItem, ScalarItem, describe
from hwflow.errors import HwflowError, InputError, Place

__all__ = [
    "INVALID",
    "Boolean",
    "Choice",
    "Context",
    "Integer",
    "Key",
    "Kind",
    "ListOf",
    "MapOf",
    "Number",
    "Section",
    "Text",
    "did_you_mean",
]


class _Invalid:
    def __repr__(self) -> str:
        return "INVALID"


INVALID: Final = _Invalid()
"""Stands for a value that could not be read."""


@dataclass(slots=True)
class Context:
    """What reading collects: the mistakes, and the place of each key by its dotted path."""

    folder: Path
    errors: list[HwflowError] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    path: tuple[str, ...] = ()

    @property
    def dotted(self) -> str:
        """The dotted path of the key being read."""
        return ".".join(self.path) or "the file"

    def fail(self, code: str, message: str, hint: str, place: Place | None) -> _Invalid:
        """Record a mistake."""
        self.errors.append(InputError(code, message, hint=hint, place=place))
        return INVALID

    def wrong_type(self, item: Item, expected: str) -> _Invalid:
        """Record a value of the wrong type."""
        return self.fail(
            "config.type",
            f"{self.dotted}: found {describe(item)}, expected {expected}",
            f"write {expected}",
            item.place,
        )

    def within(self, key: str) -> Context:
        """The context of a key below this one; mistakes and places are shared."""
        return Context(self.folder, self.errors, self.places, (*self.path, key))


class Kind(Protocol):
    """A kind of value."""

    def read(self, item: Item, context: Context) -> object:
        """The value, or INVALID after recording what is wrong."""

    def json_schema(self) -> dict[str, object]:
        """The same as JSON Schema."""


def did_you_mean(word: str, allowed: Mapping[str, object] | tuple[str, ...]) -> str:
    """A hint for a word that is not among those allowed."""
    names = tuple(allowed)
    near = difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"expected one of: {', '.join(names)}"


@dataclass(frozen=True, slots=True)
class Text:
    """Text, optionally of a pattern; `parse` turns it into a value or records what is wrong."""

    pattern: str = ""
    expected: str = "text"
    parse: Callable[[str, Place, Context], object] | None = None
    optional: bool = False

    def read(self, item: Item, context: Context) -> object:
        if self.optional and isinstance(item, ScalarItem) and item.kind == "null":
            return None
        if not isinstance(item, ScalarItem) or item.kind != "text":
            return context.wrong_type(item, self.expected)
        assert isinstance(item.value, str)
        if self.pattern and re.fullmatch(self.pattern, item.value) is None:
            return context.fail(
                "config.value",
                f"{context.dotted}: found {describe(item)}, expected {self.expected}",
                f"write {self.expected}",
                item.place,
            )
        return self.parse(item.value, item.place, context) if self.parse else item.value

    def json_schema(self) -> dict[str, object]:
        schema: dict[str, object] = {"type": ["string", "null"] if self.optional else "string"}
        return {**schema, "pattern": f"^(?:{self.pattern})$"} if self.pattern else schema


@dataclass(frozen=True, slots=True)
class Boolean:
    """true or false."""

    def read(self, item: Item, context: Context) -> object:
        if not isinstance(item, ScalarItem) or item.kind != "bool":
            return context.wrong_type(item, "true or false")
        return item.value

    def json_schema(self) -> dict[str, object]:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number between two bounds, both included."""

    low: int
    high: int

    def read(self, item: Item, context: Context) -> object:
        expected = f"a whole number from {self.low} to {self.high}"
        if not isinstance(item, ScalarItem) or item.kind != "int":
            return context.wrong_type(item, expected)
        assert isinstance(item.value, int)
        if not self.low <= item.value <= self.high:
            return _out_of_range(item, expected, context)
        return item.value

    def json_schema(self) -> dict[str, object]:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True, slots=True)
class Number:
    """A number between two bounds; `low` itself is allowed unless `above` is set."""

    low: float
    high: float
    above: bool = False

    def read(self, item: Item, context: Context) -> object:
        start = f"above {self.low:g} and up" if self.above else f"from {self.low:g}"
        expected = f"a number {start} to {self.high:g}"
        if not isinstance(item, ScalarItem) or item.kind not in ("int", "float"):
            return context.wrong_type(item, expected)
        assert isinstance(item.value, int | float)
        value = float(item.value)
        if not self.low <= value <= self.high or (self.above and value == self.low):
            return _out_of_range(item, expected, context)
        return value

    def json_schema(self) -> dict[str, object]:
        low = "exclusiveMinimum" if self.above else "minimum"
        return {"type": "number", low: self.low, "maximum": self.high}


def _out_of_range(item: ScalarItem, expected: str, context: Context) -> _Invalid:
    return context.fail(
        "config.range",
        f"{context.dotted}: found {describe(item)}, expected {expected}",
        f"write {expected}",
        item.place,
    )


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    options: tuple[str, ...]

    def read(self, item: Item, context: Context) -> object:
        expected = f"one of {', '.join(self.options)}"
        if not isinstance(item, ScalarItem) or isinstance(item.value, bool | None):
            return context.wrong_type(item, expected)
        if item.text in self.options:
            return item.text
        return context.fail(
            "config.choice",
            f"{context.dotted}: found {describe(item)}, expected {expected}",
            did_you_mean(item.text, self.options),
            item.place,
        )

    def json_schema(self) -> dict[str, object]:
        return {"enum": list(self.options)}


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list without repetitions, read as a tuple."""

    kind: Kind

    def read(self, item: Item, context: Context) -> object:
        if not isinstance(item, ListItem):
            return context.wrong_type(item, "a list such as [a, b]")
        values: list[object] = []
        for child in item.items:
            value = self.kind.read(child, context)
            if value is not INVALID and value in values:
                value = context.fail(
                    "config.value",
                    f"{context.dotted}: {describe(child)} stands in the list twice",
                    "keep one of the two",
                    child.place,
                )
            values.append(value)
        return INVALID if INVALID in values else tuple(values)

    def json_schema(self) -> dict[str, object]:
        return {"type": "array", "items": self.kind.json_schema(), "uniqueItems": True}


@dataclass(frozen=True, slots=True)
class MapOf:
    """A mapping of free names of a pattern to values, read as a tuple of sorted pairs."""

    pattern: str
    names: str
    kind: Kind

    def read(self, item: Item, context: Context) -> object:
        if not isinstance(item, MapItem):
            return context.wrong_type(item, f"a mapping of {self.names}")
        pairs: list[tuple[str, object]] = []
        for name, child in item.entries.items():
            if re.fullmatch(self.pattern, name) is None:
                context.fail(
                    "config.value",
                    f"{context.dotted}: {name!r} is not a name of {self.names}",
                    "use letters, digits and underscores",
                    item.keys[name],
                )
            context.places[".".join((*context.path, name))] = item.keys[name]
            pairs.append((name, self.kind.read(child, context.within(name))))
        return tuple(sorted(pairs, key=lambda pair: pair[0]))

    def json_schema(self) -> dict[str, object]:
        return {
            "type": "object",
            "patternProperties": {f"^(?:{self.pattern})$": self.kind.json_schema()},
            "additionalProperties": False,
        }


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a section. A required key has no default."""

    name: str
    kind: Kind
    doc: str
    default: object = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping with known keys; `make(**values)` builds its typed object.

    `check` looks at combinations: it gets the values, the item and the context, and may change
    the values; it runs even if single values are INVALID.
    """

    keys: tuple[Key, ...]
    make: Callable[..., object]
    check: Callable[[dict[str, object], MapItem, Context], None] | None = None
    rules: Mapping[str, object] = field(default_factory=dict)

    def read(self, item: Item, context: Context) -> object:
        if not isinstance(item, MapItem):
            return context.wrong_type(item, "a mapping of keys to values")
        known = {key.name: key for key in self.keys}
        for name, place in item.keys.items():
            if name not in known:
                where = f" in {context.dotted}" if context.path else ""
                message = f"unknown key {name!r}{where}"
                context.fail("config.unknown-key", message, did_you_mean(name, known), place)
        before = len(context.errors)
        values = {key.name: self._value(key, item, context) for key in self.keys}
        if self.check is not None:
            self.check(values, item, context)
        return INVALID if len(context.errors) > before else self.make(**values)

    def _value(self, key: Key, item: MapItem, context: Context) -> object:
        below = context.within(key.name)
        if key.name in item.entries:
            context.places[below.dotted] = item.keys[key.name]
            return key.kind.read(item.entries[key.name], below)
        if key.required:
            return context.fail(
                "config.missing",
                f"the key {below.dotted!r} is missing",
                f"add it: {key.doc}",
                item.place,
            )
        return key.default

    def defaults(self) -> object:
        """The section as it is when nothing is written."""
        return self.make(**{key.name: key.default for key in self.keys})

    def json_schema(self) -> dict[str, object]:
        properties: dict[str, object] = {}
        for key in self.keys:
            entry = {**key.kind.json_schema(), "description": key.doc}
            if isinstance(key.default, str | int | float | bool):
                entry["default"] = key.default
            properties[key.name] = entry
        schema: dict[str, object] = {
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
            **self.rules,
        }
        required = [key.name for key in self.keys if key.required]
        return {**schema, "required": required} if required else schema
