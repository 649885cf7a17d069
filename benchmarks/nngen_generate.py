"""Worker of nngen_compare.py inside NNgen's own environment: network in, NNgen's RTL and bench out.

    python nngen_generate.py JOB.json

Imports NNgen, veriloggen and numpy only, nothing of hwflow. The bench is NNgen's own way to test:
veriloggen's AXI memory holding inputs and weights, a control thread that starts the design through
its AXI-Lite port and counts clocks from the start to the end of busy, and a comparison of what the
design wrote with the expected outputs.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import nngen as ng  # type: ignore[import-not-found]
import numpy as np
import veriloggen as vg  # type: ignore[import-not-found]
from veriloggen import simulation
from veriloggen import thread as vthread
from veriloggen.types import axi  # type: ignore[import-not-found]

__all__ = ["main"]

# Alignment of tensors in memory, NNgen's default.
_CHUNK = 64
_MEMORY_WORD = 32
_SLACK_WORDS = 1024


def main(job_file: Path) -> None:
    """Write `<name>.v`, `<name>_bench.v`, its memory image, and `<name>.json` beside the job."""
    job = json.loads(job_file.read_text(encoding="utf-8"))
    folder, name = job_file.parent, job["name"]
    data = np.load(folder / job["network"])
    inputs = data["inputs"][: job["batch"]]
    source, result = _network(job, data)
    expected = np.asarray(ng.eval([result], x=inputs)[0])
    bus = {"maxi_datawidth": job["bus_bits"]}
    design = ng.to_veriloggen([result], name, config=bus, silent=True)
    (folder / f"{name}.v").write_text(design.to_verilog(), encoding="utf-8")
    image = folder / f"{name}_memory.out"
    bench = _bench(job, design, source, result, inputs, expected, image)
    (folder / f"{name}_bench.v").write_text(bench, encoding="utf-8")
    facts = {"expected": expected.tolist(), "modules": sorted(design.get_modules())}
    (folder / f"{name}.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def _network(job: dict[str, Any], data: Any) -> tuple[Any, Any]:
    """The placeholder and the last operator; int8 in, between and out."""
    layers = job["layers"]
    width = data["w0"].shape[0]
    source = value = ng.placeholder(ng.int8, shape=(job["batch"], width), name="x")
    for i in range(layers):
        weights = data[f"w{i}"].T
        w = ng.variable(ng.int8, shape=weights.shape, name=f"w{i}")
        w.set_value(weights)
        b = None
        if job["bias_bits"]:
            bias = data[f"b{i}"]
            b = ng.variable(ng.dtype_int(job["bias_bits"]), shape=bias.shape, name=f"b{i}")
            b.set_value(bias)
        last = i == layers - 1
        value = ng.matmul(
            value,
            w,
            bias=b,
            transposed_b=True,
            act_func=None if last else ng.relu,
            dtype=ng.int8,
            sum_dtype=ng.dtype_int(job["sum_bits"]),
            name=f"layer{i}",
        )
        value.attribute(
            par_ich=job["par_ich"], par_och=job["par_och"], cshamt_out=int(data["shifts"][i])
        )
    return source, value


def _bench(
    job: dict[str, Any],
    design: Any,
    source: Any,
    result: Any,
    inputs: Any,
    expected: Any,
    image: Path,
) -> str:
    """Verilog of the test bench with the design inside; writes the memory's image."""
    bus, bits = job["bus_bits"], source.dtype.width
    parameters = ng.export_ndarray([result], _CHUNK)
    weights_at = _aligned(source.addr + source.memory_size)
    check_at = _aligned(weights_at + len(parameters))
    free_at = _aligned(check_at + result.memory_size)
    # NNgen's own work area lies after `free_at`; it needs less than the activations together.
    words = free_at // 4 + _SLACK_WORDS + inputs.size * 8
    address_bits = max(12, math.ceil(math.log2(words * 4)))
    memory = np.zeros([2 ** (address_bits - 2)], dtype=np.int64)
    lanes = math.ceil(bus / bits)
    axi.set_memory(memory, inputs, _MEMORY_WORD, bits, source.addr, max(lanes, job["par_ich"]))
    axi.set_memory(memory, parameters, _MEMORY_WORD, 8, weights_at)
    axi.set_memory(memory, expected, _MEMORY_WORD, bits, check_at, max(lanes, job["par_och"]))

    m = vg.Module("bench")
    m.copy_params(design)
    ports = m.copy_sim_ports(design)
    clock, resetn = ports["CLK"], ports["RESETN"]
    reset = m.Wire("RST")
    reset.assign(vg.Not(resetn))
    model = axi.AxiMemoryModel(
        m,
        "memory",
        clock,
        reset,
        datawidth=bus,
        mem_datawidth=_MEMORY_WORD,
        mem_addrwidth=address_bits,
        memimg=memory,
        memimg_name=image.name,
        memimg_datawidth=_MEMORY_WORD,
        **job["memory"],
    )
    model.connect(ports, "maxi")
    control = vthread.AXIMLite(m, "_saxi", clock, reset, noio=True)
    control.connect(ports, "saxi")
    timer = m.Reg("time_counter", 32, initval=0)
    vg.Seq(m, "timer", clock, reset)(timer.inc())
    rows, columns = expected.shape
    stride = result.aligned_shape[1]

    # veriloggen compiles this function to a state machine: plain statements only.
    def ctrl() -> None:
        for _ in range(100):
            pass
        ng.sim.set_global_addrs(control, free_at)
        started = timer.value
        ng.sim.start(control)
        ng.sim.wait(control)
        ended = timer.value
        print("cycles %d" % (ended - started))  # noqa: UP031  (becomes $display)
        wrong = 0
        for row in range(rows):
            for column in range(columns):
                found = model.read_word(row * stride + column, result.addr, bits)
                wanted = model.read_word(row * stride + column, check_at, bits)
                if vthread.verilog.NotEql(found, wanted):
                    wrong += 1
        print("wrong %d" % wrong)  # noqa: UP031
        vthread.finish()

    vthread.Thread(m, "control", clock, reset, ctrl).start()
    m.Instance(design, "uut", params=m.connect_params(design), ports=m.connect_ports(design))
    simulation.setup_clock(m, clock, hperiod=5)
    start = simulation.setup_reset(m, resetn, m.make_reset(), period=100, polarity="low")
    start.add(vg.Delay(job["limit_cycles"] * 10), vg.Systask("finish"))
    return str(m.to_verilog())


def _aligned(address: int) -> int:
    return math.ceil(address / _CHUNK) * _CHUNK


if __name__ == "__main__":
    main(Path(sys.argv[1]))
