"""HDF5 files read by name, one array at a time, with every size known before it is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwflow.errors import HwflowError, InputError

__all__ = ["MAX_BYTES", "WeightFile", "broken", "unsafe"]

MAX_BYTES = 1 << 29
"""No model's file, and no weights of a model, are larger than this."""
_MAX_NAMES = 100_000


def broken(name: str, found: str) -> HwflowError:
    """The refusal of a file that is not what its name says, ready to be raised."""
    return InputError(
        "model.format", f"{name}: {found}", hint="save it again with model.save(...) of Keras"
    )


def unsafe(name: str, found: str) -> HwflowError:
    """The refusal of a file that asks for what is never done, ready to be raised."""
    return InputError(
        "model.unsafe",
        f"{name}: {found}",
        hint="do not use this file, or ask who made it for one without that",
    )


class WeightFile:
    """An open HDF5 file; links out of it, compressed and outside data are refused.

    Paths are tuples of names. Nothing is walked: only what is asked for by name is touched.
    """

    def __init__(self, file: Any, name: str) -> None:
        self._file = file
        self._name = name
        self._read = 0

    @classmethod
    @contextmanager
    def open(cls, source: Path | bytes, name: str) -> Iterator[WeightFile]:
        """The file at a path, or in memory.

        Raises:
            InputError: "model.format" where it is no HDF5 file or is larger than MAX_BYTES.
        """
        import h5py

        if isinstance(source, Path) and source.stat().st_size > MAX_BYTES:
            raise broken(name, f"it is larger than {MAX_BYTES >> 20} MiB")
        try:
            file = h5py.File(BytesIO(source) if isinstance(source, bytes) else source, "r")
        except (OSError, ValueError, RuntimeError) as error:
            raise broken(name, f"it is no HDF5 file ({_first(error)})") from None
        try:
            yield cls(file, name)
        except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
            raise broken(name, f"it is damaged ({_first(error)})") from None
        finally:
            file.close()

    def has(self, path: Sequence[str]) -> bool:
        """Whether there is something of that path inside the file."""
        return self._find(path) is not None

    def text(self, path: Sequence[str], attribute: str) -> str | None:
        """A text attribute; None where there is none."""
        value = self._attribute(path, attribute)
        if value is None:
            return None
        text = value.decode("utf-8") if isinstance(value, bytes) else value
        if not isinstance(text, str):
            raise broken(self._name, f"{attribute} is no text")
        return text

    def names(self, path: Sequence[str], attribute: str) -> tuple[str, ...]:
        """A list of names; Keras splits long ones into `attribute`0, `attribute`1, ..."""
        found: list[Any] = []
        whole = self._attribute(path, attribute)
        if whole is not None:
            found += np.asarray(whole).ravel().tolist()
        else:
            while (part := self._attribute(path, f"{attribute}{len(found)}")) is not None:
                found.append(part)
            found = [name for part in found for name in np.asarray(part).ravel().tolist()]
        names = [n.decode("utf-8") if isinstance(n, bytes) else n for n in found]
        if not all(isinstance(n, str) for n in names):
            raise broken(self._name, f"{attribute} is no list of names")
        return tuple(names)

    def array(self, path: Sequence[str], dtype: str = "float32") -> NDArray[Any]:
        """An array of finite numbers of `dtype`.

        Raises:
            InputError: "model.format" (absent, of another type), "model.unsafe" (data outside the
                file, compressed, or more than MAX_BYTES in all), "lower.weights" (NaN, infinity).
        """
        import h5py

        where = "/".join(path)
        item = self._find(path)
        if not isinstance(item, h5py.Dataset):
            raise broken(self._name, f"there are no weights {where}")
        if item.external or item.is_virtual:
            raise unsafe(self._name, f"the weights {where} lie in another file")
        if item.id.get_create_plist().get_nfilters():
            raise unsafe(self._name, f"the weights {where} are compressed, which Keras never does")
        if item.dtype != np.dtype(dtype) or item.shape is None:
            raise broken(self._name, f"the weights {where} are {item.dtype}, expected {dtype}")
        self._read += item.dtype.itemsize * int(np.prod(item.shape, dtype=object))
        if self._read > min(MAX_BYTES, item.file.id.get_filesize()):
            raise unsafe(
                self._name, f"the weights {where} of shape {item.shape} are larger than the file"
            )
        values: NDArray[Any] = item[()]
        wrong = int((~np.isfinite(values)).sum())
        if wrong:
            raise InputError(
                "lower.weights",
                f"{self._name}: the weights {where} hold {wrong} NaN or infinite values",
                hint="train again with a smaller learning rate",
            )
        return np.asarray(values)

    def group(self, path: Sequence[str]) -> int | None:
        """How many members a group has; None where there is no such group."""
        import h5py

        item = self._find(path)
        return len(item) if isinstance(item, h5py.Group) else None

    def _find(self, path: Sequence[str]) -> Any:
        import h5py

        item = self._file
        for name in path:
            if not isinstance(item, h5py.Group):
                return None
            link = item.get(name, getlink=True) if _plain(name) else None
            if link is None:
                return None
            if not isinstance(link, h5py.HardLink):
                raise unsafe(self._name, f"{'/'.join(path)} is a link to somewhere else")
            item = item[name]
        return item

    def _attribute(self, path: Sequence[str], attribute: str) -> Any:
        item = self._find(path)
        if item is None or attribute not in item.attrs:
            return None
        shape = item.attrs.get_id(attribute).shape
        if shape is None or int(np.prod(shape, dtype=object)) > _MAX_NAMES:
            raise broken(self._name, f"the attribute {attribute} has the shape {shape}")
        return item.attrs[attribute]


def _plain(name: str) -> bool:
    return name not in ("", ".", "..") and "/" not in name and "\0" not in name


def _first(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
