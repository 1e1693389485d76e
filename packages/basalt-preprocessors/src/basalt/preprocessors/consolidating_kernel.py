"""Kernel: the books of the venues of an instrument to one book.

Each listing shows its best levels until it shows others, and takes part or does not. The books of an instrument's listings
that take part are merged where a row is asked for: quantities and orders at one price add up. So are those of one venue alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from basalt.books.arrays import Ints, Long, Longs, Truths
from basalt.books.compiling import kernel, part
from basalt.preprocessors.packing_kernel import COUNT_UNKNOWN, Levels, unpack

Out = tuple[NDArray[np.float64], NDArray[np.float64], Ints]
"""Price, quantity and orders of what is written."""
TOLD, ACTIVE, BOOKED = 0, 1, 2
"""Columns of the state of a listing: whether a phase of it is known, whether it takes part, and whether a book of it is known."""
SEEN, WHEN, LABELLED = 0, 1, 2
"""Columns of what happened to an instrument: whether it is not written yet, when something last did, and with which label."""
ALL = -1
"""The venue that is all of them."""


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
    out: Out,
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


@part
def note(instrument: Long, happened: Longs, out_keys: Longs, place: Long) -> None:
    """Write what the books in row *place* are of; then nothing has happened."""
    out_keys[0, place] = instrument
    out_keys[1, place] = happened[instrument, LABELLED]
    out_keys[2, place] = happened[instrument, WHEN]
    happened[instrument, SEEN] = 0


@part
def write_books(
    instrument: Long,
    firsts: Ints,
    shown: Levels,
    heads: Longs,
    states: Longs,
    following: Ints,
    venues: Longs,
    levels: Long,
    out: Out,
    place: Long,
) -> None:
    """Write the books of an instrument, of all venues and of each, to row *place*."""
    for half in range(out[0].shape[0] // levels):
        venue, side = np.int64(half // 2 - 1), half % 2
        merge(np.int64(firsts[instrument]), side, venue, shown, heads, states, following, venues, out, half * levels, levels, place)


@kernel
def consolidate(
    listings: Ints,
    instruments: Ints,
    times: Longs,
    labels: Longs,
    places: Longs,
    admitted: Truths,
    words: Longs,
    reals: NDArray[np.float64],
    is_last: Long,
    shown: Levels,
    heads: Longs,
    states: Longs,
    happened: Longs,
    chains: tuple[Ints, Ints],
    venues: Longs,
    levels: Long,
    out: Out,
    out_keys: Longs,
) -> int:
    """Follow the books of listings and write the merged book of each instrument and label, if something happened with that label.

    It is written before the first row of its instrument with another label, or behind the last row of all.

    Args:
        listings: Dense numbers by row.
        instruments: Dense number by listing.
        times, labels: By row.
        places: By row, where the book is in *words*; negative for the beginning of a phase, which leaves the book as it is.
        admitted: Whether a phase lets the listing take part; what a book says of it counts until a phase is known.
        words, reals: Books, as `pack` writes them, as numbers of either kind.
        is_last: Whether no rows follow.
        shown, heads: Levels and number of levels of each half; changed in place.
        states: What is known of each listing; changed in place.
        happened: What happened to each instrument; changed in place.
        chains: First listing of each instrument, and the listing after each; -1 ends them.
        venues: Venue of each listing, from 0; negative if its levels alone are not asked for.
        levels: Levels a side to write, of all venues and of each.
        out: Gets the levels of all venues, then those of each: bids before asks.
        out_keys: Get the instrument, the label, and when something last happened.

    Returns:
        How many rows are written.
    """
    firsts, following = chains
    written = 0
    for row in range(listings.size):
        listing = np.int64(listings[row])
        instrument = np.int64(instruments[listing])
        if happened[instrument, SEEN] and happened[instrument, LABELLED] != labels[row]:
            write_books(instrument, firsts, shown, heads, states, following, venues, levels, out, np.int64(written))
            note(instrument, happened, out_keys, np.int64(written))
            written += 1
        if places[row] < 0:
            states[listing, TOLD] = 1
            seen = bool(enter(listing, np.int64(admitted[row]), heads, states))
        else:
            takes_part = unpack(words, reals, places[row], listing, shown, heads)
            states[listing, BOOKED] = 1
            if not states[listing, TOLD]:
                states[listing, ACTIVE] = takes_part
            seen = True
        if seen:
            happened[instrument, SEEN] = 1
            happened[instrument, WHEN] = times[row]
            happened[instrument, LABELLED] = labels[row]
    for each in range(happened.shape[0] if is_last else 0):
        if happened[each, SEEN]:
            write_books(np.int64(each), firsts, shown, heads, states, following, venues, levels, out, np.int64(written))
            note(np.int64(each), happened, out_keys, np.int64(written))
            written += 1
    return written
