"""hwflow check: what a model's file would become, and everything wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import pytest

from hwflow.ir import save_graph
from tests.cli.conftest import Call, tiny_graph
from tests.frontends.keras_files import layer, layers, model, write_h5

Golden = Callable[[str, str], None]


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    save_graph(tiny_graph(), tmp_path / "tiny.hwf")
    return tmp_path / "tiny.hwf"


def test_an_exact_model(call: Call, golden: Golden, graph: Path) -> None:
    called = call("check", graph)
    assert called.code == 0
    golden("check.txt", called.out)


def test_an_exact_model_as_json(call: Call, graph: Path) -> None:
    record = call("check", graph, "--json").json
    assert (record["exact"], record["exit_code"], record["errors"]) == (True, 0, [])
    first, second = record["layers"]
    # the column 7, -3, 5, 2 on inputs of -32 to 31
    assert first["range"] == [-32 * (7 + 5 + 2) - 3 * 31, 31 * (7 + 5 + 2) + 3 * 32]
    assert (first["accumulator"], first["weights"], first["step"]) == (11, 4, -3)
    assert second["cost"]["parallel"]["cycles"] == 1
    assert second["cost"]["smallest"]["luts"] <= second["cost"]["parallel"]["luts"]


def test_all_refusals_at_once(call: Call, golden: Golden, tmp_path: Path) -> None:
    listed = layers()
    listed[1]["config"]["activation"] = "quantized_po2(4)"
    listed += [layer("Lambda", "scale", "dense"), layer("GRU", "memory", "scale")]
    write_h5(tmp_path / "net.h5", model(*listed)).file.close()
    called = call("check", tmp_path / "net.h5")
    assert called.code == 2
    golden("check_refused.txt", called.out)
    assert [line for line in called.err.splitlines() if line.startswith("error")] == [
        "error[lower.layer]: layer 'q': the quantizer 'quantized_po2' is none of quantized_bits, "
        "quantized_relu, binary, ternary, quantized_tanh, quantized_sigmoid",
        "error[lower.layer]: layer 'scale': Lambda cannot be lowered to integers",
        "error[lower.layer]: layer 'memory': GRU cannot be lowered to integers",
    ]
    record = call("check", tmp_path / "net.h5", "--json").json
    assert (record["exact"], record["exit_code"], len(record["errors"])) == (False, 2, 3)
    assert [row["verdict"] for row in record["layers"]] == [
        "not reached", "refused", "not reached", "refused", "refused",
    ]  # fmt: skip
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.h5"]


def test_files_that_are_no_models(call: Call, tmp_path: Path) -> None:
    (tmp_path / "net.pb").write_bytes(b"")
    group = write_h5(tmp_path / "net.h5")
    del group["kernel:0"]
    group["kernel:0"] = h5py.ExternalLink("other.h5", "/secret")
    group.file.close()
    for name, code in (
        ("none.h5", "file.missing"), ("net.pb", "model.format"), ("net.h5", "model.unsafe"),
    ):  # fmt: skip
        record = call("check", tmp_path / name, "--json").json
        assert [error["code"] for error in record["errors"]] == [code]
        assert record["exit_code"] == 2
