"""A small Liberty library of our own, whole or broken on purpose.

Delays are linear in slew and load, so that interpolation is exact and figures can be computed by
hand: delay = 0.02 + 0.1 slew + 2 load (ns, pF), transition = 0.01 + 3 load, energy = 5 + 10 slew.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["GATE", "HEADER", "cell", "clock_gate", "flip_flop", "latch", "library", "write"]

HEADER = """\
  delay_model : table_lookup;
  time_unit : "1ns";
  voltage_unit : "1V";
  leakage_power_unit : "1nW";
  capacitive_load_unit (1, pf);
  nom_voltage : 1.5;
  nom_temperature : 25;
  default_max_transition : 2;
  slew_lower_threshold_pct_rise : 20;
  slew_upper_threshold_pct_rise : 80;
  slew_lower_threshold_pct_fall : 20;
  slew_upper_threshold_pct_fall : 80;
  input_threshold_pct_rise : 50;
  input_threshold_pct_fall : 50;
  output_threshold_pct_rise : 50;
  output_threshold_pct_fall : 50;
  lu_table_template (delay) {
    variable_1 : total_output_net_capacitance;
    variable_2 : input_net_transition;
    index_1 ("0.001, 0.1, 0.4");
    index_2 ("0.01, 1.01");
  }
  lu_table_template (check) {
    variable_1 : related_pin_transition;
    variable_2 : constrained_pin_transition;
    index_1 ("0.01, 1.01");
    index_2 ("0.01, 1.01");
  }
  power_lut_template (energy) {
    variable_1 : input_transition_time;
    index_1 ("0.01, 1.01");
  }
"""
_LOADS, _SLEWS = (0.001, 0.1, 0.4), (0.01, 1.01)


def _delays(rows: dict[str, tuple[float, float, float]]) -> str:
    text = ""
    for name, (base, by_slew, by_load) in rows.items():
        values = ", ".join(
            '"' + ", ".join(f"{base + by_slew * s + by_load * c:g}" for s in _SLEWS) + '"'
            for c in _LOADS
        )
        text += f"{name} (delay) {{ values ({values}); }}\n"
    return text


def _arc(pin: str, sense: str, kind: str = "") -> str:
    kinds = f"timing_type : {kind};" if kind else ""
    tables = _delays(
        {
            "cell_rise": (0.02, 0.1, 2.0),
            "cell_fall": (0.02, 0.1, 2.0),
            "rise_transition": (0.01, 0.0, 3.0),
            "fall_transition": (0.01, 0.0, 3.0),
        }
    )
    return f'timing () {{ related_pin : "{pin}"; timing_sense : {sense}; {kinds}\n{tables}}}\n'


def _energy(pin: str = "") -> str:
    related = f'related_pin : "{pin}";' if pin else ""
    values = '"0.0051, 0.0151"'
    tables = "".join(
        f"{k} (energy) {{ values ({values}); }}\n" for k in ("rise_power", "fall_power")
    )
    return f"internal_power () {{ {related}\n{tables}}}\n"


def cell(name: str, area: float, function: str, inputs: str = "A B", power: bool = True) -> str:
    """A combinational cell with output Y; inputs have 4 fF."""
    pins = inputs.split()
    text = "".join(f"pin ({p}) {{ direction : input; capacitance : 0.004; }}\n" for p in pins)
    arcs = "".join(_arc(p, "non_unate") + (_energy(p) if power else "") for p in pins)
    text += f'pin (Y) {{ direction : output; max_capacitance : 0.4; function : "{function}";\n'
    return f"cell ({name}) {{ area : {area}; cell_leakage_power : 0.5;\n{text}{arcs}}}\n}}\n"


def _checks(clock: str) -> str:
    return "".join(
        f'timing () {{ related_pin : "{clock}"; timing_type : {kind}; '
        + "".join(
            f'{edge}_constraint (check) {{ values ("{value}, {value}", "{value}, {value}"); }}'
            for edge in ("rise", "fall")
        )
        + "}\n"
        for kind, value in (("setup_rising", 0.05), ("hold_rising", 0.01))
    )


def flip_flop(name: str = "DFF", area: float = 20) -> str:
    """A rising-edge flip-flop without reset."""
    return f"""cell ({name}) {{ area : {area}; cell_leakage_power : 2;
ff (IQ, IQN) {{ clocked_on : "CK"; next_state : "D"; }}
pin (CK) {{ direction : input; clock : true; capacitance : 0.003; {_energy()} }}
pin (D) {{ direction : input; capacitance : 0.004; {_checks("CK")} }}
pin (Q) {{ direction : output; function : "IQ"; max_capacitance : 0.4;
{_arc("CK", "non_unate", "rising_edge")}{_energy("CK")} }}
}}
"""


def latch(name: str = "LATCH", area: float = 12, more: str = "", enable: str = "G") -> str:
    """A latch, open while G is high; `more` stands in its group."""
    checks = _checks("G").replace("_rising", "_falling")
    return f"""cell ({name}) {{ area : {area}; cell_leakage_power : 1;
latch (IQ, IQN) {{ enable : "{enable}"; data_in : "D"; {more} }}
pin (G) {{ direction : input; clock : true; capacitance : 0.002; {_energy()} }}
pin (D) {{ direction : input; capacitance : 0.004; {checks}{_energy()} }}
pin (Q) {{ direction : output; function : "IQ"; max_capacitance : 0.4;
{_arc("D", "positive_unate")}{_arc("G", "non_unate", "rising_edge")}{_energy("D")}{_energy("G")} }}
}}
"""


def clock_gate(name: str = "CKGATE", area: float = 10, test: str = "") -> str:
    """An integrated clock gate, left out of logic as libraries do; `test` is a test pin."""
    more = "direction : input; capacitance : 0.002; clock_gate_test_pin : true;"
    return f"""cell ({name}) {{ area : {area}; cell_leakage_power : 1; dont_use : true;
clock_gating_integrated_cell : "latch_posedge{"_precontrol" if test else ""}";
statetable ("CLK EN", "L") {{ table : "L L : - : L , L H : - : H , H - : - : N"; }}
pin (L) {{ direction : internal; internal_node : "L"; }}
pin (CLK) {{ direction : input; clock : true; clock_gate_clock_pin : true; capacitance : 0.003;
{_energy()} }}
pin (EN) {{ direction : input; clock_gate_enable_pin : true; capacitance : 0.004;
{_checks("CLK")}{_energy()} }}
{f"pin ({test}) {{ {more} }}" if test else ""}
pin (GCLK) {{ direction : output; clock_gate_out_pin : true; max_capacitance : 0.4;
state_function : "CLK * L"; {_arc("CLK", "positive_unate")}{_energy("CLK")} }}
}}
"""


CELLS = (
    cell("INV", 2, "!A", "A"),
    cell("BUF", 3, "A", "A"),
    cell("NAND2", 4, "!(A & B)"),
    cell("NOR2", 4, "(A + B)'"),
    cell("XOR2", 8, "A ^ B"),
    cell("TIE0", 1, "0", ""),
    cell("TIE1", 1, "1", ""),
    flip_flop(),
)
"""All that a design needs."""

GATE = clock_gate()


def library(cells: tuple[str, ...] = CELLS, header: str = HEADER) -> str:
    """The whole file."""
    return f"library (tiny) {{\n{header}{''.join(cells)}}}\n"


def write(folder: Path, text: str = "", name: str = "tiny.lib") -> Path:
    """The library (or other text) as a file."""
    path = folder / name
    path.write_text(text or library(), encoding="utf-8")
    return path
