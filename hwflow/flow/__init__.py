"""Stages, the content-addressed store and the engine; knows nothing of neural networks."""

from __future__ import annotations

from hwflow.flow.build import Build, StageRecord, default_store, gc, open_build
from hwflow.flow.digests import DigestCache, canonical, digest_of, file_digest
from hwflow.flow.engine import run
from hwflow.flow.sources import SourceIndex
from hwflow.flow.stage import (
    Listener,
    Progress,
    QuietListener,
    RunResult,
    Stage,
    StageContext,
    StageResult,
    Status,
)
from hwflow.flow.store import MEMORY, Store

__all__ = [
    "MEMORY",
    "Build",
    "DigestCache",
    "Listener",
    "Progress",
    "QuietListener",
    "RunResult",
    "SourceIndex",
    "Stage",
    "StageContext",
    "StageRecord",
    "StageResult",
    "Status",
    "Store",
    "canonical",
    "default_store",
    "digest_of",
    "file_digest",
    "gc",
    "open_build",
    "run",
]
