"""The weight loader as seen from its pins, and the pins that load weights: docs/loader.md."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from hwflow.plan.folding import Cost
from hwflow.plan.store import WORD, WeightStore, crc

__all__ = [
    "ADDRESS",
    "CONTROL",
    "EXPECTED",
    "FIRST",
    "FOUND",
    "MOST_WORDS",
    "SCRUB",
    "STATES",
    "Clocks",
    "address_bits",
    "check_clocks",
    "driven_pins",
    "load_clocks",
    "loader_cost",
    "loader_inputs",
    "loader_outputs",
]

Clocks = npt.NDArray[np.uint64]
"""Input pins of the loader, one value a clock: see `load_clocks`."""

CONTROL, EXPECTED, FOUND, FIRST = 0, 1, 2, 4
"""Word addresses: control and status, the expected CRC, the CRC found, and the first word."""

ADDRESS: Final = 15
"""Bits of an address on the serial port."""

MOST_WORDS: Final = (1 << ADDRESS) - 1 - FIRST
"""Words that the serial port reaches; the highest address has no register."""

STATES: Final = ("loading", "checking", "running", "CRC error")

SCRUB: Final = 64
"""Clocks between two words that are read again, and with triplication rewritten, while running."""

_REGISTERS, _LOGIC = 160, 450
"""Flip-flops besides words and addresses, and LUTs besides what grows with the words."""

_SERVICE, _CRC = 3, 4
"""Clocks that an access takes, and the CRC of a word."""


def address_bits(store: WeightStore) -> int:
    """Bits of a word address; the highest address has no register."""
    return (FIRST + store.words).bit_length()


def loader_inputs(store: WeightStore) -> dict[str, int]:
    """Input pins and their bits."""
    return {
        "wb_dat_i": WORD,
        "wb_adr_i": address_bits(store),
        "wb_we_i": 1,
        "wb_stb_i": 1,
        "wb_cyc_i": 1,
        "ser_select_i": 1,
        "ser_clock_i": 1,
        "ser_data_i": 1,
    }


def loader_outputs() -> dict[str, int]:
    """Output pins and their bits."""
    return {"wb_dat_o": WORD, "wb_ack_o": 1, "ser_data_o": 1}


def loader_cost(store: WeightStore, copies: int) -> Cost:
    """LUTs by what Yosys made of loaders for ECP5, and flip-flops as they are.

    Three copies vote on every register at each, and on every bit of the words once.
    """
    registers = _REGISTERS + 3 * address_bits(store)
    voters = copies * registers + store.bits if copies > 1 else 0
    luts = copies * (_LOGIC + store.bits) + voters
    return Cost(luts=luts, ffs=copies * (registers + store.bits))


def check_clocks(store: WeightStore) -> int:
    """Clocks from the run command's acknowledge until the design runs, with idle ports."""
    return store.words * (_SERVICE + _CRC)


def load_clocks(store: WeightStore, words: npt.NDArray[np.uint32]) -> Clocks:
    """The input pins, clock by clock from the end of reset, that load `words` and start the design.

    Each value holds the pins of `loader_inputs` without gaps, the first in the least significant
    bits. After the last the design runs; all pins stay at 0 from there.
    """
    writes = [(EXPECTED, crc(words)), *((FIRST + i, int(w)) for i, w in enumerate(words))]
    writes.append((CONTROL, 1))
    high = 0b111 << (WORD + address_bits(store))
    rows = [high | address << WORD | data for address, data in writes]
    pins = np.repeat(np.array(rows, np.uint64), _SERVICE)
    return np.concatenate([pins, np.zeros(check_clocks(store), np.uint64)])


def driven_pins(store: WeightStore, row: int) -> dict[str, int]:
    """One clock of `load_clocks` as values by pin."""
    found = {}
    for name, bits in loader_inputs(store).items():
        found[name], row = row & ((1 << bits) - 1), row >> bits
    return found
