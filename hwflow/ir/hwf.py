"""The one-file form of a graph: text, then long arrays, each with its checksum. No pickle.

Layout: the line ``hwf 1``, a JSON line listing the sections (kind, bytes, sha256, and for an
array its dtype and shape), then the sections' bytes one after another.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from hwflow.errors import InputError
from hwflow.ir.exact import IntArray, as_ints, magnitude
from hwflow.ir.graph import Graph
from hwflow.ir.parse import parse_graph
from hwflow.ir.text import inline_array, print_graph
from hwflow.ir.types import MAX_ELEMENTS

__all__ = ["digest", "dumps", "load_graph", "loads", "save_graph"]

MAGIC = b"hwf 1\n"
_LONG = 64
_MAX_HEADER = 1 << 20
_MAX_TEXT = 1 << 26
_MAX_BYTES = 1 << 31
_DTYPES = ("int8", "int16", "int32", "int64")


def dumps(graph: Graph) -> bytes:
    """The bytes of `graph`'s file; equal graphs give equal bytes."""
    sections: list[tuple[dict[str, Any], bytes]] = []

    def apart(array: IntArray) -> str:
        if array.size < _LONG or array.dtype == object:
            return inline_array(array)
        dtype = next(d for d in _DTYPES if magnitude(array) <= np.iinfo(d).max)
        data = np.ascontiguousarray(array, dtype=np.dtype(dtype).newbyteorder("<")).tobytes()
        header = {"kind": "array", "dtype": dtype, "shape": list(array.shape)}
        sections.append((header, data))
        return f"@{len(sections) - 1}"

    text = print_graph(graph, apart).encode()
    entries = [
        {**header, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for header, data in ((({"kind": "text"}), text), *sections)
    ]
    head = json.dumps({"sections": entries}, sort_keys=True, separators=(",", ":"))
    return MAGIC + head.encode() + b"\n" + text + b"".join(data for _, data in sections)


def digest(graph: Graph) -> str:
    """SHA-256 (hex) of the graph's file form: its content, whoever built it."""
    return hashlib.sha256(dumps(graph)).hexdigest()


def save_graph(graph: Graph, path: Path) -> None:
    """Write `graph` to `path`."""
    Path(path).write_bytes(dumps(graph))


def load_graph(path: Path) -> Graph:
    """Read the graph in `path`.

    Raises:
        InputError: "hwf.format", "hwf.checksum", "file.missing" or what `parse_graph` raises.
    """
    path = Path(path)
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError("hwf.format", f"{path.name} is larger than {_MAX_BYTES >> 30} GiB")
        data = path.read_bytes()
    except OSError as error:
        raise InputError("file.missing", f"cannot read {path}: {error.strerror}") from None
    return loads(data, path.name)


def loads(data: bytes, source: str = "graph.hwf") -> Graph:
    """The graph in `data`; errors as `load_graph`."""
    if not data.startswith(MAGIC):
        raise _bad(source, "it does not start with 'hwf 1'")
    end = data.find(b"\n", len(MAGIC), len(MAGIC) + _MAX_HEADER)
    if end < 0:
        raise _bad(source, "its header has no end")
    entries = _entries(data[len(MAGIC) : end], source)
    at = end + 1
    if sum(e["bytes"] for e in entries) != len(data) - at:
        raise _bad(source, "its length is not what its header says (cut short?)")
    text, blobs = "", []
    for entry in entries:
        part = data[at : at + entry["bytes"]]
        at += entry["bytes"]
        if hashlib.sha256(part).hexdigest() != entry["sha256"]:
            raise InputError(
                "hwf.checksum",
                f"{source}: a section's checksum is wrong",
                hint="the file is damaged or was edited; write it again with save_graph",
            )
        if entry["kind"] == "text":
            try:
                text = part.decode()
            except UnicodeDecodeError:
                raise _bad(source, "its text is not UTF-8") from None
        else:
            array = np.frombuffer(part, np.dtype(entry["dtype"]).newbyteorder("<"))
            blobs.append(as_ints(array.reshape(entry["shape"]).astype(np.int64)))
    return parse_graph(text, blobs, source)


def _bad(source: str, why: str) -> InputError:
    return InputError(
        "hwf.format", f"{source} is not an integer graph: {why}", hint="expected a *.hwf file"
    )


def _entries(header: bytes, source: str) -> list[dict[str, Any]]:
    try:
        entries = json.loads(header)["sections"]
        checked = [_entry(e) for e in entries]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _bad(source, "its header is not the expected JSON") from None
    if not checked or [e["kind"] for e in checked].count("text") != 1:
        raise _bad(source, "it has no single text section")
    if checked[0]["kind"] != "text" or checked[0]["bytes"] > _MAX_TEXT:
        raise _bad(source, "its text section is misplaced or too long")
    return checked


def _entry(entry: Any) -> dict[str, Any]:
    kind, count, checksum = entry["kind"], entry["bytes"], entry["sha256"]
    if kind not in ("text", "array") or not isinstance(checksum, str):
        raise ValueError
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= _MAX_BYTES:
        raise ValueError
    if kind == "array":
        dtype, shape = entry["dtype"], entry["shape"]
        if dtype not in _DTYPES or not isinstance(shape, list) or len(shape) > 8:
            raise ValueError
        size = 1
        for n in shape:
            if not isinstance(n, int) or isinstance(n, bool) or not 1 <= n <= MAX_ELEMENTS:
                raise ValueError
            size *= n
        if size > MAX_ELEMENTS or size * np.dtype(dtype).itemsize != count:
            raise ValueError
    return dict(entry)
