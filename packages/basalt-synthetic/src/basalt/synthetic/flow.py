"""Continuous trading in the event loop: what participants decide, here and on other venues."""

from __future__ import annotations

import numpy as np

from basalt.synthetic.chance import uniform, waiting_time
from basalt.synthetic.levels import best_price, end_of, order_at, picked_order, sign_of
from basalt.synthetic.matching import best_hidden, hide, let_take, sweep, unhide
from basalt.synthetic.resting import insert, remove, update
from basalt.synthetic.tape import begin_event
from basalt.synthetic.world import (
    CARELESS,
    CHANGING,
    CONTINUOUS,
    DRAWS,
    FLEETING,
    FLEETING_SHARE,
    FREE_COUNT,
    HEADS,
    HIDDEN,
    HIDDEN_COUNT,
    HIDING,
    ICEBERG,
    KEYS,
    LATENCY,
    LEAN,
    LEVEL_COUNT,
    LIMIT,
    LIVE_COUNT,
    MARKETABLE,
    MIDPOINT,
    MOST_HIDDEN,
    MOST_LEVELS,
    MOST_PENDING,
    NEW_IDS,
    NONE,
    NOTHING,
    O_HALF,
    O_HIDDEN,
    O_KEY,
    O_NUMBER,
    O_SIZE,
    OFFSETS,
    ONE,
    P_FIELDS,
    P_LIMIT,
    P_PARENT,
    P_RETAIL,
    P_SIDE,
    P_SIZE,
    P_TAKES,
    P_TIME,
    P_TOTAL,
    P_VENUE,
    PARENTS,
    PATIENCE,
    PEGGING,
    PENDING,
    PENDING_COUNT,
    QUANTITIES,
    REACH,
    RETAIL,
    SIZES,
    SLICING,
    STATE,
    STYLE,
    SWEEPING,
    TAKING,
    TICK,
    UNITS_PER_TICK,
    VENUES,
    Floats,
    Ints,
    Longs,
    Number,
    part,
)


@part
def outside_best(w: Longs, venue: Number, side: Number) -> Number:
    """Best price of a side over the other venues that trade; `NOTHING` without any."""
    best = NOTHING
    for other in range(w[VENUES]):
        price = best_price(w, 2 * other + side)
        if other != venue and w[STATE + other] == CONTINUOUS and price != NOTHING:
            better = best == NOTHING or (price > best if side == 0 else price < best)
            best = price if better else best
    return best


@part
def passive_price(w: Longs, half: Number, fair: Number, careless: Number) -> Number:
    """A price near the fair one that would not execute: on its venue, and for the careful on others."""
    venue, tick, sign = half >> 1, w[TICK + (half >> 1)], sign_of(half)
    offset = w[OFFSETS + np.int64(uniform(w) * DRAWS)]
    price = (np.int64(fair / tick - 0.5) - offset if sign > 0 else np.int64(fair / tick + 1.5) + offset) * tick
    found, hidden_key = best_hidden(w, half ^ 1)
    others = NOTHING if careless else outside_best(w, venue, (half ^ 1) & 1)
    for wall in (best_price(w, half ^ 1), others, NOTHING if found == NOTHING else -hidden_key * sign):
        if wall != NOTHING and (price - wall) * sign >= 0:
            inside = wall - sign
            price = inside // tick * tick if sign > 0 else -(-inside // tick) * tick
    return price


@part
def enter_order(w: Longs, f: Floats, rows: Ints, books: Ints, time: Number, half: Number, fair: Number) -> None:
    """Enter an order of some kind."""
    venue = half >> 1
    price = passive_price(w, half, fair, np.int64(uniform(w) < f[CARELESS]))
    size, choice = w[SIZES + np.int64(uniform(w) * DRAWS)], uniform(w)
    if price < w[TICK + venue] or w[FREE_COUNT] == 0 or w[LEVEL_COUNT + half] == MOST_LEVELS:
        return
    begin_event(w, time)
    if choice < f[PEGGING]:
        both = w[LEVEL_COUNT + half] > 0 and w[LEVEL_COUNT + (half ^ 1)] > 0
        if both and w[HIDDEN_COUNT + (half ^ 1)] == 0 and w[HIDDEN_COUNT + half] < MOST_HIDDEN:
            has_price = choice < f[HIDING]
            hide(w, rows, time, half, price if has_price else NONE, 2 * size, HIDDEN if has_price else MIDPOINT)
    elif choice < f[SLICING]:
        insert(w, rows, books, half, price, size, size * (2 + np.int64(uniform(w) * 8)), ICEBERG)
    elif choice < f[FLEETING_SHARE]:
        slot = insert(w, rows, books, half, price, size, NONE, FLEETING)
        wait_to_cancel(w, time + 1_000 + waiting_time(w, 1.0 / 15_000.0), venue, slot)
    else:
        insert(w, rows, books, half, price, size, NONE, LIMIT)


@part
def wait_to_cancel(w: Longs, time: Number, venue: Number, slot: Number) -> None:
    """Let the order in *slot* be cancelled at *time*."""
    if w[PENDING_COUNT] < MOST_PENDING:
        entry = PENDING + w[PENDING_COUNT] * P_FIELDS
        w[entry + P_TIME], w[entry + P_VENUE], w[entry + P_TAKES] = time, venue, 0
        w[entry + P_SIZE], w[entry + P_PARENT] = slot, w[order_at(slot) + O_NUMBER]
        w[PENDING_COUNT] += 1


@part
def interest(w: Longs, half: Number, limit: Number) -> Number:
    """Displayed size of the five best levels up to the price *limit*; 0 while the venue does not trade."""
    total = 0
    if w[STATE + (half >> 1)] == CONTINUOUS:
        for place in range(end_of(w, half) - min(w[LEVEL_COUNT + half], 5), end_of(w, half)):
            if w[KEYS + place] >= limit * sign_of(half):
                total += w[QUANTITIES + place]
    return total


@part
def send_everywhere(
    w: Longs, time: Number, venue: Number, side: Number, limit: Number, size: Number, parent: Number, retail: Number
) -> None:
    """Split an incoming order over the venues that trade, by what they show; each part arrives when it arrives."""
    total, sent = 1, 0
    for other in range(w[VENUES]):
        total += interest(w, 2 * other + side, limit)
    for step in range(w[VENUES]):
        other = (venue + 1 + step) % w[VENUES]
        part = size - sent if other == venue else size * interest(w, 2 * other + side, limit) // total
        if part > 0 and w[PENDING_COUNT] < MOST_PENDING:
            entry = PENDING + w[PENDING_COUNT] * P_FIELDS
            w[entry + P_TIME], w[entry + P_VENUE] = time + w[LATENCY + other], other
            w[entry + P_TAKES], w[entry + P_SIDE], w[entry + P_LIMIT], w[entry + P_SIZE] = 1, side, limit, part
            w[entry + P_PARENT], w[entry + P_TOTAL], w[entry + P_RETAIL] = parent, size, retail
            w[PENDING_COUNT] += 1
            sent += part


@part
def take(w: Longs, f: Floats, rows: Ints, books: Ints, time: Number, venue: Number, side: Number, limit: Number) -> None:
    """Somebody takes from *side* (0 bids, 1 asks), here or on all venues at once."""
    retail = np.int64(uniform(w) < f[RETAIL])
    size = w[SIZES + np.int64(uniform(w) * DRAWS)]
    w[PARENTS] += 1
    if w[VENUES] > 1 and uniform(w) < f[SWEEPING]:
        send_everywhere(w, time, venue, side, limit, 3 * size, w[PARENTS], retail)
    else:
        let_take(w, 2 - side, w[PARENTS], MARKETABLE, size, retail)
        sweep(w, rows, books, time, 2 * venue + side, limit, size)


@part
def choose_side_and_take(w: Longs, f: Floats, rows: Ints, books: Ints, time: Number, venue: Number, fair: Number) -> None:
    """Take, rather towards the fair price than away from it; never without end past it."""
    bid, ask = best_price(w, 2 * venue), best_price(w, 2 * venue + 1)
    lean = (fair - (bid + ask) / 2) / UNITS_PER_TICK * f[LEAN]
    reach = f[REACH] * UNITS_PER_TICK
    if uniform(w) < 0.5 + min(max(lean, -0.45), 0.45):
        take(w, f, rows, books, time, venue, ONE, max(np.int64(fair + reach), ask))
    else:
        take(w, f, rows, books, time, venue, NONE, max(min(np.int64(fair - reach), bid), 1))


@part
def cancel_something(w: Longs, rows: Ints, books: Ints, time: Number, venue: Number, fair: Number) -> None:
    """Cancel an order whose price the fair one has passed, or any; now and then one that nobody sees."""
    choice = uniform(w)
    for half in (2 * venue, 2 * venue + 1):
        if choice < 0.08 and w[HIDDEN_COUNT + half]:
            unhide(w, rows, time, half, half * MOST_HIDDEN)
            return
    slot = picked_order(w, venue)
    for half in (2 * venue, 2 * venue + 1):
        if choice < 0.5 and (best_price(w, half) - fair) * sign_of(half) > 0:
            slot = w[HEADS + end_of(w, half) - 1]
    remove(w, rows, books, time, slot)


@part
def change_something(w: Longs, rows: Ints, books: Ints, time: Number, venue: Number, fair: Number) -> None:
    """Halve an order, or give it another price."""
    slot = picked_order(w, venue)
    order = order_at(slot)
    half, key, size = w[order + O_HALF], w[order + O_KEY], w[order + O_SIZE]
    if uniform(w) < 0.4:
        if size > 1 and w[order + O_HIDDEN] == 0:
            update(w, rows, books, time, slot, key, size // 2, NONE)
        return
    price = passive_price(w, half, fair, NONE)
    if price >= w[TICK + venue] and price * sign_of(half) != key and w[LEVEL_COUNT + half] < MOST_LEVELS:
        update(w, rows, books, time, slot, price * sign_of(half), size, w[STYLE + venue] & NEW_IDS)


@part
def decide(w: Longs, f: Floats, rows: Ints, books: Ints, time: Number, venue: Number, fair: Number) -> None:
    """One decision of one participant of a venue that trades."""
    bid, ask = best_price(w, 2 * venue), best_price(w, 2 * venue + 1)
    if min(bid, ask) == NOTHING:
        enter_order(w, f, rows, books, time, 2 * venue + (bid != NOTHING), fair)
        return
    higher, lower = outside_best(w, venue, NONE), outside_best(w, venue, ONE)
    choice = uniform(w)
    if higher != NOTHING and higher > ask:
        take(w, f, rows, books, time, venue, ONE, higher)
    elif lower != NOTHING and lower < bid:
        take(w, f, rows, books, time, venue, NONE, lower)
    elif choice < f[TAKING]:
        choose_side_and_take(w, f, rows, books, time, venue, fair)
    elif choice < f[CHANGING]:
        change_something(w, rows, books, time, venue, fair)
    elif uniform(w) * (w[LIVE_COUNT + venue] + f[PATIENCE]) < f[PATIENCE]:
        enter_order(w, f, rows, books, time, 2 * venue + np.int64(uniform(w) * 2), fair)
    else:
        cancel_something(w, rows, books, time, venue, fair)
