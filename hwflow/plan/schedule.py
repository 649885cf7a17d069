"""Pipeline a circuit: which clock cycle each word belongs to."""

from __future__ import annotations

from dataclasses import dataclass

from hwflow.plan.cost import delay
from hwflow.plan.targets import DelayModel
from hwflow.plan.words import Circuit, Shl, operands

__all__ = ["Schedule", "register_bits", "schedule"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Stage of every word; all outputs are taken at stage `latency`.

    A word of stage s is computed in clock cycle s after the inputs arrive; a word read in a later
    stage passes through one register for each stage between. `arrival` is when, in nanoseconds
    after the clock edge of stage `latency`, the last output settles; `worst` is the longest
    register-to-register path found, so ``1 / (worst + overhead)`` estimates the clock.
    """

    stages: tuple[int, ...]
    latency: int
    arrival: float
    worst: float


def schedule(
    circuit: Circuit,
    period: float,
    model: DelayModel,
    start: float = 0.0,
    registered: tuple[type, ...] = (),
    away: float = 0.0,
) -> Schedule:
    """As-soon-as-possible stages for a clock of `period` ns.

    Inputs arrive `start` ns into stage 0. A word moves to the next stage when it would settle
    later than the period less the register overhead; one that alone takes longer than that gets
    a stage to itself, and `worst` shows it. Results of the `registered` operations are read from
    the next stage on, `away` ns after its clock edge; outputs too. Weights loaded at run time, and
    what is made of them alone, stand still: they are in stage 0 and read from every stage.
    """
    budget = period - model.clock_overhead
    stages: list[int] = []
    arrivals: list[float] = []
    worst = start
    still = circuit.still
    for word, stands in zip(circuit.words, still, strict=True):
        reads = [i for i in operands(word.op) if not still[i]]
        if stands or not reads:
            stages.append(0)
            arrivals.append(0.0 if stands else start)
            continue
        stage = max(stages[i] + isinstance(circuit.words[i].op, registered) for i in reads)
        ready = max((arrivals[i] for i in reads if stages[i] == stage), default=0.0)
        if any(
            stages[i] == stage - 1 and isinstance(circuit.words[i].op, registered) for i in reads
        ):
            ready = max(ready, away)
        cost = delay(circuit, word, model)
        if cost and ready > 0 and ready + cost > budget:
            stage, ready = stage + 1, 0.0
        stages.append(stage)
        arrivals.append(ready + cost)
        worst = max(worst, ready + cost)
    latency = max(
        (stages[o] + isinstance(circuit.words[o].op, registered) for o in circuit.outputs),
        default=0,
    )
    arrival = max((arrivals[o] for o in circuit.outputs if stages[o] == latency), default=0.0)
    return Schedule(tuple(stages), latency, arrival, worst)


def register_bits(circuit: Circuit, plan: Schedule) -> int:
    """Flip-flops of the pipeline: every word, for every stage border its value crosses.

    What is shifted crosses before it is: the zeros need no flip-flops.
    """
    last, still = list(plan.stages), circuit.still
    kept = list(range(len(circuit.words)))
    for index, word in enumerate(circuit.words):
        if isinstance(word.op, Shl):
            kept[index] = kept[word.op.a]
            continue
        for read in operands(word.op):
            last[kept[read]] = max(last[kept[read]], plan.stages[index])
    for output in circuit.outputs:
        last[kept[output]] = max(last[kept[output]], plan.latency)
    return sum(
        word.width * (last[i] - plan.stages[i])
        for i, word in enumerate(circuit.words)
        if not still[i]
    )
