"""What each synthesis leaves for later plans: planned and counted LUTs of its layers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hwflow.explore.correction import NO_CORRECTION, Correction, Seen, kind_of, learned
from hwflow.plan.folding import Folding
from hwflow.plan.targets import Target
from hwflow.stages.files import write_json

__all__ = ["SEEN", "learned_from", "write_seen"]

SEEN = "estimates.json"
_FORMAT = 1


def write_seen(
    out: Path, target: Target, planned: Sequence[Mapping[str, Any]], counted: Mapping[str, int]
) -> None:
    """Write estimate beside count for each layer of plan.json's `planned` into `out`."""
    rows = [
        {
            "layer": entry["name"],
            "kind": kind_of(_folding(entry)),
            "planned": entry["luts"],
            "counted": counted[entry["name"]],
        }
        for entry in planned
        if entry["name"] in counted
    ]
    write_json(out / SEEN, {"format": _FORMAT, "family": target.family, "layers": rows})


def _folding(entry: Mapping[str, Any]) -> Folding:
    folding = entry["folding"]
    return Folding(folding["pe"], folding["simd"], multiplier=entry["multiplier"] or "lut")


def learned_from(store: Path | None, target: Target) -> Correction:
    """The correction that the syntheses in `store` for the target's family teach.

    Artifacts that cannot be read teach nothing.
    """
    if store is None:
        return NO_CORRECTION
    seen: list[Seen] = []
    for path in sorted(store.glob(f"synth-*/{SEEN}")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            if (record["format"], record["family"]) == (_FORMAT, target.family):
                seen += [
                    Seen(row["kind"], int(row["planned"]), int(row["counted"]))
                    for row in record["layers"]
                ]
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return learned(seen)
