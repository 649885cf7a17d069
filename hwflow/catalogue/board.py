"""Codes of boards: bitstreams, the UART bridge, and talking to a board."""

from __future__ import annotations

from hwflow.catalogue.explanation import Explanation

__all__ = ["BOARD"]

BOARD: dict[str, Explanation] = {
    "board.clock": Explanation(
        "The design's clock is not the board's oscillator.",
        "hardware.clock was left out (40 MHz) or belongs to another board.",
        "Write the clock that the message names: every cycle count then holds on the board.",
    ),
    "board.file": Explanation(
        "A board's file in constraints/ is not as it must be.",
        "A key is missing, unknown or of another type, or pins are used twice.",
        "Compare it with the other boards' files.",
    ),
    "board.folder": Explanation(
        "The folder constraints/ with the boards' files is missing.",
        "hwflow was installed without the folders beside its package.",
        "Run from a checkout of the project.",
    ),
    "board.frames": Explanation(
        "On a simulated UART line of the netlist, bytes are missing, broken or too many.",
        "A fault of synthesis, as the RTL passed the same test before.",
        "Please report it together with the design.",
    ),
    "board.output": Explanation(
        "nextpnr's report was not understood.",
        "A version of nextpnr that was not tested.",
        "Install the pinned versions with `make setup`.",
    ),
    "board.protocol": Explanation(
        "The description of the UART bridge cannot be read.",
        "The file was edited, or is of another version.",
        "Build again.",
    ),
    "board.streams": Explanation(
        "The design's streams do not fit a UART.",
        "Several inputs or outputs, or an interface without back-pressure.",
        "Give the design one input and one output, and interface: valid_ready or axi_stream.",
    ),
    "board.target": Explanation(
        "The design's target is not the board's device.",
        "hardware.target was left out (ecp5-85k) or belongs to another board.",
        "Write the target that the message names.",
    ),
    "board.tensor": Explanation(
        "An input tensor is too long for the bridge's store.",
        "The bridge hands only whole tensors to the design, so it keeps one.",
        "Leave hardware.board out, and feed the design in another way.",
    ),
    "board.testbench": Explanation(
        "The testbench that simulates UART pins is missing.",
        "hwflow was installed without the folders beside its package.",
        "Run from a checkout of the project.",
    ),
    "board.timing": Explanation(
        "The design does not reach the clock of the board's oscillator.",
        "A path through logic is too long for the device; nextpnr's figure is an estimate, "
        "for slow silicon at high temperature.",
        "Read nextpnr.log in the failed stage's folder; use fewer bits or inputs in that layer.",
    ),
    "board.uart": Explanation(
        "The simulation over the UART pins found something.",
        "A fault of the bridge or of the design's handshakes; the message says at which step.",
        "Please report it together with the design.",
    ),
    "board.unknown": Explanation(
        "There is no board of that name.",
        "A spelling mistake, or a board without a file in constraints/.",
        "Use one of the names listed, or add a file like those in constraints/.",
    ),
    "board.weights": Explanation(
        "The board's UART cannot load weights.",
        "The graph has params, or hardware.weights is programmable.",
        "Leave hardware.board out, or use hardware.weights: constant.",
    ),
    "talk.baud": Explanation(
        "The board's baud rate is not one that serial ports of this system have.",
        "The system knows a fixed list of rates.",
        "Choose one of the usual rates in the board's file and build again.",
    ),
    "talk.board": Explanation(
        "The build has no bitstream to talk to.",
        "design.yaml names no board, or the stage board has not run.",
        "Write board: icebreaker (or another) under hardware, and build.",
    ),
    "talk.chatter": Explanation(
        "The serial port sends bytes all the time.",
        "It is another device's port, or the board holds another bitstream.",
        "Check the port and load the bitstream of this build.",
    ),
    "talk.extra": Explanation(
        "More bytes came back than results were asked for.",
        "The board holds the bitstream of another build.",
        "Load this build's board/<design>.bin.",
    ),
    "talk.gone": Explanation(
        "The serial port disappeared while talking.",
        "The board was unplugged or reset.",
        "Plug it in again and load the bitstream.",
    ),
    "talk.mismatch": Explanation(
        "A board's results differ from the integer graph.",
        "The board holds the bitstream of another build, or bytes were damaged on the line.",
        "Load this build's bitstream; try --window 1.",
    ),
    "talk.port": Explanation(
        "The serial port cannot be used.",
        "A wrong name, a missing permission, another program that holds it, or no serial port.",
        "List /dev/ttyUSB*; join the group that owns the port.",
    ),
    "talk.silent": Explanation(
        "The board did not answer in time.",
        "Another bitstream, another port, a wrong baud rate, or bytes lost on the line (the error "
        "LED is then lit).",
        "Load this build's bitstream and run the command again.",
    ),
}
