"""Synthesis: RTL in, one flat mapped netlist and counted area out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from hwflow.errors import InputError
from hwflow.plan.targets import Target, larger_targets
from hwflow.synth import recipes
from hwflow.synth.area import LUT_RULE, Area, Use, areas, utilization
from hwflow.synth.netlist import canonical, layer_instances, read_json, write_json
from hwflow.synth.run import run_yosys

__all__ = ["NETLIST", "RESULT", "LayerArea", "SynthResult", "synthesize"]

NETLIST: Final = "netlist.json"
RESULT: Final = "synth.json"


@dataclass(frozen=True, slots=True)
class LayerArea:
    """Counted area of one layer instance; `layer` is "top" for what lies outside of layers."""

    layer: str
    area: Area


@dataclass(frozen=True, slots=True)
class SynthResult:
    """Counted area of a mapped netlist.

    `utilization` is empty and `fits` true for targets without a device. Layers are listed by
    name, "top" last; their counts add up to the whole.
    """

    top: str
    target: str
    whole: Area
    layers: tuple[LayerArea, ...]
    utilization: tuple[Use, ...]
    fits: bool

    def to_json(self) -> str:
        """Return the canonical JSON text; cell counts become an object."""
        record = asdict(self)
        for area in (record["whole"], *(layer["area"] for layer in record["layers"])):
            area["cells"] = dict(area["cells"])
        record["lut_rule"] = LUT_RULE
        return json.dumps(record, indent=1, sort_keys=True) + "\n"


def synthesize(
    rtl: Path,
    top: str,
    layer_modules: Sequence[str],
    target: Target,
    out: Path,
    work: Path,
    *,
    dsp_modules: Sequence[str] = (),
    timeout: float = 3600.0,
) -> SynthResult:
    """Map `rtl` for `target` and write `netlist.json` and `synth.json` into `out`.

    Modules listed in `layer_modules` keep their border until mapping is done, so that their area
    is counted, not estimated. Multipliers in `dsp_modules` and in what these instantiate become
    DSPs. Files of the run (script, log) stay in `work`.

    Raises:
        InputError: `synth.name`, `synth.no-dsp`, or `synth.too-large` when the device cannot hold
            the netlist.
        ToolMissing, ToolFailed: Yosys is absent or failed.
    """
    holds = recipes.content(rtl.read_text(encoding="utf-8"))
    script = recipes.script(top, layer_modules, target, dsp_modules=dsp_modules, holds=holds)
    out.mkdir(parents=True, exist_ok=True)
    run_yosys(rtl, script, recipes.maps(target), work, timeout)
    layers = layer_instances(read_json(work / recipes.TOP_ONLY), top, layer_modules)
    netlist = canonical(read_json(work / recipes.MAPPED), top, layers)
    result = _result(netlist["modules"][top], top, layers, target)
    write_json(netlist, out / NETLIST)
    (out / RESULT).write_text(result.to_json(), encoding="utf-8")
    if not result.fits:
        raise _too_large(result, target)
    return result


def _result(module: Any, top: str, layers: Sequence[str], target: Target) -> SynthResult:
    whole, per_layer = areas(module, layers)
    rest = per_layer.pop("")
    uses = utilization(whole, module, target)
    return SynthResult(
        top=top,
        target=target.name,
        whole=whole,
        layers=(
            *(LayerArea(name, per_layer[name]) for name in sorted(per_layer)),
            LayerArea("top", rest),
        ),
        utilization=uses,
        fits=all(use.used <= use.available for use in uses),
    )


def _too_large(result: SynthResult, target: Target) -> InputError:
    over = [use for use in result.utilization if use.used > use.available]
    short = next((use.resource for use in over if use.resource in ("lut", "bram", "dsp")), "lut")
    worst = max(
        result.layers, key=lambda layer: (getattr(layer.area, short), layer.area.lut, layer.area.ff)
    )
    found = ", ".join(f"{use.resource} {use.used} of {use.available}" for use in over)
    part, whole = getattr(worst.area, short), getattr(result.whole, short)
    unit = {"lut": "LUTs", "bram": "block RAMs", "dsp": "DSPs"}[short]
    fitting = [bigger.name for bigger in larger_targets(target) if _holds(bigger, result)]
    advice = f"`target: {fitting[0]}` holds it; or " if fitting else ""
    return InputError(
        "synth.too-large",
        f"{result.top} does not fit {target.name}: {found}; layer {worst.layer!r} costs most "
        f"({part} {unit}, {100 * part // max(1, whole)}% of the design)",
        hint=f"{advice}fold convolutions (`pos: 1`), or use fewer bits or outputs in "
        f"{worst.layer!r}",
    )


def _holds(target: Target, result: SynthResult) -> bool:
    have = target.resources
    if have is None:
        return False
    carries = have.carry is None or result.whole.carry <= have.carry
    whole = result.whole
    blocks = whole.bram <= have.bram and whole.dsp <= have.dsp
    return whole.lut <= have.lut and whole.ff <= have.ff and carries and blocks
