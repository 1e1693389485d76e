"""Kernel: messages that name an order by its id to the change that they make.

A slot of the table holds (id, owner, price, size) of an order. The owner packs epoch, listing and side; 0 is an empty slot. Clearing a
listing's book raises its epoch, which makes the orders of before unknown without visiting them. Taking an
order out moves the orders after it back, so that no search meets a grave.
"""

from __future__ import annotations

import numpy as np

from basalt.books.arrays import Bytes, Ints, Long, Longs, Rows, State
from basalt.books.compiling import kernel, part

ID, OWNER, PRICE, SIZE = 0, 1, 2, 3
NONE, ADD, REDUCE, DELETE, MODIFY, CLEAR, GAP = 0, 1, 2, 3, 4, 5, 6
UNKNOWN, UNKNOWN_MODIFIED, DUPLICATE, OVERDRAWN, SIDE_CONFLICT, UNPLACED = 1, 2, 3, 4, 5, 6
CLEARED, MESSAGES = 7, 0
COUNTERS = 8
"""Of a listing: messages, then faults in their order, then orders that a clearing took."""
INSERTED, REMOVED, UPDATED = 2, 3, 4
"""Codes of `LobAction`."""
CHANGE = 8

SIDE_BITS, LISTING_BITS = 2, 30
MIX = np.int64(-2960836687051489135)
SPREAD = np.int64(-7046029254386353131)


@part
def slot_of(table: Longs, order: Long, owner: Long) -> Long:
    """Slot where the search for an order of *owner* starts."""
    place = (owner >> SIDE_BITS) & ((1 << LISTING_BITS) - 1)
    mixed = (order ^ (place * SPREAD)) * MIX
    return ((mixed ^ (mixed >> 29)) >> 3) & (table.shape[0] - 1)


@part
def seek(table: Longs, order: Long, owner: Long) -> Long:
    """Slot of the order, or the empty slot where it would go. Sides do not tell orders apart."""
    mask = table.shape[0] - 1
    slot = slot_of(table, order, owner)
    while table[slot, OWNER] != 0 and (table[slot, ID] != order or (table[slot, OWNER] >> SIDE_BITS) != (owner >> SIDE_BITS)):
        slot = (slot + 1) & mask
    return slot


@part
def forget(table: Longs, slot: Long) -> None:
    """Empty a slot and close the hole."""
    mask = table.shape[0] - 1
    hole, each = slot, (slot + 1) & mask
    while table[each, OWNER] != 0:
        home = slot_of(table, table[each, ID], table[each, OWNER])
        if ((each - home) & mask) >= ((each - hole) & mask):
            for field in range(4):
                table[hole, field] = table[each, field]
            hole = each
        each = (each + 1) & mask
    table[hole, OWNER] = 0


@kernel
def move_orders(table: Longs, epochs: Longs, into: Longs) -> Long:
    """Copy the orders that still count to another table; gives how many."""
    moved = 0
    for slot in range(table.shape[0]):
        owner = table[slot, OWNER]
        if owner == 0:
            continue
        listing = (owner >> SIDE_BITS) & ((1 << LISTING_BITS) - 1)
        if (owner >> (SIDE_BITS + LISTING_BITS)) != epochs[listing]:
            continue
        place = seek(into, table[slot, ID], owner)
        for field in range(4):
            into[place, field] = table[slot, field]
        moved += 1
    return moved


@part
def decide(kind: Long, was: State, said: State, no_price: Long) -> tuple[Long, Long, Long, Long]:
    """What a message makes of an order that was *was*: side, price, size and fault.

    Both are (side, price, size); size 0 is an order that is not known, or is gone.
    """
    (was_side, was_price, was_size), (side, price, size) = was, said
    is_known = was_size > 0
    if kind == ADD or (kind == MODIFY and not is_known):
        is_placed = size > 0 and 1 <= side <= 2 and price != no_price
        fault = UNKNOWN_MODIFIED
        if kind == ADD:
            fault = UNPLACED if not is_placed else DUPLICATE if is_known else 0
        return (side, price, size, fault) if is_placed else (was_side, was_price, was_size, fault)
    if not is_known:
        return was_side, was_price, was_size, UNKNOWN
    fault = SIDE_CONFLICT if side not in (0, was_side) else 0
    if kind == REDUCE:
        left = was_size - size
        return (was_side, was_price, left, fault) if left >= 0 else (was_side, was_price, np.int64(0), OVERDRAWN)
    if kind == DELETE:
        return was_side, was_price, np.int64(0), fault
    return (side if 1 <= side <= 2 else was_side), (price if price != no_price else was_price), max(size, np.int64(0)), fault


@part
def store(table: Longs, slot: Long, order: Long, owner: Long, side: Long, price: Long, size: Long) -> None:
    """Write an order to its slot."""
    table[slot, ID], table[slot, OWNER] = order, owner | side
    table[slot, PRICE], table[slot, SIZE] = price, size


@part
def rename(table: Longs, slot: Long, order: Long, owner: Long, side: Long, price: Long, size: Long) -> bool:
    """Write an order under another id; false, with the order gone, when an order of that id is there."""
    forget(table, slot)
    place = seek(table, order, owner)
    if table[place, OWNER] != 0:
        return False
    store(table, place, order, owner, side, price, size)
    return True


@kernel
def track_orders(
    first: Long,
    listings: Ints,
    message: Bytes,
    ids: tuple[Longs, Longs],
    said: Rows,
    no_price: Long,
    orders: tuple[Longs, ...],
    out: Longs,
    out_codes: Bytes,
) -> Long:
    """Say what each message does to its order.

    Args:
        first: Row to start at.
        listings: Dense number of the listing by row.
        message: `BookMessage` by row.
        ids: Id of the order by row, and its id after the message.
        said: Side, price and size by row, as the message says.
        no_price: What stands for no price.
        orders: Table, epochs, orders that rest by listing, used slots and counters; changed in place.
        out: Gets price, size, old price and old size by row.
        out_codes: Gets message, action, fault, side and old side by row.

    Returns:
        First row that is not done, because the table is half full.
    """
    (order, new_order), (side, price, size) = ids, said
    table, epochs, resting, used, counters = orders
    limit = table.shape[0] >> 1
    for row in range(first, listings.size):
        if used[0] >= limit:
            return row
        listing, kind = np.int64(listings[row]), message[row]
        if kind < ADD or kind > MODIFY:
            if kind == CLEAR:
                counters[listing, CLEARED] += resting[listing]
                resting[listing] = 0
                epochs[listing] += 1
            out_codes[0, row] = kind if kind in (CLEAR, GAP) else NONE
            for each in range(1, 5):
                out_codes[each, row] = 0
            out[0, row], out[1, row], out[2, row], out[3, row] = no_price, 0, no_price, 0
            continue
        counters[listing, MESSAGES] += 1
        owner = (epochs[listing] << (SIDE_BITS + LISTING_BITS)) | (listing << SIDE_BITS)
        slot = seek(table, order[row], owner)
        was_side, was_price, was_size = np.int64(0), no_price, np.int64(0)
        if table[slot, OWNER] != 0:
            was_side, was_price, was_size = table[slot, OWNER] & 3, table[slot, PRICE], table[slot, SIZE]
        said_now = (np.int64(side[row]), price[row], size[row])
        new_side, new_price, new_size, fault = decide(kind, (was_side, was_price, was_size), said_now, no_price)
        target = new_order[row] if kind == MODIFY else order[row]
        if new_size == 0:
            if was_size > 0:
                forget(table, slot)
        elif target == order[row]:
            store(table, slot, target, owner, new_side, new_price, new_size)
        elif not rename(table, slot, target, owner, new_side, new_price, new_size):
            fault, new_size = DUPLICATE, np.int64(0)
        change = (1 if new_size > 0 else 0) - (1 if was_size > 0 else 0)
        used[0] += change
        resting[listing] += change
        if fault != 0:
            counters[listing, fault] += 1
        if new_size == 0:
            new_side, new_price = was_side, no_price
        write(row, (new_side, new_price, new_size), (was_side, was_price, was_size), fault, out, out_codes)
    return listings.size


@part
def write(row: Long, new: State, old: State, fault: Long, out: Longs, out_codes: Bytes) -> None:
    """Write what a message did: from *old* to *new*, each a (side, price, size)."""
    (side, price, size), (old_side, old_price, old_size) = new, old
    action = 0
    if size > 0:
        action = UPDATED if old_size > 0 else INSERTED
    elif old_size > 0:
        action = REMOVED
    out_codes[0, row] = CHANGE if action else NONE
    out_codes[1, row], out_codes[2, row] = action, fault
    out_codes[3, row], out_codes[4, row] = side, old_side
    out[0, row], out[1, row], out[2, row], out[3, row] = price, size, old_price, old_size
