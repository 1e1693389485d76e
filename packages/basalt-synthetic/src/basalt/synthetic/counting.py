"""Counting rows of listings."""

from __future__ import annotations

import numpy as np
from numba import njit


def counted(numbers: np.ndarray, listings: int) -> np.ndarray:
    """Place of each row among those of its listing, from 1 on."""
    places = np.empty(numbers.size, dtype=np.int32)
    _count(numbers, np.zeros(listings, dtype=np.int32), places)
    return places


@njit(cache=True, nogil=True)
def _count(numbers: np.ndarray, seen: np.ndarray, places: np.ndarray) -> None:
    for row in range(numbers.size):
        seen[numbers[row]] += 1
        places[row] = seen[numbers[row]]
