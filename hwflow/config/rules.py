"""Combinations of keys that make no sense, and values that follow from other keys."""

from __future__ import annotations

from dataclasses import replace

from hwflow.config.design import (
    RUNGS,
    DataConfig,
    FoldConfig,
    ModelConfig,
    TrainConfig,
    VerifyConfig,
)
from hwflow.config.schema import INVALID, Context
from hwflow.config.yamltree import MapItem

__all__ = [
    "check_data", "check_design", "check_fold", "check_hardware", "check_model", "in_order",
]  # fmt: skip

DEFAULT_SAMPLES = 12_000

Values = dict[str, object]


def check_model(values: Values, item: MapItem, context: Context) -> None:
    """Exactly one source of the network."""
    given = [name for name in ("builder", "file") if name in item.entries]
    if len(given) != 1:
        context.fail(
            "config.combination",
            f"model: found {' and '.join(given) or 'no source'}, expected exactly one of"
            " builder and file",
            "builder: model.py:function trains; file: graph.hwf is used as it is",
            item.place,
        )


def check_data(values: Values, item: MapItem, context: Context) -> None:
    """`path` belongs to source: file, `samples` to hgcal_toy."""
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
    _only_for(source, "file", "path", item, context)
    _only_for(source, "hgcal_toy", "samples", item, context)
    if source == "hgcal_toy" and values["samples"] is None:
        values["samples"] = DEFAULT_SAMPLES


def _only_for(source: object, owner: str, key: str, item: MapItem, context: Context) -> None:
    if source != owner and key in item.entries:
        context.fail(
            "config.combination",
            f"data: {key} has no meaning with source: {source}, only with source: {owner}",
            f"remove {key}",
            item.keys[key],
        )


def check_fold(values: Values, item: MapItem, context: Context) -> None:
    """Folding of matrices is for a later version."""
    target_ii = values["target_ii"]
    if isinstance(target_ii, int) and target_ii != 1:
        context.fail(
            "config.unsupported",
            f"hardware.fold.target_ii: {target_ii} is not available in this version, expected 1",
            "fold single convolutions by pos: {layer: 1}",
            item.keys["target_ii"],
        )


def check_hardware(values: Values, item: MapItem, context: Context) -> None:
    """A layer behind a line buffer must be able to hold its input back."""
    fold = values["fold"]
    folded = fold.pos if isinstance(fold, FoldConfig) else ()
    if values["interface"] == "valid_only" and any(pos == "1" for _, pos in folded):
        context.fail(
            "config.combination",
            "hardware.interface: valid_only cannot hold input back, and a layer with pos: 1 must",
            "use axi_stream or valid_ready, or pos: all everywhere",
            item.keys["interface"],
        )


def in_order(values: Values, item: MapItem, context: Context) -> None:
    """Rungs in the ladder's order, however they were written; all by default."""
    rungs = values["rungs"]
    if rungs is None:
        values["rungs"] = RUNGS
    elif isinstance(rungs, tuple):
        values["rungs"] = tuple(rung for rung in RUNGS if rung in rungs)


def check_design(values: Values, item: MapItem, context: Context) -> None:
    """What training, data and the ladder ask of each other."""
    model = values["model"]
    if isinstance(model, ModelConfig):
        if model.file is not None:
            _without_training(values, item, context)
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
    elif data.source == "hgcal_toy":
        values["train"] = replace(train, loss="telescope")


def _without_training(values: Values, item: MapItem, context: Context) -> None:
    if "train" in item.entries:
        context.fail(
            "config.combination",
            "train: an integer graph (model.file) is not trained",
            "remove train, or use model.builder",
            item.keys["train"],
        )
    verify = values["verify"]
    if not isinstance(verify, VerifyConfig) or "training" not in verify.rungs:
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
    wrong = {("digits", "telescope"), ("hgcal_toy", "categorical_crossentropy")}
    if (data.source, train.loss) not in wrong:
        return
    labels = "are labelled digits" if data.source == "digits" else "carry no labels"
    context.fail(
        "config.combination",
        f"train.loss: {train.loss} does not fit data.source: {data.source}, whose samples {labels}",
        f"write loss: {'categorical_crossentropy' if data.source == 'digits' else 'telescope'}",
        context.places["train.loss"],
    )
