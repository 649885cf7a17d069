"""An HGQ2 model to the integer graph, layer by layer."""

from __future__ import annotations

from pathlib import Path

from hwflow.errors import HwflowError, InputError
from hwflow.frontends.exact.emitter import safe_name
from hwflow.frontends.hgq.context import Context
from hwflow.frontends.hgq.layers import HANDLERS
from hwflow.frontends.keras.archive import KerasArchive
from hwflow.frontends.keras.hdf5 import WeightFile
from hwflow.frontends.keras.options import OptionError
from hwflow.frontends.keras.skeleton import RawLayer, skeleton
from hwflow.frontends.lowered import Finding, Lowered, RefusedError
from hwflow.ir import Value
from hwflow.passes import optimize

__all__ = ["read"]

_MODULES = ("keras", "hgq")
_INSTEAD = {
    "Conv1D": "use QConv1D of HGQ2",
    "Conv2D": "use QConv2D of HGQ2",
    "Dense": "use QDense of HGQ2",
    "Lambda": "a Python function has no hardware meaning; write it with the layers supported",
    "Softmax": "leave it out and train on logits (from_logits=True)",
    "QSoftmax": "leave it out and train on logits (from_logits=True)",
}


def read(path: Path) -> Lowered:
    """The integer graph of a `.keras` file that Keras 3 wrote.

    Raises:
        InputError: "model.format", "model.unsafe"; or, as a RefusedError, every layer that has no
            exact integer form.
    """
    archive = KerasArchive.read(path)
    bones = skeleton(archive.config, path.name, _MODULES)
    by_name = {layer.name: layer for layer in bones.layers}
    with WeightFile.open(archive.weights, path.name) as file:
        context = Context(file)
        findings = [_finding(context, by_name[name]) for name in bones.order]
        results: dict[str, Value] = {}
        taken: set[str] = set()
        for name in bones.outputs:
            if name in context.symbols:
                layer = RawLayer(name, by_name[name].kind, (name,), {})
                try:
                    value = context.operand(layer, context.emit.group(name))
                    results[safe_name(name, taken)] = value
                except InputError as error:
                    findings.append(Finding(name, layer.kind, (error,)))
    if any(finding.errors for finding in findings):
        raise RefusedError(findings)
    rewrite = optimize(context.emit.build(results))
    return Lowered(rewrite.graph, wide=tuple(context.wide))


def _finding(context: Context, layer: RawLayer) -> Finding:
    handler = HANDLERS.get(layer.kind)
    reached = all(source in context.symbols for source in layer.inputs)
    if handler is None:
        return Finding(layer.name, layer.kind, (_unknown(layer),), reached)
    if not reached:
        return Finding(layer.name, layer.kind, reached=False)
    try:
        context.symbols[layer.name] = handler(context, layer)
    except OptionError as error:
        refusal = InputError(
            "lower.layer",
            f"layer {layer.name!r}: {error}",
            hint="use fixed-point quantizers of HGQ2 0.2 and layers' usual options",
        )
        return Finding(layer.name, layer.kind, (refusal,))
    except InputError as error:
        return Finding(layer.name, layer.kind, (error,))
    return Finding(layer.name, layer.kind)


def _unknown(layer: RawLayer) -> HwflowError:
    return InputError(
        "lower.layer",
        f"layer {layer.name!r}: {layer.kind} cannot be lowered to integers",
        hint=_INSTEAD.get(layer.kind, f"supported: {', '.join(HANDLERS)}"),
    )
