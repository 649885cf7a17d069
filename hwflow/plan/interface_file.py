"""Reading interface.json, the ports and timing of a generated design."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import NoReturn, get_args

from hwflow.errors import InputError
from hwflow.plan.store import Field, WeightStore
from hwflow.plan.streams import Interface, InterfaceKind, PortGroup, StreamType

__all__ = ["read_interface"]


def read_interface(text: str) -> Interface:
    """What `Interface.to_json` wrote.

    Raises:
        InputError: `interface.json` on unknown, missing, duplicate or ill-typed keys.
    """
    try:
        raw = json.loads(text, object_pairs_hook=_unique)
        return _interface(_Record(raw, Interface, "interface"))
    except (ValueError, RecursionError) as error:
        raise InputError(
            "interface.json",
            f"interface file: {error}",
            hint="use the interface.json that `hwflow build` wrote",
        ) from None


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError(f"expected each key once, found {[k for k, _ in pairs]}")
    return record


class _Record:
    """A JSON object with exactly the expected keys, read by type."""

    def __init__(self, raw: object, kind: type, where: str) -> None:
        if not isinstance(raw, dict):  # malformed text, like every other finding here
            raise ValueError(f"{where}: found {type(raw).__name__}, expected an object")
        found, expected = set(raw), {field.name for field in fields(kind)}
        if found != expected:
            unknown, missing = sorted(found - expected), sorted(expected - found)
            raise ValueError(f"{where}: unknown keys {unknown}, missing keys {missing}")
        self._raw: dict[str, object] = raw
        self._where = where

    def text(self, key: str) -> str:
        value = self._raw[key]
        return value if isinstance(value, str) else self._wrong(key, "a string")

    def optional_text(self, key: str) -> str | None:
        return None if self._raw[key] is None else self.text(key)

    def integer(self, key: str) -> int:
        value = self._raw[key]
        return value if type(value) is int else self._wrong(key, "an integer")

    def flag(self, key: str) -> bool:
        value = self._raw[key]
        return value if isinstance(value, bool) else self._wrong(key, "true or false")

    def items(self, key: str) -> list[object]:
        value = self._raw[key]
        return value if isinstance(value, list) else self._wrong(key, "a list")

    def integers(self, key: str) -> tuple[int, ...]:
        values = tuple(v for v in self.items(key) if type(v) is int)
        whole = len(values) == len(self.items(key))
        return values if whole else self._wrong(key, "a list of integers")

    def flags(self, key: str) -> tuple[bool, ...]:
        values = tuple(v for v in self.items(key) if isinstance(v, bool))
        whole = len(values) == len(self.items(key))
        return values if whole else self._wrong(key, "a list of true and false")

    def nested(self, key: str, kind: type) -> _Record:
        return _Record(self._raw[key], kind, f"{self._where}.{key}")

    def groups(self, key: str) -> tuple[PortGroup, ...]:
        where = f"{self._where}.{key}"
        return tuple(
            _port_group(_Record(raw, PortGroup, f"{where}[{index}]"))
            for index, raw in enumerate(self.items(key))
        )

    def store(self, key: str) -> WeightStore | None:
        if self._raw[key] is None:
            return None
        record = self.nested(key, WeightStore)
        where = f"{self._where}.{key}.fields"
        found = [
            _field(_Record(raw, Field, f"{where}[{index}]"))
            for index, raw in enumerate(record.items("fields"))
        ]
        return WeightStore(tuple(found))

    def _wrong(self, key: str, expected: str) -> NoReturn:
        raise ValueError(f"{self._where}.{key}: found {self._raw[key]!r}, expected {expected}")


def _port_group(record: _Record) -> PortGroup:
    stream = record.nested("stream", StreamType)
    return PortGroup(
        tensor=record.text("tensor"),
        shape=record.integers("shape"),
        stream=StreamType(
            stream.integers("widths"), stream.flags("signed"), stream.integer("beats")
        ),
        data=record.text("data"),
        valid=record.text("valid"),
        ready=record.optional_text("ready"),
        last=record.optional_text("last"),
        data_bits=record.integer("data_bits"),
    )


def _field(record: _Record) -> Field:
    return Field(
        record.text("name"),
        record.integers("shape"),
        record.integers("widths"),
        record.flags("signed"),
        record.integer("offset"),
    )


def _interface(record: _Record) -> Interface:
    kind = next((k for k in get_args(InterfaceKind) if k == record.text("kind")), None)
    if kind is None:
        raise ValueError(f"kind: found {record.text('kind')!r}, expected {get_args(InterfaceKind)}")
    return Interface(
        top=record.text("top"),
        kind=kind,
        clock=record.text("clock"),
        reset=record.text("reset"),
        reset_active_high=record.flag("reset_active_high"),
        reset_cycles=record.integer("reset_cycles"),
        inputs=record.groups("inputs"),
        outputs=record.groups("outputs"),
        latency=record.integer("latency"),
        initiation_interval=record.integer("initiation_interval"),
        store=record.store("store"),
    )
