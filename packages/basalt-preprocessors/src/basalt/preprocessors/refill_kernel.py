"""Kernel: which order that enters is the next peak of which order that was used up."""

from __future__ import annotations

import numpy as np

from basalt.books.arrays import Bytes, Ints, Long, Longs
from basalt.books.compiling import kernel

USED_UP, ENTERED = 1, 2


@kernel
def match_refills(
    halves: Ints, kind: Bytes, time: Longs, price: Longs, tolerance: Long, any_price: Long, latest: Longs, before: Longs, refill: Longs
) -> None:
    """Give each order that was used up the order that entered in its place, if one did.

    An order that enters is the next peak of the latest order before it that was used up on its side at its price, at most *tolerance*
    ago, and has no next peak yet.

    Args:
        halves: Dense number of listing and side by row.
        kind: Whether the row uses an order up, or enters one, or neither.
        time, price: By row; prices need only be comparable for equality.
        tolerance: Longest time between the two.
        any_price: 1 to let prices differ.
        latest: Latest row that used an order up, by half; -1 at the start, changed in place.
        before: Gets the row before of that kind in the half, by row.
        refill: Gets the row that entered the next peak, by row; -1 without one.
    """
    for row in range(halves.size):
        half = np.int64(halves[row])
        refill[row] = -1
        if kind[row] == USED_UP:
            before[row] = latest[half]
            latest[half] = row
        elif kind[row] == ENTERED:
            each = latest[half]
            while each >= 0 and time[row] - time[each] <= tolerance:
                if refill[each] < 0 and (any_price or price[each] == price[row]):
                    refill[each] = row
                    break
                each = before[each]
