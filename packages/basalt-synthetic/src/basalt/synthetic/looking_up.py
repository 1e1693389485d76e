"""Finding places in sorted keys, from where the last one was found."""

from __future__ import annotations

import numpy as np
from numba import njit

THING_BITS = 47
"""Nanoseconds of a day and a half fit; the rest of a key is the number of what is looked up."""


@njit(cache=True, nogil=True)
def places_of(keys: np.ndarray, wanted: np.ndarray, strict: int, following: int) -> np.ndarray:
    """The place in *keys* of the last one up to each one that is *wanted*; -1 where that is of another thing.

    What is wanted next is mostly near: each search starts at the last place found, and steps that double
    bracket the next one before it is halved. Any order is right.

    Args:
        keys: Sorted; number of the thing and nanoseconds in one.
        wanted: Keys that need not be there.
        strict: 1 for the last key before, 0 if the same counts as well.
        following: 1 for the place after that one.
    """
    places = np.empty(wanted.size, np.int64)
    size, count = keys.size, 0
    for number in range(wanted.size):
        limit, step = wanted[number] - strict, 1
        low, high = count, count
        if count < size and keys[count] <= limit:
            while high < size and keys[high] <= limit:
                low, high, step = high + 1, high + step, 2 * step
            high = min(high, size)
        else:
            while low > 0 and keys[low - 1] > limit:
                low, high, step = max(low - step, 0), low - 1, 2 * step
        while low < high:
            middle = (low + high) // 2
            if keys[middle] <= limit:
                low = middle + 1
            else:
                high = middle
        count = low
        place = count - 1 + following
        inside = 0 <= place < size and keys[place] >> THING_BITS == wanted[number] >> THING_BITS
        places[number] = place if inside else -1
    return places
