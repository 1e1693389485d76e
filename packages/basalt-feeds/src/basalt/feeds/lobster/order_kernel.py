"""Kernel: messages of LOBSTER to what they leave of their orders, and to what stands before orders that enter.

Both tables are those of `basalt.books`: one holds orders by id (price, and what is left), the other levels by price (orders, and their size),
of orders whose entry was seen. Where the file shows of a level as much as is known of it, all of its orders are known and can be counted.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from basalt.books.arrays import Long, Longs
from basalt.books.compiling import kernel, part
from basalt.books.order_kernel import LISTING_BITS, OWNER, PRICE, SIDE_BITS, SIZE, forget, seek, store

ENTRY, PARTIAL, DELETION, VISIBLE, HIDDEN, CROSS, HALT = range(1, 8)
EXECUTE, INSERT, REMOVE, UPDATE = range(1, 5)
UNITS = 10_000.0
UNKNOWN = -1
"""What is left, or ahead, where nobody knows."""
LEFT, AHEAD, ORDERS_AHEAD = range(3)
SIDE, ACTION, NOW, BEFORE, EXECUTED_SIZE = range(5)
REMAINS, EXISTED, EXECUTED = range(3)
FIRST_EPOCH = np.int64(1) << (SIDE_BITS + LISTING_BITS)


@part
def key_of(direction: Long) -> Long:
    """Whose level a price is: of bids or of asks."""
    return FIRST_EPOCH | (np.int64(1) << SIDE_BITS) if direction == 1 else FIRST_EPOCH


@part
def add_to_level(levels: Longs, used: Longs, direction: Long, price: Long, orders: Long, size: Long) -> None:
    """Change what is known of a level."""
    owner = key_of(direction)
    slot = seek(levels, price, owner)
    if levels[slot, OWNER] == 0:
        used[1] += 1
        store(levels, slot, price, owner, np.int64(0), orders, size)
    else:
        levels[slot, PRICE] += orders
        levels[slot, SIZE] += size


@part
def change(message: tuple[Long, Long, Long, Long, Long], orders: Longs, levels: Longs, used: Longs) -> Long:
    """Do what a message about a displayed order does; gives what is left of it."""
    kind, order, size, price, direction = message
    slot = seek(orders, order, FIRST_EPOCH)
    is_known = orders[slot, OWNER] != 0
    if kind != ENTRY and not is_known:
        return np.int64(UNKNOWN)
    was, at = (orders[slot, SIZE], orders[slot, PRICE]) if is_known else (np.int64(0), price)
    left = was + size if kind == ENTRY else was - size
    if kind == DELETION or left == 0:
        forget(orders, slot)
        used[0] -= 1
        add_to_level(levels, used, direction, at, np.int64(-1 if was > 0 else 0), -max(was, np.int64(0)))
        return max(left, np.int64(UNKNOWN))
    store(orders, slot, order, FIRST_EPOCH, np.int64(0), at, left)
    used[0] += 0 if is_known else 1
    came = (1 if left > 0 else 0) - (1 if was > 0 else 0)
    add_to_level(levels, used, direction, at, np.int64(came), max(left, np.int64(0)) - max(was, np.int64(0)))
    return max(left, np.int64(UNKNOWN))


@part
def ahead(row: Long, price: Long, size: Long, direction: Long, book: NDArray[np.float64], levels: Longs) -> tuple[Long, Long]:
    """Displayed size and number of orders before one that entered, as the book after it shows them."""
    own, owner, first = price / UNITS, key_of(direction), 2 if direction == 1 else 0
    total, count, is_shown, are_known = np.int64(0), np.int64(0), False, True
    for level in range(first, book.shape[0], 4):
        shown = book[level, row]
        if not (shown >= own if direction == 1 else shown <= own):
            continue
        displayed = np.int64(book[level + 1, row])
        is_shown |= shown == own
        total += displayed
        slot = seek(levels, np.int64(np.rint(shown * UNITS)), owner)
        are_known &= levels[slot, OWNER] != 0 and levels[slot, SIZE] == displayed
        count += levels[slot, PRICE]
    if not is_shown or total < size:
        return np.int64(UNKNOWN), np.int64(UNKNOWN)
    return total - size, (count - 1 if are_known else np.int64(UNKNOWN))


@kernel
def follow_orders(first: Long, messages: Any, book: NDArray[np.float64], orders: Longs, levels: Longs, used: Longs, out: Longs) -> Long:
    """Follow orders from message to message.

    Args:
        first: Row to start at.
        messages: Type, order, size, price and direction by row.
        book: The book after each message: price and size of asks and bids, level by level, a row of the array each.
        orders: Orders by id; changed in place.
        levels: Levels by price; changed in place.
        used: How many slots of both are in use; changed in place.
        out: Gets `LEFT`, `AHEAD` and `ORDERS_AHEAD`; `UNKNOWN` where nobody knows, and of the latter two where no order enters.

    Returns:
        First row that is not done, because a table is half full.
    """
    kinds, ids, sizes, prices, directions = messages
    for row in range(first, kinds.size):
        if 2 * used[0] >= orders.shape[0] or 2 * used[1] >= levels.shape[0]:
            return row
        out[LEFT, row], out[AHEAD, row], out[ORDERS_AHEAD, row] = UNKNOWN, UNKNOWN, UNKNOWN
        if kinds[row] <= VISIBLE:
            out[LEFT, row] = change((kinds[row], ids[row], sizes[row], prices[row], directions[row]), orders, levels, used)
        if kinds[row] == ENTRY:
            out[AHEAD, row], out[ORDERS_AHEAD, row] = ahead(row, prices[row], sizes[row], directions[row], book, levels)
    return kinds.size


@kernel
def say_changes(messages: Any, left: Longs, places: Longs, out: Longs, truths: Any) -> Long:
    """Say what messages other than halts do to their orders.

    Args:
        messages: Type, order, size, price and direction by row.
        left: What is left of the order after the message.
        places: Gets the row of the message.
        out: Gets `SIDE` to `EXECUTED_SIZE`; 0 for no side.
        truths: Gets `REMAINS` to `EXECUTED`.

    Returns:
        How many rows there are.
    """
    kinds, _, sizes, _, directions = messages
    written = 0
    for row in range(kinds.size):
        kind = kinds[row]
        if kind == HALT:
            continue
        on_book, is_new, is_executed = kind <= VISIBLE, kind == ENTRY, VISIBLE <= kind <= CROSS
        is_gone = kind == DELETION or (kind == VISIBLE and left[row] == 0)
        after = np.int64(0) if is_gone or not on_book else max(left[row], np.int64(0))
        existed = on_book and not is_new
        places[written] = row
        out[SIDE, written] = 1 if directions[row] == 1 else 2 if directions[row] == -1 else 0
        out[ACTION, written] = EXECUTE if not on_book else INSERT if is_new else REMOVE if is_gone else UPDATE
        out[NOW, written] = sizes[row] if is_new else after
        out[BEFORE, written] = after + sizes[row] if existed else np.int64(0)
        out[EXECUTED_SIZE, written] = sizes[row] if is_executed else np.int64(0)
        truths[REMAINS, written], truths[EXISTED, written], truths[EXECUTED, written] = on_book and not is_gone, existed, is_executed
        written += 1
    return written
