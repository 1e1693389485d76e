"""Columns from rows that lie side by side, in a given order, with a bit for each value that is there.

Rows are read once for all columns, some at a time, so that they stay in the fastest memory.

Arguments of all:
    places: Rows of the entries, in the order that is wanted.
    targets: Where in the columns each of them goes.
    fields: Columns of the entries, one for each that is made.
    values: Filled with columns.
    present: Where something is there its bit is set; zeros before. Without rows, no bits are wanted.
"""

from __future__ import annotations

import numpy as np
from numba import njit

NOTHING = -1
"""Stands for a whole number that is not there."""
AT_ONCE = 32
"""Rows that are read for one column after the other."""


@njit(cache=True, nogil=True, error_model="numpy")
def gather_prices(
    whole: np.ndarray,
    places: np.ndarray,
    targets: np.ndarray,
    fields: np.ndarray,
    fractions: np.ndarray,
    values: np.ndarray,
    present: np.ndarray,
) -> None:
    """Prices of whole numbers of units; *fractions* has what a unit of each listing is worth: each is the float nearest to its decimal."""
    for first in range(0, places.size, AT_ONCE):
        last = min(first + AT_ONCE, places.size)
        for column in range(fields.size):
            for row in range(first, last):
                target, listing = targets[row], whole[places[row], 0]
                units = whole[places[row], fields[column]]
                values[column, target] = np.int64(units) * fractions[listing, 0] / fractions[listing, 1]
                present[column, target >> 6] |= np.uint64(units != NOTHING) << np.uint64(target & 63)


@njit(cache=True, nogil=True)
def gather_whole(
    whole: np.ndarray, places: np.ndarray, targets: np.ndarray, fields: np.ndarray, values: np.ndarray, present: np.ndarray
) -> None:
    """Whole numbers, of whatever type *values* has."""
    for first in range(0, places.size, AT_ONCE):
        last = min(first + AT_ONCE, places.size)
        for column in range(fields.size):
            for row in range(first, last):
                values[column, targets[row]] = whole[places[row], fields[column]]
            for row in range(first, last if present.size else first):
                target, known = targets[row], whole[places[row], fields[column]] != NOTHING
                present[column, target >> 6] |= np.uint64(known) << np.uint64(target & 63)


@njit(cache=True, nogil=True)
def gather_exact(
    exact: np.ndarray, places: np.ndarray, targets: np.ndarray, fields: np.ndarray, values: np.ndarray, present: np.ndarray
) -> None:
    """Floats; NaN is not there."""
    for first in range(0, places.size, AT_ONCE):
        last = min(first + AT_ONCE, places.size)
        for column in range(fields.size):
            for row in range(first, last):
                target, value = targets[row], exact[places[row], fields[column]]
                values[column, target] = value
                present[column, target >> 6] |= np.uint64(not np.isnan(value)) << np.uint64(target & 63)


@njit(cache=True, nogil=True)
def gather_acts(rows: np.ndarray, places: np.ndarray, fields: np.ndarray, whole: np.ndarray) -> None:
    """The other way round: *fields* of the tape's columns side by side, from the second column of *whole* on."""
    for first in range(0, places.size, AT_ONCE):
        last = min(first + AT_ONCE, places.size)
        for column in range(fields.size):
            for row in range(first, last):
                whole[row, column + 1] = rows[fields[column], places[row]]
