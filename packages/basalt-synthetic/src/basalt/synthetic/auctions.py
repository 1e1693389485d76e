"""Call auctions: orders collect, then trade at one price."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from basalt.synthetic.book import ASK, BID, NO_LEVEL, Book, HalfBook
from basalt.synthetic.flow import order_sizes
from basalt.synthetic.tape import DEPTH

LADDER_ORDERS = 80
EAGER_ORDERS = 36
LADDER_TICKS = 16
EAGER_TICKS = 4.0
BEFORE_UNCROSS = 5_000
"""Microseconds between the uncross and the next phase; one trade a microsecond."""


@dataclass(frozen=True)
class CallOrders:
    """Orders of a call phase: times, sides, ticks from the fair price, sizes."""

    times: np.ndarray
    sides: np.ndarray
    offsets: np.ndarray
    sizes: np.ndarray


def draw_ladder(random: np.random.Generator, start: int, end: int, typical: float, count: int = LADDER_ORDERS) -> CallOrders:
    """Patient orders below and above the fair price: the depth of the book."""
    sides = np.where(np.arange(count) % 2 == 0, BID, ASK)
    distances = 1 + (np.arange(count) // 2) % LADDER_TICKS
    order = random.permutation(count)
    offsets = np.where(sides == BID, -distances, distances)
    return CallOrders(_call_times(random, start, end, count), sides[order], offsets[order], order_sizes(random, 2 * typical, count))


def draw_eager(random: np.random.Generator, start: int, end: int, typical: float, count: int = EAGER_ORDERS) -> CallOrders:
    """Orders around the fair price that want to trade in the auction."""
    sides = random.integers(BID, ASK + 1, count)
    offsets = np.rint(random.normal(0.0, EAGER_TICKS, count)).astype(np.int64)
    return CallOrders(_call_times(random, start, end, count), sides, offsets, order_sizes(random, 3 * typical, count))


def _call_times(random: np.random.Generator, start: int, end: int, count: int) -> np.ndarray:
    return np.sort(random.choice(end - start, count, replace=False)) + start


def enter_all(book: Book, orders: CallOrders, fair: int) -> None:
    """Enter the orders, priced from the tick *fair*."""
    rows = zip(orders.times.tolist(), orders.sides.tolist(), orders.offsets.tolist(), orders.sizes.tolist(), strict=True)
    for time, side, offset, size in rows:
        book.insert(time, side, max(fair + offset, 1), size)


def uncross(book: Book, time: int, reference: float) -> None:
    """Trade everything that can trade at the auction price, one trade a microsecond from *time*."""
    tick = uncrossing_tick(book, reference)
    if tick is None:
        return
    bids, asks = book.halves[BID], book.halves[ASK]
    while not bids.is_empty and not asks.is_empty and bids.best >= tick >= asks.best:
        book.match(time, tick)
        time += 1


def uncrossing_tick(book: Book, reference: float) -> int | None:
    """The price at which most trades: then least is left over, then nearest to *reference*, then lowest.

    None when the book is not crossed.
    """
    bids, asks = book.halves[BID], book.halves[ASK]
    if bids.is_empty or asks.is_empty or bids.best < asks.best:
        return None

    def merit(tick: int) -> tuple[int, int, float, int]:
        bought, sold = _interest(bids, tick), _interest(asks, tick)
        return (-min(bought, sold), abs(bought - sold), abs(tick - reference), tick)

    return min(range(asks.best, bids.best + 1), key=merit)


def _interest(half: HalfBook, tick: int) -> int:
    """Quantity that would trade at *tick*."""
    worst = min(tick * half.sign, NO_LEVEL - 1)
    levels = zip(half.keys[:-DEPTH], half.sizes[:-DEPTH], strict=True)
    return sum(size for key, size in levels if key <= worst)
