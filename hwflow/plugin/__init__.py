"""hwflow as a backend inside hls4ml, found through the entry-point group `hls4ml.backends`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["NAME", "register"]

NAME = "hwflow"
"""What users write: ``convert_from_keras_model(model, backend='hwflow')``."""


def register(
    register_backend: Callable[[str, Any], None], register_writer: Callable[[str, Any], None]
) -> None:
    """Give hls4ml the backend; called by hls4ml while it is imported."""
    from hls4ml.backends.backend import get_available_backends

    if NAME in get_available_backends():
        return
    from hwflow.plugin.backend import HwflowBackend, HwflowWriter

    register_writer(NAME, HwflowWriter)
    register_backend(NAME, HwflowBackend)
