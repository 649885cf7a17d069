"""hwflow schema: the JSON Schema of design.yaml."""

from __future__ import annotations

import argparse
import json

from hwflow.cli.console import Console

__all__ = ["arguments", "execute"]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options: it has none."""


def execute(options: argparse.Namespace, console: Console) -> int:
    """Print the JSON Schema of design.yaml, for completion and checks in an editor."""
    from hwflow.config import json_schema

    console.show(json.dumps(json_schema(), indent=1))
    console.note(
        "Keep it with `hwflow schema > design.schema.json` and begin design.yaml with\n"
        "  # yaml-language-server: $schema=design.schema.json\n"
        "Editors with the YAML language server then complete and check every key."
    )
    return 0
