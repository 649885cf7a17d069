"""The Verilog printer: its text, its lint, and its equality with Amaranth's RTLIL."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Cat, ClockDomain, Const, Elaboratable, Instance, Module, Mux, Signal
from amaranth.hdl import signed as signed_shape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hwflow.backends.amaranth.rtlil import parse_rtlil
from hwflow.backends.amaranth.verilog import print_verilog
from hwflow.errors import InternalError
from hwflow.tools import find, run
from tests.backends.amaranth_random import RandomTop, to_rtlil

_PROVE = """
read_rtlil gold.il
hierarchy -top top
proc
flatten
setattr -unset init w:*
opt_clean
rename top gold
design -stash gold
read_verilog gate.v
hierarchy -top top
proc
flatten
opt_clean
rename top gate
design -stash gate
design -copy-from gold gold
design -copy-from gate gate
equiv_make gold gate equiv
hierarchy -top equiv
equiv_struct
equiv_simple -undef
equiv_induct -undef
equiv_status -assert
"""
_YOSYS = "from pyosys import libyosys; libyosys.Design().run_pass('script prove.ys')"


def _prove(il: str, verilog: str, folder: Path) -> None:
    """Yosys proves the Verilog equal to the RTLIL, from any state of the registers."""
    (folder / "gold.il").write_text(il)
    (folder / "gate.v").write_text(verilog)
    (folder / "prove.ys").write_text(_PROVE)
    argv = [find("pyosys"), "-I", "-c", _YOSYS]
    run(argv, cwd=folder, log=folder / "yosys.log", timeout=120, tool="yosys")


def _lint(verilog: str, folder: Path) -> None:
    """Verilator has nothing to say."""
    (folder / "gate.v").write_text(verilog)
    program = find("verilator")
    argv = [program, "--lint-only", "-Wall", "-Wno-DECLFILENAME", "-Wno-MULTITOP"]
    path = {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
    run(
        [*argv, "--top-module", "top", "gate.v"],
        cwd=folder,
        log=folder / "lint.log",
        timeout=60,
        env=path,
        tool="verilator",
    )


class _Small(Elaboratable):
    """A word of everything that hwflow's layers are made of."""

    def __init__(self) -> None:
        self.clk, self.rst = Signal(name="clk"), Signal(name="rst")
        self.en = Signal(name="en_i")
        self.data, self.out = Signal(22, name="in_data_i"), Signal(14, name="out_data_o")
        self.valid, self.kind = Signal(name="out_valid_o"), Signal(2, name="kind_i")
        self.ports = [self.out, self.data, self.valid, self.en, self.rst, self.clk, self.kind]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        domain = ClockDomain("sync")
        m.domains += domain
        m.d.comb += [domain.clk.eq(self.clk), domain.rst.eq(self.rst)]
        x_0, x_1 = Signal(signed_shape(11), name="x_0"), Signal(11, name="x_1")
        m.d.comb += [x_0.eq(self.data[:11]), x_1.eq(self.data[11:])]
        sum_0, sum_1 = (
            Signal(signed_shape(13), name="sum_0"),
            Signal(signed_shape(14), name="sum_1"),
        )
        m.d.comb += sum_0.eq((x_0 + x_1)[:13])
        m.d.comb += sum_1.eq(Cat(x_0[:2], (x_0[2:].as_signed() + x_1)[:12]))
        stage = Signal(signed_shape(13), name="sum_0_s1", reset_less=True)
        other = Signal(signed_shape(14), name="sum_1_s1", reset_less=True)
        with m.If(self.en):
            m.d.sync += [stage.eq(sum_0), other.eq(sum_1), self.valid.eq(1)]
        table = Signal(4, name="table_0")
        with m.Switch(self.kind):
            for index, value in enumerate((9, 4, 2)):
                with m.Case(index):
                    m.d.comb += table.eq(value)
            with m.Default():
                m.d.comb += table.eq(1)
        product = Signal(signed_shape(14), name="product_0")
        m.d.comb += product.eq(stage[3:].as_signed() * Cat(table, Const(0, 1)).as_signed())
        y_0 = Signal(14, name="y_0")
        m.d.comb += y_0.eq(Mux(stage < Const(-5, signed_shape(13)), 3, product - other))
        m.d.comb += self.out.eq(y_0)
        return m


_GOLDEN = """\
// small, layer top
// latency 1
module top (
    input wire clk,
    input wire rst,
    input wire [21:0] in_data_i,
    input wire en_i,
    input wire [1:0] kind_i,
    output wire [13:0] out_data_o,
    output reg out_valid_o
);
  reg signed [12:0] sum_0_s1;
  reg signed [13:0] sum_1_s1;

  wire signed [10:0] x_0 = in_data_i[10:0];
  wire [10:0] x_1 = in_data_i[21:11];
  wire signed [12:0] sum_0 = {{2{x_0[10]}}, x_0} + {2'd0, x_1};
  wire signed [13:0] sum_1 = {{{3{x_0[10]}}, x_0[10:2]} + {1'b0, x_1}, x_0[1:0]};
  reg [3:0] table_0;
  always @* begin
    case (kind_i)
      2'd0: table_0 = 4'd9;
      2'd1: table_0 = 4'd4;
      2'd2: table_0 = 4'd2;
      default: table_0 = 4'd1;
    endcase
  end
  wire signed [13:0] product_0 = $signed({{4{sum_0_s1[12]}}, sum_0_s1[12:3]}) * \
$signed({10'd0, table_0});
  wire [13:0] y_0 = (sum_0_s1 < -13'sd5) ? 14'd3 : (product_0 - sum_1_s1);

  always @(posedge clk) begin
    if (en_i) begin
      sum_0_s1 <= sum_0;
      sum_1_s1 <= sum_1;
    end
  end

  always @(posedge clk) begin
    if (rst) begin
      out_valid_o <= 1'b0;
    end else if (en_i) begin
      out_valid_o <= 1'b1;
    end
  end

  assign out_data_o = y_0;
endmodule
"""


def _small() -> str:
    top = _Small()
    return str(rtlil.convert(top, name="top", ports=top.ports, emit_src=False))


def test_golden() -> None:
    text = print_verilog(parse_rtlil(_small()), {"top": "small, layer top\nlatency 1"})
    assert text == _GOLDEN


@pytest.mark.tool
def test_small_module_is_equal_and_lint_clean(tmp_path: Path) -> None:
    il = _small()
    verilog = print_verilog(parse_rtlil(il), {})
    _lint(verilog, tmp_path)
    _prove(il, verilog, tmp_path)


@pytest.mark.tool
def test_the_proof_can_fail(tmp_path: Path) -> None:
    il = _small()
    verilog = print_verilog(parse_rtlil(il), {}).replace("-13'sd5", "-13'sd4")
    with pytest.raises(Exception, match="unproven"):
        _prove(il, verilog, tmp_path)


@pytest.mark.tool
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.data())
def test_random_modules(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    draw = data.draw
    top = RandomTop(draw, draw(st.integers(1, 14)), draw(st.integers(0, 1)), draw(st.booleans()))
    il = to_rtlil(top, "top")
    verilog = print_verilog(parse_rtlil(il), {})
    assert verilog == print_verilog(parse_rtlil(il), {})
    folder = tmp_path_factory.mktemp("random")
    _lint(verilog, folder)
    _prove(il, verilog, folder)


def test_instances_keep_ports_and_parameters() -> None:
    class Top(Elaboratable):
        clk = Signal(name="clk")
        data, out = Signal(4, name="d_i"), Signal(4, name="q_o")

        def elaborate(self, platform: object) -> Module:
            m = Module()
            inner = Signal(5, name="q_0")
            m.submodules.layer = Instance(
                "top__fc", p_DEPTH=3, i_clk=self.clk, i_d_i=self.data + 1, o_q_o=inner
            )
            m.d.comb += self.out.eq(inner[1:])
            return m

    top = Top()
    ports = [top.data, top.clk, top.out]
    il = rtlil.convert(top, name="top", ports=ports, emit_src=False)
    assert print_verilog(parse_rtlil(il), {}) == (
        "module top (\n    input wire clk,\n    input wire [3:0] d_i,\n"
        "    output wire [3:0] q_o\n);\n  wire [4:0] q_0;\n\n"
        "  top__fc #(.DEPTH(3)) layer (\n      .clk(clk),\n"
        "      .d_i({1'b0, d_i} + 5'd1),\n      .q_o(q_0)\n  );\n\n"
        "  assign q_o = q_0[4:1];\n\n  wire unused = &{1'b0, q_0[0]};\nendmodule\n"
    )


def test_handshakes_may_go_around_through_instances() -> None:
    class Top(Elaboratable):
        valid, out = Signal(name="valid_i"), Signal(name="valid_o")

        def elaborate(self, platform: object) -> Module:
            m = Module()
            ready, sent = Signal(name="ready"), Signal(name="sent")
            m.submodules.a = Instance("a", i_en=ready, o_v=sent)
            m.submodules.b = Instance("b", i_v=sent & ready & self.valid, o_r=ready)
            m.d.comb += self.out.eq(sent & ready)
            return m

    top = Top()
    il = rtlil.convert(top, name="top", ports=[top.valid, top.out], emit_src=False)
    text = print_verilog(parse_rtlil(il), {})
    assert ".v((sent & ready) & valid_i)" in text
    assert "assign valid_o = sent & ready;" in text


def test_unknown_text_is_refused() -> None:
    with pytest.raises(InternalError, match="line 2") as caught:
        parse_rtlil("module \\top\n  sync posedge \\clk\nend\n")
    assert caught.value.code == "rtlil.syntax"


def test_text_that_ends_early_is_refused() -> None:
    with pytest.raises(InternalError, match="ends early"):
        parse_rtlil("module \\top\n  wire width 1 \\a\n")


def test_unknown_cells_are_refused() -> None:
    class Divider(Elaboratable):
        a, b, out = Signal(4, name="a"), Signal(4, name="b"), Signal(4, name="out")

        def elaborate(self, platform: object) -> Module:
            m = Module()
            m.d.comb += self.out.eq(self.a // self.b)
            return m

    top = Divider()
    il = rtlil.convert(top, name="top", ports=[top.a, top.b, top.out], emit_src=False)
    with pytest.raises(InternalError, match="divfloor") as caught:
        print_verilog(parse_rtlil(il), {})
    assert caught.value.code == "rtlil.unsupported"
