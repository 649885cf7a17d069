"""What `--from`, `--to` and `--force` choose of a pipeline."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from hwflow.errors import InputError
from hwflow.flow.stage import Stage

__all__ = ["Selection", "select"]


@dataclass(frozen=True, slots=True)
class Selection:
    """Names of stages used as they are, not run at all, and run in any case."""

    kept: frozenset[str]
    left_out: frozenset[str]
    forced: frozenset[str]


def select(
    pipeline: Sequence[Stage], from_: str | None, to: str | None, force: Sequence[str]
) -> Selection:
    """Check the names and the pipeline's order.

    Raises:
        InputError: "flow.stage" for an unknown name, or if `to` comes before `from_`.
    """
    names = [stage.name for stage in pipeline]
    for index, stage in enumerate(pipeline):
        assert names.index(stage.name) == index, f"two stages are called {stage.name}"
        assert set(stage.inputs) <= set(names[:index]), f"{stage.name} runs before its inputs"
    for name in (*force, *(n for n in (from_, to) if n is not None)):
        if name not in names:
            raise _unknown(name, names)
    first = names.index(from_) if from_ is not None else 0
    last = names.index(to) if to is not None else len(names) - 1
    if last < first:
        raise InputError(
            "flow.stage",
            f"--to {to} comes before --from {from_}",
            hint=f"the order is {', '.join(names)}",
        )
    return Selection(frozenset(names[:first]), frozenset(names[last + 1 :]), frozenset(force))


def _unknown(name: str, names: Sequence[str]) -> InputError:
    near = difflib.get_close_matches(name, names, n=1)
    meant = f"did you mean {near[0]!r}?" if near else f"the stages are {', '.join(names)}"
    return InputError("flow.stage", f"there is no stage {name!r} in this build", hint=meant)
