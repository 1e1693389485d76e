"""Identifiers of orders and trades as text."""

from __future__ import annotations

import numpy as np
from numba import njit

DIGITS = 9
"""Digits of the number within a listing; the listing's stands before them."""


@njit(cache=True, nogil=True)
def write_names(listings: np.ndarray, numbers: np.ndarray, ends: np.ndarray, text: np.ndarray) -> int:
    """Write names one after another; gives how long they are together.

    Args:
        listings: Number of the listing of each, from 0 on.
        numbers: Number within the listing; negative for no name.
        ends: Filled with the beginning of the first and the end of each.
        text: Filled with digits; long enough.
    """
    end = 0
    ends[0] = 0
    for row in range(numbers.size):
        if numbers[row] >= 0:
            listing, length = np.uint32(listings[row] + 1), DIGITS + 1
            more = listing // np.uint32(10)
            while more:
                length += 1
                more //= np.uint32(10)
            high, low = np.uint32(numbers[row]) // np.uint32(10_000), np.uint32(numbers[row]) % np.uint32(10_000)
            place = end + length
            for digit in range(4):
                text[place - 1 - digit] = np.uint32(48) + low % np.uint32(10)
                low //= np.uint32(10)
            for digit in range(5):
                text[place - 5 - digit] = np.uint32(48) + high % np.uint32(10)
                high //= np.uint32(10)
            for digit in range(length - DIGITS):
                text[place - 10 - digit] = np.uint32(48) + listing % np.uint32(10)
                listing //= np.uint32(10)
            end = place
        ends[row + 1] = end
    return end
