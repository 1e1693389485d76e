"""What the event loop writes down: acts, and the books after events."""

from __future__ import annotations

from basalt.synthetic.levels import end_of, order_at, sign_of
from basalt.synthetic.world import (
    ACT,
    ACTION,
    ADD_INDEX,
    BOOK,
    COUNTS,
    DEL_INDEX,
    DEPTH,
    END,
    EXECUTION_PRICE,
    EXECUTION_SIZE,
    HIDDEN_LEFT,
    KEYS,
    KIND,
    LAST,
    LAST_BOOK,
    LEFT,
    LEVEL,
    LEVEL_COUNT,
    MICRO,
    MOST_LEVELS,
    N_BOOKS,
    N_ROWS,
    NOTHING,
    O_HALF,
    O_HIDDEN,
    O_KEY,
    O_KIND,
    O_NUMBER,
    O_ORIGINAL,
    O_PARENT,
    O_SIZE,
    OLD_LEVEL,
    OLD_ORDER,
    OLD_PRICE,
    OLD_SIZE,
    ORDER,
    ORDERS_AHEAD,
    ORIGINAL,
    PARENT,
    PRICE,
    QUANTITIES,
    SECOND,
    SIDE,
    SIZE,
    SIZE_AHEAD,
    TAKER_KIND,
    TAKER_PARENT,
    TAKER_RETAIL,
    TAKER_SIDE,
    TAKER_SIZE,
    TIE,
    TIES,
    TOUCHED,
    TRADE,
    VENUE,
    Ints,
    Longs,
    Number,
    part,
)


@part
def begin_event(w: Longs, time: Number) -> None:
    """Start an event."""
    w[LAST], w[TIES], w[TOUCHED] = time, 0, MOST_LEVELS


@part
def write_act(w: Longs, rows: Ints, slot: Number, action: Number, act: Number) -> Number:
    """Write a row about the order in *slot* as it is now; what it was before and trades are left to the caller."""
    row, order = w[N_ROWS], order_at(slot)
    half = w[order + O_HALF]
    rows[SECOND, row], rows[MICRO, row], rows[TIE, row] = w[LAST] // 1_000_000, w[LAST] % 1_000_000, w[TIES]
    rows[VENUE, row], rows[SIDE, row] = half >> 1, 1 + (half & 1)
    rows[ACTION, row], rows[ACT, row] = action, act
    rows[ORDER, row], rows[OLD_ORDER, row], rows[ORIGINAL, row] = w[order + O_NUMBER], w[order + O_NUMBER], w[order + O_ORIGINAL]
    rows[PRICE, row], rows[SIZE, row] = w[order + O_KEY] * sign_of(half), w[order + O_SIZE]
    rows[KIND, row], rows[PARENT, row], rows[HIDDEN_LEFT, row] = w[order + O_KIND], w[order + O_PARENT], w[order + O_HIDDEN]
    for column in (LEVEL, OLD_LEVEL, SIZE_AHEAD, ORDERS_AHEAD, EXECUTION_SIZE, OLD_SIZE, END, TAKER_SIDE, TAKER_RETAIL):
        rows[column, row] = 0
    for column in (OLD_PRICE, DEL_INDEX, ADD_INDEX, EXECUTION_PRICE, TRADE, LEFT, TAKER_PARENT, TAKER_KIND, TAKER_SIZE, BOOK):
        rows[column, row] = NOTHING
    w[N_ROWS] += 1
    w[TIES] += 1
    return row


@part
def write_levels(w: Longs, rows: Ints, row: Number, old_level: Number, level: Number) -> None:
    """Write the levels of a row, and note how near to the best the event came."""
    rows[OLD_LEVEL, row], rows[LEVEL, row] = old_level, level
    for each in (old_level, level):
        if each:
            w[TOUCHED] = min(w[TOUCHED], each)


@part
def write_gone(rows: Ints, row: Number, price: Number, size: Number) -> None:
    """Turn a row into one of an order that is gone."""
    rows[PRICE, row], rows[SIZE, row], rows[ORDER, row] = NOTHING, 0, NOTHING
    rows[OLD_PRICE, row], rows[OLD_SIZE, row] = price, size


@part
def end_event(w: Longs, rows: Ints, books: Ints, venue: Number) -> None:
    """End an event, and write the book if one of its ten best levels changed."""
    rows[END, w[N_ROWS] - 1] = 1
    if w[TOUCHED] > DEPTH:
        return
    book, before = w[N_BOOKS], w[LAST_BOOK + venue]
    changed = before == NOTHING
    for side in range(2):
        half, column = 2 * venue + side, 3 * DEPTH * side
        place = end_of(w, half)
        known, sign = min(w[LEVEL_COUNT + half], DEPTH), sign_of(half)
        for number in range(known):
            place -= 1
            books[book, column + number] = w[KEYS + place] * sign
            books[book, column + DEPTH + number] = w[QUANTITIES + place]
            books[book, column + 2 * DEPTH + number] = w[COUNTS + place]
        for number in range(known, DEPTH):
            books[book, column + number] = NOTHING
            books[book, column + DEPTH + number] = books[book, column + 2 * DEPTH + number] = 0
        books[book, 6 * DEPTH + side] = w[LEVEL_COUNT + half]
    for column in range(6 * DEPTH):
        if changed:
            break
        changed = books[book, column] != books[before, column]
    if changed:
        rows[BOOK, w[N_ROWS] - 1] = book
        w[LAST_BOOK + venue] = book
        w[N_BOOKS] += 1
