"""Weights loaded at run time: where each lies in the one vector that the loader holds.

All params of a graph, in the graph's order, each in C order, each element in the width of its
type (two's complement where it can be negative), follow one another without gaps from bit 0 on;
the vector is loaded and read back in words of 32 bits, the last filled up with zeros.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hwflow.errors import InputError
from hwflow.ir.exact import IntArray
from hwflow.ir.graph import Graph

__all__ = ["WORD", "Field", "WeightStore", "crc", "hex_words", "store_of"]

WORD: Final = 32
"""Bits of a word."""


@dataclass(frozen=True, slots=True)
class Field:
    """One param: its elements have `widths` bits each and begin at bit `offset`."""

    name: str
    shape: tuple[int, ...]
    widths: tuple[int, ...]
    signed: tuple[bool, ...]
    offset: int

    @property
    def bits(self) -> int:
        """Bits of all elements."""
        return sum(self.widths)


@dataclass(frozen=True, slots=True)
class WeightStore:
    """The params of a design."""

    fields: tuple[Field, ...]

    @property
    def bits(self) -> int:
        """Bits of the vector."""
        return sum(field.bits for field in self.fields)

    @property
    def words(self) -> int:
        """Words of the vector."""
        return -(-self.bits // WORD)

    def image(self, values: Mapping[str, IntArray]) -> npt.NDArray[np.uint32]:
        """The words (words,) that hold `values`, one array of its field's shape by name.

        Raises:
            InputError: "weights.shape", "weights.range".
        """
        bits = np.concatenate(
            [np.zeros(0, np.uint8), *(_bits(field, values) for field in self.fields)]
        )
        padded = np.zeros(self.words * WORD, np.uint8)
        padded[: len(bits)] = bits
        return np.packbits(padded, bitorder="little").view("<u4").astype(np.uint32)

    def values(self, words: npt.NDArray[np.uint32]) -> dict[str, IntArray]:
        """Inverse of `image`."""
        raw = np.ascontiguousarray(words, dtype="<u4").view(np.uint8)
        bits = np.unpackbits(raw, bitorder="little")
        found: dict[str, IntArray] = {}
        for field in self.fields:
            at, elements = field.offset, []
            for width, signed in zip(field.widths, field.signed, strict=True):
                value = sum(int(bit) << i for i, bit in enumerate(bits[at : at + width]))
                elements.append(value - (1 << width) * (signed and value >> (width - 1)))
                at += width
            found[field.name] = np.array(elements, np.int64).reshape(field.shape)
        return found


def crc(words: npt.NDArray[np.uint32]) -> int:
    """CRC-32 (ISO 3309, as in Ethernet) of the words' bytes, least significant byte first."""
    return zlib.crc32(np.ascontiguousarray(words, dtype="<u4").tobytes())


def hex_words(words: npt.NDArray[np.uint32]) -> str:
    """The words as text, one a line, for files that Verilog's $readmemh reads, too."""
    return "".join(f"{int(word):08x}\n" for word in words)


def store_of(graph: Graph) -> WeightStore | None:
    """Where the params of `graph` lie; None without any."""
    fields, offset = [], 0
    for node in graph.params:
        kind = graph.types[node.name]
        widths = tuple(int(w) for w in np.broadcast_to(kind.elem.width(), kind.shape).ravel())
        signed = tuple(bool(s) for s in np.broadcast_to(kind.elem.signed(), kind.shape).ravel())
        fields.append(Field(node.name, kind.shape, widths, signed, offset))
        offset += sum(widths)
    return WeightStore(tuple(fields)) if fields else None


def _bits(field: Field, values: Mapping[str, IntArray]) -> npt.NDArray[np.uint8]:
    array = np.asarray(values[field.name]) if field.name in values else None
    if array is None or array.shape != field.shape:
        found = "nothing" if array is None else f"shape {array.shape}"
        raise InputError(
            "weights.shape",
            f"weights {field.name!r}: expected shape {field.shape}, found {found}",
            hint="one array of integers for each param of the graph",
        )
    parts = [np.zeros(0, np.uint8)]
    flat = [int(v) for v in array.ravel()]
    for index, (value, width, signed) in enumerate(
        zip(flat, field.widths, field.signed, strict=True)
    ):
        low, high = (
            (-(1 << (width - 1)), (1 << (width - 1)) - 1) if signed else (0, (1 << width) - 1)
        )
        if not low <= value <= high:
            place = list(np.unravel_index(index, field.shape)) if field.shape else []
            raise InputError(
                "weights.range",
                f"weights {field.name!r}: {value} at {[int(i) for i in place]} is outside "
                f"{low}..{high} ({width} bits)",
                hint="quantize the weights to the type that the chip stores",
            )
        parts.append(np.array([value >> i & 1 for i in range(width)], np.uint8))
    return np.concatenate(parts)
