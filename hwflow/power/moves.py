"""What an energy figure depends on, as ranges."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["move"]


def move(what: str, energies: Mapping[str, float]) -> dict[str, str | float]:
    """The least and the largest of `energies` in pJ an inference, and at which setting they are.

    `energies` are the figure with nothing but `what` changed, by setting.
    """
    low = min(energies, key=lambda text: energies[text])
    high = max(energies, key=lambda text: energies[text])
    return {
        "what": what,
        "low": energies[low],
        "at_low": low,
        "high": energies[high],
        "at_high": high,
    }
