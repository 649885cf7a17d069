"""Circuits fitted to hardware: dot products recoded, what weights alone make set apart."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hwflow.plan.circuit_builder import CircuitBuilder
from hwflow.plan.words import (
    DIGIT,
    Circuit,
    Dot,
    Literal,
    Owed,
    Recoding,
    Weight,
    WordOp,
    operands,
    renumbered,
    weight_width,
)

__all__ = ["Split", "fitted", "split"]


def fitted(circuit: Circuit, recoding: Recoding, *, trees: bool) -> Circuit:
    """`circuit` with its dot products in another recoding of the weights.

    Sums of many words stay carry-save trees only with `trees`: chains of carries are faster and
    smaller where devices have them.
    """
    builder = CircuitBuilder(circuit.inputs, circuit.weights)
    rank: dict[int, int] = {}
    for index, word in enumerate(circuit.words):
        op = word.op
        if isinstance(op, Dot) and not op.weights and not trees:
            rank[index] = builder.total([rank[i] for i in (*op.inputs, op.addend)])
            continue
        if isinstance(op, Owed):
            continue  # each dot product gets its own below
        kept = renumbered(word, rank)
        if isinstance(op, Dot) and op.weights:
            kept = replace(kept, op=_recoded(builder, kept.op, op, circuit, recoding))
        builder.words.append(kept)
        rank[index] = len(builder.words) - 1
    return builder.build([rank[o] for o in circuit.outputs])


def _recoded(
    builder: CircuitBuilder, moved: WordOp, op: Dot, circuit: Circuit, recoding: Recoding
) -> Dot:
    """The dot product `op` of `circuit`, here `moved`, in `recoding`, and what it then owes."""
    assert isinstance(moved, Dot)
    step = DIGIT[recoding]
    if step == 1:
        return replace(moved, recoding=recoding, owed=-1)
    rows = max(circuit.words[x].width for x in op.inputs) + step - 1
    bits = max(weight_width(circuit.words[w]) for w in op.weights)
    most = len(op.weights) * sum(1 << place for place in range(0, bits, step))
    owed = builder.add(Owed(moved.weights, recoding, rows, bits), -((1 << rows) - 1) * most, 0)
    return replace(moved, recoding=recoding, owed=owed)


@dataclass(frozen=True, slots=True)
class Split:
    """A circuit as what weights alone make (`still`) and what reads that as its weights (`moving`).

    `kept` are the words of `moving` as the whole circuit numbers them.
    """

    still: Circuit
    moving: Circuit
    kept: tuple[int, ...]


def split(circuit: Circuit) -> Split:
    """Split a circuit where still words meet moving ones."""
    still = [s and not isinstance(word.op, Literal)
             for s, word in zip(circuit.still, circuit.words, strict=True)]  # fmt: skip
    border = sorted({
        i for index, word in enumerate(circuit.words) if not still[index]
        for i in operands(word.op) if still[i]
    } | {i for i in circuit.outputs if still[i]})  # fmt: skip
    once = CircuitBuilder((), circuit.weights)
    once.words = list(circuit.words)
    words = list(circuit.words)
    for place, index in enumerate(border):
        words[index] = replace(words[index], op=Weight(place))
    bounds = tuple((words[i].lo, words[i].hi) for i in border)
    needed = set(circuit.outputs)
    for index in range(len(words) - 1, -1, -1):
        if index in needed:
            needed.update(operands(words[index].op))
    kept = tuple(sorted(needed))
    rank = {old: new for new, old in enumerate(kept)}
    moving = Circuit(
        circuit.inputs,
        tuple(renumbered(words[i], rank) for i in kept),
        tuple(rank[o] for o in circuit.outputs),
        bounds,
    )
    return Split(once.build(border), moving, kept)
