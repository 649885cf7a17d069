"""What layers that take several clocks have in common: their ports."""

from __future__ import annotations

from typing import Generic, TypeVar

from hwflow.backends.amaranth.module import HwModule
from hwflow.plan.folded import FoldedPlan
from hwflow.plan.layer import LayerPlan
from hwflow.plan.serial import SerialPlan

__all__ = ["StreamedLayer"]

P = TypeVar("P", LayerPlan, FoldedPlan, SerialPlan)


class StreamedLayer(HwModule, Generic[P]):
    """A layer of one input and one output, with valid and ready and the enable `en_i`."""

    uses_reset = True

    def __init__(self, design: str, plan: P, *, generate: bool) -> None:
        super().__init__(f"{design}__{plan.name}", generate=generate)
        self.plan: P = plan
        self.source, self.sink = plan.stream(plan.inputs[0]), plan.stream(plan.outputs[0])
        self.enable = self.add_input("en_i", 1)
        self.data = self.add_input("in_data_i", max(1, self.source.bits))
        self.valid = self.add_input("in_valid_i", 1)
        self.ready = self.add_output("in_ready_o", 1)
        self.result = self.add_output("out_data_o", max(1, self.sink.bits))
        self.result_valid = self.add_output("out_valid_o", 1)
