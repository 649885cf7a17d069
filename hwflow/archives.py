"""Zip archives from outside: looked at before anything is read, and never unpacked."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path
from typing import Any, Final

from numpy.lib import format as npy
from numpy.typing import NDArray

__all__ = ["MAX_BYTES", "npz_arrays", "suspicion"]

MAX_BYTES: Final = 1 << 30
"""No more than this is read from one npz file."""

_MAX_MEMBERS: Final = 1000
_SHOWN: Final = 80
_HEADERS: Final = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def suspicion(archive: zipfile.ZipFile) -> str | None:
    """Why no member of the archive should be read; None where nothing is wrong."""
    infos = archive.infolist()
    if len(infos) > _MAX_MEMBERS or len({info.filename for info in infos}) != len(infos):
        return "the archive has too many members, or two of one name"
    for info in infos:
        parts = info.filename.replace("\\", "/").split("/")
        link = (info.external_attr >> 28) == 0xA
        if ".." in parts or info.filename.startswith("/") or ":" in parts[0] or link:
            return f"the member {info.filename[:_SHOWN]!r} leads outside the archive"
    return None


def npz_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Every array of a user's npz file, sizes and types checked before anything is allocated.

    Raises:
        ValueError: it is no npz file, is damaged, holds Python objects or anything but arrays,
            leads outside itself, or declares more than MAX_BYTES or more than it holds.
        OSError: it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            wrong = suspicion(archive)
            if wrong is not None:
                raise ValueError(wrong)
            infos = archive.infolist()
            if sum(info.file_size for info in infos) > MAX_BYTES:
                raise ValueError(f"its arrays take more than {MAX_BYTES >> 20} MiB")
            return {info.filename.removesuffix(".npy"): _array(archive, info) for info in infos}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"it is no npz archive ({str(error)[:_SHOWN]})") from None


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    name = info.filename[:_SHOWN]
    if not name.endswith(".npy"):
        raise ValueError(f"the member {name!r} is no array")
    with archive.open(info) as stream:
        try:
            shape, _, dtype = _HEADERS[npy.read_magic(stream)](stream)
        except (KeyError, ValueError, TypeError, SyntaxError, RecursionError):
            raise ValueError(f"the member {name!r} is no array of a version that is read") from None
        if dtype.hasobject:
            raise ValueError(f"the array {name!r} holds Python objects")
        if math.prod(shape) * dtype.itemsize != info.file_size - stream.tell():
            raise ValueError(f"the array {name!r} declares {shape} and holds another number")
    with archive.open(info) as stream:
        array: NDArray[Any] = npy.read_array(stream, allow_pickle=False)
    return array
