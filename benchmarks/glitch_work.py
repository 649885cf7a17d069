"""Work on glitches and the clock: what registers in trees, held operands and clock gates bring.

    python benchmarks/glitch_work.py [STUDY ...]

On sg13g2 (typical corner), area counted, energy simulated per wafer without leakage, with the
cells' delays and without, on synthetic wafers (half electrons, half ttbar with pile-up) in a random
order; weights are the trained ones and stand still. Clock pins and a stated clock tree are in it.

- trees: four neurons of the published encoder's dense layer (128 inputs of 12 bits, weights of 6
  loaded at run time, radix8) in two parts, as hwflow builds them, and with a row of registers
  before the trees (which takes the place of the one before the choice of the part, or not) or in
  them, behind a level of 13.
- levels: one such neuron, registers behind other levels, and plain.
- idle: one neuron, plain, a wafer every four clocks, by what its tree reads in the other two.
- gating: hwflow's own designs, 2 filters and 4 outputs of the encoder, wafer after wafer without
  gaps, enables as clock gates and as multiplexers.

Every netlist's outputs are compared with the sums. Writes benchmarks/results/glitch_work.json;
studies that are not named keep their rows.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from amaranth.back import rtlil
from common import RESULTS, emit, shared
from dot_products import LIBRARY, Ints, owed, wafer_inputs
from glitch_energy import energy_of
from glitch_gates import gating
from glitch_rtl import COUNT, SUM, X_BITS, Form, GlitchLayer

from hwflow.asic.liberty import Library, load_library
from hwflow.backends.amaranth.module import HwModule
from hwflow.backends.amaranth.rtlil import parse_rtlil
from hwflow.backends.amaranth.verilog import print_verilog
from hwflow.plan.streams import Interface, PortGroup, StreamType
from hwflow.power.waves import STREAMS
from hwflow.synth.asic import AsicResult, synthesize_cells
from hwflow.verify.netlist import NetlistSim

WAFERS = 6
"""A stream's wafers; the first two only set the state."""
COLUMNS = (
    "study", "form", "neurons", "clocks a wafer", "um2", "flip-flops", "pJ, zero-delay",
    "pJ, with glitches", "trees, pJ", "registers and clock, pJ", "longest path, ns",
)  # fmt: skip
_BEFORE = "a row before the trees"
LAYERS: dict[str, tuple[tuple[str, Form, int, bool], ...]] = {
    "trees": (
        ("as built", Form(4, 2, "radix8"), 2, False),
        (f"{_BEFORE}, more", Form(4, 2, "radix8", cut=0), 2, False),
        (f"{_BEFORE}, moved", Form(4, 2, "radix8", cut=0, source="split"), 2, False),
        ("behind level 6", Form(4, 2, "radix8", cut=6), 2, False),
    ),
    "levels": (
        ("as built", Form(1, 2, "radix8"), 2, False),
        ("behind level 4", Form(1, 2, "radix8", cut=4), 2, False),
        ("behind level 8", Form(1, 2, "radix8", cut=8), 2, False),
        ("plain, as built", Form(1, 2, "plain"), 2, False),
        ("plain, behind level 6", Form(1, 2, "plain", cut=6), 2, False),
    ),
    "idle": (
        ("held inputs, first part", Form(1, 2, "plain", idle="first"), 4, False),
        ("held inputs, last part", Form(1, 2, "plain", idle="last"), 4, False),
        ("held inputs, zeros (AND gates)", Form(1, 2, "plain", idle="zero"), 4, False),
        ("moving inputs", Form(1, 2, "plain", source="open"), 4, True),
        ("moving inputs, zeros (AND gates)", Form(1, 2, "plain", source="gated"), 4, True),
    ),
}
"""Of each study: name, form, clocks a wafer, and whether inputs move in clocks that do not read."""


def main() -> None:
    """Build and measure the studies named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="*", help="trees, levels, idle, gating; default: all")
    studies = parser.parse_args().studies or [*LAYERS, "gating"]
    library = load_library(shared(LIBRARY))
    known = RESULTS / "glitch_work.json"
    rows = json.loads(known.read_text(encoding="utf-8"))["rows"] if known.exists() else []
    rows = [row for row in rows if row["study"] not in studies]
    with tempfile.TemporaryDirectory() as temporary:
        bench = _Bench(library, Path(temporary))
        for study in studies:
            for row in bench.rows(study) if study in LAYERS else gating(library):
                rows.append({"study": study, **row})
                print(rows[-1], flush=True)
            record(rows, library)


def record(rows: Sequence[Mapping[str, object]], library: Library) -> None:
    """Write the rows of all studies in order; known ones come with their keys sorted."""
    studies = [*LAYERS, "gating"]
    ordered = [
        {key: row[key] for key in COLUMNS}
        for row in sorted(rows, key=lambda row: studies.index(str(row["study"])))
    ]
    facts = {"library": library.name, "command": "python benchmarks/glitch_work.py"}
    emit("glitch_work", ordered, facts)


class _Bench:
    """Netlists by form, each made once."""

    def __init__(self, library: Library, work: Path) -> None:
        self.library, self.work = library, work
        self.inputs, self.weights = wafer_inputs()
        self.made: dict[Form, tuple[AsicResult, Path]] = {}

    def rows(self, study: str) -> Iterator[dict[str, object]]:
        for name, form, interval, moving in LAYERS[study]:
            if form not in self.made:
                work = self.work / str(len(self.made))
                work.mkdir()
                self.made[form] = _synthesized(GlitchLayer("layer", form), work), work
            layer = _Layer(form, interval, moving, self.inputs["dense"], self.weights["dense"])
            yield {"form": name, **layer.measured(self.library, *self.made[form])}


class _Layer:
    """A form of the layer and what it reads, clock by clock."""

    def __init__(
        self, form: Form, interval: int, moving: bool, inputs: Ints, weights: Ints
    ) -> None:
        self.form, self.interval = form, interval
        chosen = np.linspace(0, weights.shape[1] - 1, form.outputs).astype(int)
        wafers, weights = inputs[:WAFERS], weights[:, chosen]
        owes = [owed(column, X_BITS // form.parts, form.recoding) for column in weights.T]
        neurons = np.concatenate([np.append(w, o) for w, o in zip(weights.T, owes, strict=True)])
        more = 2 + GlitchLayer.latency(form) // interval  # wafers go on while the last is counted
        clocks = np.zeros((interval * (WAFERS + more), STREAMS, 1 + COUNT), np.int64)
        for k in range(len(clocks)):
            wafer, clock = divmod(k, interval)
            unread = moving and clock >= form.parts
            clocks[k, :, 1:] = inputs[-1 - 2 * wafer + clock % 2 if unread else wafer]
            clocks[k, :, 0] = clock == 0
        still = np.broadcast_to(neurons, (*clocks.shape[:2], len(neurons)))
        self.clocks = np.concatenate([clocks, still], axis=2)
        self.wanted = (wafers @ weights) & ((1 << SUM) - 1)

    def measured(self, library: Library, found: AsicResult, work: Path) -> dict[str, object]:
        """Area in um2, energy a wafer in pJ."""
        face, file = _interface(self.form), work / "out" / "netlist.json"
        sim = NetlistSim.build(file, face, work / "sim")
        stimulus = self.clocks.reshape(-1, self.clocks.shape[2])
        beats = {"stimulus": face.inputs[0].pack(stimulus)}
        sums = face.outputs[0].unpack(sim.replay(beats).outputs["sums"])
        late, interval = GlitchLayer.latency(self.form), self.interval
        seen = sums.reshape(-1, STREAMS, self.form.outputs)[late::interval][:WAFERS]
        assert (seen == self.wanted).all()
        begin, count = face.reset_cycles + 2 * interval, interval * (WAFERS - 2) + 1
        trees = [f"dot_{n}" for n in range(self.form.outputs)]
        energy = energy_of(
            file, "layer", library,
            lambda nets: sim.states(beats, nets)[begin : begin + count],
            interval, trees, work / "waves",
        )  # fmt: skip
        return {
            "neurons": self.form.outputs,
            "clocks a wafer": interval,
            "um2": round(found.whole.um2),
            "flip-flops": found.whole.ff,
            **energy.figures(trees),
        }


def _synthesized(module: GlitchLayer, work: Path) -> AsicResult:
    made = [_rtl(module), *(_rtl(child) for child in module.children.values())]
    modules = [m for text in reversed(made) for m in parse_rtlil(text)]
    (work / "design.v").write_text(print_verilog(modules, {}), encoding="utf-8")
    return synthesize_cells(
        work / "design.v", "layer", ["layer__dot"], shared(LIBRARY), work / "out", work / "synth"
    )


def _rtl(module: HwModule) -> str:
    text: str = rtlil.convert(module, name=module.name, ports=module.ports(), emit_src=False)
    return text


def _interface(form: Form) -> Interface:
    """Every clock is a beat: what is valid is said in the data."""
    widths, signs = GlitchLayer.lanes(form)
    sums = (SUM,) * form.outputs
    streams = StreamType(widths, signs, 1), StreamType(sums, (False,) * len(sums), 1)
    names = ("stimulus", "in_data_i", "go_i"), ("sums", "out_data_o", "done_o")
    given, made = (
        PortGroup(tensor, (s.lanes,), s, data, valid, None, None, s.bits)
        for (tensor, data, valid), s in zip(names, streams, strict=True)
    )
    return Interface("layer", "valid_only", "clk", "rst", True, 1, (given,), (made,), 0, 1)


if __name__ == "__main__":
    main()
