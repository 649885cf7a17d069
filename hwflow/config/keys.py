"""Every key of design.yaml, described once: reading, messages and JSON Schema follow from it."""

from __future__ import annotations

from hwflow.config.design import (
    RUNGS,
    CornersConfig,
    DataConfig,
    FoldConfig,
    HardwareConfig,
    HlsConfig,
    LayerFoldConfig,
    ModelConfig,
    ProjectConfig,
    ReportConfig,
    SynthConfig,
    TrainConfig,
    VerifyConfig,
)
from hwflow.config.hls4ml import HLS4ML
from hwflow.config.names import NAME_PATTERN
from hwflow.config.rules import (
    check_data,
    check_design,
    check_hardware,
    check_model,
    in_order,
)
from hwflow.config.schema import Boolean, Choice, Integer, Key, ListOf, MapOf, Number, Section, Text
from hwflow.config.values import (
    CLOCK_PATTERN,
    BudgetOf,
    LimitsOf,
    cell_library,
    clock,
    data_file,
    design_name,
    liberty_file,
    model_builder,
    model_file,
    weights_file,
)

__all__ = ["DESIGN"]

_SEED = Integer(0, 2**31 - 1)
_COUNT = Integer(0, 10_000_000)

_FUNCTION = r"[^:]+\.py:[A-Za-z_][A-Za-z0-9_]*"

_MODEL = Section(
    (
        Key(
            "builder",
            Text(
                _FUNCTION,
                "a file and a function such as model.py:encoder",
                model_builder,
            ),
            "the Python function that builds the model to train, as model.py:function",
        ),
        Key(
            "file",
            Text(parse=model_file),
            "a trained model, or an integer graph (docs/importing.md)",
        ),
        Key(
            "around",
            Text(_FUNCTION, "a file and a function such as chip.py:chip", model_builder),
            "the Python function that builds integer processing around the network",
        ),
        Key(
            "weights",
            Text(parse=weights_file),
            "values of weights that are loaded at run time (.npz), in place of the trained ones",
        ),
    ),
    make=ModelConfig,
    check=check_model,
    rules={"oneOf": [{"required": ["builder"]}, {"required": ["file"]}]},
)

_DATA = Section(
    (
        Key(
            "source",
            Choice(("digits", "hgcal_toy", "machine_sound", "file")),
            "digits (8x8 handwritten), hgcal_toy (synthetic calorimeter wafers), machine_sound "
            "(synthetic spectra of machines) or file",
            required=True,
        ),
        Key("path", Text(parse=data_file), "the .npz or .csv file of source: file"),
        Key("split", Number(0, 0.9, above=True), "fraction of samples kept for the test", 0.2),
        Key(
            "samples",
            Integer(10, 10_000_000),
            "number of synthetic samples (hgcal_toy 12000, machine_sound 20000)",
        ),
        Key("seed", _SEED, "seed of the generator and of the split", 0),
    ),
    make=DataConfig,
    check=check_data,
)

_TRAIN = Section(
    (
        Key("epochs", Integer(1, 100_000), "number of passes over the training samples", 20),
        Key("batch", Integer(1, 1_000_000), "samples per step", 128),
        Key("seed", _SEED, "seed of initial weights and of shuffling", 1),
        Key("learning_rate", Number(0, 10, above=True), "Adam's step size", 1e-3),
        Key("patience", Integer(0, 100_000), "epochs without progress before stopping; 0: off", 0),
        Key(
            "loss",
            Choice(("categorical_crossentropy", "mse", "telescope")),
            "the loss function; by default telescope for hgcal_toy, mse for machine_sound, else "
            "categorical_crossentropy",
            "categorical_crossentropy",
        ),
        Key("float_twin", Boolean(), "also train the float model, to compare with", True),
    ),
    make=TrainConfig,
)

_MANY = Integer(1, 1_000_000)

_LAYER_FOLD = Section(
    (
        Key("pe", _MANY, "outputs computed in a clock (all)"),
        Key("simd", _MANY, "inputs taken in a clock (all)"),
        Key("pos", _MANY, "output positions computed in a clock (all; 1 with pe or simd)"),
        Key(
            "multiplier",
            Choice(("lut", "dsp", "serial", "plain", "radix4", "radix8")),
            "what multiplies where pe or simd is given (serial: inputs bit by bit), or how "
            "weights loaded at run time are recoded (radix8 unless given)",
            "lut",
        ),
        Key(
            "digits",
            Integer(1, 64),
            "clocks in which a layer with weights loaded at run time takes its inputs, some bits "
            "of each in a clock",
            1,
        ),
    ),
    make=LayerFoldConfig,
)

_FOLD = Section(
    (
        Key(
            "pos",
            MapOf(NAME_PATTERN, "layers", Choice(("all", "1"))),
            "output positions computed in a clock, per layer: all, or 1 behind a line buffer",
            (),
        ),
        Key("target_ii", Integer(1, 100_000_000), "clocks between two inferences aimed at", 1),
        Key(
            "budget",
            BudgetOf(),
            "what the design may take (device: all but a margin): the fastest foldings that fit "
            "are chosen, or with target_ii the smallest",
        ),
        Key(
            "layers", MapOf(NAME_PATTERN, "layers", _LAYER_FOLD), "foldings by hand, per layer", ()
        ),
        Key("learn", Boolean(), "correct the solver's estimates by earlier syntheses", True),
    ),
    make=FoldConfig,
)

_CORNERS = Section(
    (
        Key("slow", Text(parse=liberty_file), "setup and Fmax are those of this corner"),
        Key("fast", Text(parse=liberty_file), "hold is checked at this corner"),
    ),
    make=CornersConfig,
)

_HARDWARE = Section(
    (
        Key(
            "backend",
            Choice(("amaranth", "hls4ml")),
            "what generates the hardware: amaranth (Verilog), or hls4ml (C++ for an HLS tool)",
            "amaranth",
        ),
        Key("hls4ml", HLS4ML, "what hls4ml is asked for: backend or rung hls4ml", HlsConfig()),
        Key(
            "target",
            Text(r"[a-z0-9][a-z0-9-]*", "a target such as ecp5-85k (`hwflow targets`)"),
            "the device to synthesize for; `hwflow targets` lists them",
            "ecp5-85k",
        ),
        Key(
            "clock",
            Text(CLOCK_PATTERN, "a frequency or period such as 40 MHz or 25 ns", clock),
            "the clock, as a frequency or a period",
            HardwareConfig().clock,
        ),
        Key("fold", _FOLD, "how computation is spread over clocks", FoldConfig()),
        Key(
            "weights",
            Choice(("constant", "programmable")),
            "weights fixed in the hardware, or loaded at run time",
            "constant",
        ),
        Key(
            "protect",
            Choice(("none", "tmr")),
            "protection of state against upsets; tmr: each flip-flop three times, with voters",
            "none",
        ),
        Key(
            "interface",
            Choice(("axi_stream", "valid_ready", "valid_only")),
            "the top's streams; valid_only has no back-pressure",
            "axi_stream",
        ),
        Key(
            "board",
            Text(r"[A-Za-z0-9][A-Za-z0-9_-]*", "a board such as icebreaker", optional=True),
            "make a bitstream for this board (a file in constraints/), the design behind a UART",
        ),
        Key(
            "library",
            Text(parse=cell_library),
            "the cells of target: asic: osu018, or a Liberty file ($PDK_ROOT/... is found)",
        ),
        Key(
            "corners",
            _CORNERS,
            "Liberty files of the library's other corners, for timing",
            CornersConfig(),
        ),
        Key(
            "clock_gating",
            Boolean(),
            "target: asic: shared enables become clock gates, where the library has one",
            True,
        ),
        Key(
            "weight_latches",
            Boolean(),
            "target: asic: weights loaded at run time in latches, where the library has them",
            True,
        ),
        Key(
            "flatten",
            Boolean(),
            "target: asic: flatten layers before mapping; else a repeated module is mapped once",
            False,
        ),
        Key(
            "dont_use",
            ListOf(Text(r"[A-Za-z_][A-Za-z0-9_]*", "the name of a cell")),
            "target: asic: cells of the library that synthesis must leave alone",
            (),
        ),
    ),
    make=HardwareConfig,
    check=check_hardware,
)

_VERIFY = Section(
    (
        Key("vectors", _COUNT, "number of random vectors", 2000),
        Key("dataset", _COUNT, "number of vectors from the data set", 2000),
        Key("seed", _SEED, "seed of the random vectors", 0),
        Key(
            "rungs",
            ListOf(Choice(RUNGS)),
            "rungs compared with the integer graph (all of the backend)",
        ),
    ),
    make=VerifyConfig,
    check=in_order,
)

_SYNTH = Section(
    (
        Key("place_and_route", Boolean(), "run nextpnr for the highest frequency", False),
        Key("energy", Boolean(), "estimate energy per inference from the netlist's activity", True),
    ),
    make=SynthConfig,
)

_NM = Number(1, 1000)
_PROJECT = Section(
    (
        Key("node", _NM, "feature size in nm", ProjectConfig().node),
        Key("voltage", Number(0.1, 10), "core voltage in V", ProjectConfig().voltage),
    ),
    make=ProjectConfig,
)

_REPORT = Section(
    (
        Key("title", Text(r"[^\x00-\x1f]{1,200}", "text", optional=True), "the report's heading"),
        Key("top_paths", Integer(0, 1000), "number of critical paths shown", 5),
        Key("node", _NM, "feature size in nm of a cell library not known by its name"),
        Key(
            "project_to",
            _PROJECT,
            "the process that figures of cells are projected to",
            ProjectConfig(),
        ),
    ),
    make=ReportConfig,
)

DESIGN = Section(
    (
        Key("design", Text(parse=design_name), "the design's name", required=True),
        Key("model", _MODEL, "where the network comes from: builder or file", required=True),
        Key("data", _DATA, "the samples to train, test and verify with"),
        Key("train", _TRAIN, "how the model is trained", TrainConfig()),
        Key("hardware", _HARDWARE, "what hardware is built", HardwareConfig()),
        Key("verify", _VERIFY, "how the hardware is checked", VerifyConfig()),
        Key("synth", _SYNTH, "options of synthesis", SynthConfig()),
        Key("report", _REPORT, "options of the report", ReportConfig()),
        Key("limits", LimitsOf(), "figures that must hold: {metric: {min: x, max: y}}", ()),
    ),
    make=dict,
    check=check_design,
)
"""The whole file; reading gives a dictionary of the sections' typed objects."""
