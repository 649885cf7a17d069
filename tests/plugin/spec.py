"""What describes one network that goes through hls4ml twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Spec"]


@dataclass(frozen=True, slots=True)
class Spec:
    """A network: how it is built, and what its user writes into hls_config.

    `family` is keras2 (tf_keras, for QKeras), keras3, onnx or pytorch. `types` and `config` are
    set on layers by name (precision, and any other key); `model` on the whole model. `configured`
    and `options` are what config_from_... and convert_from_... take beside the model.
    """

    build: Callable[[], Any]
    family: str = "keras2"
    granularity: str = "name"
    default: str = "fixed<16,6>"
    types: dict[str, dict[str, str]] = field(default_factory=dict)
    config: dict[str, dict[str, Any]] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    span: float = 2.0
    configured: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
