"""Books of the event loop: levels, queues and the slots of orders."""

from __future__ import annotations

import numpy as np

from basalt.synthetic.chance import uniform
from basalt.synthetic.world import (
    COUNTS,
    ENTERED,
    FREE,
    FREE_COUNT,
    HEADS,
    KEYS,
    LEVEL_COUNT,
    LIVE,
    LIVE_COUNT,
    MOST_LEVELS,
    MOST_ORDERS,
    NOTHING,
    O_AFTER,
    O_BEFORE,
    O_FIELDS,
    O_HALF,
    O_HIDDEN,
    O_KEY,
    O_KIND,
    O_NUMBER,
    O_ORIGINAL,
    O_PARENT,
    O_PEAK,
    O_PLACE,
    O_SIZE,
    ORDERS,
    PARENTS,
    QUANTITIES,
    TAILS,
    Longs,
    Number,
    part,
)


@part
def sign_of(half: Number) -> Number:
    """1 for bids, -1 for asks."""
    return 1 - 2 * (half & 1)


@part
def order_at(slot: Number) -> Number:
    """Where the order in *slot* stands."""
    return ORDERS + slot * O_FIELDS


@part
def find_level(w: Longs, half: Number, key: Number) -> Number:
    """Place of the first level that is not worse than *key*."""
    low = half * MOST_LEVELS
    high = low + w[LEVEL_COUNT + half]
    while low < high:
        middle = (low + high) >> 1
        if w[KEYS + middle] < key:
            low = middle + 1
        else:
            high = middle
    return low


@part
def end_of(w: Longs, half: Number) -> Number:
    """Place after the best level."""
    return half * MOST_LEVELS + w[LEVEL_COUNT + half]


@part
def level_of(w: Longs, half: Number, key: Number) -> Number:
    """Level of *key*, 1 being the best; 0 without it."""
    place, end = find_level(w, half, key), end_of(w, half)
    return end - place if place < end and w[KEYS + place] == key else 0


@part
def best_price(w: Longs, half: Number) -> Number:
    """Best price of a half; `NOTHING` when it is empty."""
    return w[KEYS + end_of(w, half) - 1] * sign_of(half) if w[LEVEL_COUNT + half] else NOTHING


@part
def ahead_of(w: Longs, slot: Number) -> Number:
    """Size and number of orders that execute before the order in *slot*."""
    half, key = w[order_at(slot) + O_HALF], w[order_at(slot) + O_KEY]
    size, count = 0, 0
    place = end_of(w, half) - 1
    while w[KEYS + place] != key:
        size += w[QUANTITIES + place]
        count += w[COUNTS + place]
        place -= 1
    other = w[HEADS + place]
    while other != slot:
        size += w[order_at(other) + O_SIZE]
        count += 1
        other = w[order_at(other) + O_AFTER]
    return size, count


@part
def open_level(w: Longs, half: Number, place: Number) -> None:
    """Make room for a level at *place*."""
    for row in (KEYS, QUANTITIES, COUNTS, HEADS, TAILS):
        for each in range(row + end_of(w, half), row + place, -1):
            w[each] = w[each - 1]
    w[LEVEL_COUNT + half] += 1


@part
def close_level(w: Longs, half: Number, place: Number) -> None:
    """Take away the level at *place*."""
    for row in (KEYS, QUANTITIES, COUNTS, HEADS, TAILS):
        for each in range(row + place, row + end_of(w, half) - 1):
            w[each] = w[each + 1]
    w[LEVEL_COUNT + half] -= 1


@part
def join_queue(w: Longs, slot: Number) -> None:
    """Put the order in *slot* at the end of the queue at its price."""
    order = order_at(slot)
    half, key = w[order + O_HALF], w[order + O_KEY]
    place = find_level(w, half, key)
    if place == end_of(w, half) or w[KEYS + place] != key:
        open_level(w, half, place)
        w[KEYS + place], w[QUANTITIES + place], w[COUNTS + place], w[TAILS + place] = key, 0, 0, NOTHING
    last = w[TAILS + place]
    w[order + O_BEFORE], w[order + O_AFTER] = last, NOTHING
    if last == NOTHING:
        w[HEADS + place] = slot
    else:
        w[order_at(last) + O_AFTER] = slot
    w[TAILS + place] = slot
    w[QUANTITIES + place] += w[order + O_SIZE]
    w[COUNTS + place] += 1


@part
def leave_queue(w: Longs, slot: Number) -> None:
    """Take the order in *slot* out of its queue; an empty level disappears."""
    order = order_at(slot)
    half = w[order + O_HALF]
    place = find_level(w, half, w[order + O_KEY])
    before, after = w[order + O_BEFORE], w[order + O_AFTER]
    if before == NOTHING:
        w[HEADS + place] = after
    else:
        w[order_at(before) + O_AFTER] = after
    if after == NOTHING:
        w[TAILS + place] = before
    else:
        w[order_at(after) + O_BEFORE] = before
    w[QUANTITIES + place] -= w[order + O_SIZE]
    w[COUNTS + place] -= 1
    if w[COUNTS + place] == 0:
        close_level(w, half, place)


@part
def resize(w: Longs, slot: Number, size: Number) -> None:
    """Set a smaller size; the order keeps its place."""
    order = order_at(slot)
    w[QUANTITIES + find_level(w, w[order + O_HALF], w[order + O_KEY])] += size - w[order + O_SIZE]
    w[order + O_SIZE] = size


@part
def give_number(w: Longs, slot: Number) -> None:
    """Give the order in *slot* the next id of its venue."""
    venue = w[order_at(slot) + O_HALF] >> 1
    w[ENTERED + venue] += 1
    w[order_at(slot) + O_NUMBER] = w[ENTERED + venue]


@part
def new_order(w: Longs, half: Number, key: Number, size: Number, hidden: Number, kind: Number) -> Number:
    """A slot with a new order that is nowhere yet, of a new parent."""
    w[FREE_COUNT] -= 1
    w[PARENTS] += 1
    slot = w[FREE + w[FREE_COUNT]]
    order = order_at(slot)
    w[order + O_KEY], w[order + O_SIZE], w[order + O_HIDDEN], w[order + O_PEAK] = key, size, hidden, size
    w[order + O_KIND], w[order + O_HALF], w[order + O_PARENT] = kind, half, w[PARENTS]
    give_number(w, slot)
    w[order + O_ORIGINAL] = w[order + O_NUMBER]
    return slot


@part
def show(w: Longs, slot: Number) -> None:
    """Note that the order in *slot* rests and can be picked."""
    venue = w[order_at(slot) + O_HALF] >> 1
    w[order_at(slot) + O_PLACE] = w[LIVE_COUNT + venue]
    w[LIVE + venue * MOST_ORDERS + w[LIVE_COUNT + venue]] = slot
    w[LIVE_COUNT + venue] += 1


@part
def release(w: Longs, slot: Number) -> None:
    """Give a slot back."""
    w[order_at(slot) + O_NUMBER] = NOTHING
    w[FREE + w[FREE_COUNT]] = slot
    w[FREE_COUNT] += 1


@part
def forget(w: Longs, slot: Number) -> None:
    """Drop a displayed order that is gone; the last one that rests takes its place."""
    venue, place = w[order_at(slot) + O_HALF] >> 1, w[order_at(slot) + O_PLACE]
    w[LIVE_COUNT + venue] -= 1
    last = w[LIVE + venue * MOST_ORDERS + w[LIVE_COUNT + venue]]
    w[LIVE + venue * MOST_ORDERS + place] = last
    w[order_at(last) + O_PLACE] = place
    release(w, slot)


@part
def picked_order(w: Longs, venue: Number) -> Number:
    """The slot of a resting order, each as likely."""
    return w[LIVE + venue * MOST_ORDERS + np.int64(uniform(w) * w[LIVE_COUNT + venue])]
