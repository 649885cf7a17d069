"""The keys of hardware.hls4ml."""

from __future__ import annotations

from hwflow.config.design import HlsConfig
from hwflow.config.schema import INVALID, Choice, Context, Integer, Key, Section
from hwflow.config.yamltree import MapItem

__all__ = ["HLS4ML"]


def _one_adder_graph(values: dict[str, object], item: MapItem, context: Context) -> None:
    """Adders are shared by what they add up, not by time."""
    if values["strategy"] == "distributed_arithmetic" and values["reuse"] not in (1, INVALID):
        context.fail(
            "config.combination",
            "hardware.hls4ml.reuse: strategy distributed_arithmetic has no multipliers to share",
            "remove reuse, or write strategy: resource",
            item.keys["reuse"],
        )


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
    check=_one_adder_graph,
)
