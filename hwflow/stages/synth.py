"""Stage synth: Yosys to a mapped netlist, counted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hwflow.config import DesignConfig
from hwflow.errors import CheckFailed
from hwflow.flow import StageContext
from hwflow.plan.interface_file import read_interface
from hwflow.plan.streams import Interface
from hwflow.plan.targets import target
from hwflow.stages.cells import library_path
from hwflow.stages.files import part_names, read_json, write_json
from hwflow.stages.history import write_seen
from hwflow.synth.asic.protection import Protection
from hwflow.synth.prove import never
from hwflow.synth.synthesize import NETLIST, synthesize
from hwflow.verify.netlist.held import MOVES, moving_data
from hwflow.verify.netlist.triples import check_triples

__all__ = ["TMR", "run"]

TMR = "tmr.json"


def run(config: DesignConfig, context: StageContext) -> None:
    """Map the RTL for the target."""
    text = (context.inputs["generate"] / "interface.json").read_text(encoding="utf-8")
    interface = read_interface(text)
    top = interface.top
    plan = read_json(context.inputs["plan"] / "plan.json")
    layers = plan["layers"]
    modules = {f"{top}__{name}": None for name in part_names(plan)}
    modules |= {f"{top}__{entry['name']}": entry.get("multiplier") for entry in layers}
    if config.hardware.asic:
        _map_to_cells(config, context, interface, list(modules))
        return
    device = config.hardware.target
    context.progress(0.0, f"Yosys for {device}")
    result = synthesize(
        context.inputs["generate"] / "design.v",
        top,
        list(modules),
        target(device),
        context.out,
        context.scratch,
        dsp_modules=[name for name, multiplier in modules.items() if multiplier == "dsp"],
    )
    if config.hardware.protect == "tmr":
        # Voters are counted too: these figures would mislead the plans of designs without.
        write_json(context.out / TMR, _triples(context.out / NETLIST, top))
        return
    counted = {layer.layer: layer.area.lut for layer in result.layers}
    write_seen(context.out, target(device), layers, counted)


def _map_to_cells(
    config: DesignConfig, context: StageContext, interface: Interface, modules: list[str]
) -> None:
    from hwflow.synth.asic import Speed, synthesize_cells

    library, top = library_path(config), interface.top
    period = float(1_000_000_000 / config.hardware.clock)
    context.progress(0.0, f"Yosys for the cells of {library.name}")
    protected = config.hardware.protect == "tmr"
    result = synthesize_cells(
        context.inputs["generate"] / "design.v",
        top,
        modules,
        library,
        context.out,
        context.scratch,
        clock_gating=config.hardware.clock_gating,
        weight_latches=config.hardware.weight_latches,
        flat=config.hardware.flatten,
        protected=protected,
        avoid=config.hardware.dont_use,
        speed=Speed(interface.clock, period, config.hardware.corners.slow),
    )
    if result.whole.latches:
        context.progress(0.9, "proving that latches hold what flip-flops would")
        _check_held(context.out / NETLIST, top, context.scratch)
    if protected:
        assert result.protection is not None
        counted = _triples(context.out / NETLIST, top)
        _check_counts(counted, result.protection)
        write_json(context.out / TMR, {**counted, "added_um2": result.protection.added_um2})


def _check_held(netlist: Path, top: str, work: Path) -> None:
    """Refuse latches whose data may move over the edge that opens them."""
    if not never(moving_data(netlist, top), MOVES, work / "held"):
        raise CheckFailed(
            "synth.latch",
            "the data of a weight's latch may change at the clock edge that opens it: it would not "
            "hold what a flip-flop would",
            hint="write `hardware: {weight_latches: false}`, and please report it with the design",
        )


def _check_counts(counted: Mapping[str, int], mapped: Protection) -> None:
    """The netlist has what the mapped modules had: a voter a bit, three where the bit can hold.

    Weights have one, and the loader's own are in no module of registers. Bits that nothing reads
    may be gone, all three copies of them.
    """
    unread, rest = divmod(mapped.copies + mapped.loader - counted["flip_flops"], 3)
    needed = counted["bits"] + 2 * (counted["held_bits"] - counted["weight_bits"])
    if rest or unread < 0 or counted["voters"] != needed:
        raise CheckFailed(
            "synth.tmr",
            f"triplication did not survive synthesis: {mapped.copies + mapped.loader} copies were "
            f"mapped, the netlist has {counted['flip_flops']} with {counted['voters']} voters, "
            f"expected {needed}",
            hint="a tool merged copies or voters; please report it together with the design",
        )


def _triples(netlist: Path, top: str) -> dict[str, int]:
    """What check_triples counted, for the report."""
    found = check_triples(netlist, top)
    return {
        "flip_flops": found.flip_flops,
        "bits": found.bits,
        "held_bits": found.held,
        "gated_bits": found.gated,
        "weight_bits": found.weights,
        "voters": found.voters,
    }
