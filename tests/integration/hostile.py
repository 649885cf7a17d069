"""Hostile files of each format. Code in them, if it ran, would write a file called STOLEN."""

from __future__ import annotations

import io
import json
import marshal
import pickle
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from hwflow.ir import GraphBuilder, IntType, save_graph
from tests.frontends import test_keras_files as keras2
from tests.frontends.keras_files import layer, layers, model, weights_bytes, write_h5, write_keras
from tests.frontends.onnx import test_hostile as onnx
from tests.frontends.test_alkaid import IN, SUM, saved
from tests.frontends.test_hgq_files import GOOD
from tests.ir.test_hwf import CONST, END, TEXT, changed, with_text

__all__ = ["CASES", "STOLEN", "Case", "hgq", "npy", "npz", "write_design"]

STOLEN = str(Path(tempfile.gettempdir()) / "hwflow-stolen")
Make = Callable[[Path], None]
Listed = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Case:
    """One file: what it tries, its format, the code it is refused with, and what writes it."""

    threat: str
    format: str
    code: str
    write: Make

    @property
    def file(self) -> str:
        """The file's name."""
        return f"net.{self.format.partition(' ')[0].lstrip('.')}"

    @property
    def is_model(self) -> bool:
        """Whether `hwflow check` can be asked, too."""
        return not self.format.startswith(".npz")


class _Evil:
    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return open, (STOLEN, "w")


_PICKLE = pickle.dumps(_Evil())
_CODE = marshal.dumps(compile(f"open({STOLEN!r}, 'w')", "m", "eval")).hex()


def _bytes(data: bytes | str) -> Make:
    whole = data if isinstance(data, bytes) else data.encode()
    return lambda path: path.write_bytes(whole) and None


# Keras 2: .h5, .hdf5 and .keras
def _h5(described: Any = None, mischief: Callable[[h5py.Group], None] | None = None) -> Make:
    def write(path: Path) -> None:
        group = write_h5(path, described)
        if mischief is not None:
            mischief(group)
        group.file.close()

    return write


def _keras(version: str = "2.21.0", **members: bytes | str) -> Make:
    return lambda path: write_keras(path, version, **members)


def _altered(weights: bytes, group: str, mischief: Callable[[h5py.Group], None]) -> bytes:
    """An HDF5 file with a dataset `kernel:0`, for mischief, in place of `0` of `group`."""
    stream = io.BytesIO(weights)
    with h5py.File(stream, "r+") as file:
        file[group].move("0", "kernel:0")
        mischief(file[group])
        file[group].move("kernel:0", "0")
    return stream.getvalue()


def _version(group: h5py.Group) -> None:
    group.file.attrs["keras_version"] = "1.2"


def _huge(group: h5py.Group) -> None:
    del group["kernel:0"]
    group.create_dataset("kernel:0", (1 << 20, 1 << 9), "f4", chunks=(1024, 512))


def _spoilt(group: h5py.Group) -> None:
    values = group["kernel:0"][()]
    values[0, 0] = np.nan
    group["kernel:0"][...] = values


_LAMBDA = [*layers(), layer("Lambda", "f", "dense", function=[_CODE, None, None], module="os")]
_CYCLE = [*layers(), layer("Add", "a", "b"), layer("Add", "b", "a")]
_CUSTOM = layers()
_CUSTOM[2] |= {"module": "os", "registered_name": "evil>QDense"}
_DATA: dict[str, tuple[str, Callable[[h5py.Group], None]]] = {
    "external data path": ("model.unsafe", keras2._outside),
    "HDF5 external link": ("model.unsafe", keras2._external_link),
    "2 GB declared": ("model.unsafe", _huge),
    "NaN weights": ("lower.weights", _spoilt),
}
_NETWORKS = {
    "Lambda layer": ("lower.layer", _LAMBDA),
    "custom object": ("lower.layer", _CUSTOM),
    "cyclic graph": ("model.format", _CYCLE),
}


def _keras_2() -> Iterator[Case]:
    for threat, (code, listed) in _NETWORKS.items():
        yield Case(threat, ".h5", code, _h5(model(*listed)))
        yield Case(
            threat, ".keras of Keras 2", code, _keras(config_json=json.dumps(model(*listed)))
        )
    for threat, (code, mischief) in _DATA.items():
        yield Case(threat, ".h5", code, _h5(None, mischief))
        weights = _altered(weights_bytes(), "layers/q_dense/vars", mischief)
        yield Case(threat, ".keras of Keras 2", code, _keras(model_weights_h5=weights))
    yield Case("HDF5 external link", ".hdf5", "model.unsafe", _h5(None, keras2._external_link))
    yield Case("pickle", ".h5", "model.format", _bytes(_PICKLE))
    yield Case("pickle", ".keras of Keras 2", "model.format", _bytes(_PICKLE))
    yield Case("zip with ../", ".keras of Keras 2", "model.unsafe", keras2._with_member("../../e"))
    yield Case("wrong version", ".h5", "model.format", _h5(None, _version))
    yield Case("wrong version", ".keras of Keras 2", "model.format", _keras("1.2"))


# Keras 3, as HGQ2 saves
def hgq(
    change: Callable[[Listed], object] | None = None,
    mischief: Callable[[h5py.Group], None] | None = None,
    **more: bytes,
) -> Make:
    def write(path: Path) -> None:
        with zipfile.ZipFile(GOOD) as source:
            members = {name: source.read(name) for name in source.namelist()}
        config = json.loads(members["config.json"])
        if change is not None:
            change(config["config"]["layers"])
        members["config.json"] = json.dumps(config).encode()
        if mischief is not None:
            weights = members["model.weights.h5"]
            members["model.weights.h5"] = _altered(weights, "layers/q_dense/vars", mischief)
        members |= {name.replace("_", "."): value for name, value in more.items()}
        with zipfile.ZipFile(path, "w") as target:
            for name, content in members.items():
                target.writestr(name, content)

    return write


def _lambda_3(listed: Listed) -> None:
    config = {"name": "second", "function": {"class_name": "__lambda__", "config": {"code": _CODE}}}
    listed[2].update(module="keras.layers", class_name="Lambda", registered_name=None)
    listed[2]["config"] = config


def _turned(listed: Listed) -> None:
    tensor = listed[1]["inbound_nodes"][0]["args"][0]
    tensor["config"]["keras_history"][0] = "logits"


def _keras_3() -> Iterator[Case]:
    name = ".keras of Keras 3"
    yield Case("Lambda layer", name, "lower.layer", hgq(_lambda_3))
    yield Case("custom object", name, "lower.layer", hgq(lambda ls: ls[2].update(module="os")))
    yield Case("cyclic graph", name, "model.format", hgq(_turned))
    for threat, (code, mischief) in _DATA.items():
        yield Case(threat, name, code, hgq(None, mischief))
    outside = {"../../e": b"evil"}
    yield Case("zip with ../", name, "model.unsafe", hgq(None, None, **outside))
    ninth = {"metadata.json": b'{"keras_version": "9.1"}'}
    yield Case("wrong version", name, "model.format", hgq(None, None, **ninth))


def _onnx(spoil: Callable[[Any], None]) -> Make:
    def write(path: Path) -> None:
        made = onnx.good()
        spoil(made)
        path.write_bytes(made.SerializeToString())

    return write


_ONNX = {
    "Lambda layer": onnx.local_function,
    "custom object": onnx.foreign_operator,
    "external data path": onnx.external_data,
    "cyclic graph": onnx.cycle,
    "2 GB declared": onnx.declared_two_gigabytes,
    "NaN weights": onnx.not_a_number,
    "wrong version": onnx.future_opset,
}


_ALKAID = {
    "Lambda layer": ("lower.layer", saved(ops=[IN, IN, [[0], 8, *SUM[2:]]])),
    "custom object": ("model.format", saved(ops=[IN, IN, [[0, 1], 99, *SUM[2:]]])),
    "cyclic graph": ("model.format", saved(ops=[IN, IN, [[0, 2], *SUM[1:]]])),
    "2 GB declared": ("model.format", saved(shape=[1 << 31, 1])),
    "NaN weights": ("model.format", saved(ops=[IN, IN, [*SUM[:3], [float("nan")] * 3, 0, 0]])),
    "wrong version": ("model.format", saved(spec_version=3)),
}


def _hwf(line: bytes) -> bytes:
    return with_text(TEXT + line + b"\n" + CONST + END, (bytes(70), "int8", [70]))


_HWF = {
    "Lambda layer": ("graph.syntax", _hwf(b"f = lambda(x, code=1)")),
    "custom object": ("hwf.format", changed(dtype="object")),
    "external data path": ("hwf.format", changed(kind="external")),
    "cyclic graph": ("graph.order", _hwf(b"a = add(x, b) @l\nb = add(x, a) @l")),
    "2 GB declared": ("hwf.format", changed(bytes=1 << 31, shape=[1 << 28, 8])),
    "NaN weights": ("graph.syntax", _hwf(b"n = const(values=[nan, 1], frac=0)")),
    "wrong version": ("hwf.format", b"hwf 2\n" + changed()[6:]),
    "pickle": ("hwf.format", _PICKLE),
}


# .npz: weights loaded at run time, and data
def npz(name: str, member: bytes | None = None, values: Any = None, outside: str = "") -> Make:
    """A good file, or one whose array `name` is of other values or bytes, or lies `outside`."""

    def write(path: Path) -> None:
        arrays = {"x": np.ones((40, 4)), "y": np.arange(40) % 2} if name == "x" else {}
        if values is not None:
            arrays[name] = values
        np.savez(path, **arrays)
        if member is not None or outside:
            with zipfile.ZipFile(path) as old:
                kept = {n: old.read(n) for n in old.namelist() if n != f"{name}.npy"}
            with zipfile.ZipFile(path, "w") as new:
                for title, content in kept.items():
                    new.writestr(title, content)
                new.writestr(f"{outside}{name}.npy", member or npy(np.ones((3, 2), np.int64)))

    return write


def npy(values: Any, declared: tuple[int, ...] | None = None, version: bytes = b"\1") -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, values, version=(1, 0))
    data = stream.getvalue()
    if declared is not None:
        old, new = str(values.shape).encode(), str(declared).encode()
        data = data.replace(old, new).replace(b" " * (len(new) - len(old)) + b"\n", b"\n")
    return data[:6] + version + data[7:]


def _arrays() -> Iterator[Case]:
    for kind, name, code in (("weights", "w", "weights.file"), ("data", "x", "data.format")):
        title, whole = f".npz of {kind}", np.ones((3, 2), np.int64)
        huge = npy(whole, (1 << 14, 1 << 14))
        late = npy(whole, None, b"\7")
        objects = np.array([[_Evil()] * 2] * 3, dtype=object)
        broken = np.full((40, 4) if name == "x" else (3, 2), np.nan)
        worse = "data.row" if name == "x" else "weights.shape"
        yield Case("pickle", title, code, npz(name, None, objects))
        yield Case("zip with ../", title, code, npz(name, None, whole, "../../"))
        yield Case("2 GB declared", title, code, npz(name, huge))
        yield Case("NaN weights", title, worse, npz(name, None, broken))
        yield Case("wrong version", title, code, npz(name, late))


def write_design(case: Case, folder: Path) -> Path:
    """A design.yaml that takes the file of `case`, which is written beside it."""
    case.write(folder / case.file)
    design = folder / "design.yaml"
    if case.is_model:
        design.write_text(f"design: net\nmodel: {{file: {case.file}}}\n")
    elif case.format.endswith("weights"):
        b = GraphBuilder("g")
        with b.layer("dense"):
            y = b.matmul(
                b.input("x", (3,), IntType.fixed(4)), b.param("w", (3, 2), IntType.fixed(4))
            )
        save_graph(b.build({"y": y}), folder / "graph.hwf")
        design.write_text(f"design: net\nmodel: {{file: graph.hwf, weights: {case.file}}}\n")
    else:
        (folder / "model.py").write_text("")
        design.write_text(
            "design: net\nmodel: {builder: model.py:net}\n"
            f"data: {{source: file, path: {case.file}}}\ntrain: {{epochs: 1}}\n"
        )
    return design


CASES: tuple[Case, ...] = (
    *_keras_2(),
    *_keras_3(),
    *(Case(threat, ".onnx", onnx.SPOILT[spoil], _onnx(spoil)) for threat, spoil in _ONNX.items()),
    Case("pickle", ".onnx", "model.format", _bytes(_PICKLE)),
    *(
        Case(threat, ".json", code, _bytes(json.dumps(file)))
        for threat, (code, file) in _ALKAID.items()
    ),
    Case("pickle", ".json", "model.format", _bytes(_PICKLE)),
    *(Case(threat, ".hwf", code, _bytes(data)) for threat, (code, data) in _HWF.items()),
    *_arrays(),
)
