"""Stage load: the network of a Keras file, rebuilt by the training worker in place of `train`."""

from __future__ import annotations

from hwflow.config import DesignConfig
from hwflow.flow import StageContext
from hwflow.frontends.keras import read_keras
from hwflow.train.jobs import load

__all__ = ["run"]


def run(config: DesignConfig, context: StageContext) -> None:
    """Read `model.file` safely, then let QKeras quantize its weights and export the network."""
    path = config.model.file
    assert path is not None
    context.progress(0.0, f"reading {path.name}")
    model = read_keras(path)
    context.progress(0.1, "rebuilding it with QKeras")
    load(
        model=model.record(),
        arrays=model.arrays(),
        name=path.name,
        data=context.inputs.get("data"),
        output=context.out,
        work=context.scratch,
    )
