"""Kernel: changes of orders or levels to the best levels of many books.

A book has two halves. Half `2 * listing + side - 1` is a run of the pool, `heads[half]` holds its start, number of
levels and room. A level is a key, a quantity and a number of orders. Keys grow towards the best price, so the best level is the
last of the run and a change near it moves little: the key of a bid is its price, that of an ask is the complement `~price`.
"""

from __future__ import annotations

import numpy as np

from basalt.books.arrays import Bytes, Ints, Long, Longs, Rows, State, Truths
from basalt.books.compiling import kernel, nth, part

START, COUNT, ROOM = 0, 1, 2
QUANTITY, ORDERS = 0, 1
NONE, CLEAR, GAP, SET, CHANGE = 0, 5, 6, 7, 8
(
    EVENTS,
    SNAPSHOTS,
    GAPS,
    WITHHELD,
    OVERDRAWN,
    OVERDRAWN_QUANTITY,
    MISSING,
    MISSING_QUANTITY,
    MISMATCHES,
    UNPLACED,
    CROSSED,
    LOCKED,
) = range(12)
COUNTERS = 12
NUMBER, STALE, REACH = 0, 1, 2
"""Of a listing: rows shown, whether a gap made the book stale, best rank touched since the last row."""
UNTOUCHED = 1 << 40

NEAR = 8
"""Levels that are compared at once before the search halves; so many places below a half hold `NO_KEY`."""
NO_KEY = np.iinfo(np.int64).min
Pool = tuple[Longs, Longs]
"""Keys, and quantity and orders, of the levels of all halves."""


@part
def find(pool: Pool, start: Long, count: Long, key: Long) -> Long:
    """Place of the best level of a half that is not better than *key*; `start - 1` without one.

    The best keys are compared all at once, without a branch that depends on them; below every half lie keys that nothing is under.
    """
    keys = pool[0]
    last = start + count - 1
    better = 0
    for each in range(NEAR):
        better += keys[nth(last - each)] > key
    if better < NEAR:
        return last - better
    low, high = start, last - NEAR
    while low <= high:
        middle = (low + high) >> 1
        if keys[nth(middle)] > key:
            high = middle - 1
        else:
            low = middle + 1
    return high


@part
def drop(pool: Pool, heads: Longs, half: Long, place: Long) -> None:
    """Take the level at *place* out of a half."""
    last = heads[nth(half), START] + heads[nth(half), COUNT] - 1
    for each in range(place, last):
        pool[0][nth(each)] = pool[0][nth(each + 1)]
        pool[1][nth(each), QUANTITY] = pool[1][nth(each + 1), QUANTITY]
        pool[1][nth(each), ORDERS] = pool[1][nth(each + 1), ORDERS]
    heads[nth(half), COUNT] -= 1


@part
def put(pool: Pool, heads: Longs, half: Long, place: Long, key: Long, quantity: Long, orders: Long) -> None:
    """Put a level just after *place*; there is room."""
    last = heads[nth(half), START] + heads[nth(half), COUNT] - 1
    for each in range(last, place, -1):
        pool[0][nth(each + 1)] = pool[0][nth(each)]
        pool[1][nth(each + 1), QUANTITY] = pool[1][nth(each), QUANTITY]
        pool[1][nth(each + 1), ORDERS] = pool[1][nth(each), ORDERS]
    pool[0][nth(place + 1)] = key
    pool[1][nth(place + 1), QUANTITY] = quantity
    pool[1][nth(place + 1), ORDERS] = orders
    heads[nth(half), COUNT] += 1


@part
def make_room(pool: Pool, heads: Longs, half: Long, used: Longs) -> bool:
    """Let a half hold one more level; false when the pool is too small for that."""
    if heads[nth(half), COUNT] < heads[nth(half), ROOM]:
        return True
    room = max(2 * heads[nth(half), ROOM], 8)
    if used[0] + NEAR + room > pool[0].shape[0]:
        return False
    start, place = heads[nth(half), START], used[0] + NEAR
    for each in range(NEAR):
        pool[0][used[0] + each] = NO_KEY
    for each in range(heads[nth(half), COUNT]):
        pool[0][place + each] = pool[0][start + each]
        pool[1][place + each, QUANTITY] = pool[1][start + each, QUANTITY]
        pool[1][place + each, ORDERS] = pool[1][start + each, ORDERS]
    heads[nth(half), START], heads[nth(half), ROOM] = place, room
    used[0] += NEAR + room
    return True


@part
def alter(pool: Pool, heads: Longs, half: Long, key: Long, size: Long, old_size: Long, counters: Longs) -> Long:
    """Give an order at *key* another size; 0 is one that is not there. Gives the level's rank, 0 being the best.

    Orders that come, go and change take the same way, without a branch that depends on which they do.
    """
    start, count = heads[nth(half), START], heads[nth(half), COUNT]
    place = find(pool, start, count, key)
    rank = start + count - 1 - place
    if pool[0][nth(place)] != key:
        if old_size > 0:
            counters[nth(half >> 1), MISSING] += 1
            counters[nth(half >> 1), MISSING_QUANTITY] += old_size
        if size > 0:
            put(pool, heads, half, place, key, size, 1)
        return rank
    others = pool[1][nth(place), QUANTITY] - old_size
    orders = pool[1][nth(place), ORDERS] + (size > 0) - (old_size > 0)
    if others < 0:
        counters[nth(half >> 1), OVERDRAWN] += 1
        counters[nth(half >> 1), OVERDRAWN_QUANTITY] -= others
    if others <= 0 and size == 0:
        counters[nth(half >> 1), MISMATCHES] += others == 0 and orders != 0
        drop(pool, heads, half, place)
        return rank
    if orders <= 0 and size == 0:
        counters[nth(half >> 1), MISMATCHES] += 1
        orders = 1
    pool[1][nth(place), QUANTITY], pool[1][nth(place), ORDERS] = max(others, 0) + size, orders
    return rank


@part
def assign(pool: Pool, heads: Longs, half: Long, key: Long, size: Long, orders: Long, counters: Longs) -> Long:
    """Set the level at *key*; size 0 removes it. Gives the level's rank, 0 being the best."""
    start, count = heads[nth(half), START], heads[nth(half), COUNT]
    place = find(pool, start, count, key)
    rank = start + count - 1 - place
    there = place >= start and pool[0][nth(place)] == key
    if size <= 0:
        if there:
            drop(pool, heads, half, place)
        else:
            counters[nth(half >> 1), MISSING] += 1
        return rank
    if there:
        pool[1][nth(place), QUANTITY], pool[1][nth(place), ORDERS] = size, orders
    else:
        put(pool, heads, half, place, key, size, orders)
    return rank


@part
def note_cross(pool: Pool, heads: Longs, listing: Long, counters: Longs) -> None:
    """Count a best bid that is above or at the best ask."""
    bid, ask = 2 * listing, 2 * listing + 1
    if heads[nth(bid), COUNT] == 0 or heads[nth(ask), COUNT] == 0:
        return
    best_bid = pool[0][heads[nth(bid), START] + heads[nth(bid), COUNT] - 1]
    best_ask = ~pool[0][heads[nth(ask), START] + heads[nth(ask), COUNT] - 1]
    if best_bid > best_ask:
        counters[nth(listing), CROSSED] += 1
    elif best_bid == best_ask:
        counters[nth(listing), LOCKED] += 1


@part
def show_best(pool: Pool, heads: Longs, listing: Long, nothing: Long, out: Longs, place: Long, counters: Longs) -> None:
    """What `note_cross` and `show` do for one level, in one go."""
    bids, asks = heads[nth(2 * listing), COUNT], heads[nth(2 * listing + 1), COUNT]
    bid, ask = heads[nth(2 * listing), START] + bids - 1, heads[nth(2 * listing + 1), START] + asks - 1
    bid_key, ask_key = pool[0][nth(bid)], ~pool[0][nth(ask)]
    out[0, nth(place)], out[1, nth(place)] = bids, asks
    if (bids > 0) & (asks > 0):
        out[2, nth(place)], out[3, nth(place)], out[4, nth(place)] = bid_key, pool[1][nth(bid), QUANTITY], pool[1][nth(bid), ORDERS]
        out[5, nth(place)], out[6, nth(place)], out[7, nth(place)] = ask_key, pool[1][nth(ask), QUANTITY], pool[1][nth(ask), ORDERS]
        if bid_key >= ask_key:
            if bid_key > ask_key:
                counters[nth(listing), CROSSED] += 1
            else:
                counters[nth(listing), LOCKED] += 1
        return
    has_bid, has_ask = np.int64(bids > 0), np.int64(asks > 0)
    out[2, nth(place)], out[3, nth(place)], out[4, nth(place)] = (
        bid_key if has_bid else nothing,
        has_bid * pool[1][nth(bid), QUANTITY],
        has_bid * pool[1][nth(bid), ORDERS],
    )
    out[5, nth(place)], out[6, nth(place)], out[7, nth(place)] = (
        ask_key if has_ask else nothing,
        has_ask * pool[1][nth(ask), QUANTITY],
        has_ask * pool[1][nth(ask), ORDERS],
    )


@part
def show(pool: Pool, heads: Longs, listing: Long, levels: Long, nothing: Long, out: Longs, place: Long) -> None:
    """Write the best levels of both sides to row *place* of the columns of *out*."""
    for side in range(2):
        half = 2 * listing + side
        count = heads[nth(half), COUNT]
        best = heads[nth(half), START] + count - 1
        out[side, nth(place)] = count
        column = 2 + 3 * side
        for level in range(min(levels, count)):
            key = pool[0][nth(best - level)]
            out[nth(column), nth(place)] = ~key if side else key
            out[nth(column + 1), nth(place)] = pool[1][nth(best - level), QUANTITY]
            out[nth(column + 2), nth(place)] = pool[1][nth(best - level), ORDERS]
            column += 6
        for _ in range(count, levels):
            out[nth(column), nth(place)] = nothing
            out[nth(column + 1), nth(place)] = 0
            out[nth(column + 2), nth(place)] = 0
            column += 6


@part
def differs(out: Longs, place: Long, shown: Longs, listing: Long) -> bool:
    """Whether the levels in row *place* are others than those shown last; remembers them."""
    different = False
    for column in range(2, out.shape[0]):
        value = out[nth(column), nth(place)]
        if value != shown[listing, column - 2]:
            different = True
            shown[listing, column - 2] = value
    return different


@part
def is_placed(side: Long, key: Long, limits: State) -> bool:
    """Whether there is a side and a price."""
    return bool((side >= 1) & (side <= 2) & (limits[0] <= key) & (key <= limits[1]))


@part
def change(pool: Pool, heads: Longs, used: Longs, listing: Long, new: State, old: State, limits: State, counters: Longs) -> Long:
    """Let an order that was *old* be *new*, each a (side, price, size).

    Gives the best rank that was touched; -1, with nothing done, when the pool is full.
    """
    (side, key, size), (old_side, old_key, old_size) = new, old
    comes, goes = size > 0, old_size > 0
    if (comes & (not is_placed(side, key, limits))) | (goes & (not is_placed(old_side, old_key, limits))):
        if comes and not is_placed(side, key, limits):
            counters[nth(listing), UNPLACED] += 1
            size = 0
        if goes and not is_placed(old_side, old_key, limits):
            counters[nth(listing), UNPLACED] += 1
            old_size = 0
        comes, goes = size > 0, old_size > 0
    half, old_half = 2 * listing + side - 1, 2 * listing + old_side - 1
    key, old_key = key ^ (1 - side), old_key ^ (1 - old_side)
    if not (comes | goes):
        return UNTOUCHED
    if comes & goes & ((half != old_half) | (key != old_key)):
        if not make_room(pool, heads, half, used):
            return -1
        rank = alter(pool, heads, old_half, old_key, np.int64(0), old_size, counters)
        return min(rank, alter(pool, heads, half, key, size, np.int64(0), counters))
    mask = -np.int64(comes)  # all bits where an order comes: a choice without a branch
    half = old_half ^ ((half ^ old_half) & mask)
    key = old_key ^ ((key ^ old_key) & mask)
    if heads[nth(half), COUNT] >= heads[nth(half), ROOM] and comes and not make_room(pool, heads, half, used):
        return -1
    return alter(pool, heads, half, key, size, old_size, counters)


@part
def set_level(pool: Pool, heads: Longs, used: Longs, listing: Long, new: State, orders: Long, limits: State, counters: Longs) -> Long:
    """Give a level, a (side, price, size), its size; gives what `change` gives."""
    side, key, size = new
    if not is_placed(side, key, limits):
        counters[nth(listing), UNPLACED] += 1
        return UNTOUCHED
    half = 2 * listing + side - 1
    if not make_room(pool, heads, half, used):
        return -1
    return assign(pool, heads, half, ~key if side == 2 else key, size, orders, counters)


@part
def control(kind: Long, heads: Longs, listing: Long, states: Longs, counters: Longs, withhold: Long) -> None:
    """Clear a book, or note that messages are missing."""
    if kind == CLEAR:
        heads[nth(2 * listing), COUNT] = 0
        heads[nth(2 * listing + 1), COUNT] = 0
        counters[nth(listing), SNAPSHOTS] += 1
        states[nth(listing), STALE] = 0
        states[nth(listing), REACH] = 0
    elif kind == GAP:
        counters[nth(listing), GAPS] += 1
        states[nth(listing), STALE] = withhold


@kernel
def apply_changes(
    rows: tuple[Long, Long],
    listings: Ints,
    message: Bytes,
    new: Rows,
    old: Rows,
    orders: Longs,
    emit: Truths,
    limits: State,
    settings: State,
    books: tuple[Longs, ...],
    out: Longs,
    marks: Longs,
) -> tuple[Long, Long]:
    """Apply rows and write the best levels after those that *emit* names.

    Args:
        rows: First row and the row to stop before.
        listings: Dense number of the listing by row.
        message: `BookMessage` by row.
        new, old: Side, price and size by row after and before the change; prices as integers in the order of prices.
        orders: Number of orders by row, for levels that are set.
        emit: Whether the row ends an event that may be shown.
        limits: Lowest and highest price that is one, and what stands for no price.
        settings: Levels to show, whether only changes of them are, whether gaps withhold rows.
        books: Heads, keys, quantities and orders, used length of the pool, states, counters and levels shown last; changed in place.
        out: Columns to write: level counts, then price, quantity and orders of bid and ask level by level.
        marks: Input row, and number in the listing, of each row written.

    Returns:
        First row that is not done, because the pool is full, and how many rows are written.
    """
    levels, only_changes, withhold = settings
    side, price, size = new
    old_side, old_price, old_size = old
    heads, keys, amounts, used, states, counters, shown = books
    pool = (keys, amounts)
    written = 0
    for row in range(rows[0], rows[1]):
        listing, kind = np.int64(listings[nth(row)]), message[nth(row)]
        if kind == CHANGE:
            now = (np.int64(side[nth(row)]), price[nth(row)], size[nth(row)])
            was = (np.int64(old_side[nth(row)]), old_price[nth(row)], old_size[nth(row)])
            rank = change(pool, heads, used, listing, now, was, limits, counters)
            if rank < 0:
                return row, written
            if only_changes:
                states[nth(listing), REACH] = min(states[nth(listing), REACH], rank)
        elif kind == SET:
            rank = set_level(
                pool, heads, used, listing, (np.int64(side[nth(row)]), price[nth(row)], size[nth(row)]), orders[nth(row)], limits, counters
            )
            if rank < 0:
                return row, written
            states[nth(listing), REACH] = min(states[nth(listing), REACH], rank)
        elif kind != NONE:
            control(kind, heads, listing, states, counters, withhold)
        if not emit[nth(row)]:
            continue
        counters[nth(listing), EVENTS] += 1
        if states[nth(listing), STALE]:
            counters[nth(listing), WITHHELD] += 1
            continue
        if levels == 1 and not only_changes:
            show_best(pool, heads, listing, limits[2], out, written, counters)
            states[nth(listing), NUMBER] += 1
            marks[0, nth(written)], marks[1, nth(written)] = row, states[nth(listing), NUMBER]
            written += 1
            continue
        note_cross(pool, heads, listing, counters)
        if only_changes and states[nth(listing), REACH] >= levels:
            continue
        show(pool, heads, listing, levels, limits[2], out, written)
        states[nth(listing), REACH] = UNTOUCHED
        if only_changes and not differs(out, written, shown, listing):
            continue
        states[nth(listing), NUMBER] += 1
        marks[0, nth(written)], marks[1, nth(written)] = row, states[nth(listing), NUMBER]
        written += 1
    return rows[1], written
