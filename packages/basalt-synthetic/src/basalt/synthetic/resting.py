"""Displayed orders of the event loop: they enter, leave and change."""

from __future__ import annotations

from basalt.synthetic.levels import (
    ahead_of,
    forget,
    give_number,
    join_queue,
    leave_queue,
    level_of,
    new_order,
    order_at,
    resize,
    show,
    sign_of,
)
from basalt.synthetic.tape import begin_event, end_event, write_act, write_gone, write_levels
from basalt.synthetic.world import (
    ADD_INDEX,
    CANCEL,
    DEL_INDEX,
    ENTER,
    HIDDEN_LEFT,
    INSERT,
    NOTHING,
    O_HALF,
    O_KEY,
    O_NUMBER,
    O_SIZE,
    OLD_ORDER,
    OLD_PRICE,
    OLD_SIZE,
    ORDERS_AHEAD,
    REDUCE,
    REMOVE,
    REPLACE,
    SIZE_AHEAD,
    UPDATE,
    Ints,
    Longs,
    Number,
    part,
)


@part
def place_order(w: Longs, rows: Ints, slot: Number, act: Number) -> None:
    """Put a new order, or the next peak of one, into the book and on the tape."""
    half, key = w[order_at(slot) + O_HALF], w[order_at(slot) + O_KEY]
    old_level = level_of(w, half, key)
    join_queue(w, slot)
    size, count = ahead_of(w, slot)
    row = write_act(w, rows, slot, INSERT, act)
    rows[OLD_ORDER, row] = NOTHING
    write_levels(w, rows, row, old_level, level_of(w, half, key))
    rows[SIZE_AHEAD, row], rows[ORDERS_AHEAD, row], rows[ADD_INDEX, row] = size, count, count


@part
def insert(w: Longs, rows: Ints, books: Ints, half: Number, price: Number, size: Number, hidden: Number, kind: Number) -> Number:
    """Enter a displayed order, as the event that has begun; gives its slot."""
    slot = new_order(w, half, price * sign_of(half), size, hidden, kind)
    show(w, slot)
    place_order(w, rows, slot, ENTER)
    end_event(w, rows, books, half >> 1)
    return slot


@part
def remove(w: Longs, rows: Ints, books: Ints, time: Number, slot: Number) -> None:
    """Cancel a displayed order."""
    begin_event(w, time)
    half, key, old_size = w[order_at(slot) + O_HALF], w[order_at(slot) + O_KEY], w[order_at(slot) + O_SIZE]
    old_level = level_of(w, half, key)
    size, count = ahead_of(w, slot)
    leave_queue(w, slot)
    row = write_act(w, rows, slot, REMOVE, CANCEL)
    write_gone(rows, row, key * sign_of(half), old_size)
    rows[HIDDEN_LEFT, row] = 0
    write_levels(w, rows, row, old_level, level_of(w, half, key))
    rows[SIZE_AHEAD, row], rows[ORDERS_AHEAD, row], rows[DEL_INDEX, row] = size, count, count
    forget(w, slot)
    end_event(w, rows, books, half >> 1)


@part
def update(w: Longs, rows: Ints, books: Ints, time: Number, slot: Number, key: Number, size: Number, new_id: Number) -> None:
    """Give a displayed order a smaller size, or another price and the end of the queue there."""
    begin_event(w, time)
    order = order_at(slot)
    half, old_key, old_size, old_number = w[order + O_HALF], w[order + O_KEY], w[order + O_SIZE], w[order + O_NUMBER]
    old_level = level_of(w, half, old_key)
    old_count = ahead_of(w, slot)[1]
    if key == old_key:
        resize(w, slot, size)
    else:
        leave_queue(w, slot)
        w[order + O_KEY] = key
        join_queue(w, slot)
        if new_id:
            give_number(w, slot)
    ahead, count = ahead_of(w, slot)
    row = write_act(w, rows, slot, UPDATE, REDUCE if key == old_key else REPLACE)
    rows[OLD_PRICE, row], rows[OLD_SIZE, row], rows[OLD_ORDER, row] = old_key * sign_of(half), old_size, old_number
    write_levels(w, rows, row, old_level, level_of(w, half, key))
    rows[SIZE_AHEAD, row], rows[ORDERS_AHEAD, row] = ahead, count
    rows[DEL_INDEX, row], rows[ADD_INDEX, row] = old_count, count
    end_event(w, rows, books, half >> 1)
