"""Continuous trading: orders that come in, change, leave, and take each other.

Each step of the flow is one decision of one participant. What it decides depends on draws made
beforehand, on the fair price and on the book.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np

from basalt.synthetic.book import ASK, BID, Book
from basalt.synthetic.market import Listing
from basalt.synthetic.phases import CLOSE_SECOND, MICROS, OPEN_SECOND, Schedule
from basalt.synthetic.prices import FairPrice, intensity
from basalt.synthetic.randomness import Stream, generator

RETAIL = 1


@dataclass(frozen=True)
class Habits:
    """How participants behave.

    Attributes:
        steps: Decisions a day in a listing of activity 1.
        follow: Share of decisions that answer another one within a fraction of a millisecond.
        taking, changing: Shares of decisions that take liquidity or change an order; the rest
            enters or cancels.
        depth: Number of resting orders that entering and cancelling balance around.
        lean: How much the choice of the taker's side follows the fair price, per tick.
        reach: Ticks past the fair price up to which a taker follows.
        retail: Share of takers that are retail investors.
        order_eur: Typical value of an order.
    """

    steps: int = 8_000
    follow: float = 0.3
    taking: float = 0.24
    changing: float = 0.14
    depth: int = 160
    lean: float = 0.12
    reach: int = 5
    retail: float = 0.08
    order_eur: float = 5_000.0


HABITS = Habits()


class Step(NamedTuple):
    """The draws of one decision: when, fair price in ticks, and numbers in [0, 1)."""

    time: int
    fair: float
    choice: float
    side: float
    pick: float
    offset: int
    size: int
    is_retail: bool


def typical_size(listing: Listing, habits: Habits = HABITS) -> float:
    """Shares of a typical order."""
    return max(habits.order_eur / (listing.instrument.base_price * listing.instrument.currency.eur), 4.0)


def order_sizes(random: np.random.Generator, typical: float, count: int) -> np.ndarray:
    """Sizes around *typical*, at least one share; half of the larger ones in round lots."""
    raw = np.maximum(np.rint(typical * random.lognormal(-0.3, 0.8, count)), 1).astype(np.int64)
    is_round = (random.random(count) < 0.5) & (raw >= 100)
    return np.where(is_round, raw // 100 * 100, raw)


def draw_steps(listing: Listing, day: date, schedule: Schedule, fair: FairPrice, *, seed: int, scale: float) -> Iterator[Step]:
    """The steps of a listing-day, in order of time, all within continuous trading."""
    random = generator(seed, Stream.FLOW, listing.number, day)
    times = _step_times(random, HABITS.steps * listing.activity * scale)
    times = times[schedule.is_continuous_at(times) & schedule.is_continuous_at(times - 1)]
    count = times.size
    columns = (
        times,
        fair.at(times) / listing.instrument.tick.size,
        random.random(count),
        random.random(count),
        random.random(count),
        _offsets(random, count),
        order_sizes(random, typical_size(listing), count),
        random.random(count) < HABITS.retail,
    )
    return map(Step._make, zip(*(column.tolist() for column in columns), strict=True))


def _step_times(random: np.random.Generator, expected: float) -> np.ndarray:
    """Distinct times, dense after the open and before the close, some right after another."""
    seconds = np.linspace(OPEN_SECOND, CLOSE_SECOND, 512)
    density = intensity(seconds)
    mass = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    leaders = np.interp(random.random(random.poisson(expected * (1 - HABITS.follow))), mass / mass[-1], seconds * MICROS)
    followed = leaders[random.random(leaders.size) < HABITS.follow / (1 - HABITS.follow)] if leaders.size else leaders
    followers = followed + random.exponential(300.0, followed.size)
    times = np.sort(np.concatenate([leaders, followers]).astype(np.int64))
    places = np.arange(times.size)
    return np.asarray(np.maximum.accumulate(times - places) + places)


def _offsets(random: np.random.Generator, count: int) -> np.ndarray:
    """Ticks between a new order and the best it could have: mostly few, sometimes many."""
    near = random.geometric(0.3, count) - 1
    far = random.integers(0, 24, count)
    return np.where(random.random(count) < 0.25, far, near)


def act(book: Book, step: Step, habits: Habits = HABITS) -> None:
    """Let the participant of *step* decide and change *book*."""
    bids, asks = book.halves[BID], book.halves[ASK]
    if bids.is_empty or asks.is_empty:
        _enter(book, step, BID if bids.is_empty else ASK)
    elif step.choice < habits.taking:
        _take(book, step, habits)
    elif step.choice < habits.taking + habits.changing:
        _change(book, step)
    elif step.pick * (book.live + habits.depth) < habits.depth:
        _enter(book, step, BID if step.side < 0.5 else ASK)
    else:
        _cancel(book, step)


def _take(book: Book, step: Step, habits: Habits) -> None:
    mid = (book.halves[BID].best + book.halves[ASK].best) / 2
    leaning = min(max((step.fair - mid) * habits.lean, -0.45), 0.45)
    tag = RETAIL if step.is_retail else 0
    if step.side < 0.5 + leaning:
        limit = max(int(step.fair) + habits.reach, book.halves[ASK].best)
        book.sweep(step.time, ASK, step.size, limit=limit, tag=tag)
    else:
        limit = min(int(step.fair) - habits.reach, book.halves[BID].best)
        book.sweep(step.time, BID, step.size, limit=max(limit, 1), tag=tag)


def _passive_tick(book: Book, step: Step, side: int) -> int:
    """A price near the fair one, on the passive side of the other side's best."""
    other = book.halves[ASK if side == BID else BID]
    if side == BID:
        tick = int(step.fair - 0.5) - step.offset
        return max(tick if other.is_empty else min(tick, other.best - 1), 1)
    tick = int(step.fair + 1.5) + step.offset
    return tick if other.is_empty else max(tick, other.best + 1)


def _enter(book: Book, step: Step, side: int) -> None:
    tick = _passive_tick(book, step, side)
    if side == BID and not book.halves[ASK].is_empty and tick >= book.halves[ASK].best:
        return
    book.insert(step.time, side, tick, step.size)


def _stale_order(book: Book, fair: float) -> int | None:
    """The first order of a side whose best price the fair price has passed."""
    bids, asks = book.halves[BID], book.halves[ASK]
    if not asks.is_empty and asks.best < fair:
        return asks.first()[1]
    if not bids.is_empty and bids.best > fair:
        return bids.first()[1]
    return None


def _cancel(book: Book, step: Step) -> None:
    stale = _stale_order(book, step.fair) if step.side < 0.5 else None
    book.remove(step.time, stale or book.pick(step.side))


def _change(book: Book, step: Step) -> None:
    order = book.pick(step.pick)
    half, key = book.resting[order]
    if step.side < 0.4:
        smaller = half.queues[key][order] // 2
        if smaller:
            book.shrink(step.time, order, smaller)
        return
    tick = _passive_tick(book, step, half.side)
    if tick * half.sign != key:
        book.move(step.time, order, tick)
