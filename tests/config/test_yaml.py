"""Hostile and broken YAML."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwflow.config.yamltree import MapItem, ScalarItem, parse_yaml, read_yaml
from hwflow.errors import ErrorList, HwflowError, Place


def refused(text: str | bytes) -> HwflowError:
    raw = text.encode() if isinstance(text, str) else text
    with pytest.raises(HwflowError) as caught:
        parse_yaml(raw, "d.yaml")
    assert caught.value.exit_code == 2
    return caught.value


ALIAS_BOMB = "a: &a [x, x]\n" + "\n".join(f"b{i}: &b{i} [*a, *a]" for i in range(50))


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        (ALIAS_BOMB, "yaml.alias", Place("d.yaml", 1, 4)),
        ("a: *b\n", "yaml.alias", Place("d.yaml", 1, 4)),
        ("a: 1\nb: 2\na: 3\n", "yaml.duplicate-key", Place("d.yaml", 3, 1)),
        ("a: !!python/object:os.system x\n", "yaml.tag", Place("d.yaml", 1, 4)),
        ("a: !x y\n", "yaml.tag", Place("d.yaml", 1, 4)),
        ("a:\n\tb: 1\n", "yaml.syntax", Place("d.yaml", 2, 1)),
        ("a: [1, 2\nb: 3\n", "yaml.syntax", Place("d.yaml", 2, 2)),
        ("a: 1\n---\nb: 2\n", "yaml.syntax", Place("d.yaml", 2, 1)),
        ("? [a]\n: 1\n", "yaml.syntax", Place("d.yaml", 1, 3)),
        ("a: " + "[" * 5000, "yaml.depth", Place("d.yaml", 1, 19)),
        ("- 1\n" * 100_000, "yaml.size", Place("d.yaml", 10_000, 3)),
        ("", "yaml.empty", Place("d.yaml")),
        ("# nothing\n", "yaml.empty", Place("d.yaml")),
        (b"a: 1\nb: \xff\n", "yaml.encoding", Place("d.yaml", 2)),
        ("a: \x07\n", "yaml.encoding", Place("d.yaml")),
        ("a: " + "x" * 10_000_000, "yaml.size", Place("d.yaml")),
    ],
)
def test_refused_with_a_place(text: str | bytes, code: str, place: Place) -> None:
    error = refused(text)
    assert (error.code, error.place) == (code, place)


def test_tabs_are_named() -> None:
    assert "found a tab, expected spaces" in refused("a:\n\tb: 1\n").message


def test_ten_megabytes_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    with path.open("wb") as stream:
        stream.truncate(10_000_000_000)  # sparse: reading it all would take minutes
    with pytest.raises(HwflowError) as caught:
        read_yaml(path)
    assert caught.value.code == "yaml.size"


def test_every_duplicate_is_reported() -> None:
    error = refused("a: 1\na: 2\nb: {c: 1, c: 2}\n")
    assert isinstance(error, ErrorList)
    assert [str(e.place) for e in error.errors] == ["d.yaml:2:1", "d.yaml:3:11"]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("1e-3", "float", 1e-3),
        ("0.5", "float", 0.5),
        ("-12", "int", -12),
        ("no", "text", "no"),
        ("12:30", "text", "12:30"),
        ("'5'", "text", "5"),
        ("True", "bool", True),
        ("~", "null", None),
        (".inf", "text", ".inf"),
        ("1_000", "text", "1_000"),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, kind: str, value: object) -> None:
    root = parse_yaml(f"a: {text}\n".encode(), "d.yaml")
    assert isinstance(root, MapItem)
    item = root.entries["a"]
    assert isinstance(item, ScalarItem)
    assert (item.kind, item.value) == (kind, value)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path, code in ((tmp_path / "no.yaml", "file.missing"), (tmp_path, "file.unreadable")):
        with pytest.raises(HwflowError) as caught:
            read_yaml(path)
        assert caught.value.code == code
