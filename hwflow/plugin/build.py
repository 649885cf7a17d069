"""The build of a converted model: its design file, and the stages of `hwflow build`."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import yaml

from hwflow import flow
from hwflow.cli.main import main
from hwflow.config import DesignConfig, load_design
from hwflow.errors import ErrorList, InputError
from hwflow.frontends.hls4ml import Converted
from hwflow.plan.targets import TARGETS
from hwflow.plugin.reuse import Choice, foldings
from hwflow.plugin.summary import summarize
from hwflow.stages.pipeline import pipeline

__all__ = ["build", "design_of", "prepare", "target_of"]

_LOG = logging.getLogger("hwflow")
_VECTORS = 1000
_SMALL, _LARGE = "xc7-z020", "xcup-vu13p"


def target_of(part: str, chosen: str | None) -> str:
    """The target for a Xilinx part's name: the very device, or one of its family."""
    if chosen is not None:
        return chosen
    text = part.lower().replace("-", "")
    for known in TARGETS:
        family, _, device = known.name.partition("-")
        if (
            family in ("xc7", "xcup")
            and device
            and text.startswith(("xc" + device, "xc7" + device))
        ):
            return known.name
    return _SMALL if text.startswith("xc7") else _LARGE


def design_of(model: Any, converted: Converted, *, synth: bool) -> dict[str, Any]:
    """design.yaml of a converted model, as plain data."""
    config = model.config
    hardware: dict[str, Any] = {
        "target": target_of(
            str(config.get_config_value("Part", "")), config.get_config_value("HwflowTarget")
        ),
        "clock": f"{config.get_config_value('ClockPeriod', 5)} ns",
    }
    layers: dict[str, dict[str, int]] = {}
    for choice in foldings(model, converted):
        _tell(choice)
        if choice.fold:
            layers[choice.layer] = choice.fold
    if layers:
        hardware["fold"] = {"layers": layers}
    return {
        "design": config.get_project_name(),
        "model": {"file": "graph.hwf"},
        "hardware": hardware,
        "verify": {"vectors": _VECTORS, "rungs": ["rtl", "netlist"] if synth else ["rtl"]},
    }


def _tell(choice: Choice) -> None:
    if choice.reuse != choice.wanted:
        _LOG.warning(
            "layer %s: ReuseFactor %d is not one it can be folded to; %d is used",
            choice.layer, choice.wanted, choice.reuse,
        )  # fmt: skip


def prepare(model: Any, *, synth: bool = True) -> DesignConfig:
    """Convert the model if need be, and write and read its design file."""
    if model.converted is None:
        model.compile()
    path = Path(model.config.get_output_dir()) / "design.yaml"
    design = design_of(model, model.converted, synth=synth)
    path.write_text(yaml.safe_dump(design, sort_keys=False), encoding="utf-8")
    return load_design(path, [])


def build(model: Any, *, reset: bool, synth: bool, export: bool) -> dict[str, Any]:
    """Bring the model's hardware up to date; hls4ml's report of it, empty without synthesis.

    Raises:
        HwflowError: what `hwflow build` would have said.
    """
    config = prepare(model, synth=synth)
    for note in model.converted.notes:
        _LOG.warning("%s", note)
    place = config.folder / "build"
    stages = pipeline(config)
    result = flow.run(
        stages,
        design=config.design,
        build_folder=place,
        to=None if synth else "rtl",
        force=[stage.name for stage in stages] if reset else (),
    )
    if result.errors:
        raise ErrorList(result.errors)
    if export and main(["export", str(place), str(config.folder / "export"), "--force"]) != 0:
        raise InputError(
            "hls4ml.export",
            f"{config.folder / 'export'} was not written",
            hint="see the message above",
        )
    if not synth:
        return {}
    metrics = place / "report" / "metrics.json"
    report = summarize(json.loads(metrics.read_text(encoding="utf-8")))
    report["hwflow"] = {"metrics": str(metrics), "report": str(metrics.with_name("report.html"))}
    return report
