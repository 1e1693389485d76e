"""Kernel: which row entered the order of each row, and which row ended it.

An open-addressing table holds (id, listing, entry row) of the orders that rest now, so it grows with them and not with the
day. Taking an order out moves the orders after it back, so that no search meets a grave.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from basalt.books.arrays import Bytes, Long, Longs

OTHER, ENTER, CHANGE, LEAVE = 0, 1, 2, 3
"""Kinds of rows: about no order, and what happens to one."""
UNKNOWN, DUPLICATE, UNNAMED = 1, 2, 3
"""Faults: the entry is not in the data; an order of that id rests already; no id."""
NO_ROW = -1
NO_ID = 0

ID, LISTING, ENTRY = 0, 1, 2
FIRST_SLOTS = 1024
MIX = np.int64(-2960836687051489135)
SPREAD = np.int64(-7046029254386353131)


@njit(cache=True, nogil=True)
def _home(table: Longs, order: Long, listing: Long) -> Long:
    mixed = (order ^ (listing * SPREAD)) * MIX
    return ((mixed ^ (mixed >> 29)) >> 3) & (table.shape[0] - 1)


@njit(cache=True, nogil=True)
def _seek(table: Longs, order: Long, listing: Long) -> Long:
    """Slot of the order, or the empty slot where it would go."""
    mask = table.shape[0] - 1
    slot = _home(table, order, listing)
    while table[slot, ENTRY] != NO_ROW and (table[slot, ID] != order or table[slot, LISTING] != listing):
        slot = (slot + 1) & mask
    return slot


@njit(cache=True, nogil=True)
def _forget(table: Longs, slot: Long) -> None:
    """Empty a slot and close the hole."""
    mask = table.shape[0] - 1
    hole, each = slot, (slot + 1) & mask
    while table[each, ENTRY] != NO_ROW:
        home = _home(table, table[each, ID], table[each, LISTING])
        if ((each - home) & mask) >= ((each - hole) & mask):
            for part in range(3):
                table[hole, part] = table[each, part]
            hole = each
        each = (each + 1) & mask
    table[hole, ENTRY] = NO_ROW


@njit(cache=True, nogil=True)
def _empty(slots: Long) -> Longs:
    table = np.zeros((slots, 3), np.int64)
    table[:, ENTRY] = NO_ROW
    return table


@njit(cache=True, nogil=True)
def _widened(table: Longs) -> Longs:
    """The same orders in twice the slots."""
    wider = _empty(2 * table.shape[0])
    for slot in range(table.shape[0]):
        if table[slot, ENTRY] != NO_ROW:
            place = _seek(wider, table[slot, ID], table[slot, LISTING])
            for part in range(3):
                wider[place, part] = table[slot, part]
    return wider


@njit(cache=True, nogil=True)
def _put(table: Longs, slot: Long, order: Long, listing: Long, entry: Long, ends: Longs, row: Long) -> bool:
    """Write an order to its slot; true when another one rested there, whose life ends with *row*."""
    displaced = table[slot, ENTRY]
    if displaced != NO_ROW:
        ends[displaced] = row
    table[slot, ID], table[slot, LISTING], table[slot, ENTRY] = order, listing, entry
    return displaced != NO_ROW


@njit(cache=True, nogil=True)
def _enter(table: Longs, order: Long, listing: Long, row: Long, ends: Longs, faults: Bytes) -> Long:
    """Enter an order; gives how many more rest."""
    if _put(table, _seek(table, order, listing), order, listing, row, ends, row):
        faults[row] = DUPLICATE
        return 0
    return 1


@njit(cache=True, nogil=True)
def _rename(table: Longs, slot: Long, order: Long, row: Long, ends: Longs, faults: Bytes) -> Long:
    """Give the order in a slot another id; gives how many more rest."""
    listing, entry = table[slot, LISTING], table[slot, ENTRY]
    _forget(table, slot)
    if _put(table, _seek(table, order, listing), order, listing, entry, ends, row):
        faults[row] = DUPLICATE
        return -1
    return 0


@njit(cache=True, nogil=True)
def follow_orders(listings: Longs, kinds: Bytes, before: Longs, after: Longs, entries: Longs, ends: Longs, faults: Bytes) -> None:
    """Follow each order from the row that enters it to the row that ends it.

    Args:
        listings: `ListingId` by row.
        kinds: `OTHER`, `ENTER`, `CHANGE` or `LEAVE` by row.
        before: Id of the order before the row's event; `NO_ID` for none.
        after: Its id after the event; `NO_ID` for none.
        entries: Gets, by row, the row that entered the order; `NO_ROW` when that is not known.
        ends: Gets, by row that enters an order, the row that ended it: one that it left with, or one that another order took its
            id with; `NO_ROW` when it still rests after the last row.
        faults: Gets, by row, what is wrong with it; 0 for nothing.
    """
    table = _empty(FIRST_SLOTS)
    resting: Long = 0
    for row in range(listings.size):
        entries[row], ends[row], faults[row] = NO_ROW, NO_ROW, 0
        kind, listing = kinds[row], listings[row]
        if kind == OTHER:
            continue
        order = after[row] if kind == ENTER or before[row] == NO_ID else before[row]
        if order == NO_ID:
            faults[row] = UNNAMED
            continue
        if 2 * resting >= table.shape[0]:
            table = _widened(table)
        if kind == ENTER:
            entries[row] = row
            resting += _enter(table, order, listing, row, ends, faults)
            continue
        slot = _seek(table, order, listing)
        entry = table[slot, ENTRY]
        entries[row] = entry
        if entry == NO_ROW:
            faults[row] = UNKNOWN
        elif kind == LEAVE:
            ends[entry] = row
            _forget(table, slot)
            resting -= 1
        elif after[row] not in (NO_ID, order):
            resting += _rename(table, slot, after[row], row, ends, faults)
