"""Products with weights loaded at run time: recodings and parts of the inputs, area and energy.

    python benchmarks/dot_products.py

One output of the published ECON-T encoder's dense layer (128 inputs of 12 bits, weights of 6) and
one position of one filter of its convolution (9 inputs of 8 bits), as the carry-save tree that
hwflow generates, on sg13g2. The inputs are what synthetic wafers (half electrons, half ttbar with
pile-up) give them, in a random order; in parts, each part takes a clock, the highest first. Area
is counted; energy is simulated with the cells' delays and without, leakage left out, per wafer,
averaged over four of the outputs' trained weights, which stand still. Flip-flops are not in it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
from amaranth.back import rtlil
from common import emit, shared

from hwflow.asic.kit import kit_of
from hwflow.asic.liberty import Library, load_library
from hwflow.asic.wires import wire_pf
from hwflow.backends.amaranth.dot import DotProduct
from hwflow.backends.amaranth.rtlil import parse_rtlil
from hwflow.backends.amaranth.verilog import print_verilog
from hwflow.plan.words import DIGIT, Recoding
from hwflow.power.asic import cycle_power
from hwflow.power.delays import delays_of
from hwflow.power.gates import GateNetlist, read_gates
from hwflow.power.waves import STREAMS, run_waves
from hwflow.synth.asic import synthesize_cells
from hwflow.train.data.wafer import arrange, normalise
from hwflow.train.data.wafers import toy_counts

LIBRARY = "pdk/ihp-sg13g2/sg13g2_stdcell_typ_1p20V_25C.lib"
TENSORS = 17
CASES: tuple[tuple[str, Recoding, int], ...] = (
    ("conv", "plain", 1), ("conv", "radix4", 1), ("conv", "radix8", 1),
    ("dense", "plain", 1), ("dense", "radix4", 1), ("dense", "radix8", 1),
    ("dense", "plain", 2), ("dense", "radix4", 2), ("dense", "radix8", 2),
    ("dense", "plain", 4), ("dense", "radix4", 4), ("dense", "radix8", 4),
)  # fmt: skip
BITS = {"conv": (8, 18), "dense": (12, 22)}
"""Bits of an input, and of the sum."""

Ints = npt.NDArray[np.int64]


def main() -> None:
    """Build and measure every case; write benchmarks/results/dot_products.json."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    library = load_library(shared(LIBRARY))
    inputs, weights = wafer_inputs()
    rows = []
    for layer, recoding, parts in CASES:
        with tempfile.TemporaryDirectory() as temporary:
            row = _case(library, inputs[layer], weights[layer], layer, recoding, parts,
                        Path(temporary))  # fmt: skip
        print(row, flush=True)
        rows.append(row)
    emit("dot_products", rows, {"library": library.name, "wafers": (TENSORS - 1) * STREAMS})


def wafer_inputs() -> tuple[dict[str, Ints], dict[str, Ints]]:
    """Inputs (tensors, streams, K), the image beside them, and weights (K, N) of both layers."""
    with np.load(shared("data/econ_t/encoder_8x8.npz"), allow_pickle=False) as file:
        conv, bias, dense = (file[n].astype(np.int64) for n in ("w_conv", "b_conv", "w_dense"))
    count = TENSORS * STREAMS
    charges = toy_counts(samples=count, seed=1)[np.random.default_rng(0).permutation(count)]
    x = np.rint(np.asarray(arrange(normalise(charges)))[..., 0] * 128).astype(np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(x, ((0, 0), (0, 1), (0, 1))), (3, 3), axis=(1, 2)
    )[:, ::2, ::2].reshape(count, 4, 4, 9)
    sums = windows @ conv.reshape(9, 8) + (bias << 7)
    hidden = np.clip(np.rint(sums / 4), 0, 4095).astype(np.int64)
    shape = (TENSORS, STREAMS, -1)
    given = {"conv": windows[:, 1, 1], "dense": hidden, "image": x}
    inputs = {layer: values.reshape(shape) for layer, values in given.items()}
    return inputs, {"conv": conv.reshape(9, 8), "dense": dense}


def _case(
    library: Library,
    inputs: Ints,
    weights: Ints,
    layer: str,
    recoding: Recoding,
    parts: int,
    work: Path,
) -> dict[str, object]:
    bits, total = BITS[layer]
    width = bits // parts
    module = DotProduct("dot", len(weights), width, 6, total, recoding, generate=True)
    text = rtlil.convert(module, name="dot", ports=module.ports(), emit_src=False)
    (work / "design.v").write_text(print_verilog(parse_rtlil(text), {}), encoding="utf-8")
    found = synthesize_cells(
        work / "design.v", "dot", [], shared(LIBRARY), work / "out", work / "synth"
    )
    mapped = json.loads((work / "out" / "netlist.json").read_text(encoding="utf-8"))
    ports = mapped["modules"]["dot"]["ports"]
    ports["clk"] = {"direction": "input", "bits": []}
    wire = wire_pf(library, kit_of(library))
    netlist = read_gates(mapped["modules"]["dot"], library, "clk", wire)
    timing = delays_of(netlist)
    still, timed = [], []
    for output in np.linspace(0, weights.shape[1] - 1, 4).astype(int).tolist():
        words = _words(netlist, ports, inputs, weights[:, output], width, parts, recoding)
        for energy, delays in ((still, None), (timed, timing.delays)):
            activity = run_waves(netlist.network, words, work / "waves", delays=delays)
            power = cycle_power(netlist, timing, activity, library, 25.0 / parts, lambda _: "")
            energy.append((power.total - power.kinds["leakage"]) * parts / 1000)
    copies = {"conv": 128, "dense": 16}[layer]
    return {
        "layer": layer,
        "weights": recoding,
        "parts": parts,
        "um2": round(found.whole.um2),
        "um2 a product": round(found.whole.um2 / len(weights)),
        "pJ, zero-delay": round(float(np.mean(still)), 2),
        "pJ, with glitches": round(float(np.mean(timed)), 2),
        "layer, mm2": round(found.whole.um2 * copies / 1e6, 2),
        "layer, nJ with glitches": round(float(np.mean(timed)) * copies / 1000, 2),
    }


def _words(
    netlist: GateNetlist,
    ports: dict[str, dict[str, list[int]]],
    inputs: Ints,
    weights: Ints,
    width: int,
    parts: int,
    recoding: Recoding,
) -> npt.NDArray[np.uint64]:
    """What the netlist's sources take, clock by clock: 64 streams to a word."""
    shifts = [width * part for part in reversed(range(parts))]
    clocks = np.stack([inputs >> s & ((1 << width) - 1) for s in shifts], axis=1)
    x = clocks.reshape(-1, STREAMS, len(weights))
    given = {
        "x_i": (x, width),
        "triple_i": (3 * x, width + 2),
        "w_i": (np.broadcast_to(weights, x.shape), 6),
        "addend_i": (np.zeros((len(x), STREAMS, 1), np.int64), 64),
        "owed_i": (np.full((len(x), STREAMS, 1), owed(weights, width, recoding)), 64),
    }
    place = {bit: (n, i) for n, port in ports.items() for i, bit in enumerate(port["bits"])}
    lanes = np.arange(STREAMS, dtype=np.uint64)
    columns = []
    for net in netlist.network.sources:
        name, index = place[net]
        values, size = given[name]
        column = (values[..., index // size] >> (index % size) & 1).astype(np.uint64)
        columns.append((column << lanes).sum(axis=1, dtype=np.uint64))
    return np.ascontiguousarray(np.stack(columns, axis=1))


def owed(weights: Ints, width: int, recoding: Recoding) -> int:
    """What the rows of negative digits leave to be added: made once from weights, as in a layer."""
    step = DIGIT[recoding]
    places = range(0, 6, step) if step > 1 else ()
    inverted = sum(int((weights >> (p + step - 1) & 1).sum()) << p for p in places)
    return -((1 << (width + step - 1)) - 1) * inverted


if __name__ == "__main__":
    main()
