"""The pipeline: one explicit tuple of stages for a design."""

from __future__ import annotations

from hwflow.config import DesignConfig
from hwflow.flow import Stage
from hwflow.stages import (
    accuracy,
    amaranth,
    data,
    generate,
    golden,
    lower,
    netlist,
    plan,
    pnr,
    report,
    rtl,
    synth,
    train,
    training,
    vectors,
)

__all__ = ["STAGES", "pipeline"]

STAGES = (
    "data", "train", "lower", "vectors", "golden", "training", "accuracy", "plan", "generate",
    "amaranth", "rtl", "synth", "netlist", "pnr", "report",
)  # fmt: skip
"""Every stage's name, in order; a design has those that its configuration asks for."""


def pipeline(config: DesignConfig) -> tuple[Stage, ...]:
    """The stages of `config`, each after its inputs."""
    trains = config.model.builder is not None
    rungs = config.verify.rungs
    wanted = (
        (data, config.data is not None),
        (train, trains),
        (lower, True),
        (vectors, True),
        (golden, True),
        (training, trains and "training" in rungs),
        (accuracy, trains),
        (plan, True),
        (generate, True),
        (amaranth, "amaranth" in rungs),
        (rtl, "rtl" in rungs),
        (synth, True),
        (netlist, "netlist" in rungs),
        (pnr, config.synth.place_and_route),
    )
    stages = tuple(module.stage(config) for module, present in wanted if present)
    return (*stages, report.stage(config, stages))
