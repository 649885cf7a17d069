"""The one-file form: deterministic, exact, and strict about hostile files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwflow.errors import InputError
from hwflow.ir import (
    Graph,
    GraphBuilder,
    IntType,
    digest,
    evaluate,
    load_graph,
    print_graph,
    save_graph,
)  # fmt: skip
from hwflow.ir.hwf import MAGIC, dumps, loads

TEXT = (
    b"hwflow-graph 1 g\nx = input(shape=[2], type=int(-8, 7, 0), rounding=floor, overflow=wrap)\n"
)
END = b"output y = x\n"
CONST = b"c = const(values=@0, frac=0)\n"


def entry(kind: str, data: bytes, **more: Any) -> dict[str, Any]:
    return {
        "kind": kind, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), **more
    }  # fmt: skip


def file_of(header: object, *sections: bytes) -> bytes:
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    return MAGIC + head + b"\n" + b"".join(sections)


def with_text(text: bytes, *blobs: tuple[bytes, str, list[Any]]) -> bytes:
    entries = [entry("text", text)]
    entries += [entry("array", data, dtype=dtype, shape=shape) for data, dtype, shape in blobs]
    return file_of({"sections": entries}, text, *(data for data, _, _ in blobs))


def large() -> Graph:
    rng = np.random.default_rng(1)
    b = GraphBuilder("large")
    with b.layer("dense"):
        y = b.matmul(
            b.input("x", (100,), IntType(np.arange(100) - 120, 130, 3)),
            b.const(rng.integers(-128, 128, (100, 7)), frac=np.arange(7)),
        )
    return b.build({"y": y})


def test_long_arrays_are_stored_apart(tmp_path: Path) -> None:
    graph = large()
    save_graph(graph, tmp_path / "a.hwf")
    again = load_graph(tmp_path / "a.hwf")
    assert (tmp_path / "a.hwf").read_bytes() == dumps(graph) == dumps(again)
    assert b"@1" in dumps(graph)
    assert print_graph(again) == print_graph(graph)
    x = np.ones((2, 100), dtype=np.int64)
    assert np.array_equal(evaluate(again, {"x": x})["y"], evaluate(graph, {"x": x})["y"])
    assert hashlib.sha256(dumps(graph)).hexdigest() == digest(graph)


@pytest.mark.parametrize("top", [127, 128, 32767, 32768, (1 << 31) - 1, 1 << 31, 1 << 61, 1 << 70])
def test_every_storage_width(top: int) -> None:
    b = GraphBuilder("widths")
    values = [top, -top - 1, *range(98)]
    graph = b.build({"y": b.add(b.input("x", (), IntType.fixed(4)), b.const(values))})
    again = loads(dumps(graph))
    assert print_graph(again) == print_graph(graph)
    sums = evaluate(again, {"x": np.array([1])})["y"]
    assert sums.tolist() == [[v + 1 for v in values]]


def test_digest_tells_graphs_apart() -> None:
    def tiny(weight: int, frac: int = 0, name: str = "x") -> str:
        b = GraphBuilder("tiny")
        x = b.input(name, (), IntType.fixed(4))
        return digest(b.build({"y": b.mul(x, b.const(weight, frac=frac))}))

    digests = [tiny(3), tiny(4), tiny(3, 1), tiny(3, name="z")]
    assert len(set(digests)) == 4
    assert tiny(3) == tiny(3)


def test_the_hand_made_file_is_good() -> None:
    """So that each refusal below is due to its own fault."""
    blob = (bytes(range(70)), "int8", [70])
    graph = loads(with_text(TEXT + CONST + END, blob))
    assert graph.types["c"].shape == (70,)


GOOD = with_text(TEXT + CONST + END, (bytes(70), "int8", [70]))
BLOB = bytes(64)


def changed(**more: Any) -> bytes:
    """The good file with its array's header entry changed."""
    text = TEXT + CONST + END
    array = entry("array", BLOB, dtype="int8", shape=[64])
    return file_of({"sections": [entry("text", text), {**array, **more}]}, text, BLOB)


def dropped(key: str) -> bytes:
    text = TEXT + END
    whole = entry("text", text)
    del whole[key]
    return file_of({"sections": [whole]}, text)


HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "not ours": b"PK\x03\x04 something else",
    "other version": GOOD.replace(MAGIC, b"hwf 2\n", 1),
    "no header end": MAGIC + b"{" * 100,
    "endless header": MAGIC + b" " * (3 << 20) + b"\n",
    "header not JSON": file_of(b"{sections"),
    "header not UTF-8": file_of(b'{"sections": "\xff"}'),
    "header deep": file_of(b"[" * 100_000 + b"]" * 100_000),
    "header a list": file_of([1, 2]),
    "header a number": file_of(7),
    "no sections": file_of({}),
    "sections a text": file_of({"sections": "text"}),
    "sections numbers": file_of({"sections": [1]}),
    "sections empty": file_of({"sections": []}),
    "two texts": file_of({"sections": [entry("text", TEXT + END)] * 2}, *[TEXT + END] * 2),
    "text last": file_of(
        {"sections": [entry("array", b"\0", dtype="int8", shape=[1]), entry("text", TEXT + END)]},
        b"\0", TEXT + END,
    ),
    "no text": file_of({"sections": [entry("array", b"\0", dtype="int8", shape=[1])]}, b"\0"),
    "truncated": GOOD[:-1],
    "trailing": GOOD + b"\0",
    "half": GOOD[: len(GOOD) // 2],
    "kind": changed(kind="pickle"),
    "dtype object": changed(dtype="object"),
    "dtype float": changed(dtype="float64"),
    "dtype list": changed(dtype=["int8"]),
    "shape negative": changed(shape=[-64]),
    "shape negatives": changed(shape=[-8, -8]),
    "shape zero": changed(shape=[0]),
    "shape other": changed(shape=[63]),
    "shape huge": changed(shape=[1 << 62, 1 << 62]),
    "shape bool": changed(shape=[True]),
    "shape float": changed(shape=[64.0]),
    "shape text": changed(shape="64"),
    "shape deep": changed(shape=[1] * 9),
    "bytes negative": changed(bytes=-64),
    "bytes bool": changed(bytes=True),
    "bytes text": changed(bytes="64"),
    "bytes huge": changed(bytes=1 << 40),
    "2 GB declared": changed(bytes=1 << 31, shape=[1 << 28, 8], dtype="int8"),
    "2 GB declared in one": changed(bytes=1 << 31, shape=[1 << 28], dtype="int64"),
    "2 GB of text": file_of({"sections": [{**entry("text", TEXT), "bytes": 1 << 31}]}, TEXT),
    "checksum a number": changed(sha256=5),
    "without bytes": dropped("bytes"),
    "without kind": dropped("kind"),
    "without checksum": dropped("sha256"),
    "giant number": file_of(b'{"sections": ' + b"9" * 10_000 + b"}"),
    "infinite": file_of(b'{"sections": [{"kind": "text", "bytes": Infinity, "sha256": ""}]}'),
    "text not UTF-8": with_text(TEXT + b"\xff\xfe\n" + END),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files(case: str) -> None:
    with pytest.raises(InputError) as caught:
        loads(HOSTILE[case], "bad.hwf")
    assert caught.value.code == "hwf.format"
    assert "bad.hwf" in caught.value.message


@pytest.mark.parametrize("position", [len(GOOD) - 1, len(GOOD) - 70, len(GOOD) - 80])
def test_a_changed_byte_is_noticed(position: int) -> None:
    damaged = bytearray(GOOD)
    damaged[position] ^= 1
    with pytest.raises(InputError) as caught:
        loads(bytes(damaged))
    assert caught.value.code == "hwf.checksum"
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "graph.syntax"),
        (TEXT + b"c = const(values=@1, frac=0)\n" + END, "graph.syntax"),
        (TEXT + b"c = const(values=@-1, frac=0)\n" + END, "graph.syntax"),
        (TEXT + b"c = const(values=" + b"[" * 5000 + b"]" * 5000 + b", frac=0)\n" + END,
         "graph.syntax"),
        (TEXT + b"c = const(values=" + b"9" * 100_000 + b", frac=0)\n" + END, "graph.syntax"),
        (TEXT + b"c = const(values=1, frac=" + b"9" * 80 + b")\n" + END, "graph.shape"),
        (TEXT + b"c = reshape(x, shape=@0) @l\n" + END, "graph.syntax"),
        (TEXT + b"c = threshold(x, thresholds=@0, frac=@0) @l\n" + END, "graph.syntax"),
        (TEXT + b"c = lut(x, start=0, values=@0, frac=0) @l\n" + END, "graph.type"),
        (TEXT + b"c = shift(x, amount=@0) @l\n" + END, "graph.shape"),
        (TEXT + b"c = requant(x, type=int(@0, 99, 0), rounding=floor, overflow=wrap) @l\n" + END,
         "graph.shape"),
    ],
)  # fmt: skip
def test_hostile_text(text: bytes, code: str) -> None:
    with pytest.raises(InputError) as caught:
        loads(with_text(text, (bytes(range(70)), "int8", [70])), "bad.hwf")
    assert caught.value.code == code
    if code == "graph.syntax":
        assert caught.value.place is not None
        assert caught.value.place.file == "bad.hwf"


def test_missing_files(tmp_path: Path) -> None:
    cases: list[Callable[[], Graph]] = [
        lambda: load_graph(tmp_path / "absent.hwf"),
        lambda: load_graph(tmp_path),
    ]
    for case in cases:
        with pytest.raises(InputError) as caught:
            case()
        assert caught.value.code == "file.missing"


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse.hwf"
    with path.open("wb") as file:
        file.truncate((1 << 31) + 1)
    with pytest.raises(InputError) as caught:
        load_graph(path)
    assert caught.value.code == "hwf.format"
