"""TensorFlow and QKeras, set up for reproducible training. Worker process only.

QKeras is a Keras 2 package: `tf_keras` has to stand in for `keras` before anything imports it.
Nothing outside the training worker may import this module.
"""

from __future__ import annotations

import os
import random
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["KerasEnv", "load_keras"]

_SETTINGS = {
    "TF_USE_LEGACY_KERAS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # oneDNN may pick Winograd convolutions, which round where a plain sum of products is exact.
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_DETERMINISTIC_OPS": "1",
    # POT would import TensorFlow on its own account.
    "POT_BACKEND_DISABLE_TENSORFLOW": "1",
    "CUDA_VISIBLE_DEVICES": "-1",
}


@dataclass(frozen=True, slots=True)
class KerasEnv:
    """The loaded modules: `tf` (tensorflow), `keras` (tf_keras) and `qkeras`."""

    tf: Any
    keras: Any
    qkeras: Any


def load_keras(seed: int = 0) -> KerasEnv:
    """Import TensorFlow, tf_keras and QKeras with one thread and deterministic kernels.

    Args:
        seed: seeds Python's, numpy's and TensorFlow's global generators.
    """
    os.environ.update(_SETTINGS)
    import tensorflow as tf
    import tf_keras

    sys.modules["keras"] = tf_keras
    import qkeras

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    tf_keras.backend.clear_session()
    random.seed(seed)
    np.random.seed(seed)
    tf.random.set_seed(seed)
    return KerasEnv(tf, tf_keras, qkeras)
