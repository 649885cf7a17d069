"""Synthesis to standard cells: RTL and a library in, netlist and counted area out."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from hwflow.asic.kit import Kit, kit_of
from hwflow.asic.liberty import Library, load_library
from hwflow.asic.power_data import without_power_data
from hwflow.synth import recipes
from hwflow.synth.asic.area import CellArea, areas
from hwflow.synth.asic.buffers import buffer_nets
from hwflow.synth.asic.gating import Gating, count_gating, merge_gates
from hwflow.synth.asic.latches import weights_in_latches
from hwflow.synth.asic.netlist import TIE_LOADS, functions, tie_constants, verilog
from hwflow.synth.asic.protection import Protection, count_protection
from hwflow.synth.asic.script import (
    FULL_ADDER,
    LIBRARY,
    MAPS,
    PROTECTED,
    SHARED,
    full_adder,
    hierarchy,
    script,
)
from hwflow.synth.asic.sharing import share_modules
from hwflow.synth.asic.sizing import Sizing, Speed, size_gates
from hwflow.synth.netlist import canonical, layer_instances, read_json, write_json
from hwflow.synth.run import run_yosys

__all__ = ["GATES", "AsicResult", "synthesize_cells"]

NETLIST: Final = "netlist.json"
GATES: Final = "netlist.v"
RESULT: Final = "synth.json"


@dataclass(frozen=True, slots=True)
class AsicResult:
    """Counted area of a netlist of library cells.

    Layers are listed by name, "top" (what lies outside of layers) last; they add up to the whole.
    `gating` tells what became of enables, `shared` how many modules that the design repeats were
    mapped once each (None: it was flattened before), `protection` what TMR took (None without),
    `constants` how constant pins are driven, `gate` the cell that is one gate equivalent, `buffers`
    how many cells the fan-out trees took, `sizing` what was done for speed (None: no clock was
    given); `without_power_data` names cells of the netlist for which
    the library has no energy or no leakage.
    """

    top: str
    target: str
    library: str
    voltage: float
    temperature: float
    gating: Gating
    shared: int | None
    protection: Protection | None
    gate: str
    gate_um2: float
    constants: str
    buffers: int
    sizing: Sizing | None
    without_power_data: tuple[str, ...]
    whole: CellArea
    layers: tuple[tuple[str, CellArea], ...]

    def to_json(self) -> str:
        """Return the canonical JSON text; cell counts become an object."""
        record = asdict(self)
        record["layers"] = [{"layer": name, "area": asdict(area)} for name, area in self.layers]
        for area in (record["whole"], *(layer["area"] for layer in record["layers"])):
            area["cells"] = dict(area["cells"])
        return json.dumps(record, indent=1, sort_keys=True) + "\n"


def synthesize_cells(
    rtl: Path,
    top: str,
    layer_modules: Sequence[str],
    library_file: Path,
    out: Path,
    work: Path,
    *,
    clock_gating: bool = True,
    weight_latches: bool = True,
    flat: bool = False,
    protected: bool = False,
    avoid: Sequence[str] = (),
    speed: Speed | None = None,
    timeout: float = 7200.0,
) -> AsicResult:
    """Map `rtl` to the library's cells; write netlist.json, netlist.v and synth.json into `out`.

    Modules listed in `layer_modules` keep their border until mapping is done, so that their area
    is counted, not estimated. With `clock_gating` enables become clock gates where the library has
    them; with `weight_latches` words of the weight loader that have one become latches, where the
    library has those. Not `flat`, a module that the design repeats is mapped once. Copies and
    voters of a `protected` design are counted after each step. Cells to `avoid` are not used.
    With `speed`, gates are sized for their loads until the clock is met, as far as that goes.
    Files of the run (script, log) stay in `work`.

    Raises:
        InputError: `liberty.*` and `library.*` for a library or a corner that cannot be used,
            `synth.name`.
        CheckFailed: `synth.tmr` where copies or voters were lost.
        ToolMissing, ToolFailed: Yosys is absent or failed.
    """
    library = load_library(library_file)
    kit = kit_of(library, avoid)
    work.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(library_file, work / LIBRARY)
    if kit.full_adder:
        (work / FULL_ADDER).write_text(full_adder(kit.full_adder), encoding="utf-8")
    mapping = script(top, layer_modules, kit, gated=clock_gating, flat=flat, protected=protected)
    rtl_modules = _modules(rtl, top, work, timeout) if protected or not flat else None
    shared = None
    if not flat:
        shared_modules = copy.deepcopy(rtl_modules)
        shared = share_modules(shared_modules, top, layer_modules)
        write_json(shared_modules, work / SHARED)
    run_yosys(rtl, mapping, MAPS, work, timeout)
    layers = layer_instances(read_json(work / recipes.TOP_ONLY), top, layer_modules)
    mapped = read_json(work / recipes.MAPPED)
    merge_gates(mapped, top, layers, kit)
    if weight_latches:
        weights_in_latches(mapped, top, library, kit)
    protection = None
    if protected:
        kept = read_json(work / PROTECTED)
        protection = count_protection(rtl_modules, kept, mapped, top, library)
    netlist = canonical(mapped, top, layers)
    module = netlist["modules"][top]
    tie_constants(module, layers, kit)
    buffers = buffer_nets(module, layers, library, kit)
    sizing = size_gates(module, layers, library, kit, speed) if speed else None
    gating = count_gating(module, kit, clock_gating)
    result = _result(module, top, layers, library, kit, buffers, sizing, gating, shared, protection)
    netlist["liberty"] = functions(module, library)
    out.mkdir(parents=True, exist_ok=True)
    write_json(netlist, out / NETLIST)
    (out / GATES).write_text(verilog(module, top), encoding="utf-8")
    (out / RESULT).write_text(result.to_json(), encoding="utf-8")
    return result


def _modules(rtl: Path, top: str, work: Path, timeout: float) -> Any:
    """The modules of the RTL in Yosys' JSON."""
    run_yosys(rtl, hierarchy(top), (), work / "hierarchy", timeout)
    return read_json(work / "hierarchy" / SHARED)


def _result(
    module: Any,
    top: str,
    layers: Sequence[str],
    library: Library,
    kit: Kit,
    buffers: int,
    sizing: Sizing | None,
    gating: Gating,
    shared: int | None,
    protection: Protection | None,
) -> AsicResult:
    whole, per_layer = areas(module, layers, library, kit)
    rest = per_layer.pop("")
    return AsicResult(
        top=top,
        target="asic",
        library=library.name,
        voltage=library.voltage,
        temperature=library.temperature,
        gating=gating,
        shared=shared,
        protection=protection,
        gate=kit.gate,
        gate_um2=kit.gate_area,
        constants=_constants(kit),
        buffers=buffers,
        sizing=sizing,
        without_power_data=without_power_data(library, dict(whole.cells)),
        whole=whole,
        layers=(*sorted(per_layer.items()), ("top", rest)),
    )


def _constants(kit: Kit) -> str:
    ties = [tie.cell for tie in (kit.tie_low, kit.tie_high) if tie is not None]
    if len(ties) == 2:
        return f"tie cells {' and '.join(ties)}, {TIE_LOADS} loads each"
    if ties:
        return f"tie cell {ties[0]}, {TIE_LOADS} loads each; the other value is a supply rail"
    return "connections to the supply rails: the library has no tie cells"
