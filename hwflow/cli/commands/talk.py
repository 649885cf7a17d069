"""hwflow talk: a user's own data through the bitstream on a board."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hwflow.cli.console import Console
from hwflow.cli.options import tensor_files
from hwflow.cli.places import build_at
from hwflow.errors import CheckFailed, InputError

if TYPE_CHECKING:
    from hwflow.board.bridge import Protocol
    from hwflow.cli.arrays import Codes
    from hwflow.flow import Build
    from hwflow.ir.exact import IntArray
    from hwflow.ir.graph import Graph
    from hwflow.plan.streams import Interface

__all__ = ["arguments", "execute"]

_STAGES = ("lower", "generate", "board")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    tensor_files(parser)
    parser.add_argument(
        "--port", metavar="DEVICE", type=Path, required=True, help="such as /dev/ttyUSB1"
    )
    parser.add_argument(
        "--check", action="store_true", help="compare every result with the integer graph"
    )
    parser.add_argument(
        "--window", metavar="N", type=int, help="at most so many tensors on their way at once"
    )
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=float, default=2.0, help="for each result (2)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def execute(options: argparse.Namespace, console: Console) -> int:
    """Push your own data through the design on a board, over its serial port.

    Load the bitstream first: BUILD/board/<design>.bin. The output's integers (codes) are written;
    the real number is code * 2**-frac. With --check they are compared with the integer graph.
    """
    _check_options(options)
    build = build_at(options.build)
    console.build_folder = build.folder
    if "board" not in build.stages:
        raise InputError(
            "talk.board",
            f"{build.folder} was not built for a board",
            hint="write board: icebreaker under hardware in design.yaml, and build again",
        )
    _warn_if_old(build, console)
    graph, interface, protocol = _load(build)
    from hwflow.cli.arrays import named_paths, read_codes, write_codes
    from hwflow.stages.files import scales

    sources = named_paths("--input", options.inputs, [n.name for n in graph.inputs])
    targets = named_paths("--output", options.outputs, [name for name, _ in graph.outputs])
    _check_paths(sources, targets)
    codes = read_codes(graph, sources, scales(build.artifact("lower"), "input"))
    _warn_if_outside(codes, console)
    inputs = {name: code.values for name, code in codes.items()}
    outputs = _exchange(options, interface, protocol, inputs, console)
    differing = _check(graph, inputs, outputs) if options.check else 0
    for name, path in targets.items():
        write_codes(path, outputs[name])
    count = len(outputs[protocol.output])
    vectors = f"{count:,} vector{'' if count == 1 else 's'}"
    console.show(f"{vectors} on {protocol.board} through {options.port}")
    for name, path in targets.items():
        console.show(f"  {name} {graph.types[dict(graph.outputs)[name]]} -> {path}")
    if options.check and not differing:
        console.show("  every result equals the integer graph's")
    if differing:
        raise CheckFailed(
            "talk.mismatch",
            f"{differing} of {count} results differ from the integer graph",
            hint="is this build's bitstream on the board? If it is, lower the clock or check power",
        )
    console.result(
        {
            "board": protocol.board,
            "vectors": count,
            "outputs": {name: str(path) for name, path in targets.items()},
            "outside": {name: code.outside for name, code in codes.items()},
            "checked": bool(options.check),
            "exit_code": 0,
        }
    )
    return 0


def _check_options(options: argparse.Namespace) -> None:
    if not options.outputs and not options.check:
        raise InputError(
            "run.names", "nowhere to write the result", hint="add --output y.npy (or --check)"
        )
    if options.window is not None and options.window < 1:
        raise InputError("cli.usage", f"--window {options.window}: expected 1 or more")
    if not 0 < options.timeout <= 3600:
        raise InputError("cli.usage", f"--timeout {options.timeout:g}: expected 0 to 3600 seconds")


def _check_paths(sources: Mapping[str, Path], targets: Mapping[str, Path]) -> None:
    read = {path.resolve() for path in sources.values()}
    for path in targets.values():
        if path.resolve() in read:
            raise InputError(
                "run.output", f"--output {path} would overwrite an input", hint="name another file"
            )


def _load(build: Build) -> tuple[Graph, Interface, Protocol]:
    from hwflow.board.bridge import FILE, Protocol
    from hwflow.ir import load_graph
    from hwflow.plan.interface_file import read_interface

    text = (build.artifact("generate") / "interface.json").read_text(encoding="utf-8")
    protocol = (build.artifact("board") / FILE).read_text(encoding="utf-8")
    graph = load_graph(build.artifact("lower") / "graph.hwf")
    return graph, read_interface(text), Protocol.from_json(protocol)


def _exchange(
    options: argparse.Namespace,
    interface: Interface,
    protocol: Protocol,
    inputs: Mapping[str, IntArray],
    console: Console,
) -> dict[str, IntArray]:
    """The codes that come back (n, *shape) by name."""
    import numpy as np

    from hwflow.board.host import exchange, resynchronize, serial_line

    source, sink = interface.inputs[0], interface.outputs[0]
    values = inputs[source.tensor]
    beats = source.pack(np.asarray(values.reshape(len(values), -1), dtype=np.int64))
    rows = beats.reshape(len(values), -1)
    with serial_line(options.port, protocol.baud) as line:
        dropped = resynchronize(line, protocol)
        if dropped:
            console.note(f"dropped {dropped} bytes that an earlier run had left on the line")
        results = exchange(
            line,
            protocol,
            [row.tobytes() for row in rows],
            window=options.window,
            seconds=options.timeout,
        )
    raw = np.frombuffer(b"".join(results), dtype=np.uint8).reshape(-1, sink.data_bytes)
    return {sink.tensor: sink.unpack(raw).reshape(-1, *sink.shape)}


def _check(graph: Graph, inputs: Mapping[str, IntArray], outputs: Mapping[str, IntArray]) -> int:
    """How many results differ from the integer graph's."""
    from hwflow.ir import evaluate

    expected = evaluate(graph, inputs)
    wrong = [(expected[n] != y).reshape(len(y), -1).any(axis=1) for n, y in outputs.items()]
    return int(sum(rows.sum() for rows in wrong))


def _warn_if_old(build: Build, console: Console) -> None:
    for stage in _STAGES:
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
