"""The event loop of one instrument on one day: all its venues, their books, and everybody who trades.

One compiled function, `run`, and the small functions that it is made of. They stand in one file because
Numba compiles a cached function again only when its own file changes. All that changes lives in one
array of whole numbers, `w`, and one of floats, `f`: passing many arrays on costs more than the work.

Prices are whole units of a twentieth of the home venue's tick, times whole microseconds after midnight
UTC, venues numbers from 0, the home venue first. A book half is number `2 * venue` (bids) or `2 * venue
+ 1` (asks); its levels are sorted with the best one last, by a key that grows as the price gets better:
the price of a bid, minus that of an ask. No two events of an instrument share a time; rows of one do.
"""

from __future__ import annotations

from math import log
from typing import Any, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

Longs: TypeAlias = NDArray[np.int64]
Ints: TypeAlias = NDArray[np.int32]
Floats: TypeAlias = NDArray[np.float64]
Number: TypeAlias = Any
"""What a compiled function takes and gives besides arrays: whole numbers of 64 bits, and floats."""

# The tape: columns of `rows`, an entry for each act; of `books`, the ten levels after an event; of `calls`, messages.
# Entries run along the second axis, in `books` along the first: a book is written and compared as a whole.
(TIME, TIE, VENUE, SIDE, ACTION, ACT, ORDER, OLD_ORDER, ORIGINAL, PRICE, SIZE, OLD_PRICE, OLD_SIZE) = range(13)
(LEVEL, OLD_LEVEL, SIZE_AHEAD, ORDERS_AHEAD, DEL_INDEX, ADD_INDEX, EXECUTION_PRICE, EXECUTION_SIZE, TRADE, LEFT) = range(13, 23)
(KIND, PARENT, HIDDEN_LEFT, TAKER_SIDE, TAKER_PARENT, TAKER_KIND, TAKER_SIZE, TAKER_RETAIL, END, BOOK, COLUMNS) = range(23, 34)
DEPTH = 10
BOOK_COLUMNS = 6 * DEPTH + 2
"""Of bids, then asks: prices, sizes, numbers of orders, best first; then the numbers of levels."""
CALL_COLUMNS = 8
"""Time, venue, price, paired, surplus (bought less sold), last price, best bid, best ask."""
NOTHING: Any = np.int64(-1)
"""Stands for an absent price, place, order, trade or book."""

# Codes. Of NumPy's type, since Numba compiles a function anew for each Python constant that it is called with.
NONE: Any = np.int64(0)
ONE: Any = np.int64(1)
UNSEEN, HIDDEN_FILL, INSERT, REMOVE, UPDATE = (np.int64(code) for code in range(5))
ENTER, REFILL, REDUCE, REPLACE, CANCEL, EXECUTE = (np.int64(code) for code in range(6))
LIMIT, ICEBERG, HIDDEN, MIDPOINT, FLEETING, AUCTION = (np.int64(code) for code in range(6))
MARKETABLE, SWEEP = np.int64(0), np.int64(1)
IDLE, CONTINUOUS, CALL, LADDER, UNCROSS = range(5)
"""States of a venue: nothing happens; orders match; they collect; makers set up; what collected matches."""
THROUGH, NEW_IDS = 1, 2
"""Bits of a venue's style: icebergs execute through what they hide; replaced orders get a new id."""

# Sizes
UNITS_PER_TICK = 20
MOST_VENUES = 4
MOST_LEVELS = 2048
MOST_ORDERS = 8192
MOST_HIDDEN = 32
MOST_PENDING = 512
MOST_FILLS = 40
"""Executions that one incoming order can have; keeps the rows of one instant countable."""
ROWS_AN_EVENT = 2 * MOST_FILLS + 8
DRAWS = 4096
SECONDS = 86_402
NEVER: Any = np.int64(1 << 60)

# Places in `w`: counters, who takes, then fields of venues and halves, levels, orders, lists and values to draw from.
(N_ROWS, N_BOOKS, N_CALLS, LAST, TIES, TOUCHED, PARENTS, PENDING_COUNT, FREE_COUNT, RANDOM, VENUES) = range(11)
(T_SIDE, T_PARENT, T_KIND, T_SIZE, T_RETAIL) = range(11, 16)
(TICK, LATENCY, STYLE, STATE, GAP, ENTERED, TRADES, LAST_PRICE, LAST_BOOK, LIVE_COUNT, STEP, MESSAGE) = range(16, 16 + 12 * MOST_VENUES, 4)
(LEVEL_COUNT, HIDDEN_COUNT) = (64, 72)
KEYS, QUANTITIES, COUNTS, HEADS, TAILS = (80 + each * MOST_LEVELS * 2 * MOST_VENUES for each in range(5))
ORDERS = 80 + 5 * MOST_LEVELS * 2 * MOST_VENUES
(O_KEY, O_SIZE, O_HIDDEN, O_PEAK, O_KIND, O_PARENT, O_NUMBER, O_ORIGINAL, O_HALF, O_BEFORE, O_AFTER, O_PLACE, O_FIELDS) = range(13)
FREE = ORDERS + MOST_ORDERS * O_FIELDS
LIVE = FREE + MOST_ORDERS
HIDDEN_ORDERS = LIVE + MOST_ORDERS * MOST_VENUES
PENDING = HIDDEN_ORDERS + MOST_HIDDEN * 2 * MOST_VENUES
(P_TIME, P_VENUE, P_TAKES, P_SIDE, P_LIMIT, P_SIZE, P_PARENT, P_TOTAL, P_RETAIL, P_FIELDS) = range(10)
SIZES = PENDING + MOST_PENDING * P_FIELDS
OFFSETS = SIZES + DRAWS
WHOLE_NUMBERS = OFFSETS + DRAWS

# Places in `f`: habits, fields of venues, then fair price in units and activity at each second.
(TAKING, CHANGING, PATIENCE, LEAN, REACH, RETAIL, SWEEPING, HIDING, PEGGING, SLICING, FLEETING_SHARE, FOLLOWING, CARELESS) = range(13)
(RATE, MIX) = (16, 20)
FAIR = 32
INTENSITY = FAIR + SECONDS
FLOATS = INTENSITY + SECONDS

# Compiled for their callers alone: only `run` is called from outside and kept in the cache.
_ALONE: Any = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": False}
_part: Any = njit(nogil=True, error_model="numpy", **_ALONE)


# Random numbers: splitmix64 (Steele, Lea & Flood 2014, OOPSLA) -------------------------------------------------------


@_part
def _uniform(w: Longs) -> Number:
    """A number in [0, 1)."""
    z = np.uint64(w[RANDOM]) + np.uint64(0x9E3779B97F4A7C15)
    w[RANDOM] = np.int64(z)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return np.float64(z >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@_part
def _waiting(w: Longs, rate: Number) -> Number:
    """Time to the next of events that come at *rate*, at least 1."""
    return np.int64(min(1.0 - log(1.0 - _uniform(w)) / rate, 1e15)) if rate > 0.0 else NEVER


# Levels and queues ---------------------------------------------------------------------------------------------------


@_part
def _sign(half: Number) -> Number:
    return 1 - 2 * (half & 1)


@_part
def _order(slot: Number) -> Number:
    return ORDERS + slot * O_FIELDS


@_part
def _find(w: Longs, half: Number, key: Number) -> Number:
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


@_part
def _end_of(w: Longs, half: Number) -> Number:
    """Place after the best level."""
    return half * MOST_LEVELS + w[LEVEL_COUNT + half]


@_part
def _level(w: Longs, half: Number, key: Number) -> Number:
    """Level of *key*, 1 being the best; 0 without it."""
    place, end = _find(w, half, key), _end_of(w, half)
    return end - place if place < end and w[KEYS + place] == key else 0


@_part
def _best(w: Longs, half: Number) -> Number:
    """Best price of a half; `NOTHING` when it is empty."""
    return w[KEYS + _end_of(w, half) - 1] * _sign(half) if w[LEVEL_COUNT + half] else NOTHING


@_part
def _ahead(w: Longs, slot: Number) -> Number:
    """Size and number of orders that execute before the order in *slot*."""
    half, key = w[_order(slot) + O_HALF], w[_order(slot) + O_KEY]
    size, count = 0, 0
    place = _end_of(w, half) - 1
    while w[KEYS + place] != key:
        size += w[QUANTITIES + place]
        count += w[COUNTS + place]
        place -= 1
    other = w[HEADS + place]
    while other != slot:
        size += w[_order(other) + O_SIZE]
        count += 1
        other = w[_order(other) + O_AFTER]
    return size, count


@_part
def _open_level(w: Longs, half: Number, place: Number) -> None:
    """Make room for a level at *place*."""
    for row in (KEYS, QUANTITIES, COUNTS, HEADS, TAILS):
        for each in range(row + _end_of(w, half), row + place, -1):
            w[each] = w[each - 1]
    w[LEVEL_COUNT + half] += 1


@_part
def _close_level(w: Longs, half: Number, place: Number) -> None:
    """Take away the level at *place*."""
    for row in (KEYS, QUANTITIES, COUNTS, HEADS, TAILS):
        for each in range(row + place, row + _end_of(w, half) - 1):
            w[each] = w[each + 1]
    w[LEVEL_COUNT + half] -= 1


@_part
def _join(w: Longs, slot: Number) -> None:
    """Put the order in *slot* at the end of the queue at its price."""
    order = _order(slot)
    half, key = w[order + O_HALF], w[order + O_KEY]
    place = _find(w, half, key)
    if place == _end_of(w, half) or w[KEYS + place] != key:
        _open_level(w, half, place)
        w[KEYS + place], w[QUANTITIES + place], w[COUNTS + place], w[TAILS + place] = key, 0, 0, NOTHING
    last = w[TAILS + place]
    w[order + O_BEFORE], w[order + O_AFTER] = last, NOTHING
    if last == NOTHING:
        w[HEADS + place] = slot
    else:
        w[_order(last) + O_AFTER] = slot
    w[TAILS + place] = slot
    w[QUANTITIES + place] += w[order + O_SIZE]
    w[COUNTS + place] += 1


@_part
def _leave(w: Longs, slot: Number) -> None:
    """Take the order in *slot* out of its queue; an empty level disappears."""
    order = _order(slot)
    half = w[order + O_HALF]
    place = _find(w, half, w[order + O_KEY])
    before, after = w[order + O_BEFORE], w[order + O_AFTER]
    if before == NOTHING:
        w[HEADS + place] = after
    else:
        w[_order(before) + O_AFTER] = after
    if after == NOTHING:
        w[TAILS + place] = before
    else:
        w[_order(after) + O_BEFORE] = before
    w[QUANTITIES + place] -= w[order + O_SIZE]
    w[COUNTS + place] -= 1
    if w[COUNTS + place] == 0:
        _close_level(w, half, place)


@_part
def _resize(w: Longs, slot: Number, size: Number) -> None:
    """Set a smaller size; the order keeps its place."""
    order = _order(slot)
    w[QUANTITIES + _find(w, w[order + O_HALF], w[order + O_KEY])] += size - w[order + O_SIZE]
    w[order + O_SIZE] = size


@_part
def _number(w: Longs, slot: Number) -> None:
    """Give the order in *slot* the next id of its venue."""
    venue = w[_order(slot) + O_HALF] >> 1
    w[ENTERED + venue] += 1
    w[_order(slot) + O_NUMBER] = w[ENTERED + venue]


@_part
def _new_order(w: Longs, half: Number, key: Number, size: Number, hidden: Number, kind: Number) -> Number:
    """A slot with a new order that is nowhere yet, of a new parent."""
    w[FREE_COUNT] -= 1
    w[PARENTS] += 1
    slot = w[FREE + w[FREE_COUNT]]
    order = _order(slot)
    w[order + O_KEY], w[order + O_SIZE], w[order + O_HIDDEN], w[order + O_PEAK] = key, size, hidden, size
    w[order + O_KIND], w[order + O_HALF], w[order + O_PARENT] = kind, half, w[PARENTS]
    _number(w, slot)
    w[order + O_ORIGINAL] = w[order + O_NUMBER]
    return slot


@_part
def _show(w: Longs, slot: Number) -> None:
    """Note that the order in *slot* rests and can be picked."""
    venue = w[_order(slot) + O_HALF] >> 1
    w[_order(slot) + O_PLACE] = w[LIVE_COUNT + venue]
    w[LIVE + venue * MOST_ORDERS + w[LIVE_COUNT + venue]] = slot
    w[LIVE_COUNT + venue] += 1


@_part
def _release(w: Longs, slot: Number) -> None:
    w[_order(slot) + O_NUMBER] = NOTHING
    w[FREE + w[FREE_COUNT]] = slot
    w[FREE_COUNT] += 1


@_part
def _forget(w: Longs, slot: Number) -> None:
    """Drop a displayed order that is gone; the last one that rests takes its place."""
    venue, place = w[_order(slot) + O_HALF] >> 1, w[_order(slot) + O_PLACE]
    w[LIVE_COUNT + venue] -= 1
    last = w[LIVE + venue * MOST_ORDERS + w[LIVE_COUNT + venue]]
    w[LIVE + venue * MOST_ORDERS + place] = last
    w[_order(last) + O_PLACE] = place
    _release(w, slot)


@_part
def _picked(w: Longs, venue: Number) -> Number:
    """The slot of a resting order, each as likely."""
    return w[LIVE + venue * MOST_ORDERS + np.int64(_uniform(w) * w[LIVE_COUNT + venue])]


# The tape ------------------------------------------------------------------------------------------------------------


@_part
def _begin(w: Longs, time: Number) -> None:
    """Start an event."""
    w[LAST], w[TIES], w[TOUCHED] = time, 0, MOST_LEVELS


@_part
def _write(w: Longs, rows: Longs, slot: Number, action: Number, act: Number) -> Number:
    """Write a row about the order in *slot* as it is now; what it was before and trades are left to the caller."""
    row, order = w[N_ROWS], _order(slot)
    half = w[order + O_HALF]
    rows[TIME, row], rows[TIE, row] = w[LAST], w[TIES]
    rows[VENUE, row], rows[SIDE, row] = half >> 1, 1 + (half & 1)
    rows[ACTION, row], rows[ACT, row] = action, act
    rows[ORDER, row], rows[OLD_ORDER, row], rows[ORIGINAL, row] = w[order + O_NUMBER], w[order + O_NUMBER], w[order + O_ORIGINAL]
    rows[PRICE, row], rows[SIZE, row] = w[order + O_KEY] * _sign(half), w[order + O_SIZE]
    rows[KIND, row], rows[PARENT, row], rows[HIDDEN_LEFT, row] = w[order + O_KIND], w[order + O_PARENT], w[order + O_HIDDEN]
    for column in (LEVEL, OLD_LEVEL, SIZE_AHEAD, ORDERS_AHEAD, EXECUTION_SIZE, OLD_SIZE, END, TAKER_SIDE, TAKER_RETAIL):
        rows[column, row] = 0
    for column in (OLD_PRICE, DEL_INDEX, ADD_INDEX, EXECUTION_PRICE, TRADE, LEFT, TAKER_PARENT, TAKER_KIND, TAKER_SIZE, BOOK):
        rows[column, row] = NOTHING
    w[N_ROWS] += 1
    w[TIES] += 1
    return row


@_part
def _levels(w: Longs, rows: Longs, row: Number, old_level: Number, level: Number) -> None:
    """Write the levels of a row, and note how near to the best the event came."""
    rows[OLD_LEVEL, row], rows[LEVEL, row] = old_level, level
    for each in (old_level, level):
        if each:
            w[TOUCHED] = min(w[TOUCHED], each)


@_part
def _gone(rows: Longs, row: Number, price: Number, size: Number) -> None:
    """Turn a row into one of an order that is gone."""
    rows[PRICE, row], rows[SIZE, row], rows[ORDER, row] = NOTHING, 0, NOTHING
    rows[OLD_PRICE, row], rows[OLD_SIZE, row] = price, size


@_part
def _end(w: Longs, rows: Longs, books: Ints, venue: Number) -> None:
    """End an event, and write the book if one of its ten best levels changed."""
    rows[END, w[N_ROWS] - 1] = 1
    if w[TOUCHED] > DEPTH:
        return
    book, before = w[N_BOOKS], w[LAST_BOOK + venue]
    changed = before == NOTHING
    for side in range(2):
        half, column = 2 * venue + side, 3 * DEPTH * side
        place = _end_of(w, half)
        known, sign = min(w[LEVEL_COUNT + half], DEPTH), _sign(half)
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


# What happens to orders ----------------------------------------------------------------------------------------------


@_part
def _place_order(w: Longs, rows: Longs, slot: Number, act: Number) -> None:
    """Put a new order, or the next peak of one, into the book and on the tape."""
    half, key = w[_order(slot) + O_HALF], w[_order(slot) + O_KEY]
    old_level = _level(w, half, key)
    _join(w, slot)
    size, count = _ahead(w, slot)
    row = _write(w, rows, slot, INSERT, act)
    rows[OLD_ORDER, row] = NOTHING
    _levels(w, rows, row, old_level, _level(w, half, key))
    rows[SIZE_AHEAD, row], rows[ORDERS_AHEAD, row], rows[ADD_INDEX, row] = size, count, count


@_part
def _insert(w: Longs, rows: Longs, books: Ints, half: Number, price: Number, size: Number, hidden: Number, kind: Number) -> Number:
    """Enter a displayed order, as the event that has begun; gives its slot."""
    slot = _new_order(w, half, price * _sign(half), size, hidden, kind)
    _show(w, slot)
    _place_order(w, rows, slot, ENTER)
    _end(w, rows, books, half >> 1)
    return slot


@_part
def _remove(w: Longs, rows: Longs, books: Ints, time: Number, slot: Number) -> None:
    """Cancel a displayed order."""
    _begin(w, time)
    half, key, old_size = w[_order(slot) + O_HALF], w[_order(slot) + O_KEY], w[_order(slot) + O_SIZE]
    old_level = _level(w, half, key)
    size, count = _ahead(w, slot)
    _leave(w, slot)
    row = _write(w, rows, slot, REMOVE, CANCEL)
    _gone(rows, row, key * _sign(half), old_size)
    rows[HIDDEN_LEFT, row] = 0
    _levels(w, rows, row, old_level, _level(w, half, key))
    rows[SIZE_AHEAD, row], rows[ORDERS_AHEAD, row], rows[DEL_INDEX, row] = size, count, count
    _forget(w, slot)
    _end(w, rows, books, half >> 1)


@_part
def _update(w: Longs, rows: Longs, books: Ints, time: Number, slot: Number, key: Number, size: Number, new_id: Number) -> None:
    """Give a displayed order a smaller size, or another price and the end of the queue there."""
    _begin(w, time)
    order = _order(slot)
    half, old_key, old_size, old_number = w[order + O_HALF], w[order + O_KEY], w[order + O_SIZE], w[order + O_NUMBER]
    old_level = _level(w, half, old_key)
    old_count = _ahead(w, slot)[1]
    if key == old_key:
        _resize(w, slot, size)
    else:
        _leave(w, slot)
        w[order + O_KEY] = key
        _join(w, slot)
        if new_id:
            _number(w, slot)
    ahead, count = _ahead(w, slot)
    row = _write(w, rows, slot, UPDATE, REDUCE if key == old_key else REPLACE)
    rows[OLD_PRICE, row], rows[OLD_SIZE, row], rows[OLD_ORDER, row] = old_key * _sign(half), old_size, old_number
    _levels(w, rows, row, old_level, _level(w, half, key))
    rows[SIZE_AHEAD, row], rows[ORDERS_AHEAD, row] = ahead, count
    rows[DEL_INDEX, row], rows[ADD_INDEX, row] = old_count, count
    _end(w, rows, books, half >> 1)


@_part
def _let_take(w: Longs, side: Number, parent: Number, kind: Number, size: Number, retail: Number) -> None:
    """Say whose order executes against resting ones from now on."""
    w[T_SIDE], w[T_PARENT], w[T_KIND], w[T_SIZE], w[T_RETAIL] = side, parent, kind, size, retail


@_part
def _deal(w: Longs, rows: Longs, row: Number, price: Number, filled: Number) -> None:
    """Write the execution of a row: the venue's current trade, and who took."""
    venue = rows[VENUE, row]
    rows[EXECUTION_PRICE, row], rows[EXECUTION_SIZE, row], rows[TRADE, row] = price, filled, w[TRADES + venue]
    rows[TAKER_SIDE, row], rows[TAKER_PARENT, row], rows[TAKER_KIND, row] = w[T_SIDE], w[T_PARENT], w[T_KIND]
    rows[TAKER_SIZE, row], rows[TAKER_RETAIL, row] = w[T_SIZE], w[T_RETAIL]
    w[LAST_PRICE + venue] = price


@_part
def _execute(w: Longs, rows: Longs, slot: Number, filled: Number, price: Number) -> None:
    """Execute *filled* of the first order of a half; an iceberg shows its next peak."""
    order = _order(slot)
    half, key, old_size = w[order + O_HALF], w[order + O_KEY], w[order + O_SIZE]
    size = max(old_size - filled, 0)
    w[order + O_HIDDEN] -= max(filled - old_size, 0)
    if size:
        _resize(w, slot, size)
    else:
        _leave(w, slot)
    row = _write(w, rows, slot, UPDATE if size else REMOVE, EXECUTE)
    if size:
        rows[OLD_PRICE, row], rows[OLD_SIZE, row], rows[ADD_INDEX, row] = key * _sign(half), old_size, 0
    else:
        _gone(rows, row, key * _sign(half), old_size)
    level = _level(w, half, key)
    _levels(w, rows, row, ONE, level)
    rows[DEL_INDEX, row] = 0
    rows[LEFT, row] = w[QUANTITIES + _end_of(w, half) - level] if level else 0
    _deal(w, rows, row, price, filled)
    if size == 0 and w[order + O_HIDDEN] > 0:
        w[order + O_SIZE] = min(w[order + O_PEAK], w[order + O_HIDDEN])
        w[order + O_HIDDEN] -= w[order + O_SIZE]
        _number(w, slot)
        w[order + O_ORIGINAL] = w[order + O_NUMBER]
        _place_order(w, rows, slot, REFILL)
    elif size == 0:
        _forget(w, slot)


@_part
def _best_hidden(w: Longs, half: Number) -> Number:
    """Place of the hidden order with the best price, and its key; one at the mid moves with it."""
    best, found = -NEVER, NOTHING
    for place in range(half * MOST_HIDDEN, half * MOST_HIDDEN + w[HIDDEN_COUNT + half]):
        order = _order(w[HIDDEN_ORDERS + place])
        key = w[order + O_KEY]
        if w[order + O_KIND] == MIDPOINT:
            bid, ask = _best(w, half & ~1), _best(w, half | 1)
            key = -NEVER if min(bid, ask) == NOTHING else _sign(half) * ((bid + ask) // 2)
        if key > best:
            best, found = key, place
    return found, best


@_part
def _drop_hidden(w: Longs, half: Number, place: Number) -> None:
    slot = w[HIDDEN_ORDERS + place]
    w[HIDDEN_COUNT + half] -= 1
    for other in range(place, half * MOST_HIDDEN + w[HIDDEN_COUNT + half]):
        w[HIDDEN_ORDERS + other] = w[HIDDEN_ORDERS + other + 1]
    _release(w, slot)


@_part
def _hide(w: Longs, rows: Longs, time: Number, half: Number, price: Number, size: Number, kind: Number) -> None:
    """Enter an order that is never shown: an act that only the truth knows."""
    _begin(w, time)
    slot = _new_order(w, half, price * _sign(half), NONE, size, kind)
    w[HIDDEN_ORDERS + half * MOST_HIDDEN + w[HIDDEN_COUNT + half]] = slot
    w[HIDDEN_COUNT + half] += 1
    row = _write(w, rows, slot, UNSEEN, ENTER)
    rows[OLD_ORDER, row], rows[END, row] = NOTHING, 1


@_part
def _unhide(w: Longs, rows: Longs, time: Number, half: Number, place: Number) -> None:
    """Cancel an order that is never shown."""
    _begin(w, time)
    row = _write(w, rows, w[HIDDEN_ORDERS + place], UNSEEN, CANCEL)
    rows[HIDDEN_LEFT, row], rows[END, row] = 0, 1
    _drop_hidden(w, half, place)


@_part
def _execute_hidden(w: Longs, rows: Longs, half: Number, place: Number, filled: Number, price: Number) -> None:
    """Execute *filled* of a hidden order; the displayed book stays as it is."""
    order = _order(w[HIDDEN_ORDERS + place])
    w[order + O_HIDDEN] -= filled
    row = _write(w, rows, w[HIDDEN_ORDERS + place], HIDDEN_FILL, EXECUTE)
    rows[PRICE, row] = NOTHING
    _deal(w, rows, row, price, filled)
    if w[order + O_HIDDEN] == 0:
        _drop_hidden(w, half, place)


@_part
def _sweep(w: Longs, rows: Longs, books: Ints, time: Number, half: Number, limit: Number, size: Number) -> None:
    """Execute the taker's order against *half*, up to the price *limit*; what cannot execute is cancelled."""
    venue, sign, fills = half >> 1, _sign(half), 0
    while size > 0 and fills < MOST_FILLS:
        place, hidden_key = _best_hidden(w, half)
        key = w[KEYS + _end_of(w, half) - 1] if w[LEVEL_COUNT + half] else -NEVER
        if max(key, hidden_key) < limit * sign:
            break
        if fills == 0:
            _begin(w, time)
        w[TRADES + venue] += 1
        if hidden_key > key:
            filled = min(size, w[_order(w[HIDDEN_ORDERS + place]) + O_HIDDEN])
            _execute_hidden(w, rows, half, place, filled, hidden_key * sign)
        else:
            slot = w[HEADS + _end_of(w, half) - 1]
            unseen = w[_order(slot) + O_HIDDEN] if w[STYLE + venue] & THROUGH else 0
            filled = min(size, w[_order(slot) + O_SIZE] + unseen)
            _execute(w, rows, slot, filled, key * sign)
        size -= filled
        fills += 1
    if fills:
        _end(w, rows, books, venue)


# Auctions ------------------------------------------------------------------------------------------------------------


@_part
def _clearing(w: Longs, venue: Number, reference: Number) -> Number:
    """The price at which most trades, what trades, and what is bought less what is sold there.

    Among prices at which as much trades: least left over, then nearest to *reference*, then lowest.
    """
    bids, asks = 2 * venue, 2 * venue + 1
    bid, ask = _best(w, bids), _best(w, asks)
    best, paired, surplus = NOTHING, -1, 0
    if min(bid, ask) == NOTHING or bid < ask:
        return best, 0, surplus
    bought, sold = 0, 0
    low, high = _find(w, bids, ask), _end_of(w, asks) - 1
    for place in range(low, _end_of(w, bids)):
        bought += w[QUANTITIES + place]
    for price in range(ask, bid + 1, w[TICK + venue]):
        while w[KEYS + low] < price:
            bought -= w[QUANTITIES + low]
            low += 1
        while high >= asks * MOST_LEVELS and -w[KEYS + high] <= price:
            sold += w[QUANTITIES + high]
            high -= 1
        volume, left = min(bought, sold), abs(bought - sold)
        nearer = abs(price - reference) < abs(best - reference)
        if volume > paired or (volume == paired and (left < abs(surplus) or (left == abs(surplus) and nearer))):
            best, paired, surplus = price, volume, bought - sold
    return best, paired, surplus


@_part
def _uncross(w: Longs, rows: Longs, books: Ints, time: Number, venue: Number, reference: Number) -> None:
    """Trade everything that can trade at the clearing price, one trade a microsecond."""
    price = _clearing(w, venue, reference)[0]
    _let_take(w, NONE, NOTHING, NOTHING, NOTHING, NONE)
    bids, asks = 2 * venue, 2 * venue + 1
    while price != NOTHING and w[LEVEL_COUNT + bids] and w[LEVEL_COUNT + asks] and _best(w, bids) >= price >= _best(w, asks):
        bid, ask = w[HEADS + _end_of(w, bids) - 1], w[HEADS + _end_of(w, asks) - 1]
        filled = min(w[_order(bid) + O_SIZE], w[_order(ask) + O_SIZE])
        w[TRADES + venue] += 1
        _begin(w, time)
        _execute(w, rows, bid, filled, price)
        _execute(w, rows, ask, filled, price)
        _end(w, rows, books, venue)
        time += 1
        if w[N_ROWS] + ROWS_AN_EVENT > rows.shape[1] or w[N_BOOKS] + 2 > books.shape[0]:
            return


@_part
def _announce(w: Longs, calls: Longs, time: Number, venue: Number, reference: Number) -> None:
    """Write what the auction would do now."""
    price, paired, surplus = _clearing(w, venue, reference)
    entry = w[N_CALLS]
    calls[0, entry], calls[1, entry], calls[2, entry], calls[3, entry], calls[4, entry] = time, venue, price, paired, surplus
    calls[5, entry], calls[6, entry], calls[7, entry] = w[LAST_PRICE + venue], _best(w, 2 * venue), _best(w, 2 * venue + 1)
    w[N_CALLS] += 1


@_part
def _call(w: Longs, f: Floats, rows: Longs, books: Ints, time: Number, venue: Number, fair: Number) -> None:
    """Somebody enters an order for the auction, or thinks again; makers set up a book around the fair price."""
    tick, count = w[TICK + venue], w[LIVE_COUNT + venue]
    if w[STATE + venue] == CALL and count > 40 and _uniform(w) < 0.08:
        _remove(w, rows, books, time, _picked(w, venue))
        return
    half = 2 * venue + np.int64(_uniform(w) * 2)
    if w[FREE_COUNT] == 0 or w[LEVEL_COUNT + half] == MOST_LEVELS:
        return
    price = np.int64(fair / tick + 0.5) * tick
    if _uniform(w) < f[MIX + venue]:
        price -= _sign(half) * tick * (1 + np.int64(_uniform(w) * 16))
    else:
        price += np.int64(round((_uniform(w) + _uniform(w) + _uniform(w) - 1.5) * 14.0)) * tick
    kind = AUCTION if w[STATE + venue] == CALL else LIMIT
    _begin(w, time)
    _insert(w, rows, books, half, max(price, tick), 2 * w[SIZES + np.int64(_uniform(w) * DRAWS)], NONE, kind)


# Continuous trading --------------------------------------------------------------------------------------------------


@_part
def _outside_best(w: Longs, venue: Number, side: Number) -> Number:
    """Best price of a side over the other venues that trade; `NOTHING` without any."""
    best = NOTHING
    for other in range(w[VENUES]):
        price = _best(w, 2 * other + side)
        if other != venue and w[STATE + other] == CONTINUOUS and price != NOTHING:
            better = best == NOTHING or (price > best if side == 0 else price < best)
            best = price if better else best
    return best


@_part
def _passive_price(w: Longs, half: Number, fair: Number, careless: Number) -> Number:
    """A price near the fair one that would not execute: on its venue, and for the careful on others."""
    venue, tick, sign = half >> 1, w[TICK + (half >> 1)], _sign(half)
    offset = w[OFFSETS + np.int64(_uniform(w) * DRAWS)]
    price = (np.int64(fair / tick - 0.5) - offset if sign > 0 else np.int64(fair / tick + 1.5) + offset) * tick
    found, hidden_key = _best_hidden(w, half ^ 1)
    others = NOTHING if careless else _outside_best(w, venue, (half ^ 1) & 1)
    for wall in (_best(w, half ^ 1), others, NOTHING if found == NOTHING else -hidden_key * sign):
        if wall != NOTHING and (price - wall) * sign >= 0:
            inside = wall - sign
            price = inside // tick * tick if sign > 0 else -(-inside // tick) * tick
    return price


@_part
def _enter_order(w: Longs, f: Floats, rows: Longs, books: Ints, time: Number, half: Number, fair: Number) -> None:
    """Enter an order of some kind."""
    venue = half >> 1
    price = _passive_price(w, half, fair, np.int64(_uniform(w) < f[CARELESS]))
    size, choice = w[SIZES + np.int64(_uniform(w) * DRAWS)], _uniform(w)
    if price < w[TICK + venue] or w[FREE_COUNT] == 0 or w[LEVEL_COUNT + half] == MOST_LEVELS:
        return
    _begin(w, time)
    if choice < f[PEGGING]:
        both = w[LEVEL_COUNT + half] > 0 and w[LEVEL_COUNT + (half ^ 1)] > 0
        if both and w[HIDDEN_COUNT + (half ^ 1)] == 0 and w[HIDDEN_COUNT + half] < MOST_HIDDEN:
            has_price = choice < f[HIDING]
            _hide(w, rows, time, half, price if has_price else NONE, 2 * size, HIDDEN if has_price else MIDPOINT)
    elif choice < f[SLICING]:
        _insert(w, rows, books, half, price, size, size * (2 + np.int64(_uniform(w) * 8)), ICEBERG)
    elif choice < f[FLEETING_SHARE]:
        slot = _insert(w, rows, books, half, price, size, NONE, FLEETING)
        _wait_to_cancel(w, time + 1_000 + _waiting(w, 1.0 / 15_000.0), venue, slot)
    else:
        _insert(w, rows, books, half, price, size, NONE, LIMIT)


@_part
def _wait_to_cancel(w: Longs, time: Number, venue: Number, slot: Number) -> None:
    """Let the order in *slot* be cancelled at *time*."""
    if w[PENDING_COUNT] < MOST_PENDING:
        entry = PENDING + w[PENDING_COUNT] * P_FIELDS
        w[entry + P_TIME], w[entry + P_VENUE], w[entry + P_TAKES] = time, venue, 0
        w[entry + P_SIZE], w[entry + P_PARENT] = slot, w[_order(slot) + O_NUMBER]
        w[PENDING_COUNT] += 1


@_part
def _interest(w: Longs, half: Number, limit: Number) -> Number:
    """Displayed size of the five best levels up to the price *limit*; 0 while the venue does not trade."""
    total = 0
    if w[STATE + (half >> 1)] == CONTINUOUS:
        for place in range(_end_of(w, half) - min(w[LEVEL_COUNT + half], 5), _end_of(w, half)):
            if w[KEYS + place] >= limit * _sign(half):
                total += w[QUANTITIES + place]
    return total


@_part
def _send_everywhere(
    w: Longs, time: Number, venue: Number, side: Number, limit: Number, size: Number, parent: Number, retail: Number
) -> None:
    """Split an incoming order over the venues that trade, by what they show; each part arrives when it arrives."""
    total, sent = 1, 0
    for other in range(w[VENUES]):
        total += _interest(w, 2 * other + side, limit)
    for step in range(w[VENUES]):
        other = (venue + 1 + step) % w[VENUES]
        part = size - sent if other == venue else size * _interest(w, 2 * other + side, limit) // total
        if part > 0 and w[PENDING_COUNT] < MOST_PENDING:
            entry = PENDING + w[PENDING_COUNT] * P_FIELDS
            w[entry + P_TIME], w[entry + P_VENUE] = time + w[LATENCY + other], other
            w[entry + P_TAKES], w[entry + P_SIDE], w[entry + P_LIMIT], w[entry + P_SIZE] = 1, side, limit, part
            w[entry + P_PARENT], w[entry + P_TOTAL], w[entry + P_RETAIL] = parent, size, retail
            w[PENDING_COUNT] += 1
            sent += part


@_part
def _take(w: Longs, f: Floats, rows: Longs, books: Ints, time: Number, venue: Number, side: Number, limit: Number) -> None:
    """Somebody takes from *side* (0 bids, 1 asks), here or on all venues at once."""
    retail = np.int64(_uniform(w) < f[RETAIL])
    size = w[SIZES + np.int64(_uniform(w) * DRAWS)]
    w[PARENTS] += 1
    if w[VENUES] > 1 and _uniform(w) < f[SWEEPING]:
        _send_everywhere(w, time, venue, side, limit, 3 * size, w[PARENTS], retail)
    else:
        _let_take(w, 2 - side, w[PARENTS], MARKETABLE, size, retail)
        _sweep(w, rows, books, time, 2 * venue + side, limit, size)


@_part
def _choose_side_and_take(w: Longs, f: Floats, rows: Longs, books: Ints, time: Number, venue: Number, fair: Number) -> None:
    """Take, rather towards the fair price than away from it; never without end past it."""
    bid, ask = _best(w, 2 * venue), _best(w, 2 * venue + 1)
    lean = (fair - (bid + ask) / 2) / UNITS_PER_TICK * f[LEAN]
    reach = f[REACH] * UNITS_PER_TICK
    if _uniform(w) < 0.5 + min(max(lean, -0.45), 0.45):
        _take(w, f, rows, books, time, venue, ONE, max(np.int64(fair + reach), ask))
    else:
        _take(w, f, rows, books, time, venue, NONE, max(min(np.int64(fair - reach), bid), 1))


@_part
def _cancel_something(w: Longs, rows: Longs, books: Ints, time: Number, venue: Number, fair: Number) -> None:
    """Cancel an order whose price the fair one has passed, or any; now and then one that nobody sees."""
    choice = _uniform(w)
    for half in (2 * venue, 2 * venue + 1):
        if choice < 0.08 and w[HIDDEN_COUNT + half]:
            _unhide(w, rows, time, half, half * MOST_HIDDEN)
            return
    slot = _picked(w, venue)
    for half in (2 * venue, 2 * venue + 1):
        if choice < 0.5 and (_best(w, half) - fair) * _sign(half) > 0:
            slot = w[HEADS + _end_of(w, half) - 1]
    _remove(w, rows, books, time, slot)


@_part
def _change_something(w: Longs, rows: Longs, books: Ints, time: Number, venue: Number, fair: Number) -> None:
    """Halve an order, or give it another price."""
    slot = _picked(w, venue)
    order = _order(slot)
    half, key, size = w[order + O_HALF], w[order + O_KEY], w[order + O_SIZE]
    if _uniform(w) < 0.4:
        if size > 1 and w[order + O_HIDDEN] == 0:
            _update(w, rows, books, time, slot, key, size // 2, NONE)
        return
    price = _passive_price(w, half, fair, NONE)
    if price >= w[TICK + venue] and price * _sign(half) != key and w[LEVEL_COUNT + half] < MOST_LEVELS:
        _update(w, rows, books, time, slot, price * _sign(half), size, w[STYLE + venue] & NEW_IDS)


@_part
def _act(w: Longs, f: Floats, rows: Longs, books: Ints, time: Number, venue: Number, fair: Number) -> None:
    """One decision of one participant of a venue that trades."""
    bid, ask = _best(w, 2 * venue), _best(w, 2 * venue + 1)
    if min(bid, ask) == NOTHING:
        _enter_order(w, f, rows, books, time, 2 * venue + (bid != NOTHING), fair)
        return
    higher, lower = _outside_best(w, venue, NONE), _outside_best(w, venue, ONE)
    choice = _uniform(w)
    if higher != NOTHING and higher > ask:
        _take(w, f, rows, books, time, venue, ONE, higher)
    elif lower != NOTHING and lower < bid:
        _take(w, f, rows, books, time, venue, NONE, lower)
    elif choice < f[TAKING]:
        _choose_side_and_take(w, f, rows, books, time, venue, fair)
    elif choice < f[CHANGING]:
        _change_something(w, rows, books, time, venue, fair)
    elif _uniform(w) * (w[LIVE_COUNT + venue] + f[PATIENCE]) < f[PATIENCE]:
        _enter_order(w, f, rows, books, time, 2 * venue + np.int64(_uniform(w) * 2), fair)
    else:
        _cancel_something(w, rows, books, time, venue, fair)


@_part
def _do_pending(w: Longs, rows: Longs, books: Ints, time: Number, number: Number) -> None:
    """Do what was pending: an order that arrives, or the end of one that was meant to be fleeting."""
    entry, last = PENDING + number * P_FIELDS, PENDING + (w[PENDING_COUNT] - 1) * P_FIELDS
    venue, takes, side, limit = w[entry + P_VENUE], w[entry + P_TAKES], w[entry + P_SIDE], w[entry + P_LIMIT]
    size, parent, total, retail = w[entry + P_SIZE], w[entry + P_PARENT], w[entry + P_TOTAL], w[entry + P_RETAIL]
    for field in range(P_FIELDS):
        w[entry + field] = w[last + field]
    w[PENDING_COUNT] -= 1
    if w[STATE + venue] != CONTINUOUS:
        return
    if takes:
        _let_take(w, 2 - side, parent, SWEEP, total, retail)
        _sweep(w, rows, books, time, 2 * venue + side, limit, size)
    elif w[_order(size) + O_NUMBER] == parent and w[_order(size) + O_HALF] >> 1 == venue:
        _remove(w, rows, books, time, size)


# The loop ------------------------------------------------------------------------------------------------------------


@_part
def _fair_at(f: Floats, time: Number) -> Number:
    second = time // 1_000_000
    return f[FAIR + second] + (f[FAIR + second + 1] - f[FAIR + second]) * (time / 1_000_000 - second)


@_part
def _next_step(w: Longs, f: Floats, time: Number, venue: Number) -> Number:
    """When somebody at *venue* decides next."""
    rate = f[RATE + venue]
    if w[STATE + venue] == CONTINUOUS:
        if _uniform(w) < f[FOLLOWING]:
            return time + _waiting(w, 1.0 / 300.0)
        rate *= f[INTENSITY + time // 1_000_000] * (1.0 - f[FOLLOWING])
    return time + _waiting(w, rate)


@_part
def _change_phase(w: Longs, f: Floats, rows: Longs, books: Ints, calls: Longs, phases: Longs, settings: Floats, number: Number) -> None:
    """Begin a phase of a venue: *phases* has time, venue, state and gap of messages, *settings* rate and mix."""
    time, venue, state = phases[0, number], phases[1, number], phases[2, number]
    if state == UNCROSS:
        _announce(w, calls, time, venue, _fair_at(f, time))
        _uncross(w, rows, books, max(time, w[LAST]) + 1, venue, _fair_at(f, time))
        state = IDLE
    elif w[STATE + venue] == CONTINUOUS and state != CONTINUOUS:
        for half in (2 * venue, 2 * venue + 1):
            while w[HIDDEN_COUNT + half]:
                _unhide(w, rows, max(time - 2 * MOST_HIDDEN - 2, w[LAST]) + 1, half, half * MOST_HIDDEN)
    w[STATE + venue], w[GAP + venue] = state, phases[3, number]
    f[RATE + venue], f[MIX + venue] = settings[0, number], settings[1, number]
    w[STEP + venue] = _next_step(w, f, time, venue)
    w[MESSAGE + venue] = time + w[GAP + venue] if state == CALL else NEVER


@_part
def _first(w: Longs, field: Number) -> Number:
    """The venue whose *field* is least."""
    found = 0
    for venue in range(1, w[VENUES]):
        found = venue if w[field + venue] < w[field + found] else found
    return found


@_part
def _first_pending(w: Longs) -> Number:
    """The pending act that comes first, and its time."""
    found, time = NOTHING, NEVER
    for number in range(w[PENDING_COUNT]):
        if w[PENDING + number * P_FIELDS + P_TIME] < time:
            found, time = number, w[PENDING + number * P_FIELDS + P_TIME]
    return found, time


@njit(cache=True, nogil=True, error_model="numpy")
def run(w: Longs, f: Floats, phases: Longs, settings: Floats, rows: Longs, books: Ints, calls: Longs) -> Number:
    """Let the day happen; true when the tape was long enough.

    Args:
        w, f: The world at its beginning, as the places above say; they change.
        phases, settings: Whole and float fields of each phase, in order of time; see `_change_phase`.
        rows, books, calls: The tape. Afterwards `w` says how many entries of each were written.
    """
    phase, count = NONE, phases.shape[1]
    while w[N_ROWS] + 2 * ROWS_AN_EVENT < rows.shape[1] and w[N_BOOKS] + 2 < books.shape[0] and w[N_CALLS] + 2 < calls.shape[1]:
        number, pending = _first_pending(w)
        venue, caller = _first(w, STEP), _first(w, MESSAGE)
        boundary = phases[0, phase] if phase < count else NEVER
        time = min(boundary, pending, w[STEP + venue], w[MESSAGE + caller])
        if time == NEVER:
            return True
        now = max(time, w[LAST] + 1)
        if boundary <= now:
            _change_phase(w, f, rows, books, calls, phases, settings, phase)
            phase += 1
        elif w[MESSAGE + caller] == time:
            _announce(w, calls, time, caller, _fair_at(f, time))
            w[MESSAGE + caller] = time + w[GAP + caller]
        elif pending == time:
            _do_pending(w, rows, books, now, number)
        else:
            fair = _fair_at(f, now)
            if w[STATE + venue] == CONTINUOUS:
                _act(w, f, rows, books, now, venue, fair)
            else:
                _call(w, f, rows, books, now, venue, fair)
            w[STEP + venue] = _next_step(w, f, time, venue)
    return False
