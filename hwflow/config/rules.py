"""Combinations of keys that make no sense, and values that follow from other keys."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hwflow.config.design import (
    BACKEND_RUNGS,
    RUNGS,
    DataConfig,
    FoldConfig,
    HardwareConfig,
    ModelConfig,
    TrainConfig,
    VerifyConfig,
)
from hwflow.config.schema import INVALID, Context
from hwflow.config.values import INTEGER_FILES
from hwflow.config.yamltree import MapItem

__all__ = [
    "check_data", "check_design", "check_hardware", "check_model", "in_order",
]  # fmt: skip

DEFAULT_LIBRARY = "osu018"

DEFAULT_SAMPLES = {"hgcal_toy": 12_000, "machine_sound": 20_000}
"""Samples of the sources that are generated."""

_LOSSES = {
    "digits": ("categorical_crossentropy", "mse"),
    "hgcal_toy": ("telescope", "mse"),
    "machine_sound": ("mse",),
}
"""Losses that fit a source, the default one first."""
_SAMPLES = {
    "digits": "are labelled digits",
    "hgcal_toy": "carry no labels",
    "machine_sound": "are normal ones to be rebuilt",
}

Values = dict[str, object]


def check_model(values: Values, item: MapItem, context: Context) -> None:
    """Exactly one source of the network."""
    given = [name for name in ("builder", "file") if name in item.entries]
    if len(given) != 1:
        context.fail(
            "config.combination",
            f"model: found {' and '.join(given) or 'no source'}, expected exactly one of"
            " builder and file",
            "builder: model.py:function trains; file: model.keras is a trained network",
            item.place,
        )


def check_data(values: Values, item: MapItem, context: Context) -> None:
    """`path` belongs to source: file, `samples` to what is generated."""
    source = values["source"]
    if source is INVALID:
        return
    if source == "file" and "path" not in item.entries:
        context.fail(
            "config.combination",
            "data: source is file, but path is missing",
            "add path: my_data.npz (or .csv)",
            item.place,
        )
    _only_for(source, ("file",), "path", item, context)
    _only_for(source, tuple(DEFAULT_SAMPLES), "samples", item, context)
    if isinstance(source, str) and values["samples"] is None:
        values["samples"] = DEFAULT_SAMPLES.get(source)


def _only_for(
    source: object, owners: tuple[str, ...], key: str, item: MapItem, context: Context
) -> None:
    if source not in owners and key in item.entries:
        context.fail(
            "config.combination",
            f"data: {key} has no meaning with source: {source}, only with source: "
            f"{' or '.join(owners)}",
            f"remove {key}",
            item.keys[key],
        )


def check_hardware(values: Values, item: MapItem, context: Context) -> None:
    """A layer behind a line buffer must hold its input back; libraries are for ASICs."""
    _check_asic(values, item, context)
    if values["backend"] == "hls4ml":
        _check_hls4ml(item, context)
    fold = values["fold"]
    folded = isinstance(fold, FoldConfig) and (
        fold.solved
        or any((layer.pe, layer.simd, layer.pos) != (None,) * 3 for _, layer in fold.layers)
        or any(pos == "1" for _, pos in fold.pos)
    )
    if values["interface"] == "valid_only" and folded:
        context.fail(
            "config.combination",
            "hardware.interface: valid_only cannot hold input back, and a folded layer must",
            "use axi_stream or valid_ready, or no hardware.fold",
            item.keys["interface"],
        )


def _check_hls4ml(item: MapItem, context: Context) -> None:
    """hls4ml's hardware has none of what the Verilog backend offers."""
    for key in ("fold", "weights", "protect", "interface", "board", *_CELLS):
        if key in item.entries:
            context.fail(
                "config.combination",
                f"hardware.{key}: it has no meaning with backend: hls4ml",
                f"remove {key}, or write backend: amaranth",
                item.keys[key],
            )


_CELLS = ("library", "corners", "clock_gating", "weight_latches", "flatten", "dont_use")


def _check_asic(values: Values, item: MapItem, context: Context) -> None:
    """Keys of a cell library go with target: asic, keys of devices do not."""
    if values["target"] == "asic":
        if values["library"] is None:
            values["library"] = DEFAULT_LIBRARY
        fold = values["fold"]
        if isinstance(fold, FoldConfig) and fold.budget is not None:
            context.fail(
                "config.combination",
                "hardware.fold.budget: it counts LUTs, which target: asic has none of",
                "give hardware.fold.target_ii instead",
                context.places["hardware.fold.budget"],
            )
        return
    for key in _CELLS:
        if key in item.entries:
            context.fail(
                "config.combination",
                f"hardware.{key}: cells are only for target: asic, found {values['target']}",
                f"remove {key}, or write target: asic",
                item.keys[key],
            )


def in_order(values: Values, item: MapItem, context: Context) -> None:
    """Rungs in the ladder's order, however they were written."""
    rungs = values["rungs"]
    if rungs is None:
        values["rungs"] = BACKEND_RUNGS["amaranth"]
    elif isinstance(rungs, tuple):
        values["rungs"] = tuple(rung for rung in RUNGS if rung in rungs)


def check_design(values: Values, item: MapItem, context: Context) -> None:
    """What training, data and the ladder ask of each other."""
    model, hardware = values["model"], values["hardware"]
    if isinstance(hardware, HardwareConfig) and hardware.backend == "hls4ml":
        _rungs_of_hls4ml(values, context)
    if isinstance(model, ModelConfig):
        if model.file is not None:
            _without_training(model.file, values, item, context)
        elif "data" not in item.entries:
            context.fail(
                "config.missing",
                "the key 'data' is missing: a model that is trained needs samples",
                "add data: {source: digits}",
                item.place,
            )
    data, train = values["data"], values["train"]
    if not isinstance(data, DataConfig) or not isinstance(train, TrainConfig):
        return
    if "train.loss" in context.places:
        _loss_fits_data(data, train, context)
    elif data.source in _LOSSES:
        values["train"] = replace(train, loss=_LOSSES[data.source][0])


def _rungs_of_hls4ml(values: Values, context: Context) -> None:
    """The ladder of hardware that comes through hls4ml."""
    verify = values["verify"]
    if not isinstance(verify, VerifyConfig):
        return
    possible = BACKEND_RUNGS["hls4ml"]
    model = values["model"]
    if isinstance(model, ModelConfig) and model.file and model.file.suffix in INTEGER_FILES:
        possible = tuple(rung for rung in possible if rung != "training")
    other = [rung for rung in verify.rungs if rung not in possible]
    if "verify.rungs" not in context.places:
        values["verify"] = replace(verify, rungs=possible)
    elif other or "hls4ml" not in verify.rungs:
        context.fail(
            "config.combination",
            f"verify.rungs: found {', '.join(verify.rungs)}, but with hardware.backend: hls4ml "
            "the hardware is hls4ml's project",
            f"write rungs: [{', '.join(possible)}]",
            context.places["verify.rungs"],
        )


def _without_training(file: Path, values: Values, item: MapItem, context: Context) -> None:
    if "train" in item.entries:
        context.fail(
            "config.combination",
            "train: a model from a file (model.file) is not trained",
            "remove train, or use model.builder",
            item.keys["train"],
        )
    verify = values["verify"]
    if not isinstance(verify, VerifyConfig) or "training" not in verify.rungs:
        return
    if file.suffix.lower() not in INTEGER_FILES:
        return
    if "verify.rungs" in context.places:
        context.fail(
            "config.combination",
            "verify.rungs: an integer graph (model.file) has no training rung",
            "remove training from the list",
            context.places["verify.rungs"],
        )
    values["verify"] = replace(verify, rungs=tuple(r for r in verify.rungs if r != "training"))


def _loss_fits_data(data: DataConfig, train: TrainConfig, context: Context) -> None:
    fitting = _LOSSES.get(data.source, (train.loss,))
    if train.loss in fitting:
        return
    context.fail(
        "config.combination",
        f"train.loss: {train.loss} does not fit data.source: {data.source}, whose samples "
        f"{_SAMPLES[data.source]}",
        f"write loss: {fitting[0]}",
        context.places["train.loss"],
    )
