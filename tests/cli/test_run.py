"""run: a user's own arrays, good and bad, and export."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwflow.cli.main import main
from hwflow.frontends.onnx import read as read_onnx
from hwflow.ir import evaluate
from hwflow.plan.interface_file import read_interface
from tests.cli.conftest import Call, Called, tiny_graph, write_design

MODELS = Path(__file__).resolve().parents[1] / "models" / "files"
X = np.array([[1, -2, 31, -32], [0, 5, 7, -9], [12, 3, -4, 2]], dtype=np.int64)


@pytest.fixture
def save(tmp_path: Path) -> Callable[[Any], Path]:
    """save(array): the path of a .npy file that holds it."""

    def saved(array: Any) -> Path:
        np.save(tmp_path / "x.npy", array)
        return tmp_path / "x.npy"

    return saved


def test_codes_through_the_graph(
    call: Call, built: Path, save: Callable[[Any], Path], tmp_path: Path
) -> None:
    out = tmp_path / "y.npy"
    called = call("run", built, "--on", "graph", "--input", save(X), "--output", out, "--json")
    assert called.code == 0
    found = np.load(out)
    assert found.dtype == np.int64
    assert np.array_equal(found, evaluate(tiny_graph(), {"x": X})["y"])
    assert called.json["vectors"] == 3
    assert called.json["outside"] == {"x": 0}
    assert "3 vectors on graph" in called.err


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.uint8, np.float16, np.float32, ">i4"])
def test_other_types(
    call: Call, built: Path, save: Callable[[Any], Path], tmp_path: Path, dtype: Any
) -> None:
    ints = np.abs(X) // 2
    kind = np.dtype(dtype)
    given = (ints / 4 if kind.kind == "f" else ints).astype(kind)
    out = tmp_path / "y"
    assert call("run", built, "--on", "graph", "--input", save(given), "--output", out).code == 0
    assert np.array_equal(np.load(out), evaluate(tiny_graph(), {"x": ints})["y"])


def test_real_numbers_are_quantized_and_the_rest_counted(
    call: Call, built: Path, save: Callable[[Any], Path], tmp_path: Path
) -> None:
    real = np.array([0.125, 0.375, 7.874, 7.876])  # half to even: 0, 2; then 31 and, outside, 32
    out = tmp_path / "y.npy"
    called = call("run", built, "--on", "graph", "--input", save(real), "--output", out, "--json")
    assert called.code == 0
    assert called.json["outside"] == {"x": 1}
    assert "1 of 4 values were outside" in called.err
    expected = evaluate(tiny_graph(), {"x": np.array([[0, 2, 31, 31]])})["y"]
    assert np.array_equal(np.load(out), expected)


def test_a_named_input_and_output(
    call: Call, built: Path, save: Callable[[Any], Path], tmp_path: Path
) -> None:
    out = tmp_path / "y.npy"
    assert (
        call("run", built, "--on", "graph", "--input", f"x={save(X)}", "--output", f"y={out}").code
        == 0
    )


BAD = {
    "wrong shape": (np.zeros((3, 5), int), "run.input", "expected (n, 4) or (4)"),
    "scalar": (np.array(3), "run.input", "expected (n, 4) or (4)"),
    "no vectors": (np.zeros((0, 4), int), "run.input", "no vectors"),
    "too large a code": (np.array([[0, 0, 32, 0]]), "run.input", "found 32 at [0, 2]"),
    "huge unsigned": (np.full((1, 4), 2**64 - 1, np.uint64), "run.input", "expected -32..31"),
    "not a number": (np.array([0.0, np.nan, 0, 0]), "run.input", "NaN"),
    "infinite": (np.array([0.0, -np.inf, 0, 0]), "run.input", "infinity"),
    "complex": (np.zeros(4, complex), "run.file", "complex128"),
    "text": (np.array(["a"] * 4), "run.file", "expected integers or real numbers"),
    "long double": (np.zeros(4, np.longdouble), "run.file", "expected integers or real numbers"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arrays(
    call: Call, built: Path, save: Callable[[Any], Path], tmp_path: Path, name: str
) -> None:
    array, code, words = BAD[name]
    out = tmp_path / "y.npy"
    called = call("run", built, "--on", "graph", "--input", save(array), "--output", out)
    assert called.code == 2
    assert code in called.err
    assert words in called.err
    assert not out.exists()


class _Bomb:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("exploded"),))


def test_pickles_are_refused_unread(
    call: Call, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.array([_Bomb()], dtype=object), allow_pickle=True)
    called = call("run", built, "--on", "graph", "--input", "x.npy", "--output", "y.npy")
    assert called.code == 2
    assert "Python objects" in called.err
    assert not Path("exploded").exists()


def _npy(header: str, data: bytes = b"") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"PK\x03\x04 an npz",
        b"\x93NUMPY\x09\x00",
        _npy("{'descr': '<i8', 'fortran_order': False, 'shape': (4,), }", b"short"),
        _npy("{'descr': '<i8', 'fortran_order': False, 'shape': (-4,), }"),
        _npy("{'descr': '<i8', 'fortran_order': False, 'shape': (1 << 60, 4), }"),
        _npy("{'descr': '<i8', 'fortran_order': False, 'shape': (9999999999999, 4), }"),
        _npy("__import__('os')"),
    ],
)
def test_files_that_are_no_arrays(call: Call, built: Path, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(content)
    called = call("run", built, "--on", "graph", "--input", path, "--output", tmp_path / "y.npy")
    assert called.code == 2
    assert "run.file" in called.err or "file.unreadable" in called.err


def test_too_many_elements(
    call: Call,
    built: Path,
    save: Callable[[Any], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hwflow.cli.arrays.MOST_ELEMENTS", 8)
    called = call("run", built, "--on", "graph", "--input", save(X), "--output", tmp_path / "y")
    assert called.code == 2
    assert "at most 8" in called.err


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("--on", "gaph", "--output", "y"), "run.rung", "did you mean 'graph'?"),
        (("--on", "xyz", "--output", "y"), "run.rung", "expected one of graph, rtl, netlist"),
        (("--on", "graph"), "run.names", "--output"),
        (("--on", "graph", "--output", "y", "--trace", "0"), "run.trace", "--on rtl"),
        (("--on", "graph", "--output", "z=y"), "run.names", "'z' is not one of y"),
        (("--on", "graph", "--output", "y", "--output", "y=q"), "run.names", "twice"),
        (("--on", "graph", "--output", "x.npy"), "run.output", "overwrite an input"),
        (("--on", "graph", "--output", "none/y.npy"), "run.output", "No such file"),
        (("--on", "netlist", "--output", "y"), "build.missing", "'synth'"),
        (("--on", "rtl", "--trace", "3"), "trace.index", "0..2"),
        (("--on", "graph", "--output", "y", "--input", "w=x.npy"), "run.names", "'w' is not"),
    ],
)
def test_bad_options(
    call: Call,
    built: Path,
    save: Callable[[Any], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    code: str,
    text: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    save(X)
    called = call("run", built, "--input", "x.npy", *words)
    assert called.code == 2
    assert f"error[{code}]" in called.err
    assert text in called.err


def test_missing_files(call: Call, built: Path, tmp_path: Path) -> None:
    none = tmp_path / "none"
    called = call("run", built, "--on", "graph", "--input", none, "--output", tmp_path / "y")
    assert (called.code, "file.missing" in called.err) == (2, True)
    called = call("run", none, "--on", "graph", "--input", none, "--output", tmp_path / "y")
    assert (called.code, "build.missing" in called.err) == (2, True)
    called = call("run", built, "--on", "graph", "--input", tmp_path, "--output", tmp_path / "y")
    assert (called.code, "file.unreadable" in called.err) == (2, True)


def test_export(call: Call, built: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    called = call("export", built, folder, "--json")
    assert called.code == 0
    files = called.json["files"]
    assert {"README.txt", "design.v", "design.f", "instance.v", "interface.json", "graph.hwf",
            "inputs/x.bin", "outputs/y.bin", "scripts/vivado.tcl", "constraints/design.sdc",
            "testbench/run.py"} <= set(files)  # fmt: skip
    assert not [name for name in files if "cache" in name]
    assert "not verified by amaranth, rtl, netlist" in called.err
    assert "NOT verified by" in (folder / "README.txt").read_text()
    interface = read_interface((folder / "interface.json").read_text())
    (x,), (y,) = interface.inputs, interface.outputs
    rows = {
        group.tensor: np.frombuffer(
            (folder / side / f"{group.tensor}.bin").read_bytes(), np.uint8
        ).reshape(-1, group.data_bytes)
        for side, group in (("inputs", x), ("outputs", y))
    }
    values = {g.tensor: g.unpack(rows[g.tensor]) for g in (x, y)}
    assert len(values["x"]) > 20
    assert np.array_equal(evaluate(tiny_graph(), {"x": values["x"]})["y"], values["y"])
    assert (
        "create_clock -period 10.000 -name clk [get_ports clk]"
        in (folder / "constraints" / "design.xdc").read_text()
    )
    assert "x_data_i" in (folder / "instance.v").read_text()
    readme = (folder / "README.txt").read_text()
    for name in files:
        assert name in readme or name.split("/")[0] + "/" in readme or name == "README.txt"


def test_export_is_reproducible(call: Call, built: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert call("export", built, tmp_path / name).code == 0
    for path in sorted((tmp_path / "a").rglob("*")):
        if path.is_file():
            other = tmp_path / "b" / path.relative_to(tmp_path / "a")
            assert path.read_bytes() == other.read_bytes()
            assert str(built).encode() not in path.read_bytes()


def test_export_of_the_graph_as_a_model(call: Call, built: Path, tmp_path: Path) -> None:
    called = call("export", built, tmp_path / "m", "--format", "qonnx", "--json")
    assert called.json["files"] == ["graph.onnx"]
    found = read_onnx(tmp_path / "m" / "graph.onnx").graph
    codes = {"x": np.arange(-8, 8)[:, None] * np.ones(tiny_graph().types["x"].shape, np.int64)}
    assert np.array_equal(evaluate(found, codes)["y"], evaluate(tiny_graph(), codes)["y"])


def test_scales_that_are_no_powers_of_two(call: Call, tmp_path: Path) -> None:
    name = "brevitas_float_qcdq"
    with np.load(MODELS / f"{name}.npz", allow_pickle=False) as file:
        x, y = file["x"], file["y"]
    shutil.copy(MODELS / f"{name}.onnx", tmp_path / "net.onnx")
    (tmp_path / "design.yaml").write_text("design: net\nmodel: {file: net.onnx}\n")
    build = tmp_path / "b"
    call("build", tmp_path / "design.yaml", "--to", "lower", "--build-dir", build)

    def through(given: Any) -> Called:
        np.save(tmp_path / "x.npy", given)
        names = ("--input", tmp_path / "x.npy", "--output", tmp_path / "y.npy")
        return call("run", build, "--on", "graph", *names, "--json")

    called = through(np.moveaxis(x, 1, -1))
    ((output, scale),) = called.json["scales"].items()
    assert f"{output} 5 s6 frac 0 [-32, 31] times {scale} ->" in called.err
    real = (np.load(tmp_path / "y.npy") * scale).astype(np.float32)
    assert np.array_equal(real, y)
    assert "channels come last: give numpy.moveaxis(x, 1, -1)" in through(x).err


def test_export_never_writes_among_other_files_unasked(
    call: Call, built: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    called = call("export", built, tmp_path)
    assert called.code == 2
    assert "--force" in called.err
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
    assert call("export", built, tmp_path, "--force").code == 0
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert call("export", built, tmp_path / "mine.txt").code == 2


def test_export_needs_the_hardware(call: Call, tmp_path: Path) -> None:
    design = write_design(tmp_path)
    call("build", design, "--to", "lower", "--build-dir", tmp_path / "b")
    called = call("export", tmp_path / "b", tmp_path / "out")
    assert called.code == 2
    assert "build.missing" in called.err
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny design with its netlist."""
    folder = tmp_path_factory.mktemp("whole")
    design = write_design(folder)
    assert main(["build", str(design), "--to", "synth", "--build-dir", str(folder / "b")]) == 0
    return folder / "b"


@pytest.mark.tool
@pytest.mark.parametrize("rung", ["rtl", "netlist"])
def test_hardware_rungs_equal_the_graph(
    call: Call, whole: Path, save: Callable[[Any], Path], tmp_path: Path, rung: str
) -> None:
    out = tmp_path / "y.npy"
    words = ("run", whole, "--on", rung, "--input", save(X), "--output", out)
    called = call(*words)
    assert called.code == 0
    assert "compiling" in called.err
    assert np.array_equal(np.load(out), evaluate(tiny_graph(), {"x": X})["y"])
    out.unlink()
    again = call(*words, "--json")
    assert "compiling" not in again.err
    assert again.json["latency_cycles"] is not None
    assert np.array_equal(np.load(out), evaluate(tiny_graph(), {"x": X})["y"])
    assert not list((whole / "run").glob(".work-*"))


@pytest.mark.tool
def test_trace(call: Call, whole: Path, save: Callable[[Any], Path]) -> None:
    called = call("run", whole, "--on", "rtl", "--input", save(X), "--trace", 1, "--json")
    assert called.code == 0
    record = called.json
    assert Path(record["waveform"]).name == "vector_1.vcd"
    assert Path(record["waveform"]).is_file()
    assert [layer["layer"] for layer in record["layers"]] == ["first", "second"]
    for layer in record["layers"]:
        assert layer["cycle"] == layer["planned"] is not None


@pytest.mark.tool
def test_the_exported_testbench_runs(call: Call, built: Path, tmp_path: Path) -> None:
    import subprocess
    import sys

    assert call("export", built, tmp_path / "out").code == 0
    done = subprocess.run(
        [sys.executable, "testbench/run.py", ".", "--test", "full_rate"],
        cwd=tmp_path / "out", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "full_rate" in done.stdout
    shutil.rmtree(tmp_path / "out")
