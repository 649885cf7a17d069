"""The Verilog wrapper that gives every design the ports the C++ harness knows.

The harness sees clock, active-high reset and, per tensor, data, valid, ready and last under fixed
names, with data ports wide enough to be word arrays. All naming and polarity is settled here.

What the harness sets passes a register (`held_...`) first, so a simulated design changes at rising
edges only. Otherwise Verilator evaluates all logic behind an input port at both edges of the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hwflow.plan.loading import loader_inputs, loader_outputs
from hwflow.plan.streams import Interface, PortGroup
from hwflow.verify.rtl.verilator import WRAPPER_TOP

__all__ = ["Fixed", "LayerPorts", "harness_constants", "layer_wrapper", "stream_wrapper"]


Fixed = tuple[str, int, int]
"""An input that keeps its value: name, bits, value."""


@dataclass(frozen=True, slots=True)
class LayerPorts:
    """A fixed-latency layer module without handshake.

    `inputs` and `outputs` are (port name, bits); `latency` in clock cycles; `enable` the name of
    the clock-enable port of `enables` bits, None where there is none. `fixed` are further inputs.
    """

    module: str
    inputs: tuple[tuple[str, int], ...]
    outputs: tuple[tuple[str, int], ...]
    latency: int
    clock: str | None = "clk"
    enable: str | None = None
    enables: int = 1
    fixed: tuple[Fixed, ...] = ()


def stream_wrapper(interface: Interface, fixed: Sequence[Fixed] = ()) -> str:
    """The wrapper's Verilog for a module with streams; `fixed` as in LayerPorts."""
    invert = "" if interface.reset_active_high else "~"
    pins = [f".{interface.clock}(clk)", f".{interface.reset}({invert}held_rst)"]
    extra: list[str] = []
    for index, group in enumerate(interface.inputs):
        pins += _pins(group, f"held_in{index}", f"in{index}")
        if group.ready is None:
            extra.append(f"  assign in{index}_ready = 1'b1;")
    for index, group in enumerate(interface.outputs):
        pins += _pins(group, f"out{index}", f"held_out{index}")
        extra.append(_pad(f"out{index}", group.data_bits))
        if group.last is None:
            extra.append(f"  assign out{index}_last = 1'b0;")
    pins += [*_loader_pins(interface), *_fixed_pins(fixed)]
    widths_in = [group.data_bits for group in interface.inputs]
    widths_out = [group.data_bits for group in interface.outputs]
    return _module(widths_in, widths_out, interface.top, pins, extra)


def layer_wrapper(layer: LayerPorts) -> str:
    """The wrapper's Verilog for a layer module: valid is a shift register of its latency."""
    pins = [f".{layer.clock}(clk)"] if layer.clock is not None else []
    if layer.enable is not None:
        pins.append(f".{layer.enable}({{{layer.enables}{{1'b1}}}})")
    pins += _fixed_pins(layer.fixed)
    valids = (f"held_in{index}_valid" for index in range(len(layer.inputs)))
    extra = ["  wire valid = " + " & ".join(valids) + ";"]
    done = "valid"
    for step in range(layer.latency):
        extra.append(
            f"  reg valid_{step};\n"
            f"  always @(posedge clk) valid_{step} <= held_rst ? 1'b0 : {done};"
        )
        done = f"valid_{step}"
    for index, (name, bits) in enumerate(layer.inputs):
        pins.append(f".{name}(held_in{index}_data[{bits - 1}:0])")
        extra.append(f"  assign in{index}_ready = 1'b1;")
    for index, (name, bits) in enumerate(layer.outputs):
        pins.append(f".{name}(out{index}_data[{bits - 1}:0])")
        extra.append(_pad(f"out{index}", bits))
        extra.append(f"  assign out{index}_valid = {done};\n  assign out{index}_last = 1'b0;")
    widths_in = [bits for _, bits in layer.inputs]
    widths_out = [bits for _, bits in layer.outputs]
    return _module(widths_in, widths_out, layer.module, pins, extra)


def harness_constants(
    inputs: Sequence[tuple[int, int]],
    outputs: Sequence[tuple[int, int]],
    *,
    reset_cycles: int,
    spacing: int,
    check_last: bool,
) -> str:
    """The text of `constants.h`.

    `inputs` and `outputs` are (bytes per beat, beats per tensor) per port; `spacing` is the least
    number of cycles between tensors' starts that the source keeps by itself (0 where ready does).
    """

    def table(name: str, ports: Sequence[tuple[int, int]]) -> str:
        rows = " ".join(f"P({n}, {size}, {beats})" for n, (size, beats) in enumerate(ports))
        return f"#define HWFLOW_{name}S(P) {rows}\n#define HWFLOW_{name}_COUNT {len(ports)}\n"

    return (
        "#pragma once\n"
        f"{table('INPUT', inputs)}{table('OUTPUT', outputs)}"
        f"#define HWFLOW_RESET_CYCLES {reset_cycles}\n"
        f"#define HWFLOW_SPACING {spacing}\n"
        f"#define HWFLOW_CHECK_LAST {int(check_last)}\n"
    )


def _fixed_pins(fixed: Sequence[Fixed]) -> list[str]:
    return [f".{name}({bits}'h{value:x})" for name, bits, value in fixed]


def _loader_pins(interface: Interface) -> list[str]:
    if interface.store is None:
        return []
    pins, low = [f".{pin}()" for pin in loader_outputs()], 0
    for pin, bits in loader_inputs(interface.store).items():
        pins.append(f".{pin}(held_load[{low + bits - 1}:{low}])")
        low += bits
    return pins


def _harness_bits(bits: int) -> int:
    # From 65 bits on Verilator holds a port as an array of 32-bit words.
    return max(96, (bits + 31) // 32 * 32)


def _pad(port: str, bits: int) -> str:
    width = _harness_bits(bits)
    return f"  assign {port}_data[{width - 1}:{bits}] = 0;" if width > bits else ""


def _pins(group: PortGroup, port: str, answer: str) -> list[str]:
    """Connects a tensor's ports; ready goes the other way and is called after `answer`."""
    pins = [f".{group.data}({port}_data[{group.data_bits - 1}:0])", f".{group.valid}({port}_valid)"]
    if group.ready is not None:
        pins.append(f".{group.ready}({answer}_ready)")
    if group.last is not None:
        pins.append(f".{group.last}({port}_last)")
    return pins


def _module(
    inputs: Sequence[int],
    outputs: Sequence[int],
    module: str,
    pins: Sequence[str],
    extra: Sequence[str],
) -> str:
    ports = ["input clk", "input rst", "input [63:0] load"]
    held = [("rst", ""), ("load", "[63:0] ")]
    for index, bits in enumerate(inputs):
        data = f"[{_harness_bits(bits) - 1}:0] "
        ports += [f"input {data}in{index}_data", f"input in{index}_valid"]
        ports += [f"output in{index}_ready", f"input in{index}_last"]
        held += [(f"in{index}_data", data), (f"in{index}_valid", ""), (f"in{index}_last", "")]
    for index, bits in enumerate(outputs):
        data = f"[{_harness_bits(bits) - 1}:0] "
        ports += [f"output {data}out{index}_data", f"output out{index}_valid"]
        ports += [f"input out{index}_ready", f"output out{index}_last"]
        held.append((f"out{index}_ready", ""))
    # They start at 0, not at random: no beat is offered before the harness offers one.
    registers = [f"  reg {bits}held_{name} = 0;" for name, bits in held]
    clocked = "\n".join(f"    held_{name} <= {name};" for name, _ in held)
    body = "\n".join(line for line in (*registers, *extra) if line)
    return (
        f"module {WRAPPER_TOP}(\n  "
        + ",\n  ".join(ports)
        + f"\n);\n{body}\n  always @(posedge clk) begin\n{clocked}\n  end\n  {module} dut(\n    "
        + ",\n    ".join(pins)
        + "\n  );\nendmodule\n"
    )
