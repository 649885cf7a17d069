"""External programs: where they are, which version they are, and the one way to run them."""

from __future__ import annotations

from hwflow.tools.checks import Check, checks
from hwflow.tools.identities import ToolIdentity, identity
from hwflow.tools.locate import find
from hwflow.tools.process import last_lines, python_worker, run, term_is_interrupt

__all__ = [
    "Check",
    "ToolIdentity",
    "checks",
    "find",
    "identity",
    "last_lines",
    "python_worker",
    "run",
    "term_is_interrupt",
]
