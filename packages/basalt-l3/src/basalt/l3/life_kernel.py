"""Kernel: the life that each row is about, and which row ended it.

Lives are numbered in order of their entries. An open-addressing table holds (id, listing, life) of the orders that rest now, so
it grows with them and not with the day; it is carried from piece to piece of a day. Taking an order out moves the orders after it
back, so that no search meets a grave.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from basalt.books.arrays import Bytes, Long, Longs

OTHER, ENTER, CHANGE, LEAVE = 0, 1, 2, 3
"""Kinds of rows: about no order, and what happens to one."""
UNKNOWN, DUPLICATE, UNNAMED = 1, 2, 3
"""Faults: the entry is not in the data; an order of that id rests already; no id."""
NO_ROW = NO_LIFE = -1
NO_ID = 0

ID, LISTING, LIFE = 0, 1, 2
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
    while table[slot, LIFE] != NO_LIFE and (table[slot, ID] != order or table[slot, LISTING] != listing):
        slot = (slot + 1) & mask
    return slot


@njit(cache=True, nogil=True)
def _forget(table: Longs, slot: Long) -> None:
    """Empty a slot and close the hole."""
    mask = table.shape[0] - 1
    hole, each = slot, (slot + 1) & mask
    while table[each, LIFE] != NO_LIFE:
        home = _home(table, table[each, ID], table[each, LISTING])
        if ((each - home) & mask) >= ((each - hole) & mask):
            for part in range(3):
                table[hole, part] = table[each, part]
            hole = each
        each = (each + 1) & mask
    table[hole, LIFE] = NO_LIFE


@njit(cache=True, nogil=True)
def empty_table(slots: Long) -> Longs:
    """A table without orders; *slots* is a power of two."""
    table = np.zeros((slots, 3), np.int64)
    table[:, LIFE] = NO_LIFE
    return table


@njit(cache=True, nogil=True)
def _widened(table: Longs) -> Longs:
    """The same orders in twice the slots."""
    wider = empty_table(2 * table.shape[0])
    for slot in range(table.shape[0]):
        if table[slot, LIFE] != NO_LIFE:
            place = _seek(wider, table[slot, ID], table[slot, LISTING])
            for part in range(3):
                wider[place, part] = table[slot, part]
    return wider


@njit(cache=True, nogil=True)
def _put(table: Longs, slot: Long, order: Long, listing: Long, life: Long, ends: Longs, row: Long) -> bool:
    """Write an order to its slot; true when another one rested there, whose life ends with *row*."""
    displaced = table[slot, LIFE]
    if displaced != NO_LIFE:
        ends[displaced] = row
    table[slot, ID], table[slot, LISTING], table[slot, LIFE] = order, listing, life
    return displaced != NO_LIFE


@njit(cache=True, nogil=True)
def _enter(table: Longs, order: Long, listing: Long, life: Long, row: Long, ends: Longs, faults: Bytes) -> Long:
    """Enter an order; gives how many more rest."""
    if _put(table, _seek(table, order, listing), order, listing, life, ends, row):
        faults[row] = DUPLICATE
        return 0
    return 1


@njit(cache=True, nogil=True)
def _rename(table: Longs, slot: Long, order: Long, row: Long, ends: Longs, faults: Bytes) -> Long:
    """Give the order in a slot another id; gives how many more rest."""
    listing, life = table[slot, LISTING], table[slot, LIFE]
    _forget(table, slot)
    if _put(table, _seek(table, order, listing), order, listing, life, ends, row):
        faults[row] = DUPLICATE
        return -1
    return 0


@njit(cache=True, nogil=True)
def follow_orders(
    table: Longs,
    resting: Long,
    first: Long,
    listings: Longs,
    kinds: Bytes,
    before: Longs,
    after: Longs,
    lives: Longs,
    ends: Longs,
    faults: Bytes,
) -> tuple[Longs, Long]:
    """Follow each order from the row that enters it to the row that ends it, through one piece of a day.

    Args:
        table: The orders that rest before the piece; changed.
        resting: Their number.
        first: Number of the first life that a row enters; those in the table are smaller.
        listings: `ListingId` by row.
        kinds: `OTHER`, `ENTER`, `CHANGE` or `LEAVE` by row.
        before: Id of the order before the row's event; `NO_ID` for none.
        after: Its id after the event; `NO_ID` for none.
        lives: Gets, by row, the life of its order; `NO_LIFE` when that is not known.
        ends: Gets, by life, the row that ended it: one that it left with, or one that another order took its id with. Has
            room for one life more for each row that enters one, and `NO_ROW` where nothing is written.
        faults: Gets, by row, what is wrong with it; 0 for nothing.

    Returns:
        The table, in another place where it had to grow, and the number of orders in it.
    """
    for row in range(listings.size):
        lives[row], faults[row] = NO_LIFE, 0
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
            lives[row] = first
            resting += _enter(table, order, listing, first, row, ends, faults)
            first += 1
            continue
        slot = _seek(table, order, listing)
        life = table[slot, LIFE]
        lives[row] = life
        if life == NO_LIFE:
            faults[row] = UNKNOWN
        elif kind == LEAVE:
            ends[life] = row
            _forget(table, slot)
            resting -= 1
        elif after[row] not in (NO_ID, order):
            resting += _rename(table, slot, after[row], row, ends, faults)
    return table, resting


@njit(cache=True, nogil=True)
def renumber(table: Longs, places: Longs) -> None:
    """Give the lives in *table* other numbers: the *places* of their old ones."""
    for slot in range(table.shape[0]):
        if table[slot, LIFE] != NO_LIFE:
            table[slot, LIFE] = places[table[slot, LIFE]]
