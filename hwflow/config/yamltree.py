"""YAML read into a small tree that knows where each value stands.

Only what a design file needs: mappings with text keys, lists and scalars, as in YAML 1.2's core
schema (so `no` is text and `1e-3` is a number). Anchors, aliases, tags, duplicate keys, deep
nesting and large files are refused before anything is built from them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from hwflow.errors import ErrorList, HwflowError, InputError, Place

__all__ = ["Item", "ListItem", "MapItem", "ScalarItem", "describe", "parse_yaml", "read_yaml"]

MAX_BYTES = 1 << 20
MAX_DEPTH = 16
MAX_NODES = 10_000

ScalarKind = Literal["null", "bool", "int", "float", "text"]
Scalar = None | bool | int | float | str


@dataclass(frozen=True, slots=True)
class ScalarItem:
    """One value; `text` is how it was written."""

    place: Place
    kind: ScalarKind
    value: Scalar
    text: str


@dataclass(frozen=True, slots=True)
class ListItem:
    """A list."""

    place: Place
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class MapItem:
    """A mapping; `keys` gives the place of each key."""

    place: Place
    entries: dict[str, Item]
    keys: dict[str, Place]


Item = ScalarItem | ListItem | MapItem


def describe(item: Item) -> str:
    """What stands there, for "found ..." in a message."""
    if isinstance(item, MapItem):
        return "a mapping"
    if isinstance(item, ListItem):
        return "a list"
    if item.kind == "null":
        return "nothing"
    shown = item.text if len(item.text) <= 60 else item.text[:57] + "..."
    name = {"bool": "the truth value", "int": "the number", "float": "the number"}
    return f"{name.get(item.kind, 'the text')} {shown!r}"


def read_yaml(path: Path, shown: str | None = None) -> Item:
    """Read a YAML file; `shown` is its name in messages.

    Raises:
        InputError: "file.*" or "yaml.*".
    """
    name = shown or str(path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise InputError(
            "file.missing",
            f"there is no file {name}",
            hint="name a design.yaml; `hwflow init` writes an example",
        ) from None
    except OSError as error:
        raise InputError("file.unreadable", f"cannot read {name}: {error.strerror}") from None
    return parse_yaml(raw, name)


def parse_yaml(raw: bytes, name: str) -> Item:
    """Parse YAML bytes; `name` is the file in places.

    Raises:
        InputError: "yaml.*"; an ErrorList when several keys are duplicated.
    """
    if len(raw) > MAX_BYTES:
        raise InputError(
            "yaml.size",
            "the file is larger than 1 MiB, expected a design of a few kilobytes",
            hint="check that the right file was named",
            place=Place(name),
        )
    text = _decoded(raw, name)
    try:
        loader = _Loader(text)
        loader.file = name
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise _syntax_error(error, name) from None
    if node is None:
        raise InputError(
            "yaml.empty",
            "the file is empty, expected keys and values",
            hint="`hwflow init` writes an example",
            place=Place(name),
        )
    duplicates: list[HwflowError] = []
    item = _item(node, name, duplicates)
    if duplicates:
        raise ErrorList(duplicates)
    return item


def _decoded(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(
            "yaml.encoding",
            f"byte {raw[error.start]:#04x} is not UTF-8 text",
            hint="save the file as UTF-8"
            if Path(name).suffix in (".yaml", ".yml")
            else "name a design.yaml; a model's file goes into it as model: {file: ...}",
            place=Place(name, line),
        ) from None


class _Loader(yaml.SafeLoader):
    """Composes nodes only; constructs nothing."""

    file = ""
    depth = 0
    nodes = 0
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        place = _place(self.file, event.start_mark)
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            sign = "*" if isinstance(event, yaml.AliasEvent) else "&"
            raise InputError(
                "yaml.alias",
                f"found {sign}{event.anchor}: anchors and aliases are not allowed",
                hint="write the value out, or quote a text that starts with & or *",
                place=place,
            )
        if event.tag is not None:
            raise InputError(
                "yaml.tag",
                f"found the tag {event.tag}: tags are not allowed",
                hint="write the plain value, or quote a text that starts with !",
                place=place,
            )
        if self.depth >= MAX_DEPTH:
            raise InputError(
                "yaml.depth",
                f"nested more than {MAX_DEPTH} levels deep",
                hint="check the brackets and the indentation",
                place=place,
            )
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise InputError(
                "yaml.size",
                f"the file holds more than {MAX_NODES} values, expected a few dozen",
                hint="check that the right file was named",
                place=place,
            )
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _syntax_error(error: yaml.YAMLError, name: str) -> InputError:
    if isinstance(error, yaml.reader.ReaderError):
        return InputError(
            "yaml.encoding",
            f"character {int(error.character):#06x} at position {error.position} is not allowed",
            hint="save the file as plain UTF-8 text",
            place=Place(name),
        )
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    tab = "\\t" in problem
    return InputError(
        "yaml.syntax",
        "not valid YAML: found a tab, expected spaces" if tab else f"not valid YAML: {problem}",
        hint="indent by spaces" if tab else "check the indentation, quotes and brackets here",
        place=_place(name, mark) if mark else Place(name),
    )


def _place(name: str, mark: yaml.Mark) -> Place:
    return Place(name, mark.line + 1, mark.column + 1)


def _item(node: yaml.Node, name: str, duplicates: list[HwflowError]) -> Item:
    place = _place(name, node.start_mark)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, name, duplicates)
    if isinstance(node, yaml.SequenceNode):
        return ListItem(place, tuple(_item(child, name, duplicates) for child in node.value))
    assert isinstance(node, yaml.ScalarNode)
    if node.style is not None:  # quoted or a block: always text
        return ScalarItem(place, "text", node.value, node.value)
    kind, value = _plain(node.value)
    return ScalarItem(place, kind, value, node.value)


def _mapping(node: yaml.MappingNode, name: str, duplicates: list[HwflowError]) -> MapItem:
    entries: dict[str, Item] = {}
    keys: dict[str, Place] = {}
    for key_node, value_node in node.value:
        place = _place(name, key_node.start_mark)
        if not isinstance(key_node, yaml.ScalarNode):
            raise InputError(
                "yaml.syntax", "found a list or mapping as a key, expected a word", place=place
            )
        key = key_node.value
        if key in keys:
            duplicates.append(
                InputError(
                    "yaml.duplicate-key",
                    f"the key {key!r} stands here a second time, first at line {keys[key].line}",
                    hint="keep one of the two",
                    place=place,
                )
            )
        keys.setdefault(key, place)
        entries.setdefault(key, _item(value_node, name, duplicates))
    return MapItem(_place(name, node.start_mark), entries, keys)


_INT = re.compile(r"[-+]?[0-9]{1,40}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,5})?")


def _plain(text: str) -> tuple[ScalarKind, Scalar]:
    """The core schema of YAML 1.2 without octal, hexadecimal, infinities and NaN."""
    if text in ("", "~", "null", "Null", "NULL"):
        return "null", None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return "bool", text.lower() == "true"
    if _INT.fullmatch(text):
        return "int", int(text)
    if _FLOAT.fullmatch(text):
        return "float", float(text)
    return "text", text
