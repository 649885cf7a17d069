"""The keys of hardware.hls4ml."""

from __future__ import annotations

from hwflow.config.design import HlsConfig
from hwflow.config.schema import Choice, Integer, Key, Section

__all__ = ["HLS4ML"]

HLS4ML = Section(
    (
        Key(
            "flavour",
            Choice(("vitis", "vivado")),
            "the HLS tool that the C++ is for",
            "vitis",
        ),
        Key(
            "io",
            Choice(("parallel", "stream")),
            "a whole tensor at once, or a stream of pixels",
            "parallel",
        ),
        Key(
            "strategy",
            Choice(("latency", "resource", "distributed_arithmetic")),
            "how products are built",
            "latency",
        ),
        Key("reuse", Integer(1, 1_000_000), "products that share a multiplier", 1),
    ),
    make=HlsConfig,
)
