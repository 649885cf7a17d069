"""What a testbench can find wrong, and how a differing beat is described."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from hwflow_tb.design import Port

__all__ = ["Finding", "FindingError", "mismatch"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation: `kind` is a slug, `cycle` counts rising edges after the latest reset.

    The fields from `vector` on are set for a golden mismatch only; `lane` is None where the bits
    above the lanes differ.
    """

    kind: str
    port: str
    cycle: int
    message: str
    vector: int | None = None
    beat: int | None = None
    lane: int | None = None
    expected: int | None = None
    found: int | None = None

    def record(self) -> dict[str, object]:
        """The finding as JSON holds it."""
        return asdict(self)


class FindingError(AssertionError):
    """Ends a test at its first finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(f"{finding.port}, cycle {finding.cycle}: {finding.message}")
        self.finding = finding


def mismatch(port: Port, index: int, cycle: int, expected: int, found: int) -> Finding:
    """Describes output beat `index` (counted from the first vector) that differs."""
    vector, beat = divmod(index, port.beats)
    low = 0
    for lane, (width, signed) in enumerate(zip(port.widths, port.signed, strict=True)):
        fields = [_field(word, low, width, signed) for word in (expected, found)]
        if fields[0] != fields[1]:
            where = f"vector {vector}, beat {beat}, lane {lane}"
            text = f"{where}: expected {fields[0]}, found {fields[1]}"
            return Finding("mismatch", port.data, cycle, text, vector, beat, lane, *fields)
        low += width
    text = f"vector {vector}, beat {beat}: bits above the lanes are not zero"
    return Finding("mismatch", port.data, cycle, text, vector, beat, None, 0, found >> low)


def _field(word: int, low: int, width: int, signed: bool) -> int:
    value = (word >> low) & ((1 << width) - 1)
    return value - (1 << width) if signed and width and value >> (width - 1) else value
