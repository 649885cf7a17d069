"""Mistakes in users' builder files, one by one; the whole way to the user is in test_jobs."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import hwflow.train
from hwflow.catalogue import CATALOGUE
from hwflow.config.design import TrainConfig
from hwflow.train.builders import Builders
from hwflow.train.data.digits import digits
from hwflow.train.keras_env import KerasEnv
from hwflow.train.refusal import RefusalError
from hwflow.train.session import TrainSession

RECORDS: list[dict[str, object]] = []

BUILDER = """\
from tf_keras import Input, Model, layers
from qkeras import QBatchNormalization


def raises(input_shape, classes):
    raise KeyError(helper())


def helper():
    return 1 / 0


def inside(input_shape, classes):
    return layers.Dense("many")(Input(input_shape))


def nothing(input_shape, classes):
    return 3


def leaves(input_shape, classes):
    raise SystemExit(0)


def narrow(input_shape, classes):
    x = Input(input_shape)
    return Model(x, layers.Dense(3)(layers.Flatten()(x)))


def other_input(input_shape, classes):
    x = Input((64,))
    return Model(x, layers.Dense(classes)(x))


def odd(input_shape, classes):
    x = Input(input_shape)
    y = layers.Flatten()(x)
    shared = layers.Dense(64)
    return Model(x, layers.Dense(classes)(shared(shared(y))))


def special(input_shape, classes):
    x = Input(input_shape)
    y = QBatchNormalization(name="special")(layers.Flatten()(x))
    return Model(x, layers.Dense(classes)(y))
"""


def run(env: KerasEnv, path: Path, function: str) -> None:
    options = TrainConfig(epochs=1)
    builders = Builders(env, path)
    session = TrainSession(env, builders, function, "decoder", digits(), options, RECORDS.append)
    session.run(path.parent)


def refusal(env: KerasEnv, folder: Path, function: str, source: str = BUILDER) -> RefusalError:
    path = folder / "model.py"
    path.write_text(source, encoding="utf-8")
    with pytest.raises(RefusalError) as caught:
        run(env, path, function)
    assert [entry.name for entry in folder.iterdir()] == ["model.py"]
    return caught.value


@pytest.mark.train
@pytest.mark.parametrize(
    ("function", "line", "code", "text"),
    [
        ("raises", 10, "train.builder", "ZeroDivisionError: division by zero"),
        ("inside", 14, "train.builder", "ValueError"),
        ("nothing", None, "train.builder", "nothing returned int, expected a tf_keras Model"),
        ("leaves", 22, "train.builder", "SystemExit: 0"),
        ("raise", None, "train.builder", "no function 'raise'"),
        ("narrow", None, "train.shape", "returns [(3,)], expected one output of (10,)"),
        ("other_input", None, "train.shape", "the first (64,); the data has one input"),
        ("odd", None, "train.export", "layer 'dense' is used more than once"),
        ("special", None, "train.twin", "layer 'special' of class 'QBatchNormalization'"),
    ],
)
def test_mistakes_are_named(
    env: KerasEnv, tmp_path: Path, function: str, line: int | None, code: str, text: str
) -> None:
    error = refusal(env, tmp_path, function)
    assert (error.code, error.line) == (code, line)
    assert text in error.message


@pytest.mark.train
def test_did_you_mean(env: KerasEnv, tmp_path: Path) -> None:
    assert refusal(env, tmp_path, "raise").hint == "did you mean 'raises'?"
    assert "helper" in refusal(env, tmp_path, "xyzzy").hint


@pytest.mark.train
def test_files_that_cannot_be_imported(env: KerasEnv, tmp_path: Path) -> None:
    syntax = refusal(env, tmp_path, "f", "x = 1\ndef f(:\n")
    assert (syntax.line, syntax.file) == (2, "model.py")
    assert syntax.message.startswith("SyntaxError: ")
    missing = refusal(env, tmp_path, "f", "\n\nimport no_such_module\n")
    assert (missing.line, missing.message) == (
        3, "ModuleNotFoundError: No module named 'no_such_module'",
    )  # fmt: skip


def test_every_refusal_is_explained() -> None:
    package = Path(hwflow.train.__file__).parent
    codes = {
        node.args[0].value
        for path in sorted(package.glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "RefusalError"
        and isinstance(node.args[0], ast.Constant)
    }
    assert len(codes) >= 7
    assert codes <= set(CATALOGUE)
