"""hwflow plan: what hardware a design becomes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from hwflow.cli.building import Job, add_design_options, errors_of, open_job
from hwflow.cli.console import Console, error_record
from hwflow.cli.table import engineering, shortened, table
from hwflow.errors import HwflowError

if TYPE_CHECKING:
    from hwflow.flow import RunResult

__all__ = ["arguments", "execute", "plan_lines"]

_HEADINGS = (
    "layer", "operations", "pe x simd x pos", "cycles", "lanes", "bits", "latency", "adders",
    "add. bits", "LUT", "FF",
)  # fmt: skip
_BLOCKS = (("dsps", "DSP"), ("brams", "BRAM"))
_OPERATIONS_WIDTH = 26
_RESOURCES = {"luts": "LUTs", "ffs": "flip-flops", "dsps": "DSPs", "brams": "block RAMs"}
_LOGIC = "logic"
"""What stands for "LUT" where there are none: standard cells are counted by synthesis."""
_CURVE_HEADINGS = ("interval", "inferences/s", "LUT", "FF", "DSP", "BRAM", "fits")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    add_design_options(parser)
    parser.add_argument(
        "--curve",
        action="store_true",
        help="show interval against cost for many foldings, as a table and a page",
    )


def execute(options: argparse.Namespace, console: Console) -> int:
    """Run the stages up to the plan and show what hardware each layer becomes.

    All figures are estimates, made before any synthesis. The model is trained first where it has
    not been trained yet.
    """
    job = open_job(options, console)
    result = job.run(console, to="lower" if options.curve else "plan")
    errors, code = errors_of(result)
    if code:
        for error in result.errors:
            console.error(error)
        console.result({"errors": errors, "exit_code": code})
        return code
    if options.curve:
        return _show_curve(job, result, console)
    artifact = result.stage("plan").artifact
    assert artifact is not None
    record = json.loads((artifact / "plan.json").read_text(encoding="utf-8"))
    head, *rest = plan_lines(record)
    console.show(head, "bold")
    console.lines(rest)
    console.result({"plan": record, "errors": [], "exit_code": 0})
    return 0


def _show_curve(job: Job, result: RunResult, console: Console) -> int:
    from hwflow.stages.tradeoff import PAGE, write_tradeoff

    lowered = result.stage("lower").artifact
    assert lowered is not None
    try:
        found = write_tradeoff(job.config, lowered, job.folder)
    except HwflowError as error:
        console.error(error)
        console.result({"errors": error_record(error), "exit_code": error.exit_code})
        return error.exit_code
    console.show(f"{job.config.design}: estimates, before synthesis", "bold")
    rows = [
        (
            _n(p["interval"]), f"{p['inferences_per_second']:,.0f}", _n(p["luts"]), _n(p["ffs"]),
            _n(p["dsps"]), _n(p["brams"]), "yes" if p["fits"] else "no",
        )
        for p in found["points"]
    ]  # fmt: skip
    console.lines(table(_named(_CURVE_HEADINGS, job.config.hardware.target), rows, "rrrrrrl"))
    facts = [("estimates", text) for text in _corrected(found["correction"])]
    facts.append(("picture", str(job.folder / PAGE)))
    console.lines(("", *(f"{name:11} {text}" for name, text in facts)))
    console.result({"curve": found["points"], "correction": found["correction"],
                    "errors": [], "exit_code": 0})  # fmt: skip
    return 0


def plan_lines(record: Mapping[str, Any]) -> tuple[str, ...]:
    """The plan's record as text: a table of layers and the whole design's figures."""
    clock = Fraction(record["clock_hz"])
    head = (
        f"{record['design']} on {record['target']} at {engineering(float(clock), 'Hz')}, "
        f"{record['interface']} (estimates, before synthesis)"
    )
    total = record["total"]
    blocks = [(key, text) for key, text in _BLOCKS if total[key]]
    rows = [_row(layer, record, blocks) for layer in record["layers"]]
    device = record["device"]
    last = ("total", *[""] * 6, _n(total["adders"]), _n(total["adder_bits"]), _n(total["luts"]),
            _n(total["ffs"]), *(_n(total[key]) for key, _ in blocks),
            _share(total["luts"], device))  # fmt: skip
    headings = (*_named(_HEADINGS, record["target"]), *(text for _, text in blocks), "share")
    lines = table(headings, [*rows, last], "lll" + "r" * (len(headings) - 3))
    return (head, "", *lines, "", *_totals(record, clock))


def _named(headings: tuple[str, ...], target: str) -> tuple[str, ...]:
    return tuple(_LOGIC if target == "asic" and h == "LUT" else h for h in headings)


def _row(
    layer: Mapping[str, Any], record: Mapping[str, Any], blocks: Sequence[tuple[str, str]]
) -> tuple[str, ...]:
    folding = layer["folding"]
    return (
        layer["name"],
        shortened(" ".join(dict.fromkeys(layer["operations"])), _OPERATIONS_WIDTH),
        f"{folding['pe']} x {folding['simd']} x {folding['pos']}",
        _n(layer["cycles"]),
        f"{layer['lanes_in']}->{layer['lanes_out']}",
        f"{layer['bits_in']}->{layer['bits_out']}",
        _n(layer["latency"]),
        _n(layer["adders"]),
        _n(layer["adder_bits"]),
        _n(layer["luts"]),
        _n(layer["ffs"]),
        *(_n(layer[key]) for key, _ in blocks),
        _share(layer["luts"], record["device"]),
    )


def _totals(record: Mapping[str, Any], clock: Fraction) -> tuple[str, ...]:
    latency, interval = record["latency_cycles"], record["initiation_interval"]
    device = record["device"]
    share = (
        f"{_share(record['total']['luts'], device)} of {_n(device['luts'])} LUTs, "
        f"{_share(record['total']['ffs'], device, 'ffs')} of {_n(device['ffs'])} flip-flops"
        if device
        else f"standard cells; {_LOGIC} counts adder bits and functions of up to four inputs, to "
        "compare foldings: it is no area"
        if record["target"] == "asic"
        else "a LUT fabric without a size"
    )
    slowest = max(record["layers"], key=lambda layer: layer["longest_path_ns"])
    facts = (
        ("device", share),
        ("latency", f"{_cycles(latency)}, {float(latency / clock * 1_000_000_000):.6g} ns"),
        ("interval", f"{_cycles(interval)} between inferences"),
        ("throughput", f"{float(clock / interval):,.0f} inferences/s"),
        ("bottleneck", _bottleneck(record)),
        (
            "clock",
            f"{engineering(record['estimated_fmax_hz'], 'Hz')} estimated; longest path "
            f"{slowest['longest_path_ns']:g} ns in {slowest['name']}",
        ),
        *(("converter", text) for text in _converters(record)),
        *_solver(record.get("solver")),
    )
    return tuple(f"{name:11} {text}" for name, text in facts)


def _solver(solver: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """What the solver was asked for, and what its estimates were corrected by."""
    if solver is None:
        return []
    asked = f"interval of {_cycles(solver['target_ii'])}" if solver["target_ii"] else "fastest"
    limits = ", ".join(f"{_n(most)} {_RESOURCES[n]}" for n, most in solver["limits"].items())
    found = [("foldings", f"solved: {asked} within {limits or 'no limits'}")]
    return found + [("estimates", text) for text in _corrected(solver["correction"])]


def _corrected(correction: Mapping[str, Mapping[str, float]]) -> list[str]:
    return [
        f"{kind} LUTs times {entry['factor']:g}, from {entry['layers']} earlier "
        f"{'synthesis' if entry['layers'] == 1 else 'syntheses'} of such layers"
        for kind, entry in correction.items()
    ]


def _bottleneck(record: Mapping[str, Any]) -> str:
    if all(layer["cycles"] == 1 for layer in record["layers"]):
        return "none: every layer takes a tensor in each cycle"
    name = record["bottleneck"]
    cycles = next(layer["cycles"] for layer in record["layers"] if layer["name"] == name)
    return f"{name}, {_cycles(cycles)}"


def _converters(record: Mapping[str, Any]) -> list[str]:
    wording = {"serializer": "one beat to {beats}", "deserializer": "{beats} beats to one"}
    return [
        f"{entry['kind']} of {entry['value']}: {wording[entry['kind']].format(**entry)}"
        for entry in record["dataflow"]
        if entry["kind"] in wording
    ]


def _cycles(count: int) -> str:
    return f"{count:,} cycle" if count == 1 else f"{count:,} cycles"


def _n(value: int) -> str:
    return f"{value:,}"


def _share(used: int, device: Mapping[str, int] | None, what: str = "luts") -> str:
    return f"{100 * used / device[what]:.1f}%" if device else "-"
