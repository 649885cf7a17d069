"""The Keras and QKeras classes that are read, and what each of their options may be.

An option that stands in no table is refused: it would be lost silently otherwise.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

__all__ = [
    "ACTIVATIONS", "CLASSES", "QUANTIZERS", "Check", "OptionError", "layer_options",
    "plain_options", "quantizer",
]  # fmt: skip

_MAX_LIST = 4096
_MAX_TEXT = 64
_HUGE = 1 << 24

Check = Callable[[Any], bool]


class OptionError(Exception):
    """An option that is unknown or out of range; the message names it."""


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _HUGE


def _wholes(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) <= 8 and all(map(_wholes, value))
    return _whole(value)


def _flag(value: Any) -> bool:
    return isinstance(value, bool) or value in (0, 1)


def _number(value: Any) -> bool:
    real = isinstance(value, int | float) and not isinstance(value, bool)
    return real and math.isfinite(value) and abs(value) < 2.0**100


def _word(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_TEXT


def _scale(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) <= _MAX_LIST and all(map(_scale, value))
    return value in ("auto", "auto_po2") if isinstance(value, str) else _number(value)


def _perhaps(check: Check) -> Check:
    return lambda value: value is None or check(value)


_WINDOW: Mapping[str, Check] = {
    "pool_size": _wholes, "strides": _perhaps(_wholes), "padding": _word, "data_format": _word,
}  # fmt: skip
_KERNEL: Mapping[str, Check] = {
    "kernel_size": _wholes, "strides": _wholes, "padding": _word, "data_format": _word,
    "dilation_rate": _wholes, "groups": _whole, "use_bias": _flag,
}  # fmt: skip
_CONV: Mapping[str, Check] = {**_KERNEL, "filters": _whole}
_DENSE: Mapping[str, Check] = {"units": _whole, "use_bias": _flag}
_DEPTHWISE: Mapping[str, Check] = {**_KERNEL, "depth_multiplier": _whole}
_GLOBAL: Mapping[str, Check] = {"data_format": _word, "keepdims": _flag}
_DROP: Mapping[str, Check] = {
    "rate": _number, "noise_shape": _perhaps(_wholes), "seed": _perhaps(_whole),
}  # fmt: skip

CLASSES: Mapping[str, Mapping[str, Check]] = MappingProxyType(
    {
        "Activation": {},
        "Add": {},
        "AveragePooling1D": _WINDOW,
        "AveragePooling2D": _WINDOW,
        "BatchNormalization": {
            "axis": _wholes, "momentum": _number, "epsilon": _number, "center": _flag,
            "scale": _flag,
        },
        "Concatenate": {"axis": _whole},
        "Conv1D": _CONV,
        "Conv2D": _CONV,
        "Dense": _DENSE,
        "DepthwiseConv2D": _DEPTHWISE,
        "Dropout": _DROP,
        "Flatten": {"data_format": _word},
        "GaussianNoise": {"stddev": _number, "seed": _perhaps(_whole)},
        "GlobalAveragePooling1D": _GLOBAL,
        "GlobalAveragePooling2D": _GLOBAL,
        "GlobalMaxPooling1D": _GLOBAL,
        "GlobalMaxPooling2D": _GLOBAL,
        "InputLayer": {},
        "LeakyReLU": {"alpha": _number},
        "MaxPooling1D": _WINDOW,
        "MaxPooling2D": _WINDOW,
        "QActivation": {},
        "QAveragePooling2D": _WINDOW,
        "QConv1D": _CONV,
        "QConv2D": _CONV,
        "QDense": _DENSE,
        "QDepthwiseConv2D": _DEPTHWISE,
        "QGlobalAveragePooling2D": _GLOBAL,
        "ReLU": {
            "max_value": _perhaps(_number), "negative_slope": _perhaps(_number),
            "threshold": _perhaps(_number),
        },
        "Reshape": {"target_shape": _wholes},
        "Softmax": {"axis": _whole},
        "SpatialDropout1D": _DROP,
        "SpatialDropout2D": _DROP,
        "ZeroPadding1D": {"padding": _wholes},
        "ZeroPadding2D": {"padding": _wholes, "data_format": _word},
    }
)  # fmt: skip
"""Every class whose objects are rebuilt, with its options; lowering refuses some of them later."""

# What an inference does not need, or what is told elsewhere.
_IGNORED = frozenset(
    {
        "activity_regularizer", "batch_input_shape", "batch_shape", "bias_range",
        "depthwise_range", "dtype", "fused", "kernel_range", "name", "optional", "ragged",
        "renorm", "sparse", "synchronized", "trainable", "virtual_batch_size",
    }
)  # fmt: skip
_IGNORED_ENDINGS = ("_constraint", "_initializer", "_regularizer")
_ROLES = ("kernel", "depthwise", "bias", "average")
ACTIVATIONS = ("linear", "relu", "softmax", "sigmoid", "tanh", "elu", "hard_sigmoid", "swish")

_BITS: Mapping[str, Check] = {"bits": _whole, "integer": _whole}
_STOCHASTIC: Mapping[str, Check] = {"use_stochastic_rounding": _flag}
_STE: Mapping[str, Check] = {
    "qnoise_factor": _number, "var_name": lambda v: v is None, "use_ste": _flag,
    "use_variables": lambda v: v is False,
}  # fmt: skip
QUANTIZERS: Mapping[str, Mapping[str, Check]] = MappingProxyType(
    {
        "quantized_bits": {
            **_BITS, "symmetric": _flag, "keep_negative": _flag, "alpha": _perhaps(_scale),
            **_STOCHASTIC, "scale_axis": _perhaps(_whole), **_STE,
        },
        "quantized_relu": {
            **_BITS, "use_sigmoid": _flag, "negative_slope": _number, **_STOCHASTIC,
            "relu_upper_bound": _perhaps(_number), "is_quantized_clip": _flag, **_STE,
        },
        "binary": {"use_01": _flag, "alpha": _perhaps(_scale), **_STOCHASTIC},
        "ternary": {
            "alpha": _perhaps(_scale), "threshold": _perhaps(_number), **_STOCHASTIC,
            "number_of_unrolls": _whole,
        },
        "quantized_tanh": {
            "bits": _whole, **_STOCHASTIC, "symmetric": _flag, "use_real_tanh": _flag,
        },
        "quantized_sigmoid": {
            "bits": _whole, "symmetric": _flag, "use_real_sigmoid": _flag, **_STOCHASTIC,
        },
    }
)  # fmt: skip
"""Every quantizer that is rebuilt; its arguments in the order in which QKeras takes them."""


def layer_options(kind: str, config: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The plain options and the quantizers, by role, of a layer of class `kind`.

    A plain `activation` is among the options; a quantizer there has the role "activation".

    Raises:
        OptionError: unknown, or not of the form expected.
    """
    plain, quantizers = dict(config), {}
    activation = _activation(plain.pop("activation", None))
    for role in _ROLES:
        found = plain.pop(f"{role}_quantizer", None)
        if found is not None:
            quantizers[role] = quantizer(found)
    options = plain_options(kind, plain, CLASSES[kind])
    if isinstance(activation, str) and activation in ACTIVATIONS:
        options["activation"] = activation
    elif activation is not None:
        quantizers["activation"] = quantizer(activation)
    return options, quantizers


def plain_options(
    kind: str, config: Mapping[str, Any], table: Mapping[str, Check]
) -> dict[str, Any]:
    """The options of `table`; those that an inference does not need are left out.

    Raises:
        OptionError: unknown, not of the form expected, or another precision than float32.
    """
    options: dict[str, Any] = {}
    _check_precision(config.get("dtype"))
    for key, value in config.items():
        if key in table:
            options[key] = _checked(key, value, table[key])
        elif key not in _IGNORED and not key.endswith(_IGNORED_ENDINGS):
            raise OptionError(f"the option {key[:_MAX_TEXT]!r} of {kind} is not known")
    return options


def _activation(value: Any) -> Any:
    """A Keras 2 file may wrap the name of an activation function."""
    if isinstance(value, dict) and value.get("class_name") == "function":
        return value.get("config")
    return value


def _check_precision(dtype: Any) -> None:
    if isinstance(dtype, dict):
        dtype = (dtype.get("config") or {}).get("name")
    if dtype not in (None, "float32"):
        raise OptionError(f"it computes in {str(dtype)[:_MAX_TEXT]!r}, expected float32")


def _checked(key: str, value: Any, check: Check) -> Any:
    if not check(value):
        raise OptionError(f"{key} is {str(value)[:_MAX_TEXT]!r}")
    return value


def quantizer(value: Any) -> dict[str, Any]:
    """The class and arguments of a quantizer, from its JSON or from text such as "binary()".

    Raises:
        OptionError: unknown, or not of the form expected.
    """
    kind: Any
    if isinstance(value, str):
        kind, given = _call(value)
    elif isinstance(value, dict) and isinstance(value.get("config", {}), dict):
        kind, given = value.get("class_name"), value.get("config", {})
    else:
        raise OptionError(f"the quantizer {str(value)[:_MAX_TEXT]!r} is no quantizer")
    table = QUANTIZERS.get(kind) if isinstance(kind, str) else None
    if table is None:
        known = ", ".join(QUANTIZERS)
        raise OptionError(f"the quantizer {str(kind)[:_MAX_TEXT]!r} is none of {known}")
    for key, argument in given.items():
        if key not in table or not table[key](argument):
            shown = f"{key[:_MAX_TEXT]}={str(argument)[:_MAX_TEXT]}"
            raise OptionError(f"the quantizer {kind} has {shown}")
    return {"class": kind, "config": dict(given)}


def _call(text: str) -> tuple[str, dict[str, Any]]:
    """A quantizer written as text, taken apart without evaluating it."""
    wrong = OptionError(f"the quantizer {text[:_MAX_TEXT]!r} is no quantizer")
    if len(text) > 4 * _MAX_TEXT:
        raise wrong
    try:
        node = ast.parse(text.strip(), mode="eval").body
        if isinstance(node, ast.Name):
            return node.id, {}
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            raise wrong
        if node.func.id not in QUANTIZERS:
            return node.func.id, {}  # which is refused by that name
        names = tuple(QUANTIZERS[node.func.id])
        values = [ast.literal_eval(argument) for argument in node.args]
        given = dict(zip(names[: len(values)], values, strict=True))
        given |= {str(k.arg): ast.literal_eval(k.value) for k in node.keywords}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise wrong from None
    return node.func.id, given
