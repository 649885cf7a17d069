"""TensorFlow, loaded once for the tests marked `train`."""

from __future__ import annotations

import sys

import pytest

from hwflow.train.keras_env import KerasEnv, load_keras


@pytest.fixture(scope="session")
def env() -> KerasEnv:
    """The worker's environment; Keras' own import tricks must not be in the way."""
    assert "keras" not in sys.modules or sys.modules["keras"].__name__ == "tf_keras"
    return load_keras(1)
