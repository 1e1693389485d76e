"""Kernel: books of listings as what changes from one to the next, and back.

A book takes `HEADER` words and `CHANGE` words a level that its listing did not show at that place before:

| word | is |
|---|---|
| 0 | time |
| 1 | label |
| 2 | whether the book says that the listing takes part, + 2 x levels of bids, + 512 x levels of asks, + 131072 x changes |
| of a change | place of the level, bids before asks, + 256 x (orders + 1); bits of the price; bits of the quantity |
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from basalt.books.arrays import Ints, Long, Longs, Truths
from basalt.books.compiling import kernel, part

Levels = tuple[NDArray[np.float64], NDArray[np.float64], Longs]
"""Price, quantity and orders."""
HEADER, CHANGE = 3, 3
COUNT_UNKNOWN = -1
BIDS, ASKS, CHANGES, ORDERS = 1, 9, 17, 8
"""Bits that fields begin at."""
BYTE = 255


@part
def _changed(
    row: Long, half: Long, side: Long, new: Levels, shown: Levels, heads: Longs, words: Longs, reals: NDArray[np.float64], at: Long
) -> Long:
    """Write the levels of *row* on one side that differ from those shown, and show them; levels without price or quantity are none."""
    price, quantity, orders = new
    levels = price.shape[0] // 2
    count = 0
    for level in range(levels):
        column = side * levels + level
        if np.isnan(price[column, row]) or quantity[column, row] <= 0:
            continue
        if (
            count >= heads[half]
            or shown[0][half, count] != price[column, row]
            or shown[1][half, count] != quantity[column, row]
            or shown[2][half, count] != orders[column, row]
        ):
            shown[0][half, count] = price[column, row]
            shown[1][half, count] = quantity[column, row]
            shown[2][half, count] = orders[column, row]
            words[at] = side * levels + count + ((orders[column, row] + 1) << ORDERS)
            reals[at + 1] = price[column, row]
            reals[at + 2] = quantity[column, row]
            at += CHANGE
        count += 1
    heads[half] = count
    return at


@kernel
def pack(
    rows: Longs,
    listings: Ints,
    times: Longs,
    labels: Longs,
    admitted: Truths,
    new: Levels,
    shown: Levels,
    heads: Longs,
    words: Longs,
    reals: NDArray[np.float64],
    ends: Longs,
) -> None:
    """Write books as words.

    Args:
        rows: Which rows, each listing's in order.
        listings: Dense number by row.
        times, labels, admitted: By row.
        new: Price, quantity and orders by row; bids before asks, best level first.
        shown, heads: Levels and number of levels of each half of a listing, as the last book written has them; changed in place.
        words: Gets the words; has room for `HEADER` and a `CHANGE` for each level of each row.
        reals: The same memory as floats.
        ends: Gets, for each of *rows*, the word after its last one.
    """
    at: Long = np.int64(0)
    for place in range(rows.size):
        row = rows[place]
        half = 2 * np.int64(listings[row])
        begin = at
        at += HEADER
        for side in range(2):
            at = _changed(row, half + side, side, new, shown, heads, words, reals, at)
        words[begin] = times[row]
        words[begin + 1] = labels[row]
        changes = (at - begin - HEADER) // CHANGE
        words[begin + 2] = np.int64(admitted[row]) + (heads[half] << BIDS) + (heads[half + 1] << ASKS) + (changes << CHANGES)
        ends[place] = at


@kernel
def find_books(words: Longs, times: Longs, labels: Longs, places: Longs) -> int:
    """Find the books in *words*: their times, labels and first words.

    Returns:
        How many there are.
    """
    at, count = 0, 0
    while at < words.size:
        times[count], labels[count], places[count] = words[at], words[at + 1], at
        at += HEADER + CHANGE * (words[at + 2] >> CHANGES)
        count += 1
    return count


@part
def unpack(words: Longs, reals: NDArray[np.float64], at: Long, listing: Long, shown: Levels, heads: Longs) -> Long:
    """Let a listing show the book that is written at *at*; gives whether it says that the listing takes part."""
    levels = shown[0].shape[1]
    state = words[at + 2]
    heads[2 * listing, 0] = (state >> BIDS) & BYTE
    heads[2 * listing + 1, 0] = (state >> ASKS) & BYTE
    for _ in range(state >> CHANGES):
        at += CHANGE
        place = words[at] & BYTE
        half, level = 2 * listing + place // levels, place % levels
        shown[0][half, level] = reals[at + 1]
        shown[1][half, level] = reals[at + 2]
        shown[2][half, level] = (words[at] >> ORDERS) - 1
    return np.int64(state & 1)
