"""QKeras networks, as training exports them, to the integer graph; no TensorFlow needed."""

from __future__ import annotations

from hwflow.frontends.qkeras.lower import HANDLERS, lower
from hwflow.frontends.qkeras.network import Layer, Network, load_network, parse_network

__all__ = [
    "HANDLERS", "Layer", "Network", "load_network", "lower", "parse_network",
]  # fmt: skip
