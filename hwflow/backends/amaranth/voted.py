# amaranth: UnusedElaboratable=no
"""The weight loader three times: copies that share nothing but pins, clock, reset and votes.

Each copy has its own words, registers and logic, and a voter of its own that tells it at every
clock what its registers say: an upset register is right again at the next clock, and a disturbed
voter, or logic, spoils one copy only. Words are voted where the design reads them, and rewritten as
voted each time the check comes by: the copies read their own word into `data`, which the next
clock votes on like every register, and write back what the vote says.
"""

from __future__ import annotations

from amaranth import Module, Signal, Value

from hwflow.backends.amaranth.loader import LoaderModule, Words
from hwflow.backends.amaranth.module import HwModule
from hwflow.plan.loading import loader_inputs, loader_outputs
from hwflow.plan.store import WeightStore

__all__ = ["VotedLoader"]

_COPIES = ("a", "b", "c")


class VotedLoader(HwModule):
    """Has the ports of `LoaderModule`."""

    uses_reset = True

    def __init__(
        self, name: str, store: WeightStore, *, generate: bool, words: Words | None = None
    ) -> None:
        super().__init__(name, generate=generate)
        self.store = store
        for pin, bits in loader_inputs(store).items():
            self.add_input(pin, bits)
        for pin, bits in loader_outputs().items():
            self.add_output(pin, bits)
        self.add_output("weights_o", store.bits)
        self.add_output("running_o", 1)
        self.copies = [
            LoaderModule(f"{name}_copy", store, generate=generate, voted=True, words=words)
            for _ in _COPIES
        ]

    def build(self, m: Module) -> None:
        made: dict[str, list[Value]] = {}
        voted = []
        for which, copy in zip(_COPIES, self.copies, strict=True):
            wires: dict[str, Value] = {pin: self.inputs[pin] for pin in loader_inputs(self.store)}
            for port, signal in copy.outputs.items():
                wires[port] = Signal(len(signal), name=f"{port.removesuffix('_o')}_{which}")
                made.setdefault(port, []).append(wires[port])
            voted.append(Signal(len(copy.inputs["voted_i"]), name=f"voted_{which}"))
            wires["voted_i"] = voted[-1]
            self.attach(m, f"copy_{which}", copy, wires)
        state = made.pop("state_o")
        for which, vote in zip(_COPIES, voted, strict=True):
            self._vote(m, f"voter_{which}", state, vote)
        for port, said in made.items():
            self._vote(m, f"voter_{port.removesuffix('_o')}", said, self.outputs[port])

    def _vote(self, m: Module, instance: str, said: list[Value], vote: Value) -> None:
        voter = _Voter(f"{self.name}_voter_{len(vote)}", len(vote), generate=self.generate)
        inputs = {f"{which}_i": value for which, value in zip(_COPIES, said, strict=True)}
        self.attach(m, instance, voter, {**inputs, "vote_o": vote})


class _Voter(HwModule):
    """What at least two of three say, bit by bit."""

    kept = True

    def __init__(self, name: str, bits: int, *, generate: bool) -> None:
        super().__init__(name, generate=generate)
        self.said = [self.add_input(f"{which}_i", bits) for which in _COPIES]
        self.vote = self.add_output("vote_o", bits)

    @property
    def clocked(self) -> bool:
        return False

    def build(self, m: Module) -> None:
        a, b, c = self.said
        m.d.comb += self.vote.eq((a & b) | (a & c) | (b & c))
