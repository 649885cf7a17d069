"""Stage netlist: what Yosys wrote, simulated bit by bit on every vector."""

from __future__ import annotations

from pathlib import Path

from hwflow.config import DesignConfig
from hwflow.flow import StageContext
from hwflow.stages.activity import save_activity, save_states
from hwflow.stages.files import read_json
from hwflow.stages.planned import load_plan
from hwflow.stages.rungs import Golden, check_cycles, finish, load_golden
from hwflow.verify.compare import RungReport
from hwflow.verify.locate import locate_in_netlist
from hwflow.verify.netlist import NetlistSim

__all__ = ["run"]


def run(config: DesignConfig, context: StageContext) -> None:
    """Replay every vector on the netlist file that is counted and placed."""
    golden = load_golden(context.inputs)
    context.progress(0.0, "compiling the netlist")
    netlist = context.inputs["synth"] / "netlist.json"
    sim = NetlistSim.build(netlist, golden.interface, context.scratch, load=golden.load)
    context.progress(0.5, f"{len(golden.vectors)} vectors through the netlist")
    result = sim.replay(golden.packed())
    mismatch = golden.compare_outputs(result.outputs)
    if mismatch is not None:
        plan = load_plan(config, context.inputs)
        vectors, layers = golden.vectors, golden.layers
        mismatch = locate_in_netlist(plan, sim, vectors, layers, mismatch.vector) or mismatch
    figures = {
        "latency_cycles": result.latency,
        "initiation_interval": result.initiation_interval,
        "cycles": result.cycles,
    }
    names = tuple(name for name, _ in golden.graph.outputs)
    finish(
        context,
        RungReport("netlist", len(golden.vectors), names, mismatch, figures=figures),
    )
    check_cycles("netlist", golden.interface, result.latency, result.initiation_interval)
    if config.synth.energy:
        context.progress(0.7, "activity of the netlist")
        _save_activity(config, sim, golden, netlist, context.out)


def _save_activity(
    config: DesignConfig, sim: NetlistSim, golden: Golden, netlist: Path, out: Path
) -> None:
    """What the energy stage needs: net toggles on FPGAs, the states of registers for cells."""
    if not config.hardware.asic:
        save_activity(sim, golden, netlist, out)
        return
    cells = read_json(netlist)["liberty"]["cells"]
    held = {name for name, cell in cells.items() if "ff" in cell or "latch" in cell}
    save_states(sim, golden, netlist, held, out)
