"""Codes of the hls4ml backend."""

from __future__ import annotations

from hwflow.catalogue.explanation import Explanation

__all__ = ["HLS4ML"]

HLS4ML: dict[str, Explanation] = {
    "hls.report": Explanation(
        "The HLS tool left no report that can be read.",
        "It stopped early, or a version of it writes another form.",
        "Read hls.log of the stage; docs/hls4ml.md names the versions.",
    ),
    "hls4ml.layer": Explanation(
        "The network has an operation that hls4ml cannot express exactly.",
        "hls4ml has no such layer, or its layer computes something else.",
        "Follow the hint, or leave out hls4ml; docs/hls4ml.md lists what it can do.",
    ),
    "hls4ml.target": Explanation(
        "The flavour's HLS tool has no part for the target.",
        "hardware.target names a device of another vendor.",
        "Write a target of that vendor, as the hint says.",
    ),
}
