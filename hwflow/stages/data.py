"""Stage data: the samples to train, test and verify with."""

from __future__ import annotations

from hwflow.config import DesignConfig
from hwflow.flow import StageContext
from hwflow.train.data.dataset import save_dataset
from hwflow.train.data.sources import open_dataset

__all__ = ["run"]


def run(config: DesignConfig, context: StageContext) -> None:
    """Load or generate the data set of `data`."""
    data = config.data
    assert data is not None
    context.progress(0.0, f"data source {data.source}")
    save_dataset(open_dataset(data, config.train.loss), context.out)
