"""A whole training job: float twin, quantized model, export, test metrics. Worker process only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwflow.config.design import TrainConfig
from hwflow.train.auc import error_auc
from hwflow.train.builders import Builders
from hwflow.train.data.dataset import DataSet
from hwflow.train.data.wafer import rearrange
from hwflow.train.emd import mean_emd
from hwflow.train.export import describe, export_network
from hwflow.train.files import read_json, read_npz, write_json
from hwflow.train.fit import History, Report, fit
from hwflow.train.keras_env import KerasEnv
from hwflow.train.refusal import RefusalError
from hwflow.train.replay import Replay
from hwflow.train.twin import float_twin

__all__ = ["TrainSession"]

_METRICS = {
    "classification": ("accuracy", "fraction"),
    "regression": ("mean_squared_error", "1"),
    "wafers": ("emd", "cell pitches"),
    "anomaly": ("auc", "1"),
}


@dataclass(frozen=True, slots=True)
class TrainSession:
    """Everything a training job needs.

    Attributes:
        function: builder of the network that becomes hardware.
        decoder: builder of the float decoder; required for wafers, else unused.
    """

    env: KerasEnv
    builders: Builders
    function: str
    decoder: str
    data: DataSet
    options: TrainConfig
    report: Report

    def run(self, folder: Path) -> None:
        """Train and write network.json, weights.npz, history.json, metrics.json (and decoder/).

        Raises:
            RefusalError: from the builder, the export, the twin or the training.
        """
        history: dict[str, History] = {}
        metric, unit = _METRICS[self.data.task]
        facts: dict[str, Any] = {
            "metric": metric,
            "unit": unit,
            "task": self.data.task,
            "test_samples": len(self.data.test.x),
        }
        if self.options.float_twin:
            twin, decoder = self._train(self._twin(), "float", history)
            facts["float"] = self._score(twin(self.data.test.x).numpy(), decoder)
        model, decoder = self._train(self._pair(self._build()), "quantized", history)
        export_network(model, folder)
        if decoder is not None:
            (folder / "decoder").mkdir(exist_ok=True)
            export_network(decoder, folder / "decoder")
        facts["quantized"] = self._score(self._replayed(folder), decoder)
        facts["parameters"] = int(model.count_params())
        write_json(folder / "history.json", history)
        write_json(folder / "metrics.json", facts)
        self.report({"event": "trained"} | facts)

    def _build(self) -> Any:
        self.env.keras.utils.set_random_seed(self.options.seed)
        model = self.builders.build(self.function, self.data.input_shape, self.data.classes)
        self._check(model)
        return model

    def _twin(self) -> tuple[Any, Any]:
        network, _ = describe(self._build())
        self.env.keras.utils.set_random_seed(self.options.seed)
        return self._pair(float_twin(self.env, network))

    def _pair(self, model: Any) -> tuple[Any, Any]:
        """The model and, for wafers, a fresh decoder."""
        if self.data.task != "wafers":
            return model, None
        arguments = (_shape(model.outputs[0]), self.data.input_shape)
        decoder = self.builders.build(self.decoder, *arguments)
        if _shape(decoder.outputs[0]) != self.data.input_shape:
            raise RefusalError(
                "train.shape",
                f"{self.decoder} returns {_shape(decoder.outputs[0])}, expected "
                f"{self.data.input_shape}",
                hint="the decoder rebuilds what the encoder reads",
            )
        return model, decoder

    def _train(
        self, pair: tuple[Any, Any], phase: str, history: dict[str, History]
    ) -> tuple[Any, Any]:
        model, decoder = pair
        whole = model
        if decoder is not None:
            whole = self.env.keras.Model(model.inputs, decoder(model.outputs))
        history[phase] = fit(
            self.env, whole, self.data, self.options, phase=phase, report=self.report
        )
        return pair

    def _replayed(self, folder: Path) -> NDArray[Any]:
        """Test outputs of the exported network: the frozen definition, not the training model."""
        network = read_json(folder / "network.json")
        replay = Replay(self.env, network, read_npz(folder / "weights.npz"))
        outputs = replay.run({network["inputs"][0]: self.data.test.x})
        return outputs[network["outputs"][0]]

    def _score(self, outputs: NDArray[Any], decoder: Any) -> float:
        truth = self.data.test.y
        if self.data.task == "classification":
            return round(float((outputs.argmax(1) == truth).mean()), 6)
        if self.data.task == "wafers":
            image = decoder(outputs).numpy()
            return round(mean_emd(truth, np.asarray(rearrange(image), dtype=np.float64)), 6)
        if self.data.task == "anomaly":
            return error_auc(self.data.test.x, outputs, truth)
        return float(f"{float(((outputs - truth) ** 2).mean()):.6g}")

    def _check(self, model: Any) -> None:
        """Refuse what cannot be trained on this data before an hour is spent on it."""
        found = _shape(model.inputs[0])
        if len(model.inputs) != 1 or found != self.data.input_shape:
            raise RefusalError(
                "train.shape",
                f"{self.function} takes {len(model.inputs)} inputs, the first {found}; the data "
                f"has one input of {self.data.input_shape}",
                hint="use the input_shape given to the builder",
            )
        expected: Mapping[str, tuple[int, ...] | None] = {
            "classification": (self.data.classes or 0,),
            "regression": tuple(self.data.train.y.shape[1:]),
            "wafers": None,
            "anomaly": self.data.input_shape,
        }
        shape = expected[self.data.task]
        if len(model.outputs) != 1 or (shape is not None and _shape(model.outputs[0]) != shape):
            raise RefusalError(
                "train.shape",
                f"{self.function} returns {[_shape(out) for out in model.outputs]}, expected one "
                f"output of {shape}",
                hint="a classifier ends in one logit per class, an anomaly detector in its "
                "input's shape; see data.y for a regression",
            )


def _shape(tensor: Any) -> tuple[int, ...]:
    return tuple(tensor.shape[1:])
