"""Random networks: the integer graph equals the float32 network at every layer."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hwflow.frontends.lowered import Lowered
from hwflow.frontends.qkeras import lower
from hwflow.ir import evaluate
from tests.frontends.float_network import run
from tests.frontends.networks import Net, bits, relu


def check(net: Net, seed: int, count: int = 40) -> Lowered:
    """Lower, evaluate both ways on random and extreme inputs, compare every probe."""
    network = net.network()
    lowered = lower(network, "net")
    graph = lowered.graph
    rng = np.random.default_rng(seed)
    (source,) = graph.inputs
    elem = graph.types[source.name].elem
    shape = graph.types[source.name].shape
    x = rng.integers(int(elem.lo), int(elem.hi) + 1, (count, *shape))
    x[0], x[1] = int(elem.lo), int(elem.hi)
    x[2] = np.where(rng.random(shape) < 0.5, elem.lo, elem.hi)
    expected = run(network, x * 2.0 ** -float(elem.frac), lowered.wide)
    found = evaluate(graph, {source.name: x}, keep="all")
    assert {p.layer for p in lowered.probes} >= {network.outputs[0]}
    for probe in lowered.probes:
        type = graph.types[probe.value]
        real = np.ldexp(found[probe.value].astype(np.float64), -type.elem.full(type.shape)[2])
        want = expected[probe.layer].astype(np.float64).reshape(real.shape)
        assert np.array_equal(real, want), probe
    return lowered


class Maker:
    """Grows a random network layer by layer."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.np = np.random.default_rng(seed)
        flat = self.rng.random() < 0.3
        one = self.rng.random() < 0.3
        shape = (6,) if flat else (self.rng.randint(5, 8), 3)
        if not flat and not one:
            shape = (self.rng.randint(4, 6), self.rng.randint(4, 6), self.rng.choice([1, 2, 4]))
        self.net = Net(shape, self.rng.choice([bits(6, 2), relu(5, 1), bits(7, 0, alpha=0.5)]))
        self.count = 0

    def name(self, stem: str) -> str:
        self.count += 1
        return f"{stem}-{self.count}"  # a dash: names must be sanitised

    def weights(self, shape: tuple[int, ...], scales: bool) -> dict[str, Any]:
        """Quantized kernel, its quantizer and scale: sometimes one power of two a channel."""
        width, integer = self.rng.randint(2, 6), self.rng.randint(-1, 2)
        top = (1 << (width - 1)) - 1
        codes = self.np.integers(-top, top + 1, shape)
        scale: Any = 1.0
        alpha: Any = 1
        if scales and self.rng.random() < 0.5:
            alpha = "auto_po2"
            scale = np.exp2(self.np.integers(-3, 3, (*(1,) * (len(shape) - 1), shape[-1])))
            if self.rng.random() < 0.3:
                codes[..., 0] = 0
                scale[..., 0] = 2.0**-23
        step = 2.0 ** (integer + 1 - width)
        spec = bits(width, integer, alpha=alpha, symmetric=alpha != 1)
        if self.rng.random() < 0.15 and alpha == 1:
            codes = self.np.integers(0, 2, shape) * 2 - 1
            spec, step = {"class": "binary", "config": {"alpha": 1.0, "use_01": False}}, 1.0
        return {"kernel": codes * step * scale, "spec": spec, "scale": scale}

    def bias(self, channels: int) -> dict[str, Any]:
        if self.rng.random() < 0.4:
            return {}
        codes = self.np.integers(-128, 128, channels)
        return {"bias": codes * 2.0**-5, "bias_spec": bits(8, 2)}

    def compute(self) -> None:
        shape = self.net.shape()
        rank, channels = len(shape) - 1, self.rng.randint(1, 5)
        kind = self.rng.choice(["dense", "conv", "depthwise"])
        if rank == 0 or kind == "dense":
            rest = {**self.weights((shape[-1], channels), True), **self.bias(channels)}
            self.net.dense(self.name("dense"), **rest)
            return
        taps = tuple(self.rng.randint(1, 3) for _ in range(rank))
        stride = [self.rng.choice([1, 2])] * rank
        spread = [self.rng.choice([1, 2])] * rank if stride[0] == 1 else [1] * rank
        spans = [(k - 1) * d + 1 for k, d in zip(taps, spread, strict=True)]
        same = self.rng.random() < 0.5 or any(n < s for n, s in zip(shape[:-1], spans, strict=True))
        sizes = [
            -(-n // t) if same else (n - s) // t + 1
            for n, s, t in zip(shape[:-1], spans, stride, strict=True)
        ]
        config: dict[str, Any] = {
            "strides": stride, "dilation_rate": spread, "padding": "same" if same else "valid",
            "data_format": "channels_last",
        }  # fmt: skip
        if kind == "depthwise" and rank == 2:
            many = self.rng.choice([1, 2])
            rest = self.weights((*taps, shape[-1], many), True) | self.bias(many * shape[-1])
            out = (*sizes, shape[-1] * many)
            self.net.product("QDepthwiseConv2D", self.name("dw"), out, **rest, **config)
            return
        groups = 2 if shape[-1] % 2 == 0 and self.rng.random() < 0.3 else 1
        channels *= groups
        rest = self.weights((*taps, shape[-1] // groups, channels), True) | self.bias(channels)
        self.net.product(
            f"QConv{rank}D", self.name("conv"), (*sizes, channels), groups=groups, **rest, **config
        )

    def norm(self) -> None:
        channels = self.net.shape()[-1]
        if self.rng.random() < 0.3:
            scale = np.exp2(self.np.integers(-3, 3, channels)) * self.np.choice([-1, 1], channels)
            offset = self.np.integers(-16, 16, channels) / 8
        else:
            scale = self.np.normal(0, 1, channels) * 2.0 ** self.np.integers(-6, 3)
            offset = self.np.normal(0, 1, channels)
            scale[self.np.random(channels) < 0.1] = 0
        self.net.norm(self.name("norm"), scale, offset)
        if self.rng.random() < 0.2:
            self.net.layer("Activation", self.name("ramp"), self.net.shape(), activation="relu")

    def activation(self) -> None:
        spec = self.rng.choice(
            [
                relu(self.rng.randint(1, 8), self.rng.randint(-1, 5)),
                bits(self.rng.randint(1, 7), self.rng.randint(-1, 4)),
                bits(4, 2, symmetric=1, alpha=2.0),
                relu(6, 3, negative_slope=0.25),
                {"class": "binary", "config": {"alpha": None, "use_01": False}},
                {"class": "ternary", "config": {"alpha": 1.0, "threshold": None}},
            ]
        )
        self.net.act(self.name("act"), spec)

    def pool(self) -> None:
        shape = self.net.shape()
        rank = len(shape) - 1
        if rank == 0 or min(shape[:-1]) < 2:
            return
        maximum = self.rng.random() < 0.6
        same = maximum and self.rng.random() < 0.5
        stride = [self.rng.choice([1, 2])] * rank
        sizes = [
            -(-n // t) if same else (n - 2) // t + 1
            for n, t in zip(shape[:-1], stride, strict=True)
        ]
        self.net.layer(
            f"{'Max' if maximum else 'Average'}Pooling{rank}D",
            self.name("pool"),
            (*sizes, shape[-1]),
            pool_size=[2] * rank,
            strides=stride,
            padding="same" if same else "valid",
        )

    def pad(self) -> None:
        shape = self.net.shape()
        if len(shape) == 1:
            return
        pads = [[self.rng.randint(0, 1), self.rng.randint(0, 2)] for _ in shape[:-1]]
        out = [n + a + b for n, (a, b) in zip(shape[:-1], pads, strict=True)]
        self.net.layer(
            f"ZeroPadding{len(pads)}D", self.name("zeros"), (*out, shape[-1]),
            padding=pads if len(pads) == 2 else pads[0],
        )  # fmt: skip

    def branch(self) -> None:
        """Two activations of one value, joined again."""
        start, shape = self.net.last, self.net.shape()
        names = []
        for integer in (1, 3):
            self.net.last = start
            names.append(self.name("side"))
            self.net.act(names[-1], bits(6, integer))
        if self.rng.random() < 0.5:
            self.net.layer("Add", self.name("add"), shape, inputs=names)
        else:
            out = (*shape[:-1], shape[-1] * 2)
            self.net.layer("Concatenate", self.name("join"), out, inputs=names, axis=-1)

    def build(self) -> Net:
        for _ in range(self.rng.randint(1, 3)):
            if self.rng.random() < 0.2:
                self.pad()
            self.compute()
            if self.rng.random() < 0.5:
                self.norm()
                self.activation()
            elif self.rng.random() < 0.8:
                self.activation()
            if self.rng.random() < 0.4:
                self.pool()
            if self.rng.random() < 0.2:
                self.branch()
            if self.rng.random() < 0.1:
                size = int(np.prod(self.net.shape()))
                self.net.layer("Flatten", self.name("flat"), (size,), data_format="channels_last")
        return self.net


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_graph_equals_the_float_network(seed: int) -> None:
    check(Maker(seed).build(), seed)
