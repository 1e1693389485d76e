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
            offered = books[current[venue], 3 * DEPTH * side + places[venue]]
            if offered != NOTHING and (price == NOTHING or (offered - price) * (1 - 2 * side) > 0):
                price = offered
    return price


@_part
def _merge(side: Number, current: Longs, places: Longs, books: Ints, best: Ints, row: Number) -> None:
    """Write the levels of one *side* (0 bids, 1 asks) of all venues into entry *row* of *best*."""
    start, number = 3 * DEPTH * side, 0
    places[:] = 0
    best[row, BID_VENUE + side] = NOTHING
    while True:
        price = _best_price(side, current, places, books)
        if price == NOTHING:
            break
        size, count, most = 0, 0, 0
        for venue in range(current.size):
            if current[venue] != INACTIVE and places[venue] < DEPTH and books[current[venue], start + places[venue]] == price:
                own = books[current[venue], start + DEPTH + places[venue]]
                if number == 0 and own > most:
                    most, best[row, BID_VENUE + side] = own, venue
                size += own
                count += books[current[venue], start + 2 * DEPTH + places[venue]]
                places[venue] += 1
        if number < DEPTH:
            best[row, start + number], best[row, start + DEPTH + number], best[row, start + 2 * DEPTH + number] = price, size, count
        number += 1
    for empty in range(number, DEPTH):
        best[row, start + empty], best[row, start + DEPTH + empty], best[row, start + 2 * DEPTH + empty] = NOTHING, 0, 0
    best[row, 6 * DEPTH + side] = number


@_part
def _copy(side: Number, best: Ints, row: Number) -> None:
    """Take one side over from the entry before *row*."""
    for column in range(3 * DEPTH * side, 3 * DEPTH * (side + 1)):
        best[row, column] = best[row - 1, column]
    best[row, 6 * DEPTH + side], best[row, BID_VENUE + side] = best[row - 1, 6 * DEPTH + side], best[row - 1, BID_VENUE + side]


@_part
def _differences(array: Ints, one: Number, other: Number, first: Number, last: Number) -> Number:
    """Number of columns from *first* to before *last* in which two entries differ."""
    count = 0
    for column in range(first, last):
        count += array[one, column] != array[other, column]
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def consolidate(times: Longs, venues: Longs, entries: Longs, books: Ints, written: Longs, best: Ints, first: Number) -> Number:
    """Write the levels over all venues after each change that can be seen in them; gives how many were written.

    Args:
        times, venues, entries: Changes in order of time: a venue has the book *entry* from then on,
            or takes no part (`INACTIVE`).
        books: Levels of single venues, an entry along the first axis.
        written, best: Filled with times and levels, from entry *first* on. The number of levels of a
            side counts those among the ten best of each venue.
    """
    current = np.full(venues.max() + 1, INACTIVE)
    places = np.zeros(current.size, np.int64)
    row = first
    for change in range(times.size):
        venue = venues[change]
        before, current[venue] = current[venue], entries[change]
        for side in range(2):
            start, both = 3 * DEPTH * side, min(before, entries[change]) != INACTIVE
            if row > first and both and _differences(books, before, entries[change], start, start + 3 * DEPTH) == 0:
                _copy(side, best, row)
            else:
                _merge(side, current, places, books, best, row)
        seen = _differences(best, row, row - 1, 0, BEST_COLUMNS) > 0 if row > first else max(best[row, 0], best[row, 3 * DEPTH]) != NOTHING
        if seen:
            written[row] = times[change]
            row += 1
    return row - first
