"""NNgen's RTL without its DMA and bus logic: what is cut, found in the text of its top module.

NNgen writes one large module in which AXI master, AXI-Lite slave, DMA state machines, control and
arithmetic streams stand side by side, so no module border separates them; its register names do.
The cut, before synthesis:

- registers of the bus and the DMA (`BUS`) are removed and their values become input pins;
- the request FIFOs, modules of their own, are removed and their outputs become input pins;
- the port of each memory that only the DMA uses (NNgen gives port 1 of every memory to the DMA and
  port 0 to the streams) becomes pins: whoever fills and empties the memories is outside;
- bus outputs are dropped.

Yosys then sweeps everything that only served what was removed: address counters of transfers,
burst lengths, register file, read multiplexer. What stays and still belongs to the DMA in spirit
is the control machine's waiting for the DMA, a few LUTs; that errs against neither side by much and
makes NNgen look slightly larger.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["BUS", "Cut", "cut_lines", "find_cut"]

BUS: Final = re.compile(
    r"_?maxi_|_?saxi_|_sb_maxi_|count__maxi_|read_burst|write_burst|irq\Z"
    r"|addr_\d+\Z|writevalid_\d+\Z|readvalid_\d+\Z|prev_(aw|ar)valid_\d+\Z"
)
_FIFO: Final = re.compile(r"_maxi_\w+_fifo\Z")
_INSTANCE: Final = re.compile(
    r"^  (\w+)\n  (?:#\([^;]*?\)\n  )?(\w+)\n  \(\n(.*?)^  \);", re.M | re.S
)
_PIN: Final = re.compile(r"\.(\w+)\((\w+)\)")
_REGISTER: Final = re.compile(
    r"^\s*(?:output )?reg (?:signed )?(?:\[\d+-1:0\] )?(\w+)\s*(?:;|,|=)", re.M
)
_CONSTANT: Final = re.compile(r"(?:\d*'\w+|\d+)\Z")
_DMA_PORT: Final = re.compile(r"ram_\w+_1_(addr|rdata|wdata|enable|wenable)\Z")


@dataclass(frozen=True, slots=True)
class Cut:
    """Names in the top module; `dma_pins` are (instance, pin, bits) of the memories' DMA ports."""

    registers: tuple[str, ...]
    fifos: tuple[str, ...]
    fifo_outputs: tuple[str, ...]
    outputs: tuple[str, ...]
    dma_pins: tuple[tuple[str, str, int], ...]
    dma_reads: tuple[str, ...]


def find_cut(source: str, top: str) -> Cut:
    """Find what to remove in the Verilog text that NNgen wrote."""
    start = source.index(f"module {top}\n")
    body = source[start : source.index("endmodule", start)]
    registers = tuple(n for n in dict.fromkeys(_REGISTER.findall(body)) if BUS.match(n))
    outputs = tuple(re.findall(r"^  output (?:reg )?(?:\[\d+-1:0\] )?(\w+)", body, re.M))
    fifos, fifo_outputs, pins, reads = [], [], [], []
    for module, instance, text in _INSTANCE.findall(body):
        ports = _ports(source, module)
        for pin, net in _PIN.findall(text):
            direction, bits = ports[pin]
            if _FIFO.match(module) and direction == "output":
                fifo_outputs.append(net)
            elif _DMA_PORT.match(pin) and direction == "output" and _is_read(body, net):
                reads.append(net)
            elif _DMA_PORT.match(pin) and direction == "input" and not _is_constant(body, net):
                pins.append((instance, pin, bits))
        if _FIFO.match(module):
            fifos.append(instance)
    return Cut(registers, tuple(fifos), tuple(fifo_outputs), outputs, tuple(pins), tuple(reads))


def cut_lines(cut: Cut, top: str) -> tuple[str, ...]:
    """Yosys commands that make the cut; they stand between `read_verilog` and the synthesis."""
    pins = []
    for number, (instance, pin, bits) in enumerate(cut.dma_pins):
        pins += [
            f"add -input host_{number} {bits}",
            f"connect -port {instance} {pin} \\host_{number}",
        ]
    registers = " ".join(f"w:{name}" for name in cut.registers)
    inputs = " ".join(f"w:{name}" for name in (*cut.registers, *cut.fifo_outputs))
    return (
        f"hierarchy -check -top {top}",
        "proc",
        f"cd {top}",
        *(f"delete c:{name}" for name in cut.fifos),
        *pins,
        f"select -set registers {registers}",
        "select -set drivers @registers %ci1 t:$dff %i",
        "delete @drivers",
        "delete -port " + " ".join(f"w:{name}" for name in cut.outputs),
        f"expose -input {inputs}",
        *(
            (("expose " + " ".join(f"w:{name}" for name in cut.dma_reads)),)
            if cut.dma_reads
            else ()
        ),
        "cd ..",
        "opt_clean",
    )


def _ports(source: str, module: str) -> dict[str, tuple[str, int]]:
    start = source.index(f"module {module}\n")
    head = source[start : source.index(");", start)]
    found = re.findall(r"^  (input|output) (?:reg )?(?:\[(\d+)-1:0\] )?(\w+)", head, re.M)
    return {name: (direction, int(bits or 1)) for direction, bits, name in found}


def _is_constant(body: str, net: str) -> bool:
    value = re.search(rf"^  assign {net} = (.*);$", body, re.M)
    return value is not None and _CONSTANT.match(value.group(1)) is not None


def _is_read(body: str, net: str) -> bool:
    """Whether anything but the declaration and the instance (twice: pin and net) names it."""
    return len(re.findall(rf"\b{net}\b", body)) > 3
