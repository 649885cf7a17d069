"""Codes of the design file, tools, builds and the store."""

from __future__ import annotations

from hwflow.catalogue.explanation import Explanation

__all__ = ["USER"]

USER: dict[str, Explanation] = {
    # -- design.yaml ---------------------------------------------------------------------------
    "config.choice": Explanation(
        "A key has a value that is not one of those allowed.",
        "A spelling mistake, or a value of another version.",
        "Use one of the values listed; `hwflow schema` gives them all to your editor.",
    ),
    "config.combination": Explanation(
        "Two keys of design.yaml exclude each other, or one of them needs another.",
        "A key was left over from another design.",
        "Change or remove one of the keys named.",
    ),
    "config.missing": Explanation(
        "A key that every design needs is absent.",
        "The file is incomplete.",
        "Add the key; `hwflow init` writes a complete example.",
    ),
    "config.name": Explanation(
        "The design's name cannot be the name of a Verilog module.",
        "It is a keyword of Verilog, SystemVerilog, VHDL or Tcl, or holds other characters than"
        " letters, digits and underscores.",
        "Choose another name: a letter, then at most 62 letters, digits or underscores.",
    ),
    "config.override": Explanation(
        "`--set` was not understood.",
        "It is not of the form key.subkey=value, or the key leads through a plain value.",
        "Write for example --set hardware.target=ecp5-45k.",
    ),
    "config.path": Explanation(
        "A path in design.yaml leads outside the design's folder, or is of the wrong kind.",
        "An absolute path, a `..`, a link, or an unexpected file suffix.",
        "Put the file beside design.yaml and give its relative path.",
    ),
    "config.range": Explanation(
        "A number is outside its allowed range.",
        "Usually a unit or a digit too many.",
        "Use a number within the range stated.",
    ),
    "config.type": Explanation(
        "A value has the wrong type, such as text where a number is expected.",
        "Quotes too many or too few, a unit where none belongs, or wrong indentation.",
        "Write a value of the type stated.",
    ),
    "config.unknown-key": Explanation(
        "design.yaml holds a key that means nothing to hwflow.",
        "A spelling mistake, or a key at the wrong level of indentation.",
        "Correct or remove it; nothing is ever ignored silently.",
    ),
    "config.unsupported": Explanation(
        "The value is known but this version cannot build it.",
        "The feature is planned; its keys exist so that designs need not change later.",
        "Use the alternative named in the message.",
    ),
    "config.value": Explanation(
        "A text value does not have the form expected, such as a clock without a unit.",
        "A spelling mistake.",
        "Write it as the message shows.",
    ),
    "file.missing": Explanation(
        "A file that was named does not exist.",
        "A spelling mistake, or a path relative to another folder: paths in design.yaml are"
        " relative to the folder of design.yaml.",
        "Correct the path.",
    ),
    "file.unreadable": Explanation(
        "A file exists but cannot be read.",
        "It is a folder, or its permissions do not allow it.",
        "Name a readable file.",
    ),
    "yaml.alias": Explanation(
        "The file uses a YAML anchor (&name) or alias (*name).",
        "They are refused: a few lines of them can expand to gigabytes.",
        "Write the value out where it is needed; quote a text that starts with & or *.",
    ),
    "yaml.depth": Explanation(
        "The file is nested deeper than any design needs.",
        "Brackets that are not closed, or a file that is not a design.",
        "Check the brackets and the indentation.",
    ),
    "yaml.duplicate-key": Explanation(
        "A key appears twice in one mapping.",
        "A line was copied.",
        "Keep one of the two.",
    ),
    "yaml.empty": Explanation(
        "The file holds no mapping of keys to values.",
        "It is empty, or holds a list or a single value.",
        "`hwflow init` writes an example to start from.",
    ),
    "yaml.encoding": Explanation(
        "The file is not UTF-8 text or holds control characters.",
        "It is another kind of file, or was saved in another encoding.",
        "Save it as UTF-8.",
    ),
    "yaml.size": Explanation(
        "The file is larger than 1 MiB or holds more than 10000 values.",
        "It is not a design file.",
        "Name the design.yaml.",
    ),
    "yaml.syntax": Explanation(
        "The file is not valid YAML.",
        "Most often a tab used for indentation, a missing space after a colon, or an unclosed"
        " quote or bracket.",
        "Correct the place named; indent by spaces.",
    ),
    "yaml.tag": Explanation(
        "The file uses a YAML tag (!name).",
        "Tags can stand for arbitrary objects and are refused.",
        "Write the plain value; quote a text that starts with an exclamation mark.",
    ),
    # -- tools ---------------------------------------------------------------------------------
    "tool.failed": Explanation(
        "An external tool returned an error or was killed.",
        "Its log says why; a kill by SIGKILL is usually the system running out of memory.",
        "Read the last lines shown; the whole log is in the folder failed/ of the build.",
    ),
    "tool.missing": Explanation(
        "A tool that this step needs is not installed.",
        "The environment was not set up, or a system package is absent.",
        "Run the command shown; `hwflow doctor` lists every tool.",
    ),
    "tool.old": Explanation(
        "A tool is installed, but a version too old to work.",
        "The system's package is older than what was tested.",
        "Install the version named; `hwflow doctor` lists every tool.",
    ),
    "tool.start": Explanation(
        "A tool was found but could not be started.",
        "It is not executable, or was built for another machine.",
        "Reinstall it.",
    ),
    "tool.timeout": Explanation(
        "A tool did not finish within its time limit and was stopped.",
        "It hangs, or the design is far larger than the step expects.",
        "Read its log in the folder failed/ of the build; try a smaller design.",
    ),
    "tool.unknown": Explanation(
        "hwflow asked for a tool that is not in its table.",
        "A mistake in hwflow.",
        "Please report it.",
    ),
    "tool.version": Explanation(
        "A tool does not tell its version.",
        "Another program of the same name comes first on PATH.",
        "Reinstall the tool or correct PATH.",
    ),
    # -- data and training ---------------------------------------------------------------------
    "data.few": Explanation(
        "The file holds too few samples.",
        "Training, validation and test parts are cut from it.",
        "Give at least 20 samples; thousands are usual.",
    ),
    "data.format": Explanation(
        "A data file is not of a form that can be read.",
        "Another file type, array names or shapes than the data source takes.",
        "Wafers: CSV or npz of 48 charges a row. Other data: an npz with x and y.",
    ),
    "data.missing": Explanation(
        "The data file does not exist.",
        "A spelling mistake, or a path that is not relative to design.yaml.",
        "Correct data.path.",
    ),
    "data.row": Explanation(
        "A row of a data file cannot be used.",
        "A missing or extra value, text, a negative charge, NaN, or an empty wafer.",
        "Correct or remove the row named in the message.",
    ),
    "data.source": Explanation(
        "There is no data source of that name.",
        "A spelling mistake, or source: file without a path.",
        "Use digits, hgcal_toy, machine_sound, or file with a path.",
    ),
    "train.builder": Explanation(
        "The model builder could not be used.",
        "Its file or function is missing, it raised an error, or it returned no Keras model.",
        "Correct the line named in the message; hwflow/train/FORMAT.md shows what a builder is.",
    ),
    "train.diverged": Explanation(
        "The training loss is no longer a number.",
        "Too large a learning rate, or numbers that overflow.",
        "Lower train.learning_rate or widen the activations.",
    ),
    "train.export": Explanation(
        "The trained model cannot be written as a network.",
        "A layer used twice, a model inside the model, or an open shape.",
        "Change the layer named in the message.",
    ),
    "train.loss": Explanation(
        "The loss does not fit the data.",
        "Class numbers, real targets and wafers are trained with different losses.",
        "Use one of the losses listed in the message.",
    ),
    "train.replay": Explanation(
        "The trained network could not be evaluated.",
        "A layer without a known class, a missing input, or weights that do not belong to it.",
        "Use QKeras layers, and build again from the training stage.",
    ),
    "train.shape": Explanation(
        "The model's input or output does not fit the data.",
        "A fixed shape in the builder instead of the one it is given.",
        "Use the builder's arguments input_shape and classes (or output_shape).",
    ),
    "train.twin": Explanation(
        "The model has no float form to compare with.",
        "A layer or quantizer that has no plain Keras counterpart.",
        "Replace it, or set train.float_twin to false.",
    ),
    "train.wide": Explanation(
        "A layer with wide accumulators cannot be evaluated in float64.",
        "Only quantized_bits and quantized_relu have a float64 form.",
        "Use one of them, or narrow the layer's weights or inputs.",
    ),
    # -- flow ----------------------------------------------------------------------------------
    "build.corrupt": Explanation(
        "The build folder's build.json cannot be read.",
        "It was edited, or comes from another version.",
        "Remove the build folder (not the store): the next build finds all artifacts again.",
    ),
    "build.folder": Explanation(
        "The build folder cannot be used.",
        "Its path is a file, or its permissions do not allow writing.",
        "Choose another folder or correct the permissions.",
    ),
    "build.locked": Explanation(
        "Another hwflow is building in the same folder.",
        "Two builds of one design were started at once.",
        "Wait for the other one to end, or stop it; the lock goes away with its process.",
    ),
    "build.missing": Explanation(
        "The build holds no artifact of the stage asked for.",
        "The build has not come that far, or failed.",
        "Run `hwflow build` first; `hwflow status` shows each stage.",
    ),
    "disk.full": Explanation(
        "There was no space left on the disk.",
        "The disk or a quota is full.",
        "Free some space and run the same command again: finished stages are kept.",
    ),
    "explain.unknown": Explanation(
        "There is no error of that code.",
        "A spelling mistake.",
        "Use the code between brackets of an error message.",
    ),
    "flow.artifact": Explanation(
        "A stage wrote something that cannot be stored.",
        "A mistake in hwflow: artifacts are made of regular files only.",
        "Please report it.",
    ),
    "flow.from": Explanation(
        "`--from` asks to keep the earlier stages as they are, but one has never been built.",
        "The build has not come that far.",
        "Run `hwflow build` without `--from` once.",
    ),
    "flow.stage": Explanation(
        "There is no stage of that name in this build.",
        "A spelling mistake, or a stage that this design leaves out.",
        "Use one of the stages listed.",
    ),
    "internal.error": Explanation(
        "hwflow met an error that it did not expect.",
        "A mistake in hwflow.",
        "Please report it together with the text shown.",
    ),
    "limit.failed": Explanation(
        "A figure does not keep a limit of the design, or was not worked out at all.",
        "The design grew, slowed down or lost accuracy; or a stage that gives the figure is off.",
        "Read the report's table of layers; loosen a limit in its file only with a reason.",
    ),
    "limit.unknown": Explanation(
        "A limit is set on a metric that does not exist.",
        "A spelling mistake. A layer's figure is written metric/layer, such as lut/conv.",
        "Use a name from the report's table of figures.",
    ),
    "report.artifact": Explanation(
        "The report met an artifact that does not look as its stage writes it.",
        "A mistake in hwflow: the stage and the report disagree.",
        "Please report it; `hwflow build --force STAGE` rebuilds the artifact.",
    ),
    "store.damaged": Explanation(
        "A stored artifact no longer has the checksums it was written with.",
        "The disk or memory is failing, or the file was changed behind hwflow's back.",
        "Run the same command again: the artifact was moved aside and will be rebuilt.",
    ),
    # -- command line --------------------------------------------------------------------------
    "build.report": Explanation(
        "The build's metrics.json cannot be read.",
        "It was edited or damaged.",
        "Run `hwflow build` with --force report.",
    ),
    "cli.command": Explanation(
        "hwflow has no command of that name.",
        "A spelling mistake.",
        "`hwflow --help` lists the commands.",
    ),
    "cli.usage": Explanation(
        "The options of a command were not understood.",
        "A missing argument or an unknown option.",
        "`hwflow COMMAND --help` lists them.",
    ),
    "export.onnx": Explanation(
        "The integer graph cannot be written as an ONNX model that means the same.",
        "An operation that ONNX does not have, a rounding that the format lacks, weights loaded at"
        " run time, or numbers that float32 would round.",
        "Write the format qonnx, or pass the graph on as .hwf.",
    ),
    "export.folder": Explanation(
        "The folder to export to cannot be used.",
        "It is not empty, or it is a file.",
        "Name a new folder, or use --force to write among what is there.",
    ),
    "init.example": Explanation(
        "`hwflow init` has no example of that name.",
        "A spelling mistake.",
        "Use one of those that `hwflow init --help` lists.",
    ),
    "init.exists": Explanation(
        "`hwflow init` would overwrite a file.",
        "The folder already holds a design.",
        "Choose another name.",
    ),
    "init.folder": Explanation(
        "The new design's folder cannot be written.",
        "Its permissions do not allow it, or part of its path is a file.",
        "Choose another folder.",
    ),
    "run.file": Explanation(
        "A file given to `hwflow run` is not a plain array of numbers.",
        "It is not a .npy file, is cut off, holds Python objects, complex numbers or text, or is"
        " too large.",
        "Write it with numpy.save from an array of integers or floats.",
    ),
    "run.names": Explanation(
        "`hwflow run` does not know which file belongs to which input or output.",
        "A misspelled name, or a design with several inputs or outputs.",
        "Write NAME=FILE.npy for each, as the message shows.",
    ),
    "run.output": Explanation(
        "The result of `hwflow run` cannot be written to that file.",
        "Its folder does not exist or is not writable, or it is one of the inputs.",
        "Name another file.",
    ),
    "run.rung": Explanation(
        "There is no rung of that name to run data on.",
        "A spelling mistake.",
        "Use graph, rtl or netlist.",
    ),
    "run.trace": Explanation(
        "A waveform was asked for on a rung that has none.",
        "--trace belongs to the RTL.",
        "Use --on rtl.",
    ),
}
