"""Kernel: the books of the venues of an instrument to one book.

Each listing shows its best levels until it shows others, and takes part or does not. The books of an instrument's listings
that take part are merged where a row is asked for: quantities and orders at one price add up. So are those of one venue alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from basalt.books.arrays import Ints, Long, Longs, Truths
from basalt.books.compiling import kernel, part

Levels = tuple[NDArray[np.float64], NDArray[np.float64], Longs]
"""Price, quantity and orders."""
COUNT_UNKNOWN = -1
TOLD, ACTIVE, BOOKED = 0, 1, 2
"""Columns of the state of a listing: whether a phase of it is known, whether it takes part, and whether a book of it is known."""
SEEN, WHEN = 0, 1
"""Columns of what happened to an instrument: whether it is not written yet, and when something last did."""
ALL = -1
"""The venue that is all of them."""


@part
def remember(row: Long, listing: Long, side: Long, new: Levels, shown: Levels, heads: Longs) -> None:
    """Let a listing show the levels of *row* on one side; levels without price or quantity are none."""
    price, quantity, orders = new
    levels = price.shape[0] // 2
    half = 2 * listing + side
    count = 0
    for level in range(levels):
        column = side * levels + level
        if not np.isnan(price[column, row]) and quantity[column, row] > 0:
            shown[0][half, count] = price[column, row]
            shown[1][half, count] = quantity[column, row]
            shown[2][half, count] = orders[column, row]
            count += 1
    heads[half, 0] = count


@part
def merge(
    first: Long,
    side: Long,
    venue: Long,
    shown: Levels,
    heads: Longs,
    states: Longs,
    following: Ints,
    venues: Longs,
    out: Levels,
    column: Long,
    levels: Long,
    place: Long,
) -> None:
    """Write the best *levels* of one side, over all listings of *venue* from *first* on that take part, to row *place* from *column* on.

    Of a single venue without a book so far, nobody knows the orders.
    """
    out_price, out_quantity, out_orders = out
    listing = np.int64(first)
    none: Long = np.int64(0 if venue == ALL else COUNT_UNKNOWN)
    while listing >= 0:
        counts = venue == ALL or venues[listing] == venue
        heads[2 * listing + side, 1] = 0 if counts and states[listing, ACTIVE] else heads[2 * listing + side, 0]
        if counts and states[listing, BOOKED]:
            none = np.int64(0)
        listing = np.int64(following[listing])
    for level in range(levels):
        best, found = 0.0, False
        listing = np.int64(first)
        while listing >= 0:
            half = 2 * listing + side
            if heads[half, 1] < heads[half, 0]:
                price = shown[0][half, heads[half, 1]]
                if not found or (price > best if side == 0 else price < best):
                    best, found = price, True
            listing = np.int64(following[listing])
        quantity = 0.0
        orders: Long = np.int64(0) if found else none
        listing = np.int64(first)
        while found and listing >= 0:
            half = 2 * listing + side
            at = heads[half, 1]
            if at < heads[half, 0] and shown[0][half, at] == best:
                quantity += shown[1][half, at]
                orders = COUNT_UNKNOWN if orders < 0 or shown[2][half, at] < 0 else orders + shown[2][half, at]
                heads[half, 1] += 1
            listing = np.int64(following[listing])
        out_price[column + level, place] = best if found else np.nan
        out_quantity[column + level, place] = quantity
        out_orders[column + level, place] = orders


@part
def enter(listing: Long, admitted: Long, heads: Longs, states: Longs) -> Long:
    """Let a listing take part or not; gives whether that can be seen."""
    seen = states[listing, ACTIVE] != admitted and heads[2 * listing, 0] + heads[2 * listing + 1, 0] > 0
    states[listing, ACTIVE] = admitted
    return seen


@kernel
def consolidate(
    listings: Ints,
    instruments: Ints,
    is_phase: Truths,
    admitted: Truths,
    times: Longs,
    emit: Truths,
    new: Levels,
    shown: Levels,
    heads: Longs,
    states: Longs,
    happened: Longs,
    chains: tuple[Ints, Ints],
    venues: Longs,
    levels: Long,
    out: Levels,
    out_rows: Longs,
    out_times: Longs,
) -> int:
    """Follow the books of listings and write the merged book after rows that *emit* names, if something happened since the one before.

    Args:
        listings, instruments: Dense numbers by row.
        is_phase: Whether the row is the beginning of a phase, which leaves the levels as they are, or a book.
        admitted: Whether the listing takes part from this row on; what a book says of it counts until a phase is known.
        times: By row.
        emit: Whether the merged book is wanted after the row.
        new: Price, quantity and orders by row; bids before asks, best level first.
        shown, heads: Levels and number of levels of each half; changed in place.
        states: What is known of each listing; changed in place.
        happened: What happened to each instrument; changed in place.
        chains: First listing of each instrument, and the listing after each; -1 ends them.
        venues: Venue of each listing, from 0; negative if its levels alone are not asked for.
        levels: Levels a side to write, of all venues and of each.
        out: Gets the levels of all venues, then those of each: bids before asks.
        out_rows, out_times: Get the input row of each row written, and when something last happened by then.

    Returns:
        How many rows are written.
    """
    first, following = chains
    written = 0
    count = out[0].shape[0] // (2 * levels) - 1
    for row in range(listings.size):
        listing, instrument = np.int64(listings[row]), instruments[row]
        takes_part = np.int64(admitted[row])
        seen = True
        if is_phase[row]:
            states[listing, TOLD] = 1
            seen = bool(enter(listing, takes_part, heads, states))
        else:
            for side in range(2):
                remember(row, listing, side, new, shown, heads)
            states[listing, BOOKED] = 1
            if not states[listing, TOLD]:
                states[listing, ACTIVE] = takes_part
        if seen:
            happened[instrument, SEEN] = 1
            happened[instrument, WHEN] = times[row]
        if emit[row] and happened[instrument, SEEN]:
            for half in range(2 * (count + 1)):
                venue, side = np.int64(half // 2 - 1), half % 2
                merge(
                    np.int64(first[instrument]), side, venue, shown, heads, states, following, venues, out, half * levels, levels, written
                )
            out_rows[written] = row
            out_times[written] = happened[instrument, WHEN]
            happened[instrument, SEEN] = 0
            written += 1
    return written
