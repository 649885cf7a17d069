"""Stage train: quantization-aware training in a process of its own."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from hwflow.config import DesignConfig
from hwflow.flow import Progress, StageContext
from hwflow.train.jobs import LOG, progress, train

__all__ = ["run"]

_POLL_SECONDS = 0.5


def run(config: DesignConfig, context: StageContext) -> None:
    """Train the builder's network and export it."""
    builder = config.model.builder
    assert builder is not None
    watcher = _Watcher(context.scratch / LOG, context.progress)
    with watcher:
        train(
            builder=builder.file,
            function=builder.function,
            data=context.inputs["data"],
            options=config.train,
            output=context.out,
            work=context.scratch,
        )


class _Watcher:
    """Shows the worker's latest epoch while it runs."""

    def __init__(self, log: Path, report: Progress) -> None:
        self.log, self.report = log, report
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()

    def _watch(self) -> None:
        while not self.stop.wait(_POLL_SECONDS):
            latest: dict[str, Any] | None = None
            for record in progress(self.log):
                latest = record
            if latest is None:
                self.report(0.0, "starting TensorFlow")
            elif latest["event"] == "epoch":
                fraction = latest["epoch"] / latest["epochs"]
                text = f"{latest['phase']} model, epoch {latest['epoch']} of {latest['epochs']}"
                self.report(fraction, f"{text}, loss {latest['loss']:.4g}")
