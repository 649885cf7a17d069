"""Processes as if chains and cases, and the rewriting that makes them read well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from hwflow.backends.amaranth.verilog.drivers import ONE, Branch, Nets, Set, Step

__all__ = ["Choice", "Match", "Select", "Statement", "control", "held", "is_full", "settled"]

Match = tuple[tuple[Nets, int], ...]
"""True when one of the (nets, value) pairs is equal."""


@dataclass(frozen=True, slots=True)
class Choice:
    """if ... else if ... else; `otherwise` None means nothing happens."""

    arms: tuple[tuple[Match, tuple[Statement, ...]], ...]
    otherwise: tuple[Statement, ...] | None


@dataclass(frozen=True, slots=True)
class Select:
    """case; patterns do not overlap. `otherwise` None means nothing happens."""

    selector: Nets
    arms: tuple[tuple[tuple[str, ...], tuple[Statement, ...]], ...]
    otherwise: tuple[Statement, ...] | None


Statement = Set | Choice | Select


def control(steps: tuple[Step, ...]) -> tuple[Statement, ...]:
    """The steps with each branch in its most readable form."""
    out: list[Statement] = []
    for step in steps:
        for statement in (step,) if isinstance(step, Set) else _branch(step):
            if isinstance(statement, Set) and out and isinstance(out[-1], Set):
                out[-1:] = _fused(out[-1], statement)
            else:
                out.append(statement)
    return tuple(out)


def _fused(first: Set, second: Set) -> tuple[Set, ...]:
    """Two assignments as one where the second falls within the first."""
    at, end = second.low - first.low, second.low - first.low + len(second.value)
    if at < 0 or end > len(first.value):
        return first, second
    return (Set(first.low, first.value[:at] + second.value + first.value[end:]),)


def is_full(body: tuple[Statement, ...], width: int) -> bool:
    """Whether the body is one assignment of the whole target."""
    return len(body) == 1 and isinstance(body[0], Set) and len(body[0].value) == width


def settled(body: tuple[Statement, ...], width: int, default: Set) -> tuple[Statement, ...] | None:
    """The body with every open end set to the default; None when it assigns piecewise."""
    if not body:
        return (default,)
    last = body[-1]
    if isinstance(last, Set):
        return (last,) if len(last.value) == width else None
    if len(body) > 1:
        return None
    arms = [settled(inner, width, default) for _, inner in last.arms]
    otherwise = settled(last.otherwise or (), width, default)
    if otherwise is None or any(arm is None for arm in arms):
        return None
    if isinstance(last, Choice):
        chosen = tuple((m, arm or ()) for (m, _), arm in zip(last.arms, arms, strict=True))
        return (replace(last, arms=chosen, otherwise=otherwise),)
    cases = tuple((p, arm or ()) for (p, _), arm in zip(last.arms, arms, strict=True))
    return (replace(last, arms=cases, otherwise=otherwise),)


def held(body: tuple[Statement, ...], own: Nets) -> tuple[Statement, ...]:
    """A register's body: keeping its value needs no words, a final reset goes first."""
    if body and isinstance(body[0], Set) and body[0].value == own:
        body = body[1:]
    if len(body) < 2:
        return body
    last, before = body[-1], body[:-1]
    if not isinstance(last, Choice) or last.otherwise is not None:
        return body
    if not all(is_full(inner, len(own)) for _, inner in last.arms):
        return body
    if len(before) == 1 and isinstance(before[0], Choice):
        return (Choice(last.arms + before[0].arms, before[0].otherwise),)
    return (Choice(last.arms, before),)


def _branch(step: Branch) -> tuple[Statement, ...]:
    arms: list[tuple[tuple[str, ...], tuple[Statement, ...]]] = []
    otherwise: tuple[Statement, ...] | None = None
    taken: set[str] = set()
    selector = tuple(net for net in step.selector if net > ONE)
    for patterns, steps in _possible(step):
        body = control(steps)
        if not patterns or any(set(p) <= {"-"} for p in patterns):
            otherwise = body
            break
        fresh = tuple(dict.fromkeys(p for p in patterns if p not in taken))
        taken.update(fresh)
        if fresh:
            arms.append((fresh, body))
    if otherwise is None:
        while arms and not arms[-1][1]:
            arms.pop()
    if not arms:
        return otherwise or ()
    asked = [pattern for patterns, _ in arms for pattern in patterns]
    if any(_bits(pattern) > 1 for pattern in asked) and not _overlap(asked):
        return (Select(selector, tuple(arms), otherwise or None),)
    chain = [(tuple(_match(selector, p) for p in ps), body) for ps, body in arms]
    if otherwise is None and len(selector) == 1 and len(taken) == 2:
        otherwise = chain.pop()[1]
    return (Choice(tuple(chain), otherwise or None),) if chain else otherwise or ()


def _possible(step: Branch) -> Iterator[tuple[tuple[str, ...], tuple[Step, ...]]]:
    """The arms that constant bits of the selector leave, without those bits."""
    if all(net > ONE for net in step.selector):
        yield from step.arms
        return
    bits = step.selector[::-1]
    for patterns, steps in step.arms:
        left = [
            "".join(want for want, net in zip(pattern, bits, strict=True) if net > ONE)
            for pattern in patterns
            if all(
                net > ONE or want in ("-", str(net))
                for want, net in zip(pattern, bits, strict=True)
            )
        ]
        if left or not patterns:
            yield tuple(left), steps


def _bits(pattern: str) -> int:
    return len(pattern) - pattern.count("-")


def _match(selector: Nets, pattern: str) -> tuple[Nets, int]:
    """The bits of the selector that the pattern asks for, and the value they must have."""
    cared = [i for i, bit in enumerate(reversed(pattern)) if bit != "-"]
    value = int("".join(bit for bit in pattern if bit != "-"), 2)
    return tuple(selector[i] for i in cared), value


def _overlap(patterns: list[str]) -> bool:
    """Whether some value matches two patterns: then order counts, which a case does not show."""
    wild = [p for p in patterns if "-" in p]
    for i, first in enumerate(wild):
        for second in (*wild[i + 1 :], *(p for p in patterns if "-" not in p)):
            if all(a == b or "-" in (a, b) for a, b in zip(first, second, strict=True)):
                return True
    return False
