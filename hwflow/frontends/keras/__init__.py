"""Files of Keras 2 with QKeras layers, read without Keras: nothing in them is ever executed.

`load_model` would import and run what a file names. Here the JSON of the model and the arrays of
its weights are read by name, checked against what is known, and described in plain data; the
training worker rebuilds the network from that description with its own constructors.
"""

from __future__ import annotations

from hwflow.frontends.keras.archive import keras_generation
from hwflow.frontends.keras.model import KerasLayer, KerasModel, read_keras

__all__ = ["KerasLayer", "KerasModel", "keras_generation", "read_keras"]
