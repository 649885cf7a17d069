"""The hand-written circuits: their interfaces, random inputs, and what they must compute."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from hwflow.plan.streams import Interface, PortGroup, StreamType

CIRCUITS = Path(__file__).with_name("circuits")
Ints = npt.NDArray[np.int64]

ADDER_TREE = Interface(
    top="adder_tree",
    kind="valid_ready",
    clock="clk",
    reset="rst",
    reset_active_high=True,
    reset_cycles=1,
    inputs=(
        PortGroup(
            "x",
            (9,),
            StreamType((6,) * 8 + (3,), (True,) * 8 + (False,), 1),
            "x_data_i",
            "x_valid_i",
            "x_ready_o",
            None,
            51,
        ),
    ),
    outputs=(
        PortGroup(
            "y", (1,), StreamType((9,), (True,), 1), "y_data_o", "y_valid_o", "y_ready_i", None, 9
        ),
    ),
    latency=4,
    initiation_interval=1,
)


def _axi(tensor: str, side: str, stream: StreamType, bits: int) -> PortGroup:
    names = [f"{side}_axis_{tensor}_t{signal}" for signal in ("data", "valid", "ready", "last")]
    data, valid, ready, last = names
    return PortGroup(tensor, (stream.elements,), stream, data, valid, ready, last, bits)


SERIAL_SUM = Interface(
    top="serial_sum",
    kind="axi_stream",
    clock="aclk",
    reset="aresetn",
    reset_active_high=False,
    reset_cycles=2,
    inputs=(
        _axi("a", "s", StreamType((5,) * 3, (False,) * 3, 4), 16),
        _axi("b", "s", StreamType((7,), (True,), 1), 8),
    ),
    outputs=(_axi("y", "m", StreamType((10,), (True,), 2), 16),),
    latency=4,
    initiation_interval=6,
)

NEGATE_PAIR = Interface(
    top="negate_pair",
    kind="valid_only",
    clock="clk",
    reset="rst",
    reset_active_high=True,
    reset_cycles=1,
    inputs=(
        PortGroup(
            "x",
            (2,),
            StreamType((20, 20), (True, True), 1),
            "x_data_i",
            "x_valid_i",
            None,
            None,
            40,
        ),
    ),
    outputs=(
        PortGroup(
            "y", (2,), StreamType((21,), (True,), 2), "y_data_o", "y_valid_o", None, None, 21
        ),
    ),
    latency=1,
    initiation_interval=2,
)

INTERFACES = {i.top: i for i in (ADDER_TREE, SERIAL_SUM, NEGATE_PAIR)}


def rtl(interface: Interface) -> Path:
    """The circuit's Verilog."""
    return CIRCUITS / f"{interface.top}.v"


def inputs(interface: Interface, vectors: int, fault: int = 0) -> dict[str, Ints]:
    """Random tensors (n, elements); `fault` goes into the adder tree's fault lane."""
    rng = np.random.default_rng(7)
    values = {}
    for group in interface.inputs:
        stream = group.stream
        lanes = [
            rng.integers(-(1 << (w - 1)) if s else 0, 1 << (w - s), size=(vectors, stream.beats))
            for w, s in zip(stream.widths, stream.signed, strict=True)
        ]
        values[group.tensor] = np.stack(lanes, axis=-1).reshape(vectors, -1)
    if interface is ADDER_TREE:
        values["x"][:, 8] = fault
    return values


def golden(interface: Interface, values: dict[str, Ints]) -> dict[str, Ints]:
    """What the circuit computes."""
    if interface is ADDER_TREE:
        return {"y": values["x"][:, :8].sum(axis=1, keepdims=True)}
    if interface is SERIAL_SUM:
        b = values["b"][:, 0]
        return {"y": np.stack([values["a"].sum(axis=1) + b, b], axis=1)}
    return {"y": -values["x"]}


def packed(
    groups: tuple[PortGroup, ...], values: dict[str, Ints]
) -> dict[str, npt.NDArray[np.uint8]]:
    """Beats per tensor, as files hold them."""
    return {group.tensor: group.pack(values[group.tensor]) for group in groups}


def write_folder(
    folder: Path,
    interface: Interface,
    values: dict[str, Ints],
    outputs: dict[str, Ints] | None = None,
) -> Path:
    """Writes a design folder as the testbench reads it."""
    (folder / "inputs").mkdir(parents=True, exist_ok=True)
    (folder / "outputs").mkdir(exist_ok=True)
    if not (folder / "design.v").exists():  # an untouched file is not compiled again
        (folder / "design.v").write_bytes(rtl(interface).read_bytes())
    (folder / "interface.json").write_text(interface.to_json())
    for name, beats in packed(interface.inputs, values).items():
        beats.tofile(folder / "inputs" / f"{name}.bin")
    for name, beats in packed(interface.outputs, outputs or golden(interface, values)).items():
        beats.tofile(folder / "outputs" / f"{name}.bin")
    return folder
