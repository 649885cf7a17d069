"""From the `data` section of design.yaml to a data set."""

from __future__ import annotations

from hwflow.config.design import DataConfig
from hwflow.errors import InputError, Place
from hwflow.train.data.anomaly import machine_sound
from hwflow.train.data.dataset import DataSet
from hwflow.train.data.digits import digits
from hwflow.train.data.tables import user_npz
from hwflow.train.data.wafers import hgcal_toy, user_wafers

__all__ = ["open_dataset"]

_DEFAULT_WAFERS = 12_000
_DEFAULT_SOUNDS = 20_000


def open_dataset(config: DataConfig, loss: str) -> DataSet:
    """Load or generate the samples.

    Args:
        config: source, path, split (the test part's share), samples and seed.
        loss: `train.loss`; a file is read as wafers when it is "telescope".

    Raises:
        InputError: data.source, data.missing, data.format, data.row, data.few.
    """
    if config.source == "digits":
        return digits(seed=config.seed, test=config.split)
    if config.source == "hgcal_toy":
        samples = config.samples or _DEFAULT_WAFERS
        return hgcal_toy(samples=samples, seed=config.seed, test=config.split)
    if config.source == "machine_sound":
        samples = config.samples or _DEFAULT_SOUNDS
        return machine_sound(samples=samples, seed=config.seed, test=config.split)
    if config.source == "file" and config.path is not None:
        if loss == "telescope":
            return user_wafers(config.path, seed=config.seed, test=config.split)
        if config.path.suffix == ".npz":
            return user_npz(config.path, seed=config.seed, test=config.split)
        raise InputError(
            "data.format",
            f"found {config.path.suffix or 'no suffix'}, expected .npz for the loss {loss}",
            hint="CSV holds wafers (train.loss: telescope); give x and y as an npz file",
            place=Place(config.path.name),
        )
    raise InputError(
        "data.source",
        f"found the data source {config.source!r}",
        hint="use digits, hgcal_toy, machine_sound, or file with a path",
    )
