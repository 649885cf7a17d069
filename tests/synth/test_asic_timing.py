"""Static timing: the real OpenSTA where it is, and one of our own that fails in every way."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from hwflow.errors import InputError, ToolFailed, ToolMissing
from hwflow.synth.asic import synthesize_cells
from hwflow.synth.asic.timing import Corners, Timing, check_timing
from tests.asic import samples

SDC = Path(__file__).parents[2] / "constraints/asic.sdc"
needs_sta = pytest.mark.usefixtures("opensta")

# An inverter between two flip-flops, each in a layer of its own.
RTL = """
module chain__one(input clk, input d, output reg q);
  always @(posedge clk) q <= d;
endmodule
module chain__two(input clk, input d, output reg q);
  always @(posedge clk) q <= ~d;
endmodule
module chain(input clk, input x, output y);
  wire m;
  chain__one one(.clk(clk), .d(x), .q(m));
  chain__two two(.clk(clk), .d(m), .q(y));
endmodule
"""
LAYERS = ("one", "two")


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    (tmp_path / "rtl.v").write_text(RTL, encoding="utf-8")
    modules = tuple(f"chain__{name}" for name in LAYERS)
    library = samples.write(tmp_path)
    synthesize_cells(tmp_path / "rtl.v", "chain", modules, library, tmp_path, tmp_path / "w")
    return tmp_path


def timed(folder: Path, period: float, corners: Corners | None = None) -> Timing:
    corners = corners or Corners(folder / "tiny.lib")
    out, work = folder / "timing", folder / "sta"
    return check_timing(folder, "chain", LAYERS, "clk", period, corners, SDC, out, work)


@pytest.mark.tool
@needs_sta
def test_slack_is_what_the_tables_say(chain: Path) -> None:
    """By hand: clock to Q into the inverter's 4 fF and 8 fF of wire, the inverter into D's."""
    load = 0.004 + 0.008
    launch, slew = 0.02 + 2 * load, 0.01 + 3 * load
    inverter = 0.02 + 0.1 * slew + 2 * load
    setup, hold = 0.05, 0.01
    result = timed(chain, 1.0)
    # The output port bears 20 fF and its wire; that path has no setup time.
    port = 0.02 + 2 * (0.02 + 0.008)
    assert port < launch + inverter + setup
    assert result.setup.slack == pytest.approx(1 - launch - inverter - setup, abs=2e-4)
    assert result.hold.slack == pytest.approx(launch + inverter - hold, abs=2e-4)
    assert [(c.layer, c.kind) for c in result.setup.path] == [("one", "DFF"), ("two", "INV")]
    assert [c.delay for c in result.setup.path] == pytest.approx([launch, inverter], abs=2e-4)
    assert result.fmax_mhz == pytest.approx(1000 / (launch + inverter + setup), rel=1e-3)
    written = json.loads((chain / "timing/timing.json").read_text(encoding="utf-8"))
    assert written["setup"]["slack"] == result.setup.slack


GATED = """
module chain__one(input clk, input d, output reg q);
  always @(posedge clk) q <= d;
endmodule
module chain__two(input clk, input en, input [2:0] d, output reg [2:0] q);
  always @(posedge clk) if (en) q <= d;
endmodule
module chain(input clk, input x, input [2:0] d, output [2:0] y);
  wire m;
  chain__one one(.clk(clk), .d(x), .q(m));
  chain__two two(.clk(clk), .en(m), .d(d), .q(y));
endmodule
"""


@pytest.mark.tool
@needs_sta
def test_the_enable_of_a_clock_gate_is_timed_against_the_edge(tmp_path: Path) -> None:
    """By hand: clock to Q into the gate's 4 fF and 8 fF of wire, and the gate's setup."""
    (tmp_path / "rtl.v").write_text(GATED, encoding="utf-8")
    modules = tuple(f"chain__{name}" for name in LAYERS)
    library = samples.write(tmp_path, samples.library((*samples.CELLS, samples.GATE)))
    rtl, work = tmp_path / "rtl.v", tmp_path / "w"
    assert synthesize_cells(rtl, "chain", modules, library, tmp_path, work).gating.gates == 1
    result = timed(tmp_path, 1.0)
    launch = 0.02 + 2 * (0.004 + 0.008)
    assert result.setup.slack == pytest.approx(1 - launch - 0.05, abs=2e-4)
    assert result.hold.slack == pytest.approx(launch - 0.01, abs=2e-4)


@pytest.mark.tool
@needs_sta
def test_a_clock_that_cannot_be_met_is_a_result(chain: Path) -> None:
    met, missed = timed(chain, 1.0), timed(chain, 0.1)
    assert met.setup.slack is not None
    assert missed.setup.slack is not None
    assert missed.setup.slack < 0 < met.setup.slack
    assert missed.fmax_mhz == pytest.approx(met.fmax_mhz, rel=2e-3)


@pytest.mark.tool
@needs_sta
def test_corners(chain: Path) -> None:
    slow = samples.HEADER.replace("nom_voltage : 1.5", "nom_voltage : 1.2")
    slow = slow.replace("nom_temperature : 25", "nom_temperature : 125")
    text = samples.library(header=slow).replace("0.01, 1.01", "0.02, 2.02")
    path = samples.write(chain, text, "slow.lib")
    result = timed(chain, 1.0, Corners(chain / "tiny.lib", slow=path))
    assert (result.setup.voltage, result.setup.temperature) == (1.2, 125)
    assert (result.hold.voltage, result.hold.temperature) == (1.5, 25)


@pytest.mark.tool
@needs_sta
def test_other_units(chain: Path) -> None:
    """A library in tenths of ns and of pF; the constraints (20 fF at the output) stay in pF."""
    text = (chain / "tiny.lib").read_text(encoding="utf-8")
    text = text.replace('time_unit : "1ns"', 'time_unit : "100ps"')
    text = text.replace("capacitive_load_unit (1, pf)", "capacitive_load_unit (100, ff)")
    samples.write(chain, text)
    result = timed(chain, 0.1)
    assert result.wire_pf == pytest.approx(0.0008)
    port = 0.1 * (0.02 + 2 * (0.2 + 0.008))
    assert result.setup.slack == pytest.approx(0.1 - port, abs=1e-4)


@pytest.mark.tool
def test_a_corner_of_another_library(chain: Path) -> None:
    other = samples.library(tuple(c for c in samples.CELLS if "(INV)" not in c))
    path = samples.write(chain, other, "other.lib")
    with pytest.raises(InputError, match="INV") as caught:
        timed(chain, 1.0, Corners(chain / "tiny.lib", slow=path))
    assert caught.value.code == "library.corner"


def _fake(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "bin" / "sta"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


@pytest.mark.tool
@pytest.mark.parametrize(
    ("script", "code", "words"),
    [
        ("echo 'Error: chain is not a verilog module.'", "timing.output", "not a verilog module"),
        ("echo hello", "timing.output", "neither"),
        ("echo broken; exit 3", "tool.failed", "broken"),
    ],
)
def test_opensta_fails(
    chain: Path, monkeypatch: pytest.MonkeyPatch, script: str, code: str, words: str
) -> None:
    _fake(chain, monkeypatch, script)
    with pytest.raises(ToolFailed, match=words) as caught:
        timed(chain, 1.0)
    assert caught.value.code == code


@pytest.mark.tool
def test_a_design_without_a_path(chain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _fake(chain, monkeypatch, "echo 'No paths found.'")
    result = timed(chain, 1.0)
    assert (result.fmax_mhz, result.setup.slack, result.setup.path) == (None, None, ())


@pytest.mark.tool
@needs_sta
def test_an_opensta_without_activity(chain: Path) -> None:
    """Debian's: it can neither read SAIF nor VCD, and the report says so."""
    version = subprocess.run(("sta", "-version"), capture_output=True, text=True, check=True).stdout
    if not version.startswith("2.0."):
        pytest.skip(f"OpenSTA {version.strip()} may read activity")
    assert timed(chain, 1.0).reads == ()


@pytest.mark.tool
def test_an_opensta_that_reads_activity(chain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "echo 'No paths found.'; echo 'reads activity: read_saif read_vcd'"
    _fake(chain, monkeypatch, script)
    assert timed(chain, 1.0).reads == ("read_saif", "read_vcd")


@pytest.mark.tool
def test_opensta_is_not_there(chain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(chain))
    with pytest.raises(ToolMissing, match="apt-get install opensta"):
        timed(chain, 1.0)


LATCHED = """
module chain__loader(input clk, input go, input [2:0] d, output [2:0] q);
  reg [2:0] data, word_0;
  reg open;
  always @(posedge clk) open <= go;
  always @(posedge clk) if (!open) data <= d;
  always @(posedge clk) if (open) word_0 <= ~data;
  assign q = word_0;
endmodule
module chain(input clk, input go, input [2:0] x, output reg [2:0] y);
  wire [2:0] q;
  chain__loader loader(.clk(clk), .go(go), .d(x), .q(q));
  always @(posedge clk) y <= q;
endmodule
"""


@pytest.mark.tool
@needs_sta
def test_latches_are_timed_as_flip_flops(tmp_path: Path) -> None:
    """Data come before the edge that opens them, and words begin no path."""
    (tmp_path / "rtl.v").write_text(LATCHED, encoding="utf-8")
    library = samples.write(
        tmp_path, samples.library((*samples.CELLS, samples.GATE, samples.latch()))
    )
    slacks = []
    for latches in (True, False):
        out = tmp_path / str(latches)
        result = synthesize_cells(
            tmp_path / "rtl.v", "chain", (), library, out, tmp_path / "w", weight_latches=latches
        )
        assert result.whole.latches == 3 * latches
        corners, work = Corners(library), tmp_path / "sta"
        found = check_timing(out, "chain", (), "clk", 1.0, corners, SDC, out, work)
        slacks.append(found.setup.slack)
    assert slacks[0] == slacks[1]
    assert slacks[0] is not None
    assert slacks[0] > 0
    text = (tmp_path / "sta/max/timing.tcl").read_text(encoding="utf-8")
    assert "multicycle" not in text  # of the flip-flops
