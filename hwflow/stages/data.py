"""Stage data: the samples to train, test and verify with."""

from __future__ import annotations

from hwflow.config import DesignConfig, as_json
from hwflow.flow import Stage, StageContext
from hwflow.train.data.dataset import save_dataset
from hwflow.train.data.sources import open_dataset

__all__ = ["stage"]


def stage(config: DesignConfig) -> Stage:
    """Load or generate the data set of `data`."""
    data = config.data
    assert data is not None

    def run(context: StageContext) -> None:
        context.progress(0.0, f"data source {data.source}")
        save_dataset(open_dataset(data, config.train.loss), context.out)

    return Stage(
        "data",
        run,
        config={"data": as_json(data, config.folder), "loss": config.train.loss},
        tools=("numpy", "scikit-learn"),
        modules=("hwflow.stages.data",),
        files=(data.path,) if data.path else (),
    )
