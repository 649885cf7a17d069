"""Lookup tables: templates, axes brought into one order, numbers checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np

from hwflow.asic.liberty.model import AXES, Axis, Floats, Table
from hwflow.asic.liberty.syntax import Group
from hwflow.errors import InputError

__all__ = ["Tables", "number", "wrong"]

_VARIABLES: Final[dict[str, Axis]] = {
    "input_net_transition": "slew",
    "input_transition_time": "slew",
    "total_output_net_capacitance": "load",
    "related_pin_transition": "related_slew",
    "constrained_pin_transition": "constrained_slew",
}
_SCALAR: Final = "scalar"


@dataclass(frozen=True, slots=True)
class _Template:
    axes: tuple[Axis, ...]
    indices: tuple[str, ...]


class Tables:
    """Reads table groups; `time` in ns, `load` in pF are the library's units."""

    def __init__(self, library: Group, time: float, load: float) -> None:
        self._scale: dict[Axis, float] = dict.fromkeys(AXES, time)
        self._scale["load"] = load
        self._points: dict[tuple[str, float], Floats] = {}
        found = (*library.all("lu_table_template"), *library.all("power_lut_template"))
        self._templates = {group.name: _template(group) for group in found}
        self._templates.setdefault(_SCALAR, _Template((), ()))

    def read(self, group: Group | None, unit: float) -> Table | None:
        """A table whose values are multiplied by `unit`; None for None.

        Raises:
            InputError: `liberty.table` or `liberty.number`.
        """
        if group is None:
            return None
        template = self._templates.get(group.name)
        if template is None:
            raise wrong(
                group, "liberty.table", f"no template of known axes is called {group.name!r}"
            )
        points = tuple(self._axis(group, template, i) for i in range(len(template.axes)))
        flat = _numbers(group, " ".join(t for row in group.lists.get("values", ()) for t in row))
        shape = tuple(len(p) for p in points)
        if len(flat) != int(np.prod(shape)):
            raise wrong(
                group,
                "liberty.table",
                f"found {len(flat)} values, expected {' x '.join(map(str, shape)) or '1'}",
            )
        order = sorted(range(len(shape)), key=lambda i: AXES.index(template.axes[i]))
        values = (flat * unit).reshape(shape).transpose(order)
        axes = tuple(template.axes[i] for i in order)
        return Table(axes, tuple(points[i] for i in order), values)

    def _axis(self, group: Group, template: _Template, place: int) -> Floats:
        given = group.lists.get(f"index_{place + 1}")
        text = " ".join(given[-1]) if given else template.indices[place]
        scale = self._scale[template.axes[place]]
        if (text, scale) not in self._points:
            points = _numbers(group, text) * scale
            if not len(points) or bool(np.any(np.diff(points) <= 0)):
                raise wrong(group, "liberty.table", f"index_{place + 1} does not increase")
            self._points[text, scale] = points
        return self._points[text, scale]


def _template(group: Group) -> _Template | None:
    names = [group.attributes[k] for k in sorted(group.attributes) if k.startswith("variable_")]
    unknown = [name for name in names if name not in _VARIABLES]
    if unknown:
        return None  # only a table that uses it is refused: there are templates of other models
    axes = tuple(_VARIABLES[name] for name in names)
    if len(set(axes)) < len(axes):
        raise wrong(group, "liberty.table", f"template {group.name!r} has one axis twice")
    indices = [" ".join(group.lists.get(f"index_{i + 1}", [("",)])[-1]) for i in range(len(axes))]
    return _Template(axes, tuple(indices))


def number(group: Group, name: str) -> float | None:
    """A numeric attribute, None where absent.

    Raises:
        InputError: `liberty.number`.
    """
    text = group.attributes.get(name)
    return None if text is None else float(_numbers(group, text, name)[0])


def wrong(group: Group, code: str, found: str, hint: str = "") -> InputError:
    """An error inside `group`, at its place."""
    return InputError(
        code,
        f"{group.kind} {group.name!r}: {found}" if group.name else f"{group.kind}: {found}",
        hint=hint or "correct the library, or fetch it again from its source",
        place=group.place,
    )


def _numbers(group: Group, text: str, name: str = "") -> Floats:
    words = [word for word in re.split(r"[,\s]+", text) if word]
    try:
        found = np.array([float(word) for word in words])
    except ValueError:
        found = np.array([np.nan])
    if (name and len(found) != 1) or not bool(np.isfinite(found).all()):
        where = f"{name} is" if name else "its values are"
        raise wrong(group, "liberty.number", f"{where} {text[:40]!r}, expected numbers")
    return found
