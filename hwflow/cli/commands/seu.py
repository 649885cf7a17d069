"""hwflow seu: a fault campaign on a build's netlist."""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hwflow.cli.console import Console
from hwflow.cli.places import build_at
from hwflow.cli.table import table
from hwflow.errors import InputError

if TYPE_CHECKING:
    from hwflow.flow import Build
    from hwflow.verify.seu import Campaign

__all__ = ["PAGE", "RESULT", "arguments", "execute"]

RESULT = "seu.json"
PAGE = "seu.html"
_STAGES = ("lower", "generate", "vectors", "golden")
_MOST = 1_000_000


def arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("build", metavar="BUILD", type=Path, help="the build folder")
    parser.add_argument(
        "--samples", metavar="N", type=int, default=1000, help="upsets in each row (1000)"
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="of all draws (0)")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def execute(options: argparse.Namespace, console: Console) -> int:
    """Disturb the mapped netlist and count what comes of it.

    Flip-flops are flipped, one at a time by class and by layer and several in one run; nets are
    inverted for a cycle; reset comes for a cycle; a layer misses a clock edge, or takes one too
    many. Each row of the table is a sample of its own. The same seed gives the same result; it is
    kept in BUILD/seu.json, and as a page in BUILD/seu.html.
    """
    if not 1 <= options.samples <= _MOST:
        raise InputError("cli.usage", f"--samples {options.samples}: expected 1..{_MOST}")
    if not 0 <= options.seed < 1 << 32:
        raise InputError("cli.usage", f"--seed {options.seed}: expected 0..{(1 << 32) - 1}")
    build = build_at(options.build)
    console.build_folder = build.folder
    for stage in (*_STAGES, "synth"):
        if (made := build.stages.get(stage)) is not None and made.state == "stale":
            console.warn(f"stage {stage} is stale; `hwflow build` brings it up to date")
    campaign = _run(build, options.samples, options.seed, _Watch(console))
    from hwflow.flow.store import writing
    from hwflow.report.upsets import upset_page
    from hwflow.stages.files import write_json
    from hwflow.verify.seu import as_json, lines

    record = as_json(campaign)
    with writing(build.folder):
        write_json(build.folder / RESULT, record)
        (build.folder / PAGE).write_text(upset_page(record), encoding="utf-8")
    console.table(table(*lines(campaign), right="llrrrrrrr"))
    console.show()
    for name, text in record["outcomes"].items():
        console.show(f"{name}: {text}")
    console.show()
    for text in (*_summary(campaign), *record["notes"]):
        console.show(text)
    console.show(f"kept in {build.folder / RESULT} and {PAGE}")
    console.result({**record, "exit_code": 0})
    return 0


def _run(build: Build, samples: int, seed: int, watch: _Watch) -> Campaign:
    netlist = build.artifact("synth") / "netlist.json"
    artifacts = {stage: build.artifact(stage) for stage in _STAGES}
    from hwflow.stages.files import part_names, read_json
    from hwflow.stages.rungs import load_golden
    from hwflow.verify.seu import run_campaign

    golden = load_golden(artifacts)
    layers = part_names(read_json(build.artifact("plan") / "plan.json"))
    with tempfile.TemporaryDirectory(prefix="hwflow-seu-") as work:
        return run_campaign(
            netlist,
            golden.interface,
            layers,
            golden.packed(),
            golden.packed_outputs(),
            Path(work),
            samples=samples,
            seed=seed,
            load=golden.load,
            progress=watch.update,
        )


def _summary(campaign: Campaign) -> list[str]:
    state = ", ".join(f"{n:,} {kind}" for kind, n in campaign.flip_flops.items())
    first, last = campaign.window
    texts = [
        f"{sum(campaign.flip_flops.values()):,} flip-flops ({state}), "
        f"{'triplicated' if campaign.triplicated else 'not triplicated'}; "
        f"{campaign.vectors} tensors a run, upsets in cycles {first}..{last - 1}"
    ]
    for row in campaign.rows[:1]:
        times, rest = divmod(row.samples, row.population)
        often = f"{times} or {times + 1} times" if rest else f"{times} times"
        if times:
            texts.append(f"Row `all`: each flip-flop was flipped {often}.")
    return texts


@dataclass(slots=True)
class _Watch:
    """Progress on stderr: one line that is written over on a terminal, one a row elsewhere."""

    console: Console
    text: str = ""

    def update(self, fraction: float, text: str) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{100 * fraction:3.0f}%  {text}\r")
            sys.stderr.flush()
        elif text != self.text:
            self.console.note(f"{100 * fraction:3.0f}%  {text}")
        self.text = text
