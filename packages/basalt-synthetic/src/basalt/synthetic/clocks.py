"""Times and sequence numbers of a listing-day, as tables store them."""

from __future__ import annotations

from datetime import date

import numpy as np

from basalt.synthetic.market import Listing

NANOS_PER_MICRO = 1_000
NANOS_PER_SECOND = 1_000_000_000
NANOS_PER_DAY = 86_400 * NANOS_PER_SECOND
SLOTS = 16
"""Thousands of listings that a venue can have."""
TIES = 128
"""Rows that one instant of one listing can have."""
PRINT_TIE = 100
"""Tie of trades off the book, past those of any execution at the same instant."""

LIT_SOURCE = 1
PRINT_SOURCE = 2


def nanos_of_day(listing: Listing, micros: np.ndarray) -> np.ndarray:
    """Nanoseconds after midnight UTC of events of *listing* at *micros*; other listings of a venue have others."""
    return np.asarray(micros * NANOS_PER_MICRO + listing.slot % NANOS_PER_MICRO)


def sequence(nanos: np.ndarray, slots: np.ndarray, ties: np.ndarray | int) -> np.ndarray:
    """Sequence number: grows with time, then with *ties*; unique among the listings of a venue, told apart by their *slots*."""
    return np.asarray((nanos * SLOTS + slots // NANOS_PER_MICRO) * TIES + ties)


def midnight_nanos(day: date) -> int:
    """Nanoseconds since 1970 of midnight UTC of *day*."""
    return (day.toordinal() - date(1970, 1, 1).toordinal()) * NANOS_PER_DAY
