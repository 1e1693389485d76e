"""Auctions of the event loop: the price that clears, the uncross, messages, and orders that collect."""

from __future__ import annotations

import numpy as np

from basalt.synthetic.chance import uniform
from basalt.synthetic.levels import best_price, end_of, find_level, order_at, picked_order, sign_of
from basalt.synthetic.matching import execute, let_take
from basalt.synthetic.resting import insert, remove
from basalt.synthetic.tape import begin_event, end_event
from basalt.synthetic.world import (
    AUCTION,
    CALL,
    DRAWS,
    FREE_COUNT,
    HEADS,
    KEYS,
    LAST_PRICE,
    LEVEL_COUNT,
    LIMIT,
    LIVE_COUNT,
    MIX,
    MOST_LEVELS,
    N_BOOKS,
    N_CALLS,
    N_ROWS,
    NONE,
    NOTHING,
    O_AFTER,
    O_HIDDEN,
    O_SIZE,
    ROWS_AN_EVENT,
    SIZES,
    STATE,
    TICK,
    TRADES,
    Floats,
    Ints,
    Longs,
    Number,
    part,
)


@part
def all_at(w: Longs, place: Number) -> Number:
    """What rests at a level, with what its icebergs hide: in auctions they take part as a whole."""
    total, slot = 0, w[HEADS + place]
    while slot != NOTHING:
        total += w[order_at(slot) + O_SIZE] + w[order_at(slot) + O_HIDDEN]
        slot = w[order_at(slot) + O_AFTER]
    return total


@part
def clearing(w: Longs, venue: Number, reference: Number) -> Number:
    """The price at which most trades, what trades, and what is bought less what is sold there.

    Among prices at which as much trades: least left over, then nearest to *reference*, then lowest.
    """
    bids, asks = 2 * venue, 2 * venue + 1
    bid, ask = best_price(w, bids), best_price(w, asks)
    best, paired, surplus = NOTHING, -1, 0
    if min(bid, ask) == NOTHING or bid < ask:
        return best, 0, surplus
    bought, sold = 0, 0
    low, high = find_level(w, bids, ask), end_of(w, asks) - 1
    for place in range(low, end_of(w, bids)):
        bought += all_at(w, place)
    for price in range(ask, bid + 1, w[TICK + venue]):
        while w[KEYS + low] < price:
            bought -= all_at(w, low)
            low += 1
        while high >= asks * MOST_LEVELS and -w[KEYS + high] <= price:
            sold += all_at(w, high)
            high -= 1
        volume, left = min(bought, sold), abs(bought - sold)
        nearer = abs(price - reference) < abs(best - reference)
        if volume > paired or (volume == paired and (left < abs(surplus) or (left == abs(surplus) and nearer))):
            best, paired, surplus = price, volume, bought - sold
    return best, paired, surplus


@part
def uncross(w: Longs, rows: Ints, books: Ints, time: Number, venue: Number, reference: Number) -> None:
    """Trade everything that can trade at the clearing price, one trade a microsecond."""
    price = clearing(w, venue, reference)[0]
    let_take(w, NONE, NOTHING, NOTHING, NOTHING, NONE)
    bids, asks = 2 * venue, 2 * venue + 1
    while price != NOTHING and w[LEVEL_COUNT + bids] and w[LEVEL_COUNT + asks] and best_price(w, bids) >= price >= best_price(w, asks):
        bid, ask = w[HEADS + end_of(w, bids) - 1], w[HEADS + end_of(w, asks) - 1]
        filled = min(w[order_at(bid) + O_SIZE], w[order_at(ask) + O_SIZE])
        w[TRADES + venue] += 1
        begin_event(w, time)
        execute(w, rows, bid, filled, price)
        execute(w, rows, ask, filled, price)
        end_event(w, rows, books, venue)
        time += 1
        if w[N_ROWS] + ROWS_AN_EVENT > rows.shape[1] or w[N_BOOKS] + 2 > books.shape[0]:
            return


@part
def announce(w: Longs, calls: Longs, time: Number, venue: Number, reference: Number) -> None:
    """Write what the auction would do now."""
    price, paired, surplus = clearing(w, venue, reference)
    entry = w[N_CALLS]
    calls[0, entry], calls[1, entry], calls[2, entry], calls[3, entry], calls[4, entry] = time, venue, price, paired, surplus
    calls[5, entry], calls[6, entry], calls[7, entry] = w[LAST_PRICE + venue], best_price(w, 2 * venue), best_price(w, 2 * venue + 1)
    w[N_CALLS] += 1


@part
def take_part_in_call(w: Longs, f: Floats, rows: Ints, books: Ints, time: Number, venue: Number, fair: Number) -> None:
    """Somebody enters an order for the auction, or thinks again; makers set up a book around the fair price."""
    tick, count = w[TICK + venue], w[LIVE_COUNT + venue]
    if w[STATE + venue] == CALL and count > 40 and uniform(w) < 0.08:
        remove(w, rows, books, time, picked_order(w, venue))
        return
    half = 2 * venue + np.int64(uniform(w) * 2)
    if w[FREE_COUNT] == 0 or w[LEVEL_COUNT + half] == MOST_LEVELS:
        return
    price = np.int64(fair / tick + 0.5) * tick
    if uniform(w) < f[MIX + venue]:
        price -= sign_of(half) * tick * (1 + np.int64(uniform(w) * 16))
        wall = best_price(w, half ^ 1)
        if w[STATE + venue] != CALL and wall != NOTHING and (price - wall) * sign_of(half) >= 0:
            price = wall - sign_of(half) * tick
    else:
        price += np.int64(round((uniform(w) + uniform(w) + uniform(w) - 1.5) * 14.0)) * tick
    kind = AUCTION if w[STATE + venue] == CALL else LIMIT
    begin_event(w, time)
    insert(w, rows, books, half, max(price, tick), 2 * w[SIZES + np.int64(uniform(w) * DRAWS)], NONE, kind)
