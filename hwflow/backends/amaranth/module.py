"""Hardware modules that are either simulated as Amaranth or generated as separate RTL modules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from amaranth import ClockDomain, DomainRenamer, Elaboratable, Instance, Module, Signal
from amaranth.hdl import ValueLike

__all__ = ["HwModule"]


class HwModule(Elaboratable):
    """A module with flat named ports.

    With `generate` set, its children become instances of separately generated modules and its
    clock and reset are ports; otherwise children are sub-modules in the simulator's own domain.

    `name` is the RTL module's name. Subclasses fill `inputs` and `outputs` (name to signal) in
    `__init__` and describe the logic in `build`.
    """

    uses_reset: ClassVar[bool] = False
    kept: bool = False
    """Whether tools are told to keep the module's border."""

    def __init__(self, name: str, *, generate: bool) -> None:
        self.name = name
        self.generate = generate
        self.inputs: dict[str, Signal] = {}
        self.outputs: dict[str, Signal] = {}
        self.children: dict[str, HwModule] = {}
        self.clk = Signal(name="clk")
        self.rst = Signal(name="rst")

    @property
    def clocked(self) -> bool:
        """Whether the module has registers."""
        return True

    def add_input(self, name: str, width: int) -> Signal:
        """Declare an input port."""
        self.inputs[name] = Signal(width, name=name)
        return self.inputs[name]

    def add_output(self, name: str, width: int) -> Signal:
        """Declare an output port."""
        self.outputs[name] = Signal(width, name=name)
        return self.outputs[name]

    def ports(self) -> list[Signal]:
        """All ports, clock and reset first."""
        first = [self.clk] if self.clocked else []
        first += [self.rst] if self.uses_reset else []
        return [*first, *self.inputs.values(), *self.outputs.values()]

    def build(self, m: Module) -> None:
        """Describe the logic in `m`, on the domain `sync`."""
        raise NotImplementedError

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        if self.generate and self.clocked:
            domain = ClockDomain("sync", reset_less=not self.uses_reset)
            domain.clk = self.clk
            if self.uses_reset:
                domain.rst = self.rst
            m.domains += domain
        self.build(m)
        return m

    def attach(
        self,
        m: Module,
        instance: str,
        child: HwModule,
        wires: Mapping[str, ValueLike],
        domain: str = "sync",
    ) -> None:
        """Put `child` inside as `instance`; `wires` connects all its ports but clock and reset.

        In the simulator its registers are in `domain`. The children of one RTL module name must be
        identical: one of them is generated.
        """
        missing = {*child.inputs, *child.outputs} ^ set(wires)
        assert not missing, f"{instance}: ports {sorted(missing)}"
        self.children.setdefault(child.name, child)
        if self.generate:
            connections: dict[str, ValueLike] = {}
            if child.clocked:
                connections["i_clk"] = self.clk
            if child.uses_reset:
                connections["i_rst"] = self.rst
            connections |= {f"i_{n}": wires[n] for n in child.inputs}
            connections |= {f"o_{n}": wires[n] for n in child.outputs}
            m.submodules[instance] = Instance(child.name, **connections)
            return
        m.submodules[instance] = child if domain == "sync" else DomainRenamer(domain)(child)
        m.d.comb += [signal.eq(wires[n]) for n, signal in child.inputs.items()]
        m.d.comb += [wires[n].eq(signal) for n, signal in child.outputs.items()]
