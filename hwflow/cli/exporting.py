"""The files of an export, as texts made from a build's interface and clock."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from hwflow.cli.table import engineering, table
from hwflow.plan.loading import loader_inputs, loader_outputs
from hwflow.plan.store import WeightStore
from hwflow.plan.streams import Interface, PortGroup

__all__ = ["CELLS", "NAMES", "cell_constraints", "constraints", "instance", "readme", "scripts"]

NAMES: Final = {
    "design.v": "the hardware, one Verilog file: the top module and one module per layer",
    "design.f": "the file list, for tools that take one",
    "instance.v": "an instantiation to copy into your own design",
    "interface.json": "ports, packing, latency and initiation interval, for programs",
    "constraints/design.sdc": "the clock, for Quartus, Gowin and most other tools",
    "constraints/design.xdc": "the clock, for Vivado",
    "constraints/design.lpf": "the clock, for Diamond and nextpnr-ecp5",
    "scripts/vivado.tcl": "vivado -mode batch -source scripts/vivado.tcl [-tclargs PART]",
    "scripts/quartus.tcl": "quartus_sh -t scripts/quartus.tcl [DEVICE]",
    "scripts/diamond.tcl": "diamondc scripts/diamond.tcl",
    "scripts/gowin.tcl": "gw_sh scripts/gowin.tcl",
    "graph.hwf": "the integer graph, the meaning of the hardware (hwflow.ir.load_graph)",
    "graph.txt": "the same graph as text",
    "inputs/": "test vectors, one file of packed beats per input",
    "outputs/": "what the hardware must answer, one file of packed beats per output",
    "weights.hex": "the weights that the test vectors are for, a word a line",
    "loader.md": "how weights are loaded: registers, states, Wishbone and the serial port",
    "testbench/": "the cocotb tests: python testbench/run.py .",
}
"""Every file and what it is; the same in each export, but for those of WEIGHTS."""

WEIGHTS: Final = ("weights.hex", "loader.md")
"""Files of designs whose weights are loaded at run time."""

CELLS: Final = {
    "netlist.v": "the netlist of the library's cells that was counted, simulated and timed",
    "constraints/cells.sdc": "clock, ports and loads as hwflow times the netlist",
}
"""The files that a build of standard cells adds."""

_PARTS: Final = {"xc7-a35t": "xc7a35tcpg236-1", "xc7-z020": "xc7z020clg400-1",
                 "xcup-zu3eg": "xczu3eg-sbva484-1-e",
                 "xcup-vu13p": "xcvu13p-flga2577-2-e"}  # fmt: skip
_DEVICES: Final = {
    "ecp5-25k": "LFE5U-25F-6BG381C",
    "ecp5-45k": "LFE5U-45F-6BG381C",
    "ecp5-85k": "LFE5U-85F-6BG756C",
}
_GOWIN: Final = {"gowin-gw1n-9": "GW1NR-LV9QN88PC6/I5", "gowin-gw2a-18": "GW2AR-LV18QN88C8/I7"}


def constraints(interface: Interface, clock: Fraction) -> dict[str, str]:
    """The clock's constraint for each tool's format; periods in ns."""
    period = f"{float(1_000_000_000 / clock):.3f}"
    create = f"create_clock -period {period} -name {interface.clock} [get_ports {interface.clock}]"
    mhz = f"{float(clock / 1_000_000):.6f}"
    return {
        "constraints/design.sdc": f"{create}\n",
        "constraints/design.xdc": f"{create}\n",
        "constraints/design.lpf": f'FREQUENCY PORT "{interface.clock}" {mhz} MHZ;\n',
    }


def cell_constraints(interface: Interface, clock: Fraction, outside: str) -> str:
    """SDC for the netlist of cells; `outside` is what the flow's own constraints file says."""
    period = f"{float(1_000_000_000 / clock):.6f}"
    port = f"[get_ports {interface.clock}]"
    others = f"[remove_from_collection [all_inputs] {port}]"
    lines = (
        "set_units -time ns -capacitance pF",
        f"create_clock -name clock -period {period} {port}",
        f"set_input_delay 0 -clock clock {others}",
        "set_output_delay 0 -clock clock [all_outputs]",
        *(line for line in outside.splitlines() if not line.startswith("#")),
    )
    return "\n".join(lines) + "\n"


def instance(interface: Interface) -> str:
    """A Verilog instantiation with a wire for every port."""
    ports = _ports(interface)
    width = max(len(name) for name, *_ in ports)
    wires = [f"wire {_range(bits):>9} {name};" for name, bits, _, _ in ports]
    links = [f"    .{name.ljust(width)} ({name})" for name, *_ in ports]
    joined = ",\n".join(links)
    return "\n".join(wires) + f"\n\n{interface.top} u_{interface.top} (\n{joined}\n);\n"


def scripts(interface: Interface, target: str) -> dict[str, str]:
    """Scripts for vendor tools, run from the export's folder; ports are not placed on pins."""
    top = interface.top
    return {
        "scripts/vivado.tcl": f"""\
# vivado -mode batch -source scripts/vivado.tcl [-tclargs PART]
set part [expr {{$argc > 0 ? [lindex $argv 0] : "{_PARTS.get(target, "xc7a35tcpg236-1")}"}}]
file mkdir vivado
read_verilog design.v
read_xdc constraints/design.xdc
synth_design -top {top} -part $part -mode out_of_context
opt_design
place_design
route_design
report_utilization -hierarchical -file vivado/utilization.rpt
report_timing_summary -file vivado/timing.rpt
write_checkpoint -force vivado/{top}.dcp
""",
        "scripts/quartus.tcl": f"""\
# quartus_sh -t scripts/quartus.tcl [DEVICE]
package require ::quartus::project
package require ::quartus::flow
set device [expr {{[llength $quartus(args)] > 0 ? [lindex $quartus(args) 0] : "10CX085YU484I6G"}}]
file mkdir quartus
project_new quartus/{top} -overwrite
set_global_assignment -name DEVICE $device
set_global_assignment -name TOP_LEVEL_ENTITY {top}
set_global_assignment -name VERILOG_FILE [file normalize design.v]
set_global_assignment -name SDC_FILE [file normalize constraints/design.sdc]
set_instance_assignment -name VIRTUAL_PIN ON -to *
set_instance_assignment -name VIRTUAL_PIN OFF -to {interface.clock}
execute_flow -compile
project_close
""",
        "scripts/diamond.tcl": f"""\
# diamondc scripts/diamond.tcl
file mkdir diamond
prj_project new -name {top} -impl impl -dev {_DEVICES.get(target, "LFE5U-85F-6BG756C")} -dir diamond
prj_src add [file normalize design.v]
prj_src add [file normalize constraints/design.lpf]
prj_impl option top {top}
prj_run Synthesis -impl impl
prj_run Map -impl impl
prj_run PAR -impl impl
prj_project close
""",
        "scripts/gowin.tcl": f"""\
# gw_sh scripts/gowin.tcl
create_project -name {top} -dir gowin -pn {_GOWIN.get(target, "GW2AR-LV18QN88C8/I7")} -force
add_file -type verilog design.v
add_file -type sdc constraints/design.sdc
set_option -top_module {top}
run all
""",
    }


def readme(
    interface: Interface,
    clock: Fraction,
    target: str,
    facts: Mapping[str, str],
    more: Mapping[str, str],
) -> str:
    """README.txt: what each file is (`more` than in every export) and how the ports are used."""
    names = NAMES if interface.store else {n: w for n, w in NAMES.items() if n not in WEIGHTS}
    files = table(("file", "what"), list((names | dict(more)).items()))
    ports = table(
        ("port", "bits", "direction", "meaning"),
        [(name, str(bits), way, what) for name, bits, way, what in _ports(interface)],
        "lr",
    )
    streams = [_stream_text(group) for group in (*interface.inputs, *interface.outputs)]
    level = "high" if interface.reset_active_high else "low"
    return "\n".join(
        (
            f"{interface.top}: written by hwflow for {target} at {engineering(float(clock), 'Hz')}",
            "",
            *files,
            "",
            f"Ports ({interface.kind}):",
            "",
            *ports,
            "",
            f"Reset is synchronous and active {level}; hold it for at least "
            f"{interface.reset_cycles} clock edges.",
            f"Latency {interface.latency} cycles from the edge that accepts the first input beat "
            "to the edge",
            "that delivers the first output beat; a new tensor every "
            f"{interface.initiation_interval} cycle(s).",
            "",
            "Lane 0 is in the least significant bits, every lane is two's complement of its own",
            "width, elements travel in C order. A code stands for code * 2**-frac.",
            "",
            *streams,
            "",
            "Vector files hold one beat after another, each in whole bytes, little endian, all",
            "beats of vector 0, then of vector 1.",
            "",
            *(f"{name}: {text}" for name, text in facts.items()),
            "",
        )
    )


def _ports(interface: Interface) -> list[tuple[str, int, str, str]]:
    found = [
        (interface.clock, 1, "input", "clock"),
        (interface.reset, 1, "input", "reset"),
    ]
    for groups, into in ((interface.inputs, True), (interface.outputs, False)):
        way, back = ("input", "output") if into else ("output", "input")
        for group in groups:
            found.append((group.data, group.data_bits, way, f"{group.tensor}, a beat"))
            found.append((group.valid, 1, way, "the beat is there"))
            if group.ready:
                found.append((group.ready, 1, back, "the beat is taken"))
            if group.last:
                found.append((group.last, 1, way, "the tensor's last beat"))
    if interface.store:
        found += _loader_ports(interface.store)
    return found


def _loader_ports(store: WeightStore) -> list[tuple[str, int, str, str]]:
    sides = ((loader_inputs(store), "input"), (loader_outputs(), "output"))
    what = {"wb": "Wishbone, to load weights", "ser": "serial port, to load weights"}
    return [
        (pin, bits, way, what[pin.partition("_")[0]])
        for pins, way in sides
        for pin, bits in pins.items()
    ]


def _stream_text(group: PortGroup) -> str:
    stream = group.stream
    shape = " x ".join(map(str, group.shape)) or "scalar"
    return (
        f"{group.data}: tensor {group.tensor} ({shape}), {stream.beats} beat(s) of "
        f"{stream.lanes} lane(s), {stream.bits} bits"
    )


def _range(bits: int) -> str:
    return f"[{bits - 1}:0]" if bits > 1 else ""
