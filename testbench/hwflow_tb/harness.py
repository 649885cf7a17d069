"""The module around a design that the simulator runs: inputs reach the design at the falling edge.

The bench writes its inputs when the clock rises. Between there and the next rising edge they then
change once, at a time of their own, so that a write is no race and can be immediate, and the logic
behind the inputs is evaluated once a clock instead of after every change of anything.
"""

from __future__ import annotations

from typing import Final

from hwflow_tb.design import LOADER_INPUTS, LOADER_OUTPUTS, Design

__all__ = ["TOP", "control_file", "harness"]

TOP: Final = "hwflow_bench"


def harness(design: Design) -> str:
    """The Verilog of module `hwflow_bench`: the design's own ports, and the design."""
    inputs, outputs = _ports(design)
    head = ",\n".join(
        (
            f"  input {design.clock}",
            *(f"  input [{bits - 1}:0] {name}" for name, bits in inputs.items()),
            *(f"  output [{bits - 1}:0] {name}" for name, bits in outputs.items()),
        )
    )
    # Escaped names: no port can have them.
    held = [f"  reg [{bits - 1}:0] \\{name}@ ;" for name, bits in inputs.items()]
    takes = [f"    \\{name}@ <= {name};" for name in inputs]
    pins = ",\n".join(
        (
            f"    .{design.clock}({design.clock})",
            *(f"    .{name}(\\{name}@ )" for name in inputs),
            *(f"    .{name}({name})" for name in outputs),
        )
    )
    return "\n".join(
        (
            f"module {TOP}(\n{head}\n);",
            *held,
            f"  always @(negedge {design.clock}) begin",
            *takes,
            "  end",
            f"  {design.top} dut(\n{pins}\n  );",
            "endmodule\n",
        )
    )


def control_file(design: Design) -> str:
    """The Verilator control file that makes the harness's ports public, and nothing else."""
    inputs, outputs = _ports(design)
    lines = [
        f'public_flat_rw -module "{TOP}" -var "{name}"'
        for name in (design.clock, *inputs, *outputs)
    ]
    return "\n".join(("`verilator_config", *lines)) + "\n"


def _ports(design: Design) -> tuple[dict[str, int], dict[str, int]]:
    """Inputs besides the clock, and outputs, with their bits."""
    inputs, outputs = {design.reset: 1}, dict[str, int]()
    for ports, forth, back in (
        (design.inputs, inputs, outputs),
        (design.outputs, outputs, inputs),
    ):
        for port in ports:
            forth |= {port.data: port.data_bits, port.valid: 1}
            if port.last:
                forth[port.last] = 1
            if port.ready:
                back[port.ready] = 1
    if design.words:
        inputs |= LOADER_INPUTS | {"wb_adr_i": design.address_bits}
        outputs |= LOADER_OUTPUTS
    return inputs, outputs
