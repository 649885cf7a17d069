"""hwflow init: a new design folder."""

from __future__ import annotations

import argparse
import difflib
from pathlib import Path
from string import Template
from typing import Final

from hwflow.cli.console import Console
from hwflow.errors import InputError

__all__ = ["EXAMPLES", "arguments", "execute"]

EXAMPLES: Final = {
    "mlp": "a perceptron for handwritten digits, fully parallel",
    "cnn": "a convolutional network for handwritten digits, behind line buffers",
    "autoencoder": "a calorimeter wafer compressor; its encoder becomes hardware",
}
_TEMPLATES: Final = Path(__file__).resolve().parents[1] / "examples"
_FILES: Final = ("design.yaml", "model.py")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument(
        "name",
        metavar="NAME",
        nargs="?",
        type=Path,
        help="the new folder; its last part is the design's name (my_<example>)",
    )
    parser.add_argument(
        "--example",
        metavar="EXAMPLE",
        default="mlp",
        help="; ".join(f"{name}: {text}" for name, text in EXAMPLES.items()),
    )


def execute(options: argparse.Namespace, console: Console) -> int:
    """Write a new design folder, commented, that builds as it is; nothing is overwritten."""
    example = options.example
    if example not in EXAMPLES:
        near = difflib.get_close_matches(example, EXAMPLES, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(EXAMPLES)}"
        raise InputError("init.example", f"there is no example {example!r}", hint=hint)
    folder = options.name if options.name is not None else Path(f"my_{example}")
    name = folder.resolve().name
    _check_name(name)
    present = [name for name in _FILES if (folder / name).exists()]
    if present:
        raise InputError(
            "init.exists",
            f"{folder} already holds {' and '.join(present)}",
            hint="choose another name; nothing was changed",
        )
    _write(folder, name, example)
    console.show(f"wrote {' and '.join(str(folder / name) for name in _FILES)}")
    console.show("next:")
    console.show(f"  hwflow plan {folder / 'design.yaml'}     trains it and shows its hardware")
    console.show(f"  hwflow build {folder / 'design.yaml'}    verified RTL, figures and a report")
    return 0


def _write(folder: Path, design: str, example: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in _FILES:
            text = (_TEMPLATES / example / f"{name}.txt").read_text(encoding="utf-8")
            with (folder / name).open("x", encoding="utf-8") as stream:
                stream.write(Template(text).substitute(name=design))
    except OSError as error:
        raise InputError(
            "init.folder",
            f"cannot write in {folder}: {error.strerror}",
            hint="choose another folder",
        ) from None


def _check_name(name: str) -> None:
    """The rule that design.yaml has for names, told before anything is written."""
    from hwflow.config.schema import Context
    from hwflow.config.values import design_name
    from hwflow.errors import Place

    context = Context(Path())
    design_name(name, Place("init"), context)
    if context.errors:
        error = context.errors[0]
        message = error.message.removeprefix("design: ")
        raise InputError(error.code, message, hint=error.hint)
