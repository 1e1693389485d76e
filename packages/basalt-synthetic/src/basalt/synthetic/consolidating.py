"""The ten best levels of an instrument over all venues that trade, after each change of one of them."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

Longs: TypeAlias = NDArray[np.int64]
Ints: TypeAlias = NDArray[np.int32]
Floats: TypeAlias = NDArray[np.float64]
Number: TypeAlias = Any
"""What a compiled function takes and gives besides arrays: whole numbers of 64 bits, and floats."""

DEPTH = 10
BEST_COLUMNS = 6 * DEPTH + 4
"""Of bids, then asks: prices, sizes, numbers of orders, best first; numbers of levels; venues with most at the best price."""
BID_VENUE, ASK_VENUE = 62, 63
INACTIVE: Any = -1
NOTHING: Any = np.int64(-1)


_ALONE: Any = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": False}
_part: Any = njit(nogil=True, error_model="numpy", **_ALONE)


@_part
def _best_price(side: Number, current: Longs, places: Longs, books: Ints) -> Number:
    """Best price of a side among the levels that are next on each venue; `NOTHING` when there are no more."""
    price = NOTHING
    for venue in range(current.size):
        if current[venue] != INACTIVE and places[venue] < DEPTH:
            offered = books[3 * DEPTH * side + places[venue], current[venue]]
            if offered != NOTHING and (price == NOTHING or (offered - price) * (1 - 2 * side) > 0):
                price = offered
    return price


@_part
def _merge(side: Number, current: Longs, places: Longs, books: Ints, best: Ints, row: Number) -> None:
    """Write the levels of one *side* (0 bids, 1 asks) of all venues into entry *row* of *best*."""
    start, number = 3 * DEPTH * side, 0
    places[:] = 0
    best[BID_VENUE + side, row] = NOTHING
    while True:
        price = _best_price(side, current, places, books)
        if price == NOTHING:
            break
        size, count, most = 0, 0, 0
        for venue in range(current.size):
            if current[venue] != INACTIVE and places[venue] < DEPTH and books[start + places[venue], current[venue]] == price:
                own = books[start + DEPTH + places[venue], current[venue]]
                if number == 0 and own > most:
                    most, best[BID_VENUE + side, row] = own, venue
                size += own
                count += books[start + 2 * DEPTH + places[venue], current[venue]]
                places[venue] += 1
        if number < DEPTH:
            best[start + number, row], best[start + DEPTH + number, row], best[start + 2 * DEPTH + number, row] = price, size, count
        number += 1
    for empty in range(number, DEPTH):
        best[start + empty, row], best[start + DEPTH + empty, row], best[start + 2 * DEPTH + empty, row] = NOTHING, 0, 0
    best[6 * DEPTH + side, row] = number


@njit(cache=True, nogil=True, error_model="numpy")
def consolidate(times: Longs, venues: Longs, entries: Longs, books: Ints, written: Longs, best: Ints) -> Number:
    """Write the levels over all venues after each change that can be seen in them; gives how many were written.

    Args:
        times, venues, entries: Changes in order of time: a venue has the book *entry* from then on,
            or takes no part (`INACTIVE`).
        books: Levels of single venues, an entry along the second axis.
        written, best: Filled with times and levels. The number of levels of a side counts those
            among the ten best of each venue.
    """
    current = np.full(venues.max() + 1, INACTIVE)
    places = np.zeros(current.size, np.int64)
    count = 0
    for change in range(times.size):
        current[venues[change]] = entries[change]
        _merge(np.int64(0), current, places, books, best, count)
        _merge(np.int64(1), current, places, books, best, count)
        differs = count == 0 and best[0, 0] + best[3 * DEPTH, 0] != 2 * NOTHING
        if count > 0:
            for column in range(BEST_COLUMNS):
                if best[column, count] != best[column, count - 1]:
                    differs = True
                    break
        if differs:
            written[count] = times[change]
            count += 1
    return count
