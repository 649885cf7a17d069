"""Codes of data, graphs, lowering and the plan."""

from __future__ import annotations

from hwflow.catalogue.explanation import Explanation

__all__ = ["NETWORK"]

NETWORK: dict[str, Explanation] = {
    "data.few": Explanation(
        "The data file holds too few samples.",
        "It was cut, or the wrong file was named.",
        "Give at least the number stated: training, validation and test parts are cut from it.",
    ),
    "data.format": Explanation(
        "The data file does not have the expected columns or arrays.",
        "Another kind of file, or an export with other names.",
        "Write it as the message shows.",
    ),
    "data.missing": Explanation(
        "The data file does not exist.",
        "A spelling mistake, or a path relative to another folder.",
        "Correct data.path in design.yaml.",
    ),
    "data.row": Explanation(
        "A row of the data file cannot be used.",
        "A missing, extra or non-numeric value.",
        "Correct the row named.",
    ),
    "data.source": Explanation(
        "The data source is not known.",
        "A spelling mistake.",
        "Use digits, hgcal_toy, machine_sound or file.",
    ),
    "graph.layer": Explanation(
        "A value of the graph belongs to no layer.",
        "It was made outside of `with b.layer(...)`.",
        "Make it inside a layer: layers become the modules of the RTL.",
    ),
    "graph.name": Explanation(
        "A layer's name cannot be part of a module's name.",
        "Other characters than letters, digits and underscores, or a name used twice.",
        "Rename the layer.",
    ),
    "graph.order": Explanation(
        "A node of the graph uses a value that no earlier node makes.",
        "The text was reordered or a name misspelled.",
        "Put nodes after those they use.",
    ),
    "graph.output": Explanation(
        "The graph's inputs or outputs are incomplete or name no value.",
        "A spelling mistake in the outputs, or none given.",
        "Name at least one input and one output that exist.",
    ),
    "graph.shape": Explanation(
        "The shapes of a node's operands do not fit together, or a tensor is empty or too large.",
        "A kernel, stride or padding of another layer.",
        "Correct the layer named.",
    ),
    "graph.syntax": Explanation(
        "The text form of a graph cannot be read.",
        "It was edited by hand or cut.",
        "Correct the place named, or write the file again.",
    ),
    "graph.type": Explanation(
        "A node's operand has a type that the operation does not take.",
        "For example live values where weights are expected.",
        "Use the operation that the message names.",
    ),
    "hwf.checksum": Explanation(
        "A .hwf file is not what was written.",
        "It was damaged on the way, or edited.",
        "Copy or write it again with save_graph.",
    ),
    "hwf.format": Explanation(
        "A file is not a .hwf graph, or of another version, or absurdly large.",
        "The wrong file was named.",
        "Name a file written by save_graph.",
    ),
    "interface.json": Explanation(
        "An interface file cannot be read.",
        "It was edited, or belongs to another version.",
        "Use the interface.json of the build.",
    ),
    "internal.adders": Explanation(
        "The adder-graph solver returned something unexpected.",
        "A mistake in hwflow or another version of the solver.",
        "Please report it together with the design.",
    ),
    "internal.archive": Explanation(
        "Kept adder graphs have a format that this version does not read.",
        "They were written by another version of hwflow.",
        "Build with `--force plan`.",
    ),
    "internal.bounds": Explanation(
        "A value left the bounds that were proven for it.",
        "A mistake in hwflow.",
        "Please report it together with the design.",
    ),
    "internal.task": Explanation(
        "The data set holds a task for which no metric is known.",
        "A data source was added without its metric.",
        "Report it with the design file.",
    ),
    "internal.deadlock": Explanation(
        "A planned dataflow would never deliver.",
        "A mistake in hwflow.",
        "Please report it together with the design.",
    ),
    "lower.activation": Explanation(
        "An activation has no exact integer form.",
        "A softmax, sigmoid, or a ReLU without bounded width.",
        "Write the activation that the message names.",
    ),
    "lower.input": Explanation(
        "Real numbers reach a layer that needs integers.",
        "The model's input has no quantizer.",
        "Put a QActivation behind the input.",
    ),
    "lower.layer": Explanation(
        "A layer of the network has no exact integer form in this version.",
        "A layer or option that hwflow does not lower.",
        "Write the layer that the message names; `hwflow check MODEL` lists all of them.",
    ),
    "lower.network": Explanation(
        "The exported network cannot be read.",
        "It comes from another version or was edited.",
        "Train again.",
    ),
    "lower.norm": Explanation(
        "A BatchNormalization cannot be folded exactly.",
        "Its scale holds a square root, so only its quantized result is an integer function.",
        "Put a quantized activation directly after it, and normalise the last axis.",
    ),
    "lower.pool": Explanation(
        "A pooling layer has no exact integer form.",
        "An average over an area that is not a power of two, or an option that is not lowered.",
        "Use max pooling or the area that the message names.",
    ),
    "lower.quantizer": Explanation(
        "A quantizer has no exact integer form.",
        "For example a scale taken from the batch or one per element.",
        "Write the quantizer that the message names.",
    ),
    "lower.scale": Explanation(
        "A scale that is no power of two reaches a place where it has no exact integer form.",
        "Float scales are exact only up to the next quantizer, which makes integers of them again.",
        "Put a quantizer where the message says, share one scale, or use powers of two.",
    ),
    "lower.shape": Explanation(
        "A layer's shapes cannot be lowered.",
        "An unknown dimension, or a layout that is not supported.",
        "Give the shape that the message names.",
    ),
    "lower.weights": Explanation(
        "A layer's weights are not quantized, or not on their grid.",
        "A quantizer is missing.",
        "Give the quantizer that the message names.",
    ),
    "model.format": Explanation(
        "A model's file has a format that is not understood.",
        "Its name ends in something else than a known format, or the file is not what it says.",
        "Save the model in one of the formats that the message lists.",
    ),
    "model.unsafe": Explanation(
        "A model's file asks for something that is never done with a file from outside.",
        "Data in other files, functions, subgraphs, members that lead out of the archive, sizes far"
        " beyond the file's own. Nothing of it was executed or written.",
        "Export one network, its weights inside the file, from a source that you trust.",
    ),
    "plan.clock": Explanation(
        "The clock is too fast for the device.",
        "One LUT between two registers takes longer than a clock cycle.",
        "Use a slower hardware.clock or a faster target.",
    ),
    "plan.budget": Explanation(
        "No foldings fit the budget, or the device.",
        "Even the smallest form of each layer adds up to more than hardware.fold.budget allows.",
        "Raise the budget or the target, or use fewer weights or bits.",
    ),
    "plan.dsp": Explanation(
        "A layer's multipliers are asked for in DSPs that the target does not offer.",
        "multiplier: dsp for a device without DSPs, or for a Gowin device, which has no recipe.",
        "Use multiplier: lut, or a target with DSPs (`hwflow targets`).",
    ),
    "plan.fold": Explanation(
        "A folding names a layer that does not exist, or one that the layer cannot have.",
        "A spelling mistake in hardware.fold, numbers that do not divide the layer, or an "
        "operation without a folded form.",
        "Use one of the layers or numbers listed, or leave the choice to target_ii or budget.",
    ),
    "plan.interface": Explanation(
        "The interface chosen cannot serve this design.",
        "valid_only has no back-pressure, which a folded layer needs.",
        "Use axi_stream or valid_ready, or fold nothing.",
    ),
    "plan.interval": Explanation(
        "A layer cannot be as quick as hardware.fold.target_ii asks.",
        "Behind a line buffer a layer takes a clock for each padded pixel at least.",
        "Raise target_ii to what the message says, or give that layer a folding by hand.",
    ),
    "plan.name": Explanation(
        "A layer is called like a module that hwflow adds.",
        "Names such as buffer_8 stand for stream buffers and converters.",
        "Rename the layer.",
    ),
    "plan.operation": Explanation(
        "The graph holds an operation without hardware in this version.",
        "The graph was built by hand or with reserved operations.",
        "Use the alternative that the message names.",
    ),
    "plan.port": Explanation(
        "A graph input or output cannot be a port of the hardware.",
        "An input is read by no layer, or an output is made by none.",
        "Remove it from the model.",
    ),
    "plan.too-large": Explanation(
        "The design cannot fit the device.",
        "The estimate before synthesis exceeds the device's resources.",
        "Let hardware.fold.budget: device choose foldings, use fewer bits, or a larger target.",
    ),
    "plan.weights": Explanation(
        "More weights are loaded at run time than the loader has addresses for.",
        "A word on the serial port has 15 bits of address.",
        "Make weights constant (hardware.weights) or narrower, or cut the network in two designs.",
    ),
    "run.input": Explanation(
        "Input data do not fit the design's input.",
        "Another shape, values out of range, or a wrong type.",
        "Give an array of the shape and range stated.",
    ),
    "model.around": Explanation(
        "The function around the network did not give a graph.",
        "It raised, returned something else than its outputs by name, or never called network(x).",
        "Correct the line named; docs/graph_api.md shows such a function.",
    ),
    "hls4ml.compile": Explanation(
        "predict or trace was called on a model that is not compiled.",
        "hls4ml's scripts call compile() after the conversion, and so must these.",
        "Call compile(); it takes no compiler and about a second.",
    ),
    "hls4ml.export": Explanation(
        "The hardware was built but could not be written into the export folder.",
        "The disk is full, or a file stands in the way.",
        "Read the message printed before, then call build(export=True) again.",
    ),
    "hls4ml.layer": Explanation(
        "A layer of the hls4ml model has no integer form that equals hls4ml's emulation.",
        "An unsupported class, or number formats that round or saturate between two additions.",
        "Do what the message says; docs/hls4ml_backend.md lists what is supported.",
    ),
    "hls4ml.precision": Explanation(
        "A number format of the hls4ml configuration cannot be used.",
        "A floating-point or power-of-two type, saturation bits, or an input's rounding mode.",
        "Write a type such as fixed<16,6>, fixed<8,3,RND_CONV,SAT> or ufixed<8,4> instead.",
    ),
    "weights.file": Explanation(
        "The file of model.weights cannot be read.",
        "Damaged, or no .npz of plain arrays.",
        "Write it with numpy.savez, one array of integers for each param.",
    ),
    "weights.shape": Explanation(
        "Values for weights loaded at run time do not have the parameter's shape.",
        "A file made for another design, or a missing array.",
        "Give one array of integers for each param of the graph, in its shape.",
    ),
    "weights.range": Explanation(
        "A weight loaded at run time does not fit the bits that the chip stores for it.",
        "It was quantized to another type, or not at all.",
        "Quantize the weights to the parameter's type; the message gives place and range.",
    ),
    "stream.range": Explanation(
        "A value does not fit the bits of its stream.",
        "It was not quantized to the input's type.",
        "Quantize it first.",
    ),
    "stream.shape": Explanation(
        "Data for a stream have the wrong shape.",
        "Parts of tensors, or another tensor.",
        "Pass whole tensors.",
    ),
    "target.unknown": Explanation(
        "There is no target of that name.",
        "A spelling mistake.",
        "`hwflow targets` lists them.",
    ),
    "train.builder": Explanation(
        "The model's builder file cannot be used.",
        "It does not exist or lies elsewhere.",
        "Correct model.builder: FILE:FUNCTION relative to design.yaml.",
    ),
}
