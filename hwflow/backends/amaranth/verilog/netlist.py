"""A module as nets: every bit of every wire is a number, every wire knows what drives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hwflow.backends.amaranth.rtlil import Assign, Cell, Chunk, Module, Statement, Wire
from hwflow.backends.amaranth.verilog.drivers import (
    ARITHMETIC,
    BITWISE,
    COMPARISONS,
    SHIFTS,
    ZERO,
    Branch,
    Driver,
    Instance,
    Nets,
    Operator,
    Register,
    Set,
    Step,
    Table,
    constant_value,
    extended,
    reads,
)
from hwflow.errors import InternalError

__all__ = ["Netlist", "netlist_of"]

_UNARY = ("$not", "$neg", "$reduce_and", "$reduce_or", "$reduce_xor", "$reduce_bool")
_BINARY = (*ARITHMETIC, *BITWISE, *COMPARISONS, *SHIFTS, "$shift")


@dataclass(frozen=True, slots=True)
class Netlist:
    """Wires by index; `order` lists the combinational ones, operands before their readers."""

    name: str
    wires: tuple[Wire, ...]
    base: tuple[int, ...]
    owner: tuple[int, ...]
    drivers: dict[int, Driver]
    aliases: dict[int, Nets]
    instances: tuple[Instance, ...]
    order: tuple[int, ...]
    level: dict[int, int]

    def nets(self, wire: int) -> Nets:
        """The bits of a driven wire."""
        return tuple(range(self.base[wire], self.base[wire] + self.wires[wire].width))

    def net_level(self, net: int) -> int:
        """Operators between the registers and ports and this net."""
        return self.level.get(self.owner[net], 0) if net > 1 else 0


def netlist_of(module: Module, outputs: Mapping[str, frozenset[str]]) -> Netlist:
    """Resolve a parsed module; `outputs` names the output ports of the modules known.

    Raises:
        InternalError: "rtlil.unsupported" for a cell the printer does not know.
    """
    return _Builder(module, outputs).build()


def unsupported(module: str, what: str) -> InternalError:
    """The error for hardware that hwflow's generators never write."""
    return InternalError(
        "rtlil.unsupported",
        f"module {module}: {what} cannot be printed as Verilog",
        hint="the Verilog printer covers what hwflow generates; please report this",
    )


class _Builder:
    def __init__(self, module: Module, outputs: Mapping[str, frozenset[str]]) -> None:
        self.module = module
        self.outputs = outputs
        self.wires: list[Wire] = list(module.wires)
        self.index = {wire.name: i for i, wire in enumerate(self.wires)}
        self.base: list[int] = []
        self.owner: list[int] = [-1, -1]
        for i, wire in enumerate(self.wires):
            self.base.append(len(self.owner))
            self.owner.extend([i] * wire.width)
        self.same: dict[int, int] = {}
        self.drivers: dict[int, Driver] = {
            i: None for i, wire in enumerate(self.wires) if wire.port == "input"
        }
        self.instances: list[Instance] = []

    def build(self) -> Netlist:
        for name, value in self.module.connects:
            self._rename(self.index[name], self._raw(value))
        own = [self._unfolded(c) for c in self.module.cells if not c.kind.startswith("\\")]
        for cell in filter(None, own):
            self.drivers[self._output(cell)] = self._driver(cell)
        for process in self.module.processes:
            steps = self._steps(process.body)
            wire = self._target(process.body)
            self.drivers[wire] = Table(self.wires[wire].width, steps)
        for cell in self.module.cells:
            if cell.kind.startswith("\\"):
                self._instance(cell)
        aliases = {
            i: tuple(self._real(net) for net in range(base, base + wire.width))
            for i, (wire, base) in enumerate(zip(self.wires, self.base, strict=True))
            if wire.width and wire.name.startswith("\\") and base in self.same
        }
        self._check_driven()
        order, level = _levels(self.drivers, self.owner)
        return Netlist(
            self.module.name,
            tuple(self.wires),
            tuple(self.base),
            tuple(self.owner),
            self.drivers,
            aliases,
            tuple(self.instances),
            order,
            level,
        )

    def _rename(self, wire: int, nets: Nets) -> None:
        base = self.base[wire]
        for bit, net in enumerate(nets[: self.wires[wire].width]):
            self.same[base + bit] = net

    def _raw(self, spec: tuple[Chunk, ...]) -> Nets:
        nets: list[int] = []
        for chunk in reversed(spec):
            if not chunk.wire:
                nets.extend(int(bit == "1") for bit in reversed(chunk.bits))
                continue
            wire = self.index[chunk.wire]
            base = self.base[wire]
            high = self.wires[wire].width - 1 if chunk.high < 0 else chunk.high
            nets.extend(range(base + chunk.low, base + high + 1))
        return tuple(nets)

    def _real(self, net: int) -> int:
        while net in self.same:
            net = self.same[net]
        return net

    def _nets(self, spec: tuple[Chunk, ...]) -> Nets:
        return tuple(self._real(net) for net in self._raw(spec))

    def _output(self, cell: Cell) -> int:
        (chunk,) = cell.ports["Q" if cell.kind == "$dff" else "Y"]
        return self.index[chunk.wire]

    def _unfolded(self, cell: Cell) -> Cell | None:
        """Shifts by a constant become wiring; a result narrower than its operand, a slice."""
        if cell.kind not in SHIFTS and cell.kind != "$shift":
            return cell
        wire = self._output(cell)
        width = self.wires[wire].width
        operand, amount = self._raw(cell.ports["A"]), self._raw(cell.ports["B"])
        signed = cell.parameters["A_SIGNED"] == "1"
        by = constant_value(amount)
        if by is not None and cell.kind == "$shl":
            padded = (ZERO,) * min(by, width) + extended(operand, width, signed)
            self._rename(wire, padded[:width])
            return None
        if by is not None:
            by = min(by, len(operand) + width)
            self._rename(wire, extended(operand, by + width, signed)[by:])
            return None
        if cell.kind == "$shl" or width >= len(operand):
            return cell
        wide = self._new_wire(f"{cell.name}$wide", len(operand))
        self._rename(wire, tuple(range(self.base[wide], self.base[wide] + width)))
        return replace(cell, ports={**cell.ports, "Y": (Chunk(self.wires[wide].name),)})

    def _new_wire(self, name: str, width: int) -> int:
        wire = len(self.wires)
        self.wires.append(Wire(name, width))
        self.index[name] = wire
        self.base.append(len(self.owner))
        self.owner.extend([wire] * width)
        return wire

    def _driver(self, cell: Cell) -> Driver:
        ports = {name: self._nets(spec) for name, spec in cell.ports.items()}
        width = self.wires[self._output(cell)].width
        if cell.kind == "$dff":
            rising = cell.parameters["CLK_POLARITY"] == "1"
            return Register(width, ports["CLK"][0], rising, ports["D"])
        if cell.kind == "$mux":
            return Operator("$mux", width, False, (ports["A"], ports["B"], ports["S"]))
        signed = cell.parameters.get("A_SIGNED") == "1"
        if cell.kind in _UNARY:
            return Operator(cell.kind, width, signed, (ports["A"],))
        if cell.kind not in _BINARY:
            raise unsupported(self.module.name, f"the cell {cell.kind}")
        kind = cell.kind
        if kind in ("$shift", "$sshr", "$shr"):
            kind = "$sshr" if signed else "$shr"
        return Operator(kind, width, signed, (ports["A"], ports["B"]))

    def _target(self, body: tuple[Statement, ...]) -> int:
        first = body[0]
        assert isinstance(first, Assign), "Amaranth's processes begin with the default"
        return self.index[first.target.wire]

    def _steps(self, body: tuple[Statement, ...]) -> tuple[Step, ...]:
        steps: list[Step] = []
        for statement in body:
            if isinstance(statement, Assign):
                low = 0 if statement.target.high < 0 else statement.target.low
                steps.append(Set(low, self._nets(statement.value)))
            elif not statement.selector:
                for case in statement.cases:
                    steps.extend(self._steps(case.body))
            else:
                arms = tuple((case.patterns, self._steps(case.body)) for case in statement.cases)
                steps.append(Branch(self._nets(statement.selector), arms))
        return tuple(steps)

    def _instance(self, cell: Cell) -> None:
        inputs: list[tuple[str, Nets]] = []
        outputs: list[tuple[str, int]] = []
        for port, spec in cell.ports.items():
            nets = self._nets(spec)
            if not nets:
                continue
            if self._is_output(cell, port):
                outputs.append((port, self.owner[nets[0]]))
            else:
                inputs.append((port, nets))
        instance = Instance(
            cell.kind.removeprefix("\\"),
            cell.name.removeprefix("\\"),
            tuple(cell.parameters.items()),
            tuple(inputs),
            tuple(outputs),
        )
        self.instances.append(instance)
        for _, wire in outputs:
            self.drivers[wire] = instance

    def _is_output(self, cell: Cell, port: str) -> bool:
        """Of a module not among those printed: Amaranth gives outputs a wire without a range."""
        known = self.outputs.get(cell.kind.removeprefix("\\"))
        if known is not None:
            return port in known
        spec = cell.ports[port]
        return len(spec) == 1 and spec[0].wire != "" and spec[0].high < 0

    def _check_driven(self) -> None:
        for i, wire in enumerate(self.wires):
            if wire.width and i not in self.drivers and self.base[i] not in self.same:
                raise unsupported(self.module.name, f"the undriven wire {wire.name}")


def _levels(drivers: dict[int, Driver], owner: list[int]) -> tuple[tuple[int, ...], dict[int, int]]:
    """Depth first, from ports, registers and instances' outputs, which all are at level 0.

    What instances do inside is not known here: a handshake may well go in and out of several.
    """
    order: list[int] = []
    level: dict[int, int] = {}
    open_: set[int] = set()
    for root in drivers:
        stack = [(root, False)]
        while stack:
            wire, done = stack.pop()
            driver = drivers[wire]
            if done:
                below = {owner[net] for nets in reads(driver) for net in nets if net > 1}
                level[wire] = 1 + max((level.get(w, 0) for w in below), default=0)
                order.append(wire)
            elif wire not in open_:
                open_.add(wire)
                if driver is None or isinstance(driver, (Register, Instance)):
                    level[wire] = 0
                    continue
                stack.append((wire, True))
                below = {owner[net] for nets in reads(driver) for net in nets if net > 1}
                stack.extend((w, False) for w in sorted(below, reverse=True) if w not in open_)
    return tuple(order), level
