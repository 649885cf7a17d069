"""Codes of the RTL, the netlist and synthesis."""

from __future__ import annotations

from hwflow.catalogue.explanation import Explanation

__all__ = ["HARDWARE"]

HARDWARE: dict[str, Explanation] = {
    "netlist.cell": Explanation(
        "The netlist holds a cell that the simulator has no model of.",
        "The netlist was not made by hwflow's own recipes.",
        "Simulate a netlist that `hwflow build` wrote.",
    ),
    "netlist.clock": Explanation(
        "A register is not clocked by the design's clock.",
        "The netlist was not made by hwflow.",
        "Designs have one clock, used at its rising edge.",
    ),
    "netlist.drivers": Explanation(
        "A net has two drivers.",
        "The netlist was damaged.",
        "Run synthesis again.",
    ),
    "netlist.fault": Explanation(
        "A fault names a bit that the netlist does not have.",
        "The list of faults belongs to another netlist.",
        "Choose from fault_sites().",
    ),
    "netlist.inputs": Explanation(
        "Vectors for the netlist have the wrong shape.",
        "They were packed for another interface.",
        "Pack them with the port's pack().",
    ),
    "netlist.last": Explanation(
        "The netlist marks the end of a tensor at the wrong beat.",
        "A fault of the RTL or of synthesis.",
        "Compare with the RTL rung; if that passes, please report it.",
    ),
    "netlist.library": Explanation(
        "The compiled netlist simulator cannot be loaded.",
        "It was built on another machine.",
        "Delete it and run again.",
    ),
    "netlist.loop": Explanation(
        "The netlist holds a combinational loop.",
        "The RTL was edited, or a mistake in hwflow.",
        "Please report it together with the design.",
    ),
    "netlist.mode": Explanation(
        "A cell is used in a mode that has no model.",
        "The netlist was not made by hwflow's own recipes.",
        "Simulate a netlist that `hwflow build` wrote.",
    ),
    "netlist.net": Explanation(
        "There is no net of that name in the netlist.",
        "Mapping removes nets inside of logic.",
        "Use one of those listed by NetlistSim.nets.",
    ),
    "netlist.port": Explanation(
        "The netlist lacks a port that the interface names.",
        "The two come from different builds.",
        "Use files of one build.",
    ),
    "netlist.read": Explanation(
        "The netlist cannot be read.",
        "Synthesis was interrupted or the file edited.",
        "Run synthesis again.",
    ),
    "netlist.split": Explanation(
        "The handshake differs between vectors simulated side by side.",
        "Control depends on data, which hwflow never generates.",
        "Please report it together with the design.",
    ),
    "netlist.stuck": Explanation(
        "The netlist stopped delivering.",
        "A fault of synthesis, or an interface of another build.",
        "Compare with the RTL rung.",
    ),
    "pnr.clock": Explanation(
        "The clock port was not found in the netlist.",
        "The netlist and the interface come from different builds.",
        "Use files of one build.",
    ),
    "pnr.family": Explanation(
        "There is no place and route for this family.",
        "It exists for ECP5 and iCE40 only in this version.",
        "Choose such a target or set synth.place_and_route to false.",
    ),
    "pnr.output": Explanation(
        "The report of nextpnr holds no clock or no path.",
        "No register was placed, or this nextpnr writes another report.",
        "Look at the log beside the report; `hwflow doctor` names the versions that work.",
    ),
    "replay.inputs": Explanation(
        "Vectors for the replay have the wrong shape.",
        "They were packed for another interface.",
        "Pack them with the port's pack().",
    ),
    "rtl.cocotb": Explanation(
        "A stream test of the RTL failed.",
        "The RTL was edited, or a mistake in hwflow.",
        "Run the test alone with a waveform as the message shows.",
    ),
    "rtl.deadlock": Explanation(
        "The RTL stopped delivering.",
        "The RTL was edited, or a mistake in hwflow.",
        "Look at the valid and ready paths; `hwflow run --trace` keeps a waveform.",
    ),
    "rtl.early-output": Explanation(
        "The design gave an output before the input that it belongs to.",
        "valid is not low after reset, or a beat was counted twice.",
        "Look at the waveform at the cycle named.",
    ),
    "rtl.extra-output": Explanation(
        "The design gave more outputs than it was given inputs.",
        "A beat was counted twice.",
        "Look at the waveform at the cycle named.",
    ),
    "rtl.last": Explanation(
        "The RTL marks the end of a tensor at the wrong beat.",
        "The RTL was edited, or a mistake in hwflow.",
        "Look at the counter that drives TLAST.",
    ),
    "rtl.lint": Explanation(
        "Verilator warns about the RTL.",
        "The RTL was edited, or a mistake in hwflow.",
        "Read the warnings; generated RTL has none.",
    ),
    "rtl.testbench": Explanation(
        "The testbench folder is missing.",
        "hwflow was installed without it.",
        "Run from a checkout of the project, or reinstall.",
    ),
    "rtl.timing": Explanation(
        "The latency or initiation interval measured is not the planned one.",
        "The RTL was edited, or a mistake in hwflow.",
        "Please report it together with the design.",
    ),
    "rtlil.unsupported": Explanation(
        "The RTLIL holds a construct that hwflow's writer does not know.",
        "A version of Amaranth that was not tested.",
        "Install the pinned versions with `make setup`.",
    ),
    "rtlil.syntax": Explanation(
        "The generated RTLIL was not understood.",
        "A version of Amaranth that was not tested.",
        "Install the pinned versions with `make setup`.",
    ),
    "rung.mismatch": Explanation(
        "A rung of the verification ladder does not compute what the integer graph computes.",
        "A fault in generation, in synthesis, in a tool, or a file changed by hand. The message "
        "names the first layer and element that differ; rung.json in the failed stage's folder "
        "holds the same as data.",
        "Look at that layer's module in design.v with `hwflow run BUILD --on rtl --trace VECTOR`; "
        "report it with graph.hwf if nothing was changed by hand.",
    ),
    "rung.shape": Explanation(
        "A rung returned another number of values than the integer graph.",
        "Vectors and results of different builds were mixed.",
        "Build again with --force on the stage named.",
    ),
    "rung.timing": Explanation(
        "A rung computes the right integers, but not in the cycles that the plan promised.",
        "A fault in the planner's model of the handshakes or in the generated pipeline.",
        "Report it with graph.hwf and design.yaml; nothing in a design should cause it.",
    ),
    "rung.deadlock": Explanation(
        "The Amaranth simulation stopped delivering.",
        "A mistake in hwflow.",
        "Please report it together with the design.",
    ),
    "rung.last": Explanation(
        "TLAST came at another beat than a tensor's last.",
        "A mistake in hwflow.",
        "Please report it together with the design.",
    ),
    "seu.reference": Explanation(
        "The netlist is wrong before anything disturbs it.",
        "The build's rung `netlist` failed or was left out.",
        "Run `hwflow build` with the rung `netlist`, and see what it finds.",
    ),
    "synth.cell": Explanation(
        "Synthesis left a cell that has no area.",
        "A construct that does not map to the target.",
        "Use constructs that map to LUTs, carry chains and flip-flops.",
    ),
    "synth.name": Explanation(
        "A module's name cannot stand in a synthesis script.",
        "Other characters than letters, digits and underscores.",
        "Rename the module.",
    ),
    "synth.no-dsp": Explanation(
        "Multipliers were to become DSPs, but the target has none.",
        "A layer with `multiplier: dsp` on a device without DSPs or a plain LUT target.",
        "Use `multiplier: lut`, or choose a target with DSPs (`hwflow targets`).",
    ),
    "synth.latch": Explanation(
        "A weight in a latch would not be what it would be in a flip-flop.",
        "Its data may change at the clock edge that opens the latch; the RTL was edited.",
        "Write `hardware: {weight_latches: false}`, or hold the data in the RTL.",
    ),
    "synth.output": Explanation(
        "Synthesis wrote no netlist that can be read.",
        "It was interrupted, or ran out of memory or disk.",
        "Read its log and run the stage again with --force.",
    ),
    "synth.tmr": Explanation(
        "A netlist with `protect: tmr` has a flip-flop that is not one of three behind voters.",
        "Synthesis merged copies or voters, or the RTL was edited.",
        "Please report it together with the design.",
    ),
    "synth.too-large": Explanation(
        "The netlist does not fit the device.",
        "The counted cells exceed the device's resources.",
        "Fold convolutions, use fewer bits or outputs, or a larger target.",
    ),
    "trace.file": Explanation(
        "There is no waveform to read.",
        "The vector was never traced.",
        "Trace a vector first.",
    ),
    "trace.index": Explanation(
        "There is no vector of that index.",
        "Vectors count from 0.",
        "Use an index in the range stated.",
    ),
    "trace.signal": Explanation(
        "The waveform holds no such signal.",
        "A spelling mistake, or a signal of another build.",
        "Give the path below the top, instance names joined by dots.",
    ),
}
