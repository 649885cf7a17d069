"""Keras 3 files: every layer that is refused, and hostile ones."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hwflow.errors import HwflowError
from hwflow.frontends.hgq import read
from hwflow.frontends.lowered import RefusedError
from hwflow.stages.models import is_rebuilt, read_model

GOOD = Path(__file__).parents[1] / "models" / "files" / "hgq_dense.keras"
Change = Callable[[list[dict[str, Any]]], object]


def changed(folder: Path, change: Change) -> Path:
    """A copy of a good file, its list of layers changed."""
    path = folder / "m.keras"
    with zipfile.ZipFile(GOOD) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "config.json":
                config = json.loads(content)
                change(config["config"]["layers"])
                content = json.dumps(config).encode()
            target.writestr(name, content)
    return path


def _quantizer(role: str, **values: Any) -> Change:
    return lambda layers: layers[1]["config"][role]["config"].update(values)


def _option(**values: Any) -> Change:
    return lambda layers: layers[2]["config"].update(values)


def _class(module: str, kind: str) -> Change:
    named = {"module": module, "class_name": kind, "registered_name": None}
    return lambda layers: layers[2].update(named)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_quantizer("iq_conf", q_type="float"), "'first': a quantizer is of type 'float'"),
        (_quantizer("iq_conf", round_mode="RND_ZERO"), "rounds by RND_ZERO"),
        (_quantizer("kq_conf", overflow_mode="WRAP_SM"), "overflow is WRAP_SM"),
        (_quantizer("bq_conf", affine=[2.0, 1.0]), "a quantizer has affine"),
        (_quantizer("bq_conf", evil=1), "unknown option 'evil'"),
        (_option(evil=1), "'second': the option 'evil' of QDense"),
        (_option(activation="tanh"), "'tanh' has no exact integer form"),
        (_option(activation={"class_name": "function", "config": "os.system"}), "activation is"),
        (_option(iq_conf=None), "no configuration"),
        (_class("keras.layers", "Dense"), "Dense cannot be lowered"),
        (_class("keras.layers", "Lambda"), "Lambda cannot be lowered"),
        (_class("os", "QDense"), "os.QDense cannot be lowered"),
    ],
)
def test_refusals(tmp_path: Path, change: Change, words: str) -> None:
    with pytest.raises(RefusedError) as caught:
        read(changed(tmp_path, change))
    assert caught.value.exit_code == 2
    assert words in caught.value.errors[0].message
    refused = [finding.layer for finding in caught.value.findings if finding.errors]
    assert len(refused) == 1


def test_all_refusals_at_once(tmp_path: Path) -> None:
    def both(layers: list[dict[str, Any]]) -> None:
        _quantizer("iq_conf", q_type="float")(layers)
        _class("keras.layers", "Dense")(layers)

    with pytest.raises(RefusedError) as caught:
        read(changed(tmp_path, both))
    assert [(f.layer, bool(f.errors), f.reached) for f in caught.value.findings] == [
        ("x", False, True), ("first", True, True), ("second", True, False),
        ("logits", False, False),
    ]  # fmt: skip


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(HwflowError) as caught:
        read(changed(tmp_path, lambda layers: layers[0]["config"].update(batch_shape=[None, 5])))
    assert caught.value.exit_code == 2


def test_a_cycle_is_refused(tmp_path: Path) -> None:
    def turn(layers: list[dict[str, Any]]) -> None:
        history = layers[1]["inbound_nodes"][0]["args"][0]["config"]["keras_history"]
        history[0] = "logits"

    with pytest.raises(HwflowError, match="cycle") as caught:
        read(changed(tmp_path, turn))
    assert caught.value.code == "model.format"


def test_a_keras_3_file_is_read_as_integers() -> None:
    assert not is_rebuilt(GOOD)
    assert read_model(GOOD, "net").graph.name == "net"
