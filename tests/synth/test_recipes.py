"""The Yosys scripts: what every family has in common, and one script in full."""

from __future__ import annotations

import pytest

from hwflow.errors import InputError
from hwflow.plan.targets import TARGETS, target
from hwflow.synth.recipes import NOTHING, RECIPES, Content, content, maps, script

DEVICES = [t for t in TARGETS if t.family != "asic"]  # cells have a script of their own
ECP5 = """\
read_verilog -lib +/lattice/cells_sim_ecp5.v
read_verilog design.v
hierarchy -check -top net
setattr -mod -set keep_hierarchy 1 net__a
setattr -mod -set keep_hierarchy 1 net__b
proc
opt_expr
opt_clean
wreduce
peepopt
opt_clean
techmap -map adders.v
alumacc
flatten -noscopeinfo
opt_expr
opt_clean
select -module net
write_json -selected top.json
select -clear
opt
memory -nomap
opt_clean
opt -fast -mux_undef -undriven -fine
memory_map
opt -undriven -fine
techmap -map +/techmap.v -map +/lattice/arith_map_ccu2c.v
opt -fast
opt_clean
dfflegalize -cell $_DFF_P_ 01 -cell $_DFF_PP?_ r -cell $_SDFF_PP?_ r \
-cell $_DFFE_PP_ 01 -cell $_DFFE_PP?P_ r -cell $_SDFFE_PP?P_ r
techmap -D NO_LUT -map +/lattice/cells_map_trellis.v
opt_expr -undriven -mux_undef
simplemap
opt_clean
abc -luts 2:2,3,4 -script +strash;dc2;if,-a
clean
techmap -map +/lattice/cells_map_trellis.v
opt_lut_ins -tech lattice
clean
setattr -mod -unset keep_hierarchy *
flatten -noscopeinfo
clean
setundef -zero -params
blackbox =A:whitebox
check -assert
setattr -unset src
write_json mapped.json
"""


def test_ecp5_script_in_full() -> None:
    assert script("net", ("net__a", "net__b"), target("ecp5-85k")) == ECP5


@pytest.mark.parametrize("name", [t.name for t in DEVICES])
def test_every_target_has_a_recipe(name: str) -> None:
    lines = script("net", (), target(name)).splitlines()
    order = ["techmap -map adders.v", "alumacc", "flatten -noscopeinfo", "write_json mapped.json"]
    assert [line for line in lines if line in order][:3] == order[:3]
    assert lines[-1] == order[3]
    assert not [line for line in lines if "iopad" in line or "abc9" in line]


def test_each_fabric_has_one_recipe() -> None:
    fabrics = [(family, lut_inputs) for family, lut_inputs, _ in RECIPES]
    assert len(set(fabrics)) == len(fabrics)
    assert {(t.family, t.lut_inputs) for t in DEVICES} == set(fabrics)


@pytest.mark.parametrize("name", ["a;shell", "a b", "", "1a", "a\nexec", "$x", "a-b"])
def test_names_never_reach_the_script_unchecked(name: str) -> None:
    with pytest.raises(InputError) as caught:
        script(name, (), target("lut4"))
    assert caught.value.code == "synth.name"
    with pytest.raises(InputError):
        script("net", (name,), target("lut4"))


@pytest.mark.parametrize(
    ("rtl", "expected"),
    [
        ("module m; assign y = a + b; // a * b\nendmodule", NOTHING),
        ("always @(*) y = a; always @* z = b; /* a * b */", NOTHING),
        ("(* keep = 1 *) wire a; (* full_case *) case (a)", NOTHING),
        ("assign p = a * b;", Content(products=True)),
        ('(* rom_style = "block" *) reg [3:0] w [0:9];', Content(memories=True)),
        ('(* ram_style = "block", no_rw_check *)\nassign p=a*b;', Content(True, True)),
    ],
)
def test_content_of_a_design(rtl: str, expected: Content) -> None:
    assert content(rtl) == expected


@pytest.mark.parametrize("name", ["ice40-up5k", "ecp5-25k", "xc7-a35t", "xcup-zu3eg"])
def test_blocks_are_mapped_only_where_asked_for(name: str) -> None:
    device = target(name)
    plain = script("net", ("net__a",), device)
    assert "memory_libmap" not in plain
    assert "multipliers" not in plain
    assert "dsp" not in plain
    full = script("net", ("net__a",), device, dsp_modules=("net__a",), holds=Content(True, True))
    lines = full.splitlines()
    assert [line for line in lines if line.startswith("memory_libmap") and "-no-auto-block" in line]
    dsp = next(k for k, line in enumerate(lines) if "mul2dsp.v" in line)
    luts = lines.index(f"techmap {' '.join(f'-map {file}' for file in maps(device)[1:])}")
    assert lines[dsp].endswith(" @dsps")
    assert dsp < luts < lines.index("techmap -map adders.v")


@pytest.mark.parametrize("name", ["ice40-hx8k", "gowin-gw1n-9", "lut4"])
def test_dsps_need_a_target_that_has_them(name: str) -> None:
    with pytest.raises(InputError) as caught:
        script("net", ("net__a",), target(name), dsp_modules=("net__a",))
    assert caught.value.code == "synth.no-dsp"
    assert name in caught.value.message
