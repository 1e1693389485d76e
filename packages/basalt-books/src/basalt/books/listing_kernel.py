"""Kernel: the dense number of a listing, in order of first appearance."""

from __future__ import annotations

import numpy as np

from basalt.books.arrays import Ints, Long, Longs
from basalt.books.compiling import kernel, nth

GOLDEN = np.int64(-7046029254386353131)
"""2^64 over the golden ratio, as a signed integer: spreads ids over a table."""


@kernel
def number_listings(first: Long, listings: Longs, keys: Longs, numbers: Longs, known: Longs, out: Ints) -> tuple[Long, Long]:
    """Number the listings of rows from *first* on.

    Args:
        first: Row to start at.
        listings: `ListingId` by row.
        keys: Open-addressing table of ids; its length is a power of two.
        numbers: Number of the id in each slot; -1 for an empty one.
        known: Ids by number; as long as the table.
        out: Gets the numbers by row.

    Returns:
        First row that is not done, because the table is half full, and how many listings there are.
    """
    mask = keys.size - 1
    count = 0
    while count < known.size and known[count, 1] == 1:
        count += 1
    last_id, last_number = np.int64(0), np.int64(-1)
    for row in range(first, listings.size):
        listing = listings[nth(row)]
        if last_number >= 0 and listing == last_id:
            out[nth(row)] = last_number
            continue
        slot = ((listing * GOLDEN) >> 20) & mask
        while numbers[nth(slot)] >= 0 and keys[nth(slot)] != listing:
            slot = (slot + 1) & mask
        if numbers[nth(slot)] < 0:
            if 2 * (count + 1) > keys.size:
                return row, count
            keys[nth(slot)], numbers[nth(slot)] = listing, count
            known[count, 0], known[count, 1] = listing, 1
            count += 1
        last_id, last_number = listing, numbers[nth(slot)]
        out[nth(row)] = last_number
    return listings.size, count
