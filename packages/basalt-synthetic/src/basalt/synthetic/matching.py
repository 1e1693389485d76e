"""Executions of the event loop: whose order takes, icebergs, hidden orders, sweeps through a book."""

from __future__ import annotations

from basalt.synthetic.levels import (
    best_price,
    end_of,
    forget,
    give_number,
    leave_queue,
    level_of,
    new_order,
    order_at,
    release,
    resize,
    sign_of,
)
from basalt.synthetic.resting import place_order
from basalt.synthetic.tape import begin_event, end_event, write_act, write_gone, write_levels
from basalt.synthetic.world import (
    ADD_INDEX,
    CANCEL,
    DEL_INDEX,
    END,
    ENTER,
    EXECUTE,
    EXECUTION_PRICE,
    EXECUTION_SIZE,
    HEADS,
    HIDDEN_COUNT,
    HIDDEN_FILL,
    HIDDEN_LEFT,
    HIDDEN_ORDERS,
    KEYS,
    LAST_PRICE,
    LEFT,
    LEVEL_COUNT,
    MIDPOINT,
    MOST_FILLS,
    MOST_HIDDEN,
    NEVER,
    NONE,
    NOTHING,
    O_HALF,
    O_HIDDEN,
    O_KEY,
    O_KIND,
    O_NUMBER,
    O_ORIGINAL,
    O_PEAK,
    O_SIZE,
    OLD_ORDER,
    OLD_PRICE,
    OLD_SIZE,
    ONE,
    PRICE,
    QUANTITIES,
    REFILL,
    REMOVE,
    STYLE,
    T_KIND,
    T_PARENT,
    T_RETAIL,
    T_SIDE,
    T_SIZE,
    TAKER_KIND,
    TAKER_PARENT,
    TAKER_RETAIL,
    TAKER_SIDE,
    TAKER_SIZE,
    THROUGH,
    TRADE,
    TRADES,
    UNSEEN,
    UPDATE,
    VENUE,
    Ints,
    Longs,
    Number,
    part,
)


@part
def let_take(w: Longs, side: Number, parent: Number, kind: Number, size: Number, retail: Number) -> None:
    """Say whose order executes against resting ones from now on."""
    w[T_SIDE], w[T_PARENT], w[T_KIND], w[T_SIZE], w[T_RETAIL] = side, parent, kind, size, retail


@part
def write_deal(w: Longs, rows: Ints, row: Number, price: Number, filled: Number) -> None:
    """Write the execution of a row: the venue's current trade, and who took."""
    venue = rows[VENUE, row]
    rows[EXECUTION_PRICE, row], rows[EXECUTION_SIZE, row], rows[TRADE, row] = price, filled, w[TRADES + venue]
    rows[TAKER_SIDE, row], rows[TAKER_PARENT, row], rows[TAKER_KIND, row] = w[T_SIDE], w[T_PARENT], w[T_KIND]
    rows[TAKER_SIZE, row], rows[TAKER_RETAIL, row] = w[T_SIZE], w[T_RETAIL]
    w[LAST_PRICE + venue] = price


@part
def execute(w: Longs, rows: Ints, slot: Number, filled: Number, price: Number) -> None:
    """Execute *filled* of the first order of a half; an iceberg shows its next peak."""
    order = order_at(slot)
    half, key, old_size = w[order + O_HALF], w[order + O_KEY], w[order + O_SIZE]
    size = max(old_size - filled, 0)
    w[order + O_HIDDEN] -= max(filled - old_size, 0)
    if size:
        resize(w, slot, size)
    else:
        leave_queue(w, slot)
    row = write_act(w, rows, slot, UPDATE if size else REMOVE, EXECUTE)
    if size:
        rows[OLD_PRICE, row], rows[OLD_SIZE, row], rows[ADD_INDEX, row] = key * sign_of(half), old_size, 0
    else:
        write_gone(rows, row, key * sign_of(half), old_size)
    level = level_of(w, half, key)
    write_levels(w, rows, row, ONE, level)
    rows[DEL_INDEX, row] = 0
    rows[LEFT, row] = w[QUANTITIES + end_of(w, half) - level] if level else 0
    write_deal(w, rows, row, price, filled)
    if size == 0 and w[order + O_HIDDEN] > 0:
        w[order + O_SIZE] = min(w[order + O_PEAK], w[order + O_HIDDEN])
        w[order + O_HIDDEN] -= w[order + O_SIZE]
        give_number(w, slot)
        w[order + O_ORIGINAL] = w[order + O_NUMBER]
        place_order(w, rows, slot, REFILL)
    elif size == 0:
        forget(w, slot)


@part
def best_hidden(w: Longs, half: Number) -> Number:
    """Place of the hidden order with the best price, and its key; one at the mid moves with it."""
    best, found = -NEVER, NOTHING
    for place in range(half * MOST_HIDDEN, half * MOST_HIDDEN + w[HIDDEN_COUNT + half]):
        order = order_at(w[HIDDEN_ORDERS + place])
        key = w[order + O_KEY]
        if w[order + O_KIND] == MIDPOINT:
            bid, ask = best_price(w, half & ~1), best_price(w, half | 1)
            key = -NEVER if min(bid, ask) == NOTHING else sign_of(half) * ((bid + ask) // 2)
        if key > best:
            best, found = key, place
    return found, best


@part
def drop_hidden(w: Longs, half: Number, place: Number) -> None:
    """Drop a hidden order that is gone."""
    slot = w[HIDDEN_ORDERS + place]
    w[HIDDEN_COUNT + half] -= 1
    for other in range(place, half * MOST_HIDDEN + w[HIDDEN_COUNT + half]):
        w[HIDDEN_ORDERS + other] = w[HIDDEN_ORDERS + other + 1]
    release(w, slot)


@part
def hide(w: Longs, rows: Ints, time: Number, half: Number, price: Number, size: Number, kind: Number) -> None:
    """Enter an order that is never shown: an act that only the truth knows."""
    begin_event(w, time)
    slot = new_order(w, half, price * sign_of(half), NONE, size, kind)
    w[HIDDEN_ORDERS + half * MOST_HIDDEN + w[HIDDEN_COUNT + half]] = slot
    w[HIDDEN_COUNT + half] += 1
    row = write_act(w, rows, slot, UNSEEN, ENTER)
    rows[OLD_ORDER, row], rows[END, row] = NOTHING, 1


@part
def unhide(w: Longs, rows: Ints, time: Number, half: Number, place: Number) -> None:
    """Cancel an order that is never shown."""
    begin_event(w, time)
    row = write_act(w, rows, w[HIDDEN_ORDERS + place], UNSEEN, CANCEL)
    rows[HIDDEN_LEFT, row], rows[END, row] = 0, 1
    drop_hidden(w, half, place)


@part
def execute_hidden(w: Longs, rows: Ints, half: Number, place: Number, filled: Number, price: Number) -> None:
    """Execute *filled* of a hidden order; the displayed book stays as it is."""
    order = order_at(w[HIDDEN_ORDERS + place])
    w[order + O_HIDDEN] -= filled
    row = write_act(w, rows, w[HIDDEN_ORDERS + place], HIDDEN_FILL, EXECUTE)
    rows[PRICE, row] = NOTHING
    write_deal(w, rows, row, price, filled)
    if w[order + O_HIDDEN] == 0:
        drop_hidden(w, half, place)


@part
def sweep(w: Longs, rows: Ints, books: Ints, time: Number, half: Number, limit: Number, size: Number) -> None:
    """Execute the taker's order against *half*, up to the price *limit*; what cannot execute is cancelled."""
    venue, sign, fills = half >> 1, sign_of(half), 0
    while size > 0 and fills < MOST_FILLS:
        place, hidden_key = best_hidden(w, half)
        key = w[KEYS + end_of(w, half) - 1] if w[LEVEL_COUNT + half] else -NEVER
        if max(key, hidden_key) < limit * sign:
            break
        if fills == 0:
            begin_event(w, time)
        w[TRADES + venue] += 1
        if hidden_key > key:
            filled = min(size, w[order_at(w[HIDDEN_ORDERS + place]) + O_HIDDEN])
            execute_hidden(w, rows, half, place, filled, hidden_key * sign)
        else:
            slot = w[HEADS + end_of(w, half) - 1]
            unseen = w[order_at(slot) + O_HIDDEN] if w[STYLE + venue] & THROUGH else 0
            filled = min(size, w[order_at(slot) + O_SIZE] + unseen)
            execute(w, rows, slot, filled, key * sign)
        size -= filled
        fills += 1
    if fills:
        end_event(w, rows, books, venue)
