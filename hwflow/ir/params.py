"""Values of weights loaded at run time, checked against the graph that reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hwflow.errors import InputError
from hwflow.ir.exact import IntArray, as_ints
from hwflow.ir.graph import Graph

__all__ = ["checked_params"]


def checked_params(graph: Graph, values: Mapping[str, Any]) -> dict[str, IntArray]:
    """One integer array of its shape and within its type for each param of `graph`.

    Raises:
        InputError: "weights.shape" (missing, unknown or misshapen) or "weights.range".
    """
    wanted = [node.name for node in graph.params]
    unknown = sorted(set(values) - set(wanted))
    if unknown:
        raise InputError(
            "weights.shape",
            f"weights {unknown[0]!r}: the graph has no such param",
            hint=f"its params: {', '.join(wanted) or 'none'}",
        )
    return {name: _checked(graph, name, values) for name in wanted}


def _checked(graph: Graph, name: str, values: Mapping[str, Any]) -> IntArray:
    kind = graph.types[name]
    try:
        array = as_ints(np.asarray(values[name])) if name in values else None
    except TypeError as error:
        raise _misshapen(name, kind.shape, str(error)) from None
    if array is None or array.shape != kind.shape:
        raise _misshapen(name, kind.shape, f"shape {array.shape}" if array is not None else "none")
    outside = (array < kind.elem.lo) | (array > kind.elem.hi)
    if bool(outside.any()):
        at = tuple(int(i) for i in np.argwhere(outside)[0])
        lo, hi, _ = kind.elem.full(kind.shape)
        raise InputError(
            "weights.range",
            f"weights {name!r}: {array[at]} at {list(at)} is outside {lo[at]}..{hi[at]}",
            hint="quantize the weights to the type that the graph gives them",
        )
    return array


def _misshapen(name: str, shape: tuple[int, ...], found: str) -> InputError:
    return InputError(
        "weights.shape",
        f"weights {name!r}: expected integers of shape {shape}, found {found}",
        hint="one array of integers for each param of the graph",
    )
