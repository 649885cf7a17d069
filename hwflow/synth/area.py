"""Area: what each cell costs, counted for the whole netlist and for each layer.

Rules that are easy to get wrong and are therefore stated: inverters are counted as LUTs; carry
cells that hold LUTs (CCU2C: two, Gowin's ALU: one) and LUTs used as memory are counted as those
LUTs as well; two RAMB18 share one RAMB36, which is what Xilinx devices are counted in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hwflow.errors import ToolFailed
from hwflow.plan.targets import Target
from hwflow.synth.netlist import layer_of

__all__ = ["COSTS", "LUT_RULE", "Area", "Cost", "Use", "areas", "utilization"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one cell takes of the device; `lut_ram` are those of its LUTs that store words."""

    lut: int = 0
    ff: int = 0
    carry: int = 0
    lut_ram: int = 0
    half_bram: int = 0
    dsp: int = 0


@dataclass(frozen=True, slots=True)
class Area:
    """Counted cells of a netlist or a layer; `lut` are LUT equivalents (`LUT_RULE`).

    `lut_ram` are those of the LUTs that are memory. `bram` counts what the target's resources
    count; halves are rounded up, so that layers can add up to more than the whole.
    """

    lut: int
    ff: int
    carry: int
    cells: tuple[tuple[str, int], ...]
    lut_ram: int = 0
    bram: int = 0
    dsp: int = 0


@dataclass(frozen=True, slots=True)
class Use:
    """How much of one resource is taken."""

    resource: str
    used: int
    available: int


LUT_RULE: Final = (
    "every LUT and inverter counts 1, CCU2C 2, Gowin ALU 1, an SB_CARRY without a LUT on its "
    "operands 1, a LUT RAM each LUT that stores words; wide multiplexers and Xilinx carry cells 0"
)
_LUT, _FF = Cost(lut=1), Cost(ff=1)
_FREE: Final = ("PFUMX", "L6MUX21", "MUXF7", "MUXF8", *(f"MUX2_LUT{n}" for n in range(5, 9)))
_LUTS: Final = ("SB_LUT4", "LUT6_2", "INV", "$lut", "$_NOT_", *(f"LUT{n}" for n in range(1, 7)))
_FFS: Final = ("TRELLIS_FF", "FDRE", "FDSE", "FDCE", "FDPE")
_FF_FAMILIES: Final = ("SB_DFF", "DFF", "$_DFF", "$_SDFF")
_BLOCK_RAMS: Final = ("SB_RAM40_4K", "DP16KD", "RAMB36E1", "RAMB36E2")
_HALF_BLOCK_RAMS: Final = ("RAMB18E1", "RAMB18E2")
_DSPS: Final = ("SB_MAC16", "MULT18X18D", "DSP48E1", "DSP48E2")
_LUT_RAMS: Final = (
    ("TRELLIS_DPR16X4", 4),
    *(("RAM32M", 4), ("RAM64M", 4), ("RAM32M16", 8), ("RAM64M8", 8)),
    *(("RAM64X1D", 2), ("RAM128X1D", 4)),
)
# LUTs that a TRELLIS_DPR16X4 makes unusable: its write port takes the place of a slice.
_WRITE_PORT: Final = 2
COSTS: Final[dict[str, Cost]] = {
    **dict.fromkeys(_FREE, Cost()),
    **dict.fromkeys(_LUTS, _LUT),
    **dict.fromkeys(_FFS, _FF),
    "CCU2C": Cost(lut=2, carry=1),
    "ALU": Cost(lut=1, carry=1),
    "SB_CARRY": Cost(carry=1),
    "CARRY4": Cost(carry=1),
    "CARRY8": Cost(carry=2),
    **dict.fromkeys(_BLOCK_RAMS, Cost(half_bram=2)),
    **dict.fromkeys(_HALF_BLOCK_RAMS, Cost(half_bram=1)),
    **dict.fromkeys(_DSPS, Cost(dsp=1)),
    **{kind: Cost(lut=luts, lut_ram=luts) for kind, luts in _LUT_RAMS},
    "GND": Cost(),
    "VCC": Cost(),
}

# A module of Yosys' JSON.
Json = Any


def areas(module: Json, layers: Sequence[str]) -> tuple[Area, dict[str, Area]]:
    """Count a flat module: the whole, and each layer ("" is what lies outside of layers).

    Raises:
        ToolFailed: `synth.cell` for a cell that no recipe should have left over.
    """
    kinds: dict[str, Counter[str]] = {layer: Counter() for layer in ("", *layers)}
    lone: Counter[str] = Counter()
    lone.update(layer_of(name, layers) for name in _lone_carries(module["cells"]))
    for name, cell in module["cells"].items():
        kinds[layer_of(name, layers)][cell["type"]] += 1
    per_layer = {layer: _area(kinds[layer], lone[layer]) for layer in kinds}
    return _area(sum(kinds.values(), Counter()), lone.total()), per_layer


def utilization(whole: Area, module: Json, target: Target) -> tuple[Use, ...]:
    """Compare counted cells with the device; empty for a target without resources.

    Block RAMs and DSPs are listed where the design uses any. `logic_cell` is what placement needs:
    on ECP5 LUTs, the entries and exits of carry chains and the write ports of LUT RAMs, on iCE40
    LUTs and the registers that cannot share the cell of the LUT that feeds them.
    """
    have = target.resources
    if have is None:
        return ()
    uses = [Use("lut", whole.lut, have.lut), Use("ff", whole.ff, have.ff)]
    if have.carry is not None:
        uses.append(Use("carry", whole.carry, have.carry))
    if target.family == "ecp5":
        entries = 2 * _chain_entries(module["cells"])
        entries += _WRITE_PORT * dict(whole.cells).get("TRELLIS_DPR16X4", 0)
        uses.append(Use("logic_cell", whole.lut + entries, have.lut))
    if target.family == "ice40":
        uses.append(Use("logic_cell", whole.lut + _lone_registers(module["cells"]), have.lut))
    blocks = (Use("bram", whole.bram, have.bram), Use("dsp", whole.dsp, have.dsp))
    return (*uses, *(use for use in blocks if use.used))


def _area(kinds: Counter[str], lone_carries: int) -> Area:
    costs = [(n, _cost(kind)) for kind, n in kinds.items()]
    return Area(
        lut=sum(n * cost.lut for n, cost in costs) + lone_carries,
        ff=sum(n * cost.ff for n, cost in costs),
        carry=sum(n * cost.carry for n, cost in costs),
        lut_ram=sum(n * cost.lut_ram for n, cost in costs),
        bram=-(-sum(n * cost.half_bram for n, cost in costs) // 2),
        dsp=sum(n * cost.dsp for n, cost in costs),
        cells=tuple(sorted(kinds.items())),
    )


def _cost(kind: str) -> Cost:
    cost = COSTS.get(kind) or (_FF if kind.startswith(_FF_FAMILIES) else None)
    if cost is None:
        raise ToolFailed(
            "synth.cell",
            f"the mapped netlist holds a cell of type {kind!r}, which has no area and no model",
            hint="use constructs that map to LUTs, carry chains, flip-flops, block RAMs and DSPs",
        )
    return cost


def _chain_entries(cells: Json) -> int:
    """CCU2C cells that placement adds: one to start each carry chain, one to leave it."""
    carries = [cell["connections"] for cell in cells.values() if cell["type"] == "CCU2C"]
    ends = {str(pins["COUT"][0]) for pins in carries if pins.get("COUT")}
    starts = sum(1 for pins in carries if str(pins["CIN"][0]) not in ends)
    read = {
        str(bit)
        for cell in cells.values()
        for pin, bits in cell["connections"].items()
        if pin != "CIN" and cell["port_directions"].get(pin) == "input"
        for bit in bits
    }
    return starts + len(ends & read)


def _lone_carries(cells: Json) -> Iterable[str]:
    """SB_CARRY cells whose LUT position is wasted: no LUT reads the same operands and carry."""
    luts = {
        tuple(str(cell["connections"][pin]) for pin in ("I1", "I2", "I3"))
        for cell in cells.values()
        if cell["type"] == "SB_LUT4"
    }
    for name, cell in cells.items():
        if cell["type"] == "SB_CARRY":
            pins = cell["connections"]
            if tuple(str(pins[pin]) for pin in ("I0", "I1", "CI")) not in luts:
                yield name


def _lone_registers(cells: Json) -> int:
    """SB_DFF* cells that cannot share the logic cell of the LUT that feeds them."""
    readers: Counter[str] = Counter()
    lut_outputs = set()
    for cell in cells.values():
        for pin, bits in cell["connections"].items():
            if cell["port_directions"].get(pin) == "input":
                readers.update(str(bit) for bit in bits)
        if cell["type"] == "SB_LUT4":
            lut_outputs.add(str(cell["connections"]["O"][0]))
    data = [str(c["connections"]["D"][0]) for c in cells.values() if c["type"].startswith("SB_DFF")]
    return sum(1 for bit in data if bit not in lut_outputs or readers[bit] > 1)
