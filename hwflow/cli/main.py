"""The entry point `hwflow`: finds the command, runs it, turns what it raises into an exit code."""

from __future__ import annotations

import argparse
import difflib
import importlib
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from hwflow import __version__
from hwflow.cli.console import Console
from hwflow.cli.guard import Guard
from hwflow.errors import InputError

__all__ = ["COMMANDS", "Command", "main"]


@dataclass(frozen=True, slots=True)
class Command:
    """A command's name and its line in `hwflow --help`; its module has the same name."""

    name: str
    summary: str

    @property
    def module(self) -> str:
        """The module with the command's `arguments` and `execute`."""
        return f"hwflow.cli.commands.{self.name}"


COMMANDS = (
    Command("init", "write a new design folder that builds as it is"),
    Command("check", "show whether a model's file is exact in integers, and what it would cost"),
    Command("build", "train, lower, plan, generate, verify, synthesize and report"),
    Command("plan", "show what hardware a design becomes, before any slow tool starts"),
    Command("status", "show each stage of a build, and what would run now"),
    Command("run", "push your own data through the graph, the RTL or the netlist"),
    Command("talk", "push your own data through the bitstream on a board"),
    Command("seu", "upset flip-flops and nets of a build's netlist, and count what comes of it"),
    Command("report", "print a build's summary and where its HTML page is"),
    Command("export", "write Verilog, constraints, vectors and vendor scripts to a folder"),
    Command("compare", "show the figures of two builds side by side"),
    Command("doctor", "check the tools on this machine, and say how to get missing ones"),
    Command("targets", "list the devices a design can be built for"),
    Command("explain", "explain an error code"),
    Command("schema", "print the JSON Schema of design.yaml for your editor"),
)

_EPILOG = """\
a first design:
  hwflow init my_net && hwflow build my_net/design.yaml

exit codes: 0 good; 1 a check or limit failed; 2 bad input; 3 a tool is missing or too old;
4 an external tool failed; 5 a mistake in hwflow; 130 interrupted
`hwflow COMMAND --help` tells more about a command."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    _forgive_encodings()
    console = Console(json="--json" in words)
    with Guard(console, words) as guard:
        guard.exit_code = _dispatch(words, console)
    return guard.exit_code


def _dispatch(words: Sequence[str], console: Console) -> int:
    name = next((word for word in words if not word.startswith("-")), None)
    chosen = next((command for command in COMMANDS if command.name == name), None)
    if name is not None and chosen is None:
        raise _unknown(name)
    parser = _parser(chosen)
    if chosen is None and not words:
        console.note(parser.format_help().rstrip())
        return InputError.exit_code
    options = parser.parse_args(words)
    if chosen is None:
        raise InputError("cli.usage", "no command given", hint="run `hwflow --help`")
    return int(importlib.import_module(chosen.module).execute(options, console))


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are told like all others."""

    def error(self, message: str) -> NoReturn:
        usage = " ".join(self.format_usage().split())
        raise InputError("cli.usage", f"{self.prog}: {message}", hint=usage)


def _parser(chosen: Command | None) -> argparse.ArgumentParser:
    """The parser of all commands, with the options of the chosen one alone."""
    parser = _Parser(
        prog="hwflow",
        description="From a neural network to verified, synthesized hardware with open tools.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"hwflow {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in COMMANDS:
        below = commands.add_parser(
            command.name,
            help=command.summary,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        if command is chosen:
            module = importlib.import_module(command.module)
            below.description = module.execute.__doc__
            module.arguments(below)
    return parser


def _unknown(name: str) -> InputError:
    names = [command.name for command in COMMANDS]
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean `hwflow {near[0]}`?" if near else f"the commands: {', '.join(names)}"
    return InputError("cli.command", f"there is no command {name!r}", hint=hint)


def _forgive_encodings() -> None:
    """A terminal that cannot show a character shows its escape instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
