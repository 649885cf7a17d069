"""What hls4ml asks of a backend: flows of optimizer passes, a configuration, a writer."""

from __future__ import annotations

from typing import Any

import numpy as np
from hls4ml.backends.vitis.vitis_backend import VitisBackend
from hls4ml.backends.vivado.vivado_backend import VivadoBackend
from hls4ml.model.flow import register_flow
from hls4ml.model.optimizer import model_optimizer
from hls4ml.writer.writers import Writer

__all__ = ["HwflowBackend", "HwflowWriter"]

_OPTIMIZE = (
    "vivado:remove_final_reshape",
    "vivado:optimize_pointwise_conv",
    "vivado:inplace_parallel_reshape",
    "vivado:skip_softmax",
    "vivado:fix_softmax_table_size",
    "infer_precision_types",
    "vivado:process_fixed_point_quantizer_layer",
)
"""The passes before C++ types and templates: precisions are final, layers are those of the C++."""


class HwflowWriter(Writer):
    """Writes the integer graph and the design file instead of C++."""

    def write_hls(self, model: Any) -> None:
        model.write_design()


class HwflowBackend(VitisBackend):
    """hls4ml's passes up to the point where Vitis C++ would be written, then our integer graph."""

    def __init__(self) -> None:
        super(VivadoBackend, self).__init__(name="hwflow")
        self._register_layer_attributes()
        self._register_flows()

    def _register_flows(self) -> None:
        optimize = register_flow(
            "optimize", list(_OPTIMIZE), requires=["vivado:init_layers"], backend=self.name
        )
        adopt = register_flow(
            "adopt", ["hwflow:adopt"], requires=["vivado:init_layers"], backend=self.name
        )
        before = ["optimize", "vivado:init_layers", "vivado:quantization", optimize, adopt]
        self._default_flow = register_flow("ip", None, requires=before, backend=self.name)
        self._writer_flow = register_flow(
            "write", ["make_stamp", "hwflow:write_hls"], requires=["hwflow:ip"], backend=self.name
        )

    @model_optimizer()  # type: ignore[untyped-decorator]
    def adopt(self, model: Any) -> bool:
        """From here on the model's methods are ours."""
        from hwflow.plugin.model import HwflowModel  # hls4ml's graph imports its backends

        model.__class__ = HwflowModel
        return False

    def create_initial_config(
        self,
        part: str | None = None,
        clock_period: float | None = None,
        io_type: str | None = None,
        target: str | None = None,
        **_: Any,
    ) -> dict[str, Any]:
        """What `convert_from_..._model` takes beside the model.

        Args:
            part: a Xilinx part; its family says what is synthesized for. Ignored with `target`.
            clock_period: nanoseconds; 5 if None.
            io_type: io_parallel or io_stream; the hardware has streams in either case.
            target: a target of `hwflow targets`, such as ecp5-85k; the part's family if None.
        """
        return {
            "Part": part or "xcvu13p-flga2577-2-e",
            "ClockPeriod": 5 if clock_period is None else clock_period,
            "IOType": io_type or "io_parallel",
            "HwflowTarget": target,
            "HLSConfig": {},
            "WriterConfig": {},
        }

    def compile(self, model: Any) -> None:
        model.compile()

    def predict(self, model: Any, x: Any) -> np.ndarray | list[np.ndarray]:
        """Real numbers through the integer graph; called by `ModelGraph.predict`."""
        found: np.ndarray | list[np.ndarray] = model.evaluate(x)
        return found

    def build(
        self, model: Any, reset: bool = False, synth: bool = True, export: bool = False, **_: Any
    ) -> dict[str, Any]:
        """Plan, RTL, verification and synthesis; hls4ml's report.

        Args:
            model: what was converted.
            reset: run stages anew that are up to date.
            synth: synthesize and verify the netlist, too.
            export: write the hardware for other tools into OutputDir/export.

        The remaining options of hls4ml's build (csim, cosim, validation, vsynth, fifo_opt,
        log_to_stdout) are taken and change nothing: every build verifies its RTL.
        """
        from hwflow.plugin.build import build

        return build(model, reset=reset, synth=synth, export=export)
