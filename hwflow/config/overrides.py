"""`--set a.b=value`: changes to the tree of a design file before it is read."""

from __future__ import annotations

from collections.abc import Sequence

from hwflow.config.yamltree import Item, MapItem, ScalarItem, parse_yaml
from hwflow.errors import InputError, Place

__all__ = ["apply_overrides"]

_PLACE = Place("--set")


def apply_overrides(root: MapItem, overrides: Sequence[str]) -> MapItem:
    """The tree with every override in place, later ones winning.

    Raises:
        InputError: "config.override" when one has no `=`, or leads through a plain value.
    """
    for override in overrides:
        key, equals, text = override.partition("=")
        names = key.strip().split(".")
        if not equals or not all(names):
            raise _error(f"found {override!r}, expected key.subkey=value")
        root = _placed(root, names, _value(text), override)
    return root


def _value(text: str) -> Item:
    if not text.strip():
        return ScalarItem(_PLACE, "null", None, "")
    return _moved(parse_yaml(text.encode(), "--set"))


def _moved(item: Item) -> Item:
    """Line and column of a command-line argument say nothing: only "--set" stays."""
    if isinstance(item, MapItem):
        entries = {name: _moved(child) for name, child in item.entries.items()}
        return MapItem(_PLACE, entries, dict.fromkeys(entries, _PLACE))
    if isinstance(item, ScalarItem):
        return ScalarItem(_PLACE, item.kind, item.value, item.text)
    return type(item)(_PLACE, tuple(_moved(child) for child in item.items))


def _placed(item: MapItem, names: Sequence[str], value: Item, override: str) -> MapItem:
    name, rest = names[0], names[1:]
    if rest:
        below = item.entries.get(name, MapItem(_PLACE, {}, {}))
        if not isinstance(below, MapItem):
            raise _error(f"{override!r}: {name} is not a mapping of keys")
        value = _placed(below, rest, value, override)
    entries = {**item.entries, name: value}
    keys = {**item.keys, name: item.keys.get(name, _PLACE) if rest else _PLACE}
    return MapItem(item.place, entries, keys)


def _error(message: str) -> InputError:
    return InputError(
        "config.override", message, hint="for example --set hardware.target=lut6", place=_PLACE
    )
