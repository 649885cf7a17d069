"""An ONNX file, hostile until parsed, as typed and frozen objects."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwflow.errors import HwflowError, InputError

__all__ = ["MAX_ELEMENTS", "Model", "Node", "Port", "read_file"]

Array = NDArray[Any]

MAX_BYTES = 1 << 28
MAX_NODES = 10_000
MAX_ELEMENTS = 1 << 22
"""No activation may have more elements; constants may have 16 times as many."""

_MAX_CONSTANT = 1 << 26
_OPSETS = (9, 25)
_DOMAINS = {
    "": "",
    "ai.onnx": "",
    "com.microsoft": "com.microsoft",
    "qonnx.custom_op.general": "qonnx",
    "finn.custom_op.general": "qonnx",
    "onnx.brevitas": "qonnx",
}
_TENSORS = {
    1: ("float32", "float_data"),
    2: ("uint8", "int32_data"),
    3: ("int8", "int32_data"),
    4: ("uint16", "int32_data"),
    5: ("int16", "int32_data"),
    6: ("int32", "int32_data"),
    7: ("int64", "int64_data"),
    9: ("bool", "int32_data"),
    11: ("float64", "double_data"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One operator. `kind` is its type, with "qonnx." or "com.microsoft." where not ONNX's own."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    def integer(self, key: str, default: int) -> int:
        """A whole number of the attributes."""
        value = self.attributes.get(key, default)
        if not isinstance(value, int):
            raise self.refusal("lower.shape", f"{key} is {value!r}", "give one whole number")
        return value

    def number(self, key: str, default: float) -> float:
        """A real number of the attributes."""
        value = self.attributes.get(key, default)
        if not isinstance(value, (int, float)):
            raise self.refusal("lower.shape", f"{key} is {value!r}", "give one number")
        return float(value)

    def text(self, key: str, default: str) -> str:
        """A text of the attributes."""
        return str(self.attributes.get(key, default))

    def integers(self, key: str, default: tuple[int, ...]) -> tuple[int, ...]:
        """As many whole numbers of the attributes as `default` has.

        Raises:
            InputError: "lower.shape": another number of them, or one beyond 65535.
        """
        value = self.attributes.get(key, default)
        wrong = not isinstance(value, tuple) or len(value) != len(default)
        if wrong or any(not isinstance(v, int) or not 0 <= v <= 65535 for v in value):
            raise self.refusal(
                "lower.shape",
                f"{key} is {str(value)[:60]}",
                f"give {len(default)} numbers from 0 to 65535",
            )
        return tuple(value)

    def refusal(self, code: str, found: str, hint: str) -> HwflowError:
        """The refusal of this node, ready to be raised."""
        return InputError(code, f"layer {self.name!r} ({self.kind}): {found}", hint=hint)


@dataclass(frozen=True, slots=True)
class Port:
    """An input: its shape without the batch axis, and its element type."""

    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """Nodes in an order in which each needs only earlier ones; `batch` is 1 where it is free."""

    inputs: tuple[Port, ...]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    constants: Mapping[str, Array]
    batch: int
    opset: int


def read_file(path: Path) -> Model:
    """The model in `path`, nothing of it executed and no other file opened.

    Raises:
        InputError: "file.missing"; "model.format": no ONNX, damaged or of another version;
            "model.unsafe": external data, functions, subgraphs or absurd sizes.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _unsafe(path, f"it is larger than {MAX_BYTES >> 20} MiB")
        data = path.read_bytes()
    except OSError as error:
        raise InputError("file.missing", f"cannot read {path}: {error.strerror}") from None
    from google.protobuf.message import DecodeError
    from onnx import ModelProto

    proto = ModelProto()
    try:
        proto.ParseFromString(data)
    except (DecodeError, RecursionError):
        raise _broken(path, "it is no ONNX file, or it is damaged") from None
    try:
        return _Reader(path, proto).model()
    except (UnicodeDecodeError, OverflowError) as error:
        raise _broken(path, f"it is damaged: {error}") from None


def _unsafe(path: Path, found: str) -> HwflowError:
    return InputError(
        "model.unsafe",
        f"{path.name}: {found}",
        hint="export one network with its weights inside the file",
    )


def _broken(path: Path, found: str) -> HwflowError:
    return InputError("model.format", f"{path.name}: {found}", hint="export the network again")


class _Reader:
    """One file being parsed."""

    def __init__(self, path: Path, proto: Any) -> None:
        self.path, self.proto, self.graph = path, proto, proto.graph

    def model(self) -> Model:
        opset = self._opset()
        graph, proto = self.graph, self.proto
        if not graph.node or not graph.output:
            raise _broken(self.path, "it holds no network")
        if proto.functions or proto.training_info or graph.sparse_initializer:
            raise _unsafe(self.path, "it holds functions, training or sparse tensors")
        if len(graph.node) > MAX_NODES:
            raise _unsafe(self.path, f"{len(graph.node)} nodes, over the limit of {MAX_NODES}")
        self._unique([t.name for t in graph.initializer], "initializers")
        constants = {t.name: self.tensor(t) for t in graph.initializer}
        free = [v for v in graph.input if v.name not in constants]
        self._unique([v.name for v in free], "inputs")
        ports = [self._port(v) for v in free]
        batches = {batch for _, batch in ports if batch is not None}
        if len(batches) > 1:
            raise _broken(self.path, f"inputs of different batch sizes {sorted(batches)}")
        known = {*constants, *(port.name for port, _ in ports)}
        nodes = tuple(self._nodes(known))
        outputs = tuple(str(v.name) for v in graph.output)
        self._unique(outputs, "outputs")
        absent = [name for name in outputs if name not in known]
        if absent or not ports:
            raise _broken(
                self.path, f"output {absent[0]!r} is never made" if absent else "no input"
            )
        return Model(
            tuple(port for port, _ in ports), outputs, nodes, MappingProxyType(constants),
            batches.pop() if batches else 1, opset,
        )  # fmt: skip

    def _opset(self) -> int:
        versions: dict[str, int] = {}
        for entry in self.proto.opset_import:
            if entry.domain not in _DOMAINS:
                raise InputError(
                    "model.format",
                    f"{self.path.name}: operators of the domain {entry.domain[:80]!r}",
                    hint=f"understood: {', '.join(d for d in _DOMAINS if d)}",
                )
            versions[_DOMAINS[entry.domain]] = int(entry.version)
        if not versions:
            raise _broken(self.path, "it is no ONNX file, or it is damaged")
        version = versions.get("", 0)
        if not _OPSETS[0] <= version <= _OPSETS[1]:
            raise InputError(
                "model.format",
                f"{self.path.name}: ONNX operator set {version}",
                hint=f"export with an opset from {_OPSETS[0]} to {_OPSETS[1]}",
            )
        return version

    def _unique(self, names: Iterable[str], what: str) -> None:
        odd = [name for name, count in Counter(names).items() if count > 1 or not name]
        if odd:
            raise _broken(self.path, f"two {what} are called {odd[0][:80]!r}, or one has no name")

    def _port(self, value: Any) -> tuple[Port, int | None]:
        kind = value.type.tensor_type
        dtype = _TENSORS.get(kind.elem_type, ("", ""))[0]
        sizes = [d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim]
        if not dtype or len(sizes) < 2 or not all(s and s > 0 for s in sizes[1:]):
            raise InputError(
                "lower.shape",
                f"input {value.name[:80]!r}: expected a tensor of a known shape behind a batch "
                f"axis, found {sizes}",
                hint="export with fixed sizes, the batch first",
            )
        shape = tuple(int(s or 0) for s in sizes[1:])
        if math.prod(shape) > MAX_ELEMENTS:
            raise _unsafe(self.path, f"input {value.name[:80]!r} of shape {shape}")
        return Port(str(value.name), shape, dtype), sizes[0] or None

    def _nodes(self, known: set[str]) -> Iterable[Node]:
        for place, raw in enumerate(self.graph.node):
            if raw.domain not in _DOMAINS:
                raise _broken(self.path, f"an operator of the domain {raw.domain[:80]!r}")
            domain = _DOMAINS[raw.domain]
            outputs = tuple(str(o) for o in raw.output)
            made = outputs[0] if outputs else ""
            name = str(raw.name or made or f"{raw.op_type}_{place}")[:200]
            kind = f"{domain}.{raw.op_type}" if domain else str(raw.op_type)
            attributes = {str(a.name): self._attribute(a, name) for a in raw.attribute}
            node = Node(
                name.strip("/").replace("/", "_"), kind[:80], tuple(str(i) for i in raw.input),
                outputs, MappingProxyType(attributes),
            )  # fmt: skip
            for needed in node.inputs:
                if needed and needed not in known:
                    raise _broken(
                        self.path,
                        f"node {node.name!r} uses {needed[:80]!r} before it is made "
                        "(a cycle, or nodes out of order)",
                    )
            for output in outputs:
                if output in known:
                    raise _broken(self.path, f"two values are called {output[:80]!r}")
                if output:
                    known.add(output)
            yield node

    def _attribute(self, raw: Any, node: str) -> Any:
        if raw.type == raw.FLOAT and not math.isnan(raw.f):
            return float(raw.f)
        if raw.type == raw.INT:
            return int(raw.i)
        if raw.type == raw.STRING:
            return raw.s[:1000].decode()
        if raw.type == raw.TENSOR:
            return self.tensor(raw.t)
        if raw.type == raw.FLOATS:
            return tuple(float(v) for v in raw.floats)
        if raw.type == raw.INTS:
            return tuple(int(v) for v in raw.ints)
        if raw.type == raw.FLOAT:
            raise _broken(self.path, f"node {node!r}: {raw.name[:80]} is NaN")
        raise _unsafe(self.path, f"node {node!r} holds a subgraph or an attribute of another kind")

    def tensor(self, raw: Any) -> Array:
        """A tensor's values; sizes are compared with the data before anything is allocated."""
        name = raw.name[:80]
        if raw.data_location != raw.DEFAULT or raw.external_data:
            raise _unsafe(self.path, f"tensor {name!r} lies in another file (external data)")
        dtype, field = _TENSORS.get(raw.data_type, ("", ""))
        if not dtype:
            raise _broken(self.path, f"tensor {name!r} has the element type {raw.data_type}")
        shape = tuple(int(d) for d in raw.dims)
        size = math.prod(shape)
        if len(shape) > 8 or min(shape, default=1) < 0 or size > _MAX_CONSTANT:
            raise _unsafe(self.path, f"tensor {name!r} declares the shape {str(shape)[:60]}")
        item = np.dtype(dtype).newbyteorder("<")
        if raw.HasField("raw_data"):
            if len(raw.raw_data) != size * item.itemsize:
                raise _broken(
                    self.path,
                    f"tensor {name!r} declares {size} elements and holds {len(raw.raw_data)} bytes",
                )
            array = np.frombuffer(raw.raw_data, item).astype(dtype, copy=False)
        else:
            given = getattr(raw, field)
            if len(given) != size:
                raise _broken(
                    self.path, f"tensor {name!r} declares {size} elements and holds {len(given)}"
                )
            wide = np.array(given, np.float64 if "float" in dtype else np.int64)
            array = wide.astype(dtype)
            if "int" in dtype and bool((array != wide).any()):
                raise _broken(self.path, f"tensor {name!r} holds values beyond {dtype}")
        if array.dtype.kind == "f" and not bool(np.isfinite(array).all()):
            raise InputError(
                "lower.weights",
                f"{self.path.name}: tensor {name!r} holds NaN or infinity",
                hint="train again with a smaller learning rate",
            )
        array = array.reshape(shape)
        array.flags.writeable = False
        return array
