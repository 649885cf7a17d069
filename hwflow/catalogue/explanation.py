"""What is told about one code."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Explanation"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What happened, the usual cause, and what to do; one or two sentences each."""

    what: str
    cause: str
    action: str
