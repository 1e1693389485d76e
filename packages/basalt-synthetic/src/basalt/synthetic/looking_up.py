"""Finding places in sorted keys, from where the last one was found."""

from __future__ import annotations

import numpy as np
from numba import njit

THING_BITS = 47
"""Nanoseconds of a day and a half fit; the rest of a key is the number of what is looked up."""


@njit(nogil=True)
def _count_up_to(keys: np.ndarray, limit: int, known: int) -> int:
    """How many keys there are up to a limit; *known* may be any number of them, one near is found soonest.

    Steps that double bracket the place before it is halved.
    """
    size, step = keys.size, 1
    low, high = known, known
    if known < size and keys[known] <= limit:
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
    return low


@njit(cache=True, nogil=True)
def places_of(keys: np.ndarray, wanted: np.ndarray, strict: int, following: int) -> np.ndarray:
    """The place in *keys* of the last one up to each one that is *wanted*; -1 where that is of another thing.

    What is wanted next is mostly near: each search starts at the last place found. Any order is right.

    Args:
        keys: Sorted; number of the thing and nanoseconds in one.
        wanted: Keys that need not be there.
        strict: 1 for the last key before, 0 if the same counts as well.
        following: 1 for the place after that one.
    """
    places = np.empty(wanted.size, np.int64)
    count = 0
    for number in range(wanted.size):
        count = _count_up_to(keys, wanted[number] - strict, count)
        place = count - 1 + following
        inside = 0 <= place < keys.size and keys[place] >> THING_BITS == wanted[number] >> THING_BITS
        places[number] = place if inside else -1
    return places


@njit(cache=True, nogil=True)
def mids_around(keys: np.ndarray, mids: np.ndarray, things: np.ndarray, nanos: np.ndarray, later: np.ndarray, found: np.ndarray) -> None:
    """The mid at spans before and after instants; each span goes on from where it was at the instant before.

    Args:
        keys: Sorted; number of the thing and nanoseconds in one.
        mids: From each of *keys* on, and NaN at the end, for before the first.
        things, nanos: Instants; things as they stand in keys.
        later: Spans; negative ones lie before.
        found: Filled with the mids, a row for each instant, a column for each span.
    """
    counts = np.zeros(later.size, np.int64)
    for row in range(nanos.size):
        for column in range(later.size):
            counts[column] = _count_up_to(keys, things[row] + max(nanos[row] + later[column], 0), counts[column])
            place = counts[column] - 1
            inside = place >= 0 and keys[place] >= things[row]
            found[row, column] = mids[place] if inside else mids[keys.size]
