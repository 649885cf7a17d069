"""The typed form of design.yaml: what the rest of hwflow reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from hwflow.errors import Place

__all__ = [
    "BACKEND_RUNGS",
    "RUNGS",
    "BudgetConfig",
    "Builder",
    "CornersConfig",
    "DataConfig",
    "DesignConfig",
    "FoldConfig",
    "HardwareConfig",
    "HlsConfig",
    "LayerFoldConfig",
    "Limit",
    "ModelConfig",
    "ProjectConfig",
    "ReportConfig",
    "SynthConfig",
    "TrainConfig",
    "VerifyConfig",
    "as_json",
]

RUNGS = ("training", "amaranth", "rtl", "netlist", "hls4ml")
"""The rungs of the verification ladder compared with the integer graph, in order."""

BACKEND_RUNGS = {
    "amaranth": ("training", "amaranth", "rtl", "netlist"),
    "hls4ml": ("training", "hls4ml"),
}
"""The rungs compared unless `verify.rungs` says otherwise, by what generates the hardware."""


@dataclass(frozen=True, slots=True)
class Builder:
    """A function in a Python file of the design's folder."""

    file: Path
    function: str


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Exactly one of `builder` and `file` is given.

    `around` builds integer processing around the network; `weights` holds values of weights that
    are loaded at run time.
    """

    builder: Builder | None = None
    file: Path | None = None
    around: Builder | None = None
    weights: Path | None = None


@dataclass(frozen=True, slots=True)
class DataConfig:
    """Where samples come from; `samples` is None for sources of a fixed size."""

    source: str
    path: Path | None = None
    split: float = 0.2
    samples: int | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How the model is trained; `patience` 0 means no early stopping."""

    epochs: int = 20
    batch: int = 128
    seed: int = 1
    learning_rate: float = 1e-3
    patience: int = 0
    loss: str = "categorical_crossentropy"
    float_twin: bool = True


@dataclass(frozen=True, slots=True)
class BudgetConfig:
    """The most of each resource that the design may take; None: what the device has.

    `device` stands for the word instead of figures: what the device has, less a margin.
    """

    lut: int | None = None
    ff: int | None = None
    dsp: int | None = None
    bram: int | None = None
    device: bool = False


@dataclass(frozen=True, slots=True)
class LayerFoldConfig:
    """One layer's folding by hand; None: all."""

    pe: int | None = None
    simd: int | None = None
    pos: int | None = None
    multiplier: str = "lut"
    digits: int = 1


@dataclass(frozen=True, slots=True)
class FoldConfig:
    """How computation is spread over clocks.

    By hand: `pos`, pairs of layer name and positions per clock ("all" or "1"), and `layers`. With
    `target_ii` above 1 or a `budget`, the other layers' foldings are solved for; `learn` lets
    earlier syntheses correct the solver's estimates.
    """

    pos: tuple[tuple[str, str], ...] = ()
    target_ii: int = 1
    budget: BudgetConfig | None = None
    layers: tuple[tuple[str, LayerFoldConfig], ...] = ()
    learn: bool = True

    @property
    def solved(self) -> bool:
        """Whether the solver chooses."""
        return self.target_ii > 1 or self.budget is not None


@dataclass(frozen=True, slots=True)
class CornersConfig:
    """Liberty files of other corners: setup is checked at `slow`, hold at `fast`."""

    slow: Path | None = None
    fast: Path | None = None


@dataclass(frozen=True, slots=True)
class HlsConfig:
    """What hls4ml is asked for: the HLS tool that its C++ is for, and its main settings."""

    flavour: str = "vitis"
    io: str = "parallel"
    strategy: str = "latency"
    reuse: int = 1


@dataclass(frozen=True, slots=True)
class HardwareConfig:
    """What is built; `clock` is in hertz, exact; `board` names a file in constraints/.

    `library` is a known cell library's name or a Liberty file; None unless `target` is asic, which
    `clock_gating`, `weight_latches`, `flatten` and `dont_use` are for, too.
    """

    backend: str = "amaranth"
    hls4ml: HlsConfig = HlsConfig()
    target: str = "ecp5-85k"
    clock: Fraction = Fraction(40_000_000)
    fold: FoldConfig = FoldConfig()
    weights: str = "constant"
    protect: str = "none"
    interface: str = "axi_stream"
    board: str | None = None
    library: str | Path | None = None
    corners: CornersConfig = CornersConfig()
    clock_gating: bool = True
    weight_latches: bool = True
    flatten: bool = False
    dont_use: tuple[str, ...] = ()

    @property
    def asic(self) -> bool:
        """Whether the target is a cell library."""
        return self.target == "asic"


@dataclass(frozen=True, slots=True)
class VerifyConfig:
    """Vectors and rungs of the ladder; rungs stand in the ladder's order."""

    vectors: int = 2000
    dataset: int = 2000
    seed: int = 0
    rungs: tuple[str, ...] = BACKEND_RUNGS["amaranth"]


@dataclass(frozen=True, slots=True)
class SynthConfig:
    """Options of synthesis."""

    place_and_route: bool = False
    energy: bool = True


@dataclass(frozen=True, slots=True)
class ProjectConfig:
    """The process that figures of cells are projected to: feature size in nm, core voltage."""

    node: float = 65.0
    voltage: float = 1.2


@dataclass(frozen=True, slots=True)
class ReportConfig:
    """Options of the report; they change nothing before it.

    `node` is the feature size in nm of a cell library that hwflow does not know by its name.
    """

    title: str | None = None
    top_paths: int = 5
    node: float | None = None
    project_to: ProjectConfig = ProjectConfig()


@dataclass(frozen=True, slots=True)
class Limit:
    """A figure the design must keep; at least one bound is given."""

    metric: str
    min: float | None
    max: float | None
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True)
class DesignConfig:
    """A whole design. `folder` holds design.yaml; `places` gives each written key's place."""

    design: str
    model: ModelConfig
    data: DataConfig | None
    train: TrainConfig
    hardware: HardwareConfig
    verify: VerifyConfig
    synth: SynthConfig
    report: ReportConfig
    limits: tuple[Limit, ...]
    folder: Path = field(compare=False)
    places: Mapping[str, Place] = field(compare=False)

    def place(self, key: str) -> Place | None:
        """Where a dotted key such as "hardware.target" is written; its parent's place if not."""
        while key:
            if key in self.places:
                return self.places[key]
            key = key.rpartition(".")[0]
        return None


def as_json(value: object, folder: Path | None = None) -> object:
    """A part of the configuration as plain JSON data, for the keys of stages.

    Fractions become text, paths become relative to `folder` where they are inside it, places are
    left out: moving a design or a line in its file changes no key.
    """
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, Path):
        inside = folder is not None and value.is_relative_to(folder)
        return value.relative_to(folder).as_posix() if inside and folder else value.name
    if isinstance(value, tuple):
        return [as_json(item, folder) for item in value]
    if dataclasses.is_dataclass(value):
        fields = (f.name for f in dataclasses.fields(value) if f.compare)
        return {name: as_json(getattr(value, name), folder) for name in fields}
    assert value is None or isinstance(value, str | int | float | bool), type(value)
    return value
