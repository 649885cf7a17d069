"""The user's model builders, imported from their file. Worker process only.

A builder file holds functions that return Keras models:

    def encoder(input_shape, classes): ...           what becomes hardware; any name
    def decoder(input_shape, output_shape): ...      autoencoders only: stays in float

`input_shape` has no batch axis; `classes` is None unless the data has class numbers. Layers are
QKeras' or Keras'; whatever the functions raise reaches the user as one line with its place.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hwflow.train.keras_env import KerasEnv
from hwflow.train.usercode import UserFile

__all__ = ["Builders"]


class Builders:
    """The functions of one builder file.

    Raises:
        RefusalError: train.builder, when the file cannot be imported.
    """

    def __init__(self, env: KerasEnv, path: Path) -> None:
        self._env = env
        self._file = UserFile(path, "train.builder", "the model builder")

    def has(self, function: str) -> bool:
        """Whether the file defines `function`."""
        return self._file.has(function)

    def build(self, function: str, *arguments: object) -> Any:
        """The functional model that `function(*arguments)` returns.

        Raises:
            RefusalError: train.builder, when there is no such function, it raises, or it returns
                something other than a built Keras model.
        """
        # Automatic layer names count from 1 in each build, whatever was built before.
        self._env.keras.backend.clear_session()
        model = self._file.call(function, *arguments)
        if not isinstance(model, self._env.keras.Model) or not getattr(model, "inputs", None):
            raise self._file.refusal(
                f"{function} returned {type(model).__name__}, expected a tf_keras Model with "
                "inputs",
                "return tf_keras.Model(inputs, outputs), or a Sequential starting with Input",
            )
        return self._env.keras.Model(model.inputs, model.outputs, name=model.name)
