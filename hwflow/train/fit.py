"""One training run of one Keras model. Worker process only."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from hwflow.config.design import TrainConfig
from hwflow.train.data.dataset import DataSet
from hwflow.train.keras_env import KerasEnv
from hwflow.train.refusal import RefusalError
from hwflow.train.telescope import telescope, wafer_mse

__all__ = ["History", "Report", "fit"]

History = dict[str, list[float]]
Report = Callable[[dict[str, Any]], None]


def fit(
    env: KerasEnv,
    model: Any,
    data: DataSet,
    options: TrainConfig,
    *,
    phase: str,
    report: Report,
) -> History:
    """Train `model` in place with Adam; returns the curve, one value per epoch and quantity.

    With `patience`, the weights of the best validation loss are restored at the end.

    Args:
        phase: name put into the progress records ("float", "quantized").
        report: receives one record per epoch.

    Raises:
        RefusalError: train.loss, when the loss does not fit the data; train.diverged, when it stops
            being a number.
    """
    keras = env.keras
    steps = options.epochs * math.ceil(len(data.train.x) / options.batch)
    rate = keras.optimizers.schedules.CosineDecay(options.learning_rate, steps, alpha=0.01)
    loss, metrics = _loss(env, data, options.loss)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=metrics)
    # Shuffling and whatever else draws random numbers starts from the seed in each phase.
    keras.utils.set_random_seed(options.seed)
    callbacks = [keras.callbacks.LambdaCallback(on_epoch_end=_reporter(phase, options, report))]
    if options.patience:
        callbacks.append(
            keras.callbacks.EarlyStopping(patience=options.patience, restore_best_weights=True)
        )
    # An autoencoder of anomalies rebuilds its input; its labels are for the test alone.
    targets = ((p.x if data.task == "anomaly" else p.y) for p in (data.train, data.validation))
    truth, checked = targets
    result = model.fit(
        data.train.x,
        truth,
        validation_data=(data.validation.x, checked),
        epochs=options.epochs,
        batch_size=options.batch,
        callbacks=callbacks,
        verbose=0,
    )
    return {key: [_short(value) for value in values] for key, values in result.history.items()}


def _loss(env: KerasEnv, data: DataSet, name: str) -> tuple[Any, list[str]]:
    """The loss function and the further quantities of the curve."""
    keras, tf = env.keras, env.tf
    if (data.task, name) == ("classification", "categorical_crossentropy"):
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True), ["accuracy"]
    if (data.task, name) == ("classification", "mse"):
        return _one_hot_mse(tf, data.classes or 0), ["sparse_categorical_accuracy"]
    if (data.task, name) == ("wafers", "telescope"):
        return telescope(tf), []
    if (data.task, name) == ("wafers", "mse"):
        return wafer_mse(tf), []
    if (data.task, name) in (("regression", "mse"), ("anomaly", "mse")):
        return keras.losses.MeanSquaredError(), []
    raise RefusalError(
        "train.loss",
        f"the loss {name} cannot train on {data.source}, whose task is {data.task}",
        hint="classification: categorical_crossentropy or mse; wafers: telescope or mse; "
        "regression and anomaly detection: mse",
    )


def _one_hot_mse(tf: Any, classes: int) -> Callable[[Any, Any], Any]:
    def loss(truth: Any, logits: Any) -> Any:
        wanted = tf.one_hot(tf.cast(tf.reshape(truth, (-1,)), tf.int32), classes)
        return tf.reduce_mean(tf.square(wanted - logits), -1)

    return loss


def _reporter(
    phase: str, options: TrainConfig, report: Report
) -> Callable[[int, dict[str, float]], None]:
    def finished(epoch: int, values: dict[str, float]) -> None:
        if not math.isfinite(values["loss"]):
            raise RefusalError(
                "train.diverged",
                f"the loss of the {phase} model is {values['loss']} after epoch {epoch + 1}",
                hint="lower train.learning_rate, or widen the activations' integer bits",
            )
        record = {key: _short(value) for key, value in values.items()}
        report(
            {"event": "epoch", "phase": phase, "epoch": epoch + 1, "epochs": options.epochs}
            | record
        )

    return finished


def _short(value: float) -> float:
    """Six significant digits: the curve is for reading."""
    return float(f"{float(value):.6g}")
