"""Kernel: which event each record belongs to, and what fills take from their orders.

A table of slots, open to all, finds the changes that follow the fills of an order in the same event. Its length is a power of two and twice the number of fills.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

LAST = 128
CANCEL, MODIFY, TRADE, FILL = 67, 77, 84, 70
NONE, REDUCE = 0, 2
UNBOUNDED = np.int64(2**32 - 1)
EVENT, ORDER, LIMIT, TAKEN, ASKED, CANCELLED = range(6)
"""Of a slot: its event plus 1 (0: empty) and order; what fills may take and took, what they and later cancels say."""
SLOT = 6
Longs = NDArray[np.int64]


@njit(cache=True, nogil=True)
def number_events(listings: Any, flags: Any, numbers: Longs, open_events: Longs, out: Longs) -> int:  # pragma: no cover - compiled
    """Say for each record its event, the number before the event's first record, and that of its last one.

    Args:
        listings: Dense number of the listing by row.
        flags: Flags of the record.
        numbers: Number of the record, rising.
        open_events: Room for two numbers a listing, all -1.
        out: Gets event (from 0, in order of their first records), before and after.

    Returns:
        How many events there are.
    """
    count = 0
    for row in range(listings.size):
        listing = listings[row]
        if open_events[0, listing] < 0:
            open_events[0, listing], open_events[1, listing] = count, numbers[row] - 1
            count += 1
        out[0, row], out[1, row] = open_events[0, listing], open_events[1, listing]
        if flags[row] & LAST:
            open_events[0, listing] = -1
    open_events[0, :] = -1
    for row in range(listings.size - 1, -1, -1):
        listing = listings[row]
        if flags[row] & LAST or open_events[0, listing] < 0:
            open_events[0, listing] = numbers[row] if flags[row] & LAST else numbers[-1]
        out[2, row] = open_events[0, listing]
    return count


@njit(cache=True, nogil=True)
def number_trades(
    listings: Any, actions: Any, numbers: Longs, events: Longs, last: Longs, out: Longs
) -> int:  # pragma: no cover - compiled
    """Give each report its number, and each fill that of the last report before it in its event; 0 to all others.

    Args:
        listings: Dense number of the listing by row.
        actions: What the record says.
        numbers: Number of the record.
        events: Event of the record.
        last: Room for event and number of the last report of each listing, all -1.
        out: Gets the numbers.

    Returns:
        How many fills there are.
    """
    fills = 0
    for row in range(listings.size):
        listing = listings[row]
        out[row] = 0
        if actions[row] == TRADE:
            last[0, listing], last[1, listing] = events[row], numbers[row]
            out[row] = numbers[row]
        elif actions[row] == FILL:
            fills += 1
            if last[0, listing] == events[row]:
                out[row] = last[1, listing]
    return fills


@njit(cache=True, nogil=True)
def _slot(slots: Longs, event: int, order: int) -> int:  # pragma: no cover - compiled
    """Where the fills of an order in an event are kept, or the empty slot where they would be."""
    mask = slots.shape[0] - 1
    mixed = (np.int64(order) ^ (np.int64(event) * np.int64(-7046029254386353131))) * np.int64(-2960836687051489135)
    place = (mixed ^ (mixed >> 29)) & mask
    while slots[place, EVENT] != 0 and (slots[place, EVENT] != event + 1 or slots[place, ORDER] != order):
        place = (place + 1) & mask
    return place


@njit(cache=True, nogil=True)
def take_fills(
    actions: Any, orders: Longs, events: Longs, slots: Longs, sizes: Longs, kinds: Any, is_after: Any
) -> None:  # pragma: no cover
    """Let fills take from their orders what the changes after them would have taken.

    Fills of an order take, the first ones first, as much as its cancels of the same event say, or all where the order is modified. Its
    cancels take what is left.

    Args:
        actions: What the record says.
        orders: Id of the order.
        events: Event of the record.
        slots: Empty slots, more than twice the fills.
        sizes: Size of the record; gets what it takes.
        kinds: Message of the record; gets REDUCE for fills that take, NONE for those and for cancels that do not.
        is_after: Gets whether the record changes an order that was filled in its event.
    """
    for row in range(actions.size):
        if actions[row] == FILL:
            place = _slot(slots, events[row], orders[row])
            slots[place, EVENT], slots[place, ORDER] = events[row] + 1, orders[row]
    for row in range(actions.size):
        if actions[row] == CANCEL or actions[row] == MODIFY:
            place = _slot(slots, events[row], orders[row])
            if slots[place, EVENT] == 0:
                continue
            is_after[row] = True
            if actions[row] == MODIFY:
                slots[place, LIMIT] = -1
            elif slots[place, LIMIT] >= 0:
                slots[place, LIMIT] += sizes[row]
    for row in range(actions.size):
        if actions[row] == FILL:
            place = _slot(slots, events[row], orders[row])
            limit = slots[place, LIMIT] if slots[place, LIMIT] >= 0 else UNBOUNDED
            taken = min(sizes[row], max(limit - slots[place, ASKED], 0))
            slots[place, ASKED] += sizes[row]
            slots[place, TAKEN] += taken
            sizes[row], kinds[row] = taken, REDUCE if taken > 0 else NONE
    for row in range(actions.size):
        if actions[row] == CANCEL and is_after[row]:
            place = _slot(slots, events[row], orders[row])
            taken = min(sizes[row], max(slots[place, TAKEN] - slots[place, CANCELLED], 0))
            slots[place, CANCELLED] += sizes[row]
            sizes[row] -= taken
            if sizes[row] == 0:
                kinds[row] = NONE
