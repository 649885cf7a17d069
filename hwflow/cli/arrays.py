"""A user's .npy files: checked before they are believed, written whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hwflow.errors import InputError
from hwflow.ir.exact import IntArray
from hwflow.ir.graph import Graph, Node
from hwflow.ir.ops import Input
from hwflow.ir.types import IntType
from hwflow.verify.vectors import quantize

__all__ = ["MOST_ELEMENTS", "Codes", "named_paths", "read_codes", "write_codes"]

MOST_ELEMENTS: Final = 1 << 27
"""Elements of one input file: 1 GiB of integers."""

_NAMED: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.+)", re.DOTALL)
_WIDE: Final = 1 << 61


@dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """An input's integers (n, *shape), and how many real values did not fit its type."""

    values: IntArray
    outside: int = 0


def named_paths(option: str, words: Sequence[str], names: Sequence[str]) -> dict[str, Path]:
    """Each name's file from words such as `x=in.npy`, or `in.npy` where there is one name.

    Raises:
        InputError: "run.names".
    """
    wanted = " ".join(f"{option} {name}=FILE.npy" for name in names)
    found: dict[str, Path] = {}
    for word in words:
        match = _NAMED.fullmatch(word)
        name = match.group(1) if match else names[0]
        path = match.group(2) if match else word
        if name not in names or (match is None and len(names) > 1):
            what = f"{name!r} is not one of {', '.join(names)}" if match else f"{word!r} of which?"
            raise InputError("run.names", f"{option} {word}: {what}", hint=f"write {wanted}")
        if name in found:
            raise InputError("run.names", f"{option}: {name!r} is given twice", hint=wanted)
        found[name] = Path(path)
    return found


def read_codes(
    graph: Graph, paths: Mapping[str, Path], scales: Mapping[str, float]
) -> dict[str, Codes]:
    """The integers of every input of `graph`, the same number of vectors for each.

    Integer files hold codes; real ones are quantized by the input's rule, with its scale in
    `scales` where one integer is worth no power of two.

    Raises:
        InputError: "run.names", "run.file" or "run.input".
    """
    missing = [node.name for node in graph.inputs if node.name not in paths]
    if missing:
        raise InputError(
            "run.names",
            f"no file for input {', '.join(missing)}",
            hint=" ".join(f"--input {name}=FILE.npy" for name in missing),
        )
    codes = {n.name: _codes(n, paths[n.name], scales.get(n.name)) for n in graph.inputs}
    counts = {name: len(code.values) for name, code in codes.items()}
    if len(set(counts.values())) > 1:
        held = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise InputError("run.input", f"the inputs hold different numbers of vectors: {held}")
    return codes


def write_codes(path: Path, values: IntArray) -> None:
    """Write int64 codes to exactly `path`.

    Raises:
        InputError: "run.output".
    """
    draft = path.with_name(f".{path.name}.partial")
    with _saving(path):
        try:
            with draft.open("wb") as stream:
                np.save(stream, np.ascontiguousarray(values, dtype=np.int64), allow_pickle=False)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


@contextmanager
def _saving(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            "run.output",
            f"cannot write {path}: {error.strerror}",
            hint="name a file in a folder that exists and has room",
        ) from None


def _codes(node: Node, path: Path, scale: float | None) -> Codes:
    assert isinstance(node.op, Input)
    shape = node.op.shape
    array = _open(path)
    if array.shape == shape:
        array = array[None]
    if array.shape[1:] != shape or array.ndim != len(shape) + 1:
        wanted = ", ".join(map(str, shape))
        raise InputError(
            "run.input",
            f"{path}: found shape {array.shape}, expected (n, {wanted}) or ({wanted}) for the "
            f"input {node.name!r}",
            hint=_advice(array.shape[1:], shape),
        )
    if array.size == 0:
        raise InputError("run.input", f"{path}: found no vectors", hint="give at least one")
    if array.dtype.kind == "f":
        return _quantized(node, array.astype(np.float64), scale, path)
    return Codes(_in_range(node, array, path))


def _advice(found: tuple[int, ...], shape: tuple[int, ...]) -> str:
    if len(shape) > 1 and found == (shape[-1], *shape[:-1]):
        return "channels come last: give numpy.moveaxis(x, 1, -1)"
    return "vectors lie along the first axis; reshape the array"


def _open(path: Path) -> npt.NDArray[Any]:
    """The array of a .npy file, looked at before it is read; nothing in it is ever executed."""
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except FileNotFoundError:
        raise InputError("file.missing", f"{path} does not exist") from None
    except OSError as error:
        raise InputError("file.unreadable", f"cannot read {path}: {error.strerror}") from None
    except (ValueError, EOFError, TypeError, SyntaxError) as error:
        why = "it holds Python objects" if "object" in str(error) else "not a whole .npy file"
        raise InputError(
            "run.file",
            f"{path} cannot be used: {why}",
            hint="write a plain array of numbers with numpy.save",
        ) from None
    if array.dtype.kind not in "iufb" or array.dtype.itemsize > 8:
        raise InputError(
            "run.file",
            f"{path}: found values of type {array.dtype}, expected integers or real numbers",
            hint="convert them with astype(numpy.int64) or astype(numpy.float64)",
        )
    if array.size > MOST_ELEMENTS:
        raise InputError(
            "run.file",
            f"{path}: found {array.size} elements, expected at most {MOST_ELEMENTS}",
            hint="split the file",
        )
    return array


def _in_range(node: Node, array: npt.NDArray[Any], path: Path) -> IntArray:
    """Integers as int64, all within the input's type."""
    assert isinstance(node.op, Input)
    lo, hi, _ = node.op.type.full(node.op.shape)
    wrong = (array < lo) | (array > hi)
    if bool(wrong.any()):
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        low, high = lo[at[1:]], hi[at[1:]]
        raise InputError(
            "run.input",
            f"{path}: found {array[at]} at {list(at)}, expected {low}..{high} for the input "
            f"{node.name!r}",
            hint="integers are taken as codes; give real numbers as floats to have them quantized",
        )
    return np.asarray(array.astype(np.int64))


def _quantized(node: Node, real: npt.NDArray[np.float64], scale: float | None, path: Path) -> Codes:
    assert isinstance(node.op, Input)
    try:
        values = quantize(node, real, scale)
    except InputError as error:
        raise InputError(error.code, f"{path}: {error.message}", hint=error.hint) from None
    # By the same rule, but with room for every value: what differs then was outside.
    wide = IntType(-_WIDE, _WIDE, node.op.type.frac)
    free = quantize(replace(node, op=replace(node.op, type=wide)), real, scale)
    return Codes(values, int((free != values).sum()))
