"""A whole training job: float twin, quantized model, export, test metrics. Worker process only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwflow.config.design import TrainConfig
from hwflow.train.builders import Builders
from hwflow.train.data.dataset import DataSet
from hwflow.train.export import describe, export_network
from hwflow.train.files import write_json
from hwflow.train.fit import History, Report, fit
from hwflow.train.keras_env import KerasEnv
from hwflow.train.refusal import RefusalError
from hwflow.train.scoring import METRICS, check_model, replayed, score, shape_of
from hwflow.train.twin import float_twin

__all__ = ["TrainSession"]


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
        metric, unit = METRICS[self.data.task]
        facts: dict[str, Any] = {
            "metric": metric,
            "unit": unit,
            "task": self.data.task,
            "test_samples": len(self.data.test.x),
        }
        if self.options.float_twin:
            twin, decoder = self._train(self._twin(), "float", history)
            facts["float"] = score(self.data, twin(self.data.test.x).numpy(), decoder)
        model, decoder = self._train(self._pair(self._build()), "quantized", history)
        export_network(model, folder)
        if decoder is not None:
            (folder / "decoder").mkdir(exist_ok=True)
            export_network(decoder, folder / "decoder")
        facts["quantized"] = score(self.data, replayed(self.env, folder, self.data), decoder)
        facts["parameters"] = int(model.count_params())
        write_json(folder / "history.json", history)
        write_json(folder / "metrics.json", facts)
        self.report({"event": "trained"} | facts)

    def _build(self) -> Any:
        self.env.keras.utils.set_random_seed(self.options.seed)
        model = self.builders.build(self.function, self.data.input_shape, self.data.classes)
        check_model(model, self.data, self.function)
        return model

    def _twin(self) -> tuple[Any, Any]:
        network, _ = describe(self._build())
        self.env.keras.utils.set_random_seed(self.options.seed)
        return self._pair(float_twin(self.env, network))

    def _pair(self, model: Any) -> tuple[Any, Any]:
        """The model and, for wafers, a fresh decoder."""
        if self.data.task != "wafers":
            return model, None
        arguments = (shape_of(model.outputs[0]), self.data.input_shape)
        decoder = self.builders.build(self.decoder, *arguments)
        if shape_of(decoder.outputs[0]) != self.data.input_shape:
            raise RefusalError(
                "train.shape",
                f"{self.decoder} returns {shape_of(decoder.outputs[0])}, expected "
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
