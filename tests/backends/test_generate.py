"""RTLIL: the registers that were planned, one module per layer, the same text every time."""

from __future__ import annotations

import random

import pytest

from hwflow.backends.amaranth.generate import generate_rtlil, headers
from hwflow.backends.amaranth.rtlil import SigSpec, parse_rtlil
from hwflow.ir import Graph, GraphBuilder, IntType
from hwflow.plan.plan import Plan
from hwflow.plan.schedule import register_bits
from tests.backends.chains import ONE, dense_net, make, random_chain, residual


def flip_flops(text: str) -> int:
    """Bits of all flip-flops in an RTLIL text."""
    return sum(
        int(cell.parameters["WIDTH"])
        for module in parse_rtlil(text)
        for cell in module.cells
        if "dff" in cell.kind
    )


@pytest.mark.parametrize("kind", ["axi_stream", "valid_only"])
@pytest.mark.parametrize("mhz", [20, 150, 300, 380])
def test_layers_instantiate_the_planned_registers(kind: str, mhz: int) -> None:
    for graph in (dense_net(random.Random(1), 3), residual(random.Random(2))):
        plan = make(graph, kind, mhz=mhz)  # type: ignore[arg-type]
        texts = generate_rtlil(plan)
        for layer in plan.layers:
            planned = register_bits(layer.circuit, layer.schedule)
            assert flip_flops(texts[f"{graph.name}__{layer.name}"]) == planned
            assert layer.cost.ffs == planned
        assert (mhz == 20) == (sum(layer.cost.ffs for layer in plan.layers) == 0)


def convolution(positions: str) -> Plan:
    b = GraphBuilder("net")
    x = b.input("x", (5, 4, 2), IntType(-3, 3))
    with b.layer("conv"):
        y = b.conv(x, b.const([[[[3], [5]]], [[[-7], [1]]]]), padding=((1, 0), (0, 1)))
    return make(b.build({"y": y}), "valid_ready", {"conv": ONE} if positions == "1" else {}, 350)


def test_a_line_buffer_has_the_planned_registers() -> None:
    plan = convolution("1")
    (layer,) = plan.layers
    texts = generate_rtlil(plan)
    kernel = flip_flops(texts["net__conv__kernel"])
    assert kernel == register_bits(layer.circuit, layer.schedule) > 0
    chain = layer.cost.ffs - kernel
    assert chain == (1 * 5 + 1) * 2 * 3  # one padded row and a pixel, two channels of three bits
    steps = (6 * 5 - 1).bit_length()
    assert flip_flops(texts["net__conv"]) == chain + steps + layer.latency + 1


def test_parallel_positions_share_one_kernel_module() -> None:
    plan = convolution("all")
    (layer,) = plan.layers
    texts = generate_rtlil(plan)
    assert list(texts)[:2] == ["net__conv__kernel", "net__conv"]
    assert texts["net__conv"].count("cell \\net__conv__kernel") == layer.kernel.positions == 25
    assert flip_flops(texts["net__conv__kernel"]) * 25 == layer.cost.ffs


def children_first(texts: dict[str, str]) -> bool:
    names = list(texts)
    return all(
        names.index(cell.kind[1:]) < names.index(name)
        for name, text in texts.items()
        for module in parse_rtlil(text)
        for cell in module.cells
        if cell.kind.startswith("\\")
    )


def test_generation_is_deterministic_and_complete() -> None:
    for seed in range(4):
        graph, fold = random_chain(random.Random(seed))
        first, second = (generate_rtlil(make(graph, "axi_stream", fold)) for _ in range(2))
        assert list(first.items()) == list(second.items())
        assert children_first(first)
        assert list(first)[-1] == "chain"
        assert not any("\\src" in text for text in first.values())


def bits_of(spec: SigSpec, wires: dict[str, int]) -> int:
    """Width of a connection."""
    return sum(
        len(c.bits) if not c.wire else wires[c.wire] if c.high < 0 else c.high - c.low + 1
        for c in spec
    )


@pytest.mark.parametrize("kind", ["axi_stream", "valid_ready"])
def test_instances_are_connected_bit_for_bit(kind: str) -> None:
    """No port of a sub-module is connected to a signal of another width."""
    checked = 0
    for seed in range(8):
        graph, fold = random_chain(random.Random(seed))
        texts = generate_rtlil(make(graph, kind, fold, 200))  # type: ignore[arg-type]
        modules = {m.name: m for text in texts.values() for m in parse_rtlil(text)}
        for module in modules.values():
            wires = {w.name: w.width for w in module.wires}
            for cell in module.cells:
                if (child := modules.get(cell.kind.removeprefix("\\"))) is None:
                    continue
                ports = {w.name.removeprefix("\\"): w.width for w in child.wires if w.port}
                assert set(cell.ports) == set(ports)
                for port, spec in cell.ports.items():
                    assert bits_of(spec, wires) == ports[port], (module.name, cell.name, port)
                    checked += 1
    assert checked > 100


def names_of(graph: Graph) -> set[str]:
    return {f"{graph.name}__{layer.name}" for layer in graph.layers()} | {graph.name}


def test_headers_tell_layer_types_and_cycles() -> None:
    graph, fold = random_chain(random.Random(1))
    plan = make(graph, "axi_stream", fold)
    texts = headers(plan)
    assert set(texts) == names_of(graph)
    assert f"Latency {plan.interface.latency} cycles" in texts["chain"]
    assert "clock 40 MHz" in texts["chain"]
    assert "s_axis_x_tdata" in texts["chain"]
    for layer in plan.layers:
        header = texts[f"chain__{layer.name}"]
        assert all(op in header for op in layer.operations)
        assert f"latency {layer.latency} cycles" in header
        assert plan.digest[:16] in header
