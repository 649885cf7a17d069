"""C tables of a circuit's memories, for the functions of memory.c."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from hwflow.verify.netlist.circuit import Circuit, Gate
from hwflow.verify.netlist.parts import ZERO, Memory

__all__ = ["Memories"]

_RUNTIME: Final = Path(__file__).with_name("memory.c")


class Memories:
    """Writes the declarations of all memories and the calls that read and write them.

    A memory that is never written keeps its words as bits; others have a 64-bit word for each bit,
    one bit of it per stream.
    """

    def __init__(self, circuit: Circuit, slots: dict[int, int]) -> None:
        self._slots = slots
        self._memories = circuit.memories
        self._peeks = [gate for gate in circuit.gates if gate.memory]
        self._number = {memory.cell: k for k, memory in enumerate(circuit.memories)}
        self._bits = [self._address_bits(memory) for memory in circuit.memories]

    def declarations(self) -> list[str]:
        """Types, functions, contents and nets of all memories; nothing without memories."""
        if not self._memories:
            return []
        lines = [_RUNTIME.read_text(encoding="utf-8")]
        for k, memory in enumerate(self._memories):
            lines += self._one(k, memory)
        for gate in self._peeks:
            lines.append(self._array(f"p{gate.out}_a", gate.ins))
        rows = ", ".join(self._row(k, memory) for k, memory in enumerate(self._memories))
        return [*lines, f"static const memory memories[] = {{{rows}}};"]

    def stores(self) -> list[tuple[str, int, Memory]]:
        """C array, number of bits and memory of what can be written (or is read by hw_peek)."""
        return [
            (f"m{k}_s", memory.width << self._bits[k], memory)
            for k, memory in enumerate(self._memories)
            if self._stored(memory)
        ]

    def access(self) -> list[str]:
        """The function that finds a store by its number."""
        rows = "".join(f"{{{name}, {size}}}, " for name, size, _ in self.stores())
        return [
            f"static const struct {{ u64 *at; long size; }} stores[] = {{{rows}{{0, 0}}}};",
            "u64 *hw_store(int k, long *size) { *size = stores[k].size; return stores[k].at; }",
        ]

    def clocked(self) -> str:
        """What happens at a clock edge, before the registers are copied."""
        return f"hw_memories(memories, {len(self._memories)}); " if self._memories else ""

    def started(self) -> str:
        """What gives memories that can be written their start values."""
        return f"hw_fill(memories, {len(self._memories)});" if self._memories else ""

    def peek(self, gate: Gate) -> str:
        """The expression that reads a bit without a clock."""
        k = self._number[gate.memory]
        bits = min(len(gate.ins), self._bits[k])
        width = self._memories[k].width
        return f"hw_peek(m{k}_s + {gate.init}, {width}, p{gate.out}_a, {bits})"

    def _address_bits(self, memory: Memory) -> int:
        """Address bits that are not constantly zero at the top, over all ports."""
        addresses = [gate.ins for gate in self._peeks if gate.memory == memory.cell]
        addresses += [port.address for port in (memory.read, memory.write) if port]
        used = (k + 1 for nets in addresses for k, net in enumerate(nets) if net != ZERO)
        return max(used, default=0)

    def _stored(self, memory: Memory) -> bool:
        """Whether the words live in 64-bit words: they can be written, or are read by hw_peek."""
        return memory.write is not None or memory.read is None

    def _one(self, k: int, memory: Memory) -> list[str]:
        depth, words = 1 << self._bits[k], -(-memory.width // 64)
        lines: list[str] = []
        if self._stored(memory):
            lines.append(f"static u64 m{k}_s[{depth * memory.width}];")
        if memory.init or not self._stored(memory):
            mask = (1 << memory.width) - 1
            rows = (memory.init >> (row * memory.width) & mask for row in range(depth))
            cut = (row >> (64 * w) & ((1 << 64) - 1) for row in rows for w in range(words))
            lines.append(f"static const u64 m{k}_i[] = {{{', '.join(map(hex, cut))}}};")
        if memory.read:
            lines.append(self._array(f"m{k}_r", memory.read.address[: self._bits[k]]))
        if memory.write:
            lines.append(self._array(f"m{k}_w", memory.write.address[: self._bits[k]]))
            lines.append(self._array(f"m{k}_d", memory.write.data))
            lines.append(self._array(f"m{k}_e", memory.write.enables))
        return lines

    def _row(self, k: int, memory: Memory) -> str:
        read, write = memory.read, memory.write
        fields: tuple[object, ...] = (
            self._bits[k],
            memory.width,
            f"m{k}_s" if self._stored(memory) else 0,
            f"m{k}_i" if memory.init or not self._stored(memory) else 0,
            f"m{k}_r" if read else 0,
            self._slots[read.out[0]] if read else 0,
            self._slots.get(read.enable, self._slots[ZERO]) if read else 0,
            f"m{k}_w" if write else 0,
            f"m{k}_d" if write else 0,
            f"m{k}_e" if write else 0,
        )
        return f"{{{', '.join(map(str, fields))}}}"

    def _array(self, name: str, nets: Iterable[int]) -> str:
        """Slots of nets; a net nobody drives reads as 0. Empty arrays are no C."""
        slots = [str(self._slots.get(net, self._slots[ZERO])) for net in nets] or ["0"]
        return f"static const int {name}[] = {{{', '.join(slots)}}};"
