"""The world of the event loop: what stands where in its arrays, and what codes mean.

All that changes lives in one array of whole numbers, `w`, and one of floats, `f`: passing many arrays
on costs more than the work.

Prices are whole units of a twentieth of the home venue's tick, times whole microseconds after midnight
UTC, venues numbers from 0, the home venue first. A book half is number `2 * venue` (bids) or `2 * venue
+ 1` (asks); its levels are sorted with the best one last, by a key that grows as the price gets better:
the price of a bid, minus that of an ask. No two events of an instrument share a time; rows of one do.
"""

from __future__ import annotations

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
(SECOND, TIE, VENUE, SIDE, ACTION, ACT, ORDER, OLD_ORDER, ORIGINAL, PRICE, SIZE, OLD_PRICE, OLD_SIZE) = range(13)
(LEVEL, OLD_LEVEL, SIZE_AHEAD, ORDERS_AHEAD, DEL_INDEX, ADD_INDEX, EXECUTION_PRICE, EXECUTION_SIZE, TRADE, LEFT) = range(13, 23)
(KIND, PARENT, HIDDEN_LEFT, TAKER_SIDE, TAKER_PARENT, TAKER_KIND, TAKER_SIZE, TAKER_RETAIL, END, BOOK, MICRO, COLUMNS) = range(23, 35)
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
(N_ROWS, N_BOOKS, N_CALLS, LAST, TIES, TOUCHED, PARENTS, PENDING_COUNT, FREE_COUNT, RANDOM, VENUES, FAIR_SEED) = range(12)
(T_SIDE, T_PARENT, T_KIND, T_SIZE, T_RETAIL) = range(12, 17)
(TICK, LATENCY, STYLE, STATE, GAP, ENTERED, TRADES, LAST_PRICE, LAST_BOOK, LIVE_COUNT, STEP, MESSAGE) = range(17, 17 + 12 * MOST_VENUES, 4)
(LEVEL_COUNT, HIDDEN_COUNT) = (65, 73)
KEYS, QUANTITIES, COUNTS, HEADS, TAILS = (81 + each * MOST_LEVELS * 2 * MOST_VENUES for each in range(5))
ORDERS = 81 + 5 * MOST_LEVELS * 2 * MOST_VENUES
(O_KEY, O_SIZE, O_HIDDEN, O_PEAK, O_KIND, O_PARENT, O_NUMBER, O_ORIGINAL, O_HALF, O_BEFORE, O_AFTER, O_PLACE, O_FIELDS) = range(13)
FREE = ORDERS + MOST_ORDERS * O_FIELDS
LIVE = FREE + MOST_ORDERS
HIDDEN_ORDERS = LIVE + MOST_ORDERS * MOST_VENUES
PENDING = HIDDEN_ORDERS + MOST_HIDDEN * 2 * MOST_VENUES
(P_TIME, P_VENUE, P_TAKES, P_SIDE, P_LIMIT, P_SIZE, P_PARENT, P_TOTAL, P_RETAIL, P_FIELDS) = range(10)
SIZES = PENDING + MOST_PENDING * P_FIELDS
OFFSETS = SIZES + DRAWS
WHOLE_NUMBERS = OFFSETS + DRAWS

# Places in `f`: habits, then fields of venues.
(TAKING, CHANGING, PATIENCE, LEAN, REACH, RETAIL, SWEEPING, HIDING, PEGGING, SLICING, FLEETING_SHARE, FOLLOWING, CARELESS) = range(13)
(BASE, VOLATILITY) = (13, 14)
(RATE, MIX) = (16, 20)
FLOATS = 32

_ALONE: Any = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": False}
part: Any = njit(nogil=True, error_model="numpy", **_ALONE)
"""Compile a part of the event loop for its callers alone: only `kernel.run` is called from outside and kept in the cache."""
