"""hwflow run: a user's own data through a rung of the ladder."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwflow.cli.console import Console
from hwflow.cli.options import tensor_files
from hwflow.cli.places import build_at
from hwflow.cli.table import table
from hwflow.errors import InputError

if TYPE_CHECKING:
    from hwflow.cli.arrays import Codes
    from hwflow.cli.latency import LayerTime
    from hwflow.cli.rungs import Outcome, Rungs
    from hwflow.flow import Build

__all__ = ["arguments", "execute"]

_STAGES = {"graph": ("lower",), "rtl": ("lower", "generate"),
           "netlist": ("lower", "generate", "synth"), "hls4ml": ("lower", "hls4ml")}  # fmt: skip
"""Each rung and the stages whose results it takes."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    tensor_files(parser)
    parser.add_argument(
        "--on", dest="rung", metavar="RUNG", required=True, help=f"one of {', '.join(_STAGES)}"
    )
    parser.add_argument(
        "--trace",
        metavar="VEC",
        type=int,
        help="with --on rtl: keep the waveform of this vector and show when each layer is ready",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def execute(options: argparse.Namespace, console: Console) -> int:
    """Push your own data through the integer graph, the RTL or the netlist.

    The output's integers (codes) are written; the real number is code * 2**-frac, or code times
    the scale that is shown where that is no power of two.
    """
    _check_options(options)
    build = build_at(options.build)
    console.build_folder = build.folder
    _warn_if_old(build, options.rung, console)
    from hwflow.cli.arrays import named_paths, read_codes, write_codes
    from hwflow.cli.rungs import Rungs

    rungs = Rungs(build, console.note)
    graph = rungs.graph
    sources = named_paths("--input", options.inputs, [n.name for n in graph.inputs])
    targets = named_paths("--output", options.outputs, [name for name, _ in graph.outputs])
    _check_paths(sources, targets)
    codes = read_codes(graph, sources, rungs.scales("input"))
    _warn_if_outside(codes, console)
    inputs = {name: code.values for name, code in codes.items()}
    count = len(next(iter(inputs.values())))
    if options.trace is not None and not 0 <= options.trace < count:
        raise InputError(
            "trace.index",
            f"--trace {options.trace}: expected 0..{count - 1}",
            hint="vectors are counted from 0",
        )
    outcome = rungs.run(options.rung, inputs)
    for name, path in targets.items():
        write_codes(path, outcome.outputs[name])
    console.show(_summary(options.rung, count, outcome))
    for name, path in targets.items():
        console.show(f"  {_described(rungs, name)} -> {path}")
    traced = {}
    if options.trace is not None:
        traced = _trace(rungs, inputs, options.trace, console)
    console.result(
        {
            "rung": options.rung,
            "vectors": count,
            "outputs": {name: str(path) for name, path in targets.items()},
            "outside": {name: code.outside for name, code in codes.items()},
            "scales": rungs.scales("output"),
            "latency_cycles": outcome.latency_cycles,
            "initiation_interval": outcome.initiation_interval,
            **traced,
            "exit_code": 0,
        }
    )
    return 0


def _check_options(options: argparse.Namespace) -> None:
    if options.rung not in _STAGES:
        near = difflib.get_close_matches(options.rung, _STAGES, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(_STAGES)}"
        raise InputError("run.rung", f"there is no rung {options.rung!r} to run on", hint=hint)
    if options.trace is not None and options.rung != "rtl":
        raise InputError(
            "run.trace",
            f"--trace needs --on rtl, found --on {options.rung}",
            hint="only the RTL keeps a waveform",
        )
    if options.trace is None and not options.outputs:
        raise InputError(
            "run.names", "nowhere to write the result", hint="add --output y.npy (or --trace VEC)"
        )


def _check_paths(sources: Mapping[str, Path], targets: Mapping[str, Path]) -> None:
    read = {path.resolve() for path in sources.values()}
    written = [path.resolve() for path in targets.values()]
    for name, path in targets.items():
        if path.resolve() in read:
            raise InputError(
                "run.output", f"--output {path} would overwrite an input", hint="name another file"
            )
        if written.count(path.resolve()) > 1:
            raise InputError(
                "run.output", f"two outputs go to {path}", hint=f"give {name!r} its own file"
            )


def _warn_if_old(build: Build, rung: str, console: Console) -> None:
    for stage in _STAGES[rung]:
        record = build.stages.get(stage)
        if record is not None and record.state == "stale":
            console.warn(
                f"stage {stage} is stale: something before it changed since; "
                "`hwflow build` brings it up to date"
            )


def _warn_if_outside(codes: Mapping[str, Codes], console: Console) -> None:
    for name, code in codes.items():
        if code.outside:
            console.warn(
                f"input {name!r}: {code.outside:,} of {code.values.size:,} values were outside "
                "its range and were saturated or wrapped by its rule"
            )


def _summary(rung: str, count: int, outcome: Outcome) -> str:
    vectors = f"{count:,} vector{'' if count == 1 else 's'} on {rung}"
    if outcome.latency_cycles is None:
        return vectors
    interval = outcome.initiation_interval
    pace = f", one every {interval} cycles" if interval and interval > 1 else ""
    return f"{vectors}: latency {outcome.latency_cycles} cycles{pace}"


def _described(rungs: Rungs, name: str) -> str:
    value = dict(rungs.graph.outputs)[name]
    scale = rungs.scales("output").get(name)
    return f"{name} {rungs.graph.types[value]}" + (f" times {scale}" if scale else "")


def _trace(
    rungs: Rungs, inputs: Mapping[str, Any], vector: int, console: Console
) -> dict[str, object]:
    from hwflow.cli.latency import layer_times

    vcd = rungs.waveform(inputs, vector)
    times = layer_times(rungs.build, rungs.graph, inputs, vector, vcd)
    console.show()
    console.table(table(("layer", "value", "beats", "cycle", "planned"), _rows(times), "llrrr"))
    console.show("cycle: the last beat holds the graph's value, counted from the first input beat")
    console.show(f"waveform of vector {vector}: {vcd}")
    layers = [
        {"layer": t.layer, "value": t.value, "cycle": t.found, "planned": t.expected} for t in times
    ]
    return {"waveform": str(vcd), "layers": layers}


def _rows(times: tuple[LayerTime, ...]) -> list[tuple[str, ...]]:
    return [
        (
            time.layer,
            time.value,
            str(time.beats),
            "never" if time.found is None else str(time.found),
            "-" if time.expected is None else str(time.expected),
        )
        for time in times
    ]
