"""The user's model builders, imported from their file. Worker process only.

A builder file holds functions that return Keras models:

    def encoder(input_shape, classes): ...           what becomes hardware; any name
    def decoder(input_shape, output_shape): ...      autoencoders only: stays in float

`input_shape` has no batch axis; `classes` is None unless the data has class numbers. Layers are
QKeras' or Keras'; whatever the functions raise reaches the user as one line with its place.
"""

from __future__ import annotations

import difflib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from hwflow.train.keras_env import KerasEnv
from hwflow.train.refusal import RefusalError

__all__ = ["Builders"]


class Builders:
    """The functions of one builder file.

    Raises:
        RefusalError: train.builder, when the file cannot be imported.
    """

    def __init__(self, env: KerasEnv, path: Path) -> None:
        self._env = env
        self._path = path
        with _UserCode(path):
            self._module = _import(path)

    def has(self, function: str) -> bool:
        """Whether the file defines `function`."""
        return callable(getattr(self._module, function, None))

    def build(self, function: str, *arguments: object) -> Any:
        """The functional model that `function(*arguments)` returns.

        Raises:
            RefusalError: train.builder, when there is no such function, it raises, or it returns
                something other than a built Keras model.
        """
        if not self.has(function):
            raise self._unknown(function)
        # Automatic layer names count from 1 in each build, whatever was built before.
        self._env.keras.backend.clear_session()
        with _UserCode(self._path):
            model = getattr(self._module, function)(*arguments)
        if not isinstance(model, self._env.keras.Model) or not getattr(model, "inputs", None):
            raise RefusalError(
                "train.builder",
                f"{function} returned {type(model).__name__}, expected a tf_keras Model with "
                "inputs",
                hint="return tf_keras.Model(inputs, outputs), or a Sequential starting with Input",
                file=self._path.name,
            )
        return self._env.keras.Model(model.inputs, model.outputs, name=model.name)

    def _unknown(self, function: str) -> RefusalError:
        names = sorted(name for name in vars(self._module) if self.has(name))
        local = [name for name in names if self._is_local(name)]
        close = difflib.get_close_matches(function, local, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"it defines {', '.join(local)}"
        return RefusalError(
            "train.builder", f"no function {function!r}", hint=hint, file=self._path.name
        )

    def _is_local(self, name: str) -> bool:
        return getattr(getattr(self._module, name), "__module__", "") == self._module.__name__


def _import(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("hwflow_user_model", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.dont_write_bytecode = True
    spec.loader.exec_module(module)
    return module


class _UserCode:
    """Turns whatever the user's code raises into a RefusalError with file and line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None or isinstance(error, KeyboardInterrupt):
            return
        raise RefusalError(
            "train.builder",
            f"{type(error).__name__}: {_first_line(error)}",
            hint="the model builder raised this while hwflow was calling it",
            file=self._path.name,
            line=self._line(error, trace),
        ) from None

    def _line(self, error: BaseException, trace: TracebackType | None) -> int | None:
        if isinstance(error, SyntaxError) and error.filename == str(self._path):
            return error.lineno
        frames = traceback.extract_tb(trace)
        lines = [frame.lineno for frame in frames if frame.filename == str(self._path)]
        return lines[-1] if lines else None


def _first_line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else "(no message)"
