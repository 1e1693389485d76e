"""The book of a listing-day as rows, and the best quotes of it at any time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from basalt.synthetic.book import ASK, BID, NO_LEVEL
from basalt.synthetic.clocks import nanos_of_day
from basalt.synthetic.day import ListingDay
from basalt.synthetic.market import Tick
from basalt.synthetic.tape import DEPTH, Record

_EMPTY_SIDE = [NO_LEVEL] * DEPTH + [0] * (2 * DEPTH + 1)


@dataclass(frozen=True)
class BookRows:
    """The complete events that changed one of the ten best levels of a side.

    Attributes:
        rows: Number of the event's last row on the tape.
        bids, asks: Ten keys, ten sizes, ten counts, number of levels; a row each.
    """

    rows: np.ndarray
    bids: np.ndarray
    asks: np.ndarray


def book_rows(record: Record) -> BookRows:
    """The book after each event that changed it within ten levels."""
    ends = record.ends
    sides = [np.vstack([levels, _EMPTY_SIDE])[ends[:, column]] for column, levels in ((1, record.bids), (2, record.asks))]
    visible = np.hstack([side[:, : 3 * DEPTH] for side in sides])
    changed = np.ones(len(ends), dtype=bool)
    changed[1:] = (visible[1:] != visible[:-1]).any(axis=1)
    return BookRows(ends[changed, 0], sides[0][changed], sides[1][changed])


def prices(keys: np.ndarray, side: int, tick: Tick) -> np.ndarray:
    """Prices of level keys; NaN for empty levels."""
    return np.where(keys == NO_LEVEL, np.nan, tick.prices(-keys if side == BID else keys))


@dataclass(frozen=True)
class Best:
    """Best quotes at some times; NaN outside continuous trading and on an empty side."""

    bid: np.ndarray
    ask: np.ndarray
    bid_size: np.ndarray
    ask_size: np.ndarray

    @property
    def mid(self) -> np.ndarray:
        """Mean of bid and ask."""
        return (self.bid + self.ask) / 2

    def point(self, price: np.ndarray) -> np.ndarray:
        """Place of *price* in the spread: 0 at the bid, 1 at the ask."""
        return (price - self.bid) / (self.ask - self.bid)


class Quotes:
    """Best quotes of a listing-day by time, in nanoseconds after midnight."""

    def __init__(self, simulated: ListingDay, book: BookRows) -> None:
        tick = simulated.listing.instrument.tick
        micros = simulated.record.events["time"][book.rows]
        self._times = nanos_of_day(simulated.listing, micros)
        self._values = np.column_stack(
            [prices(book.bids[:, 0], BID, tick), prices(book.asks[:, 0], ASK, tick), book.bids[:, DEPTH], book.asks[:, DEPTH]]
        )
        changed = np.ones(len(book.rows), dtype=bool)
        changed[1:] = (np.diff(book.bids[:, [0, DEPTH]], axis=0) != 0).any(axis=1) | (np.diff(book.asks[:, [0, DEPTH]], axis=0) != 0).any(
            axis=1
        )
        self._change_times = self._times[changed]
        self._schedule = simulated.schedule
        self._slot = simulated.listing.slot

    def at(self, nanos: np.ndarray) -> Best:
        """Quotes at these times, events at exactly the time included."""
        return self._best(nanos, np.searchsorted(self._times, nanos, side="right") - 1)

    def before(self, nanos: np.ndarray) -> Best:
        """Quotes just before these times."""
        return self._best(nanos, np.searchsorted(self._times, nanos, side="left") - 1)

    def _best(self, nanos: np.ndarray, rows: np.ndarray) -> Best:
        known = (rows >= 0) & self._schedule.is_continuous_at((nanos - self._slot) // 1_000)
        values = np.where(known[:, None], self._values[rows], np.nan)
        return Best(*values.T)

    def since_change(self, nanos: np.ndarray) -> np.ndarray:
        """Nanoseconds since the best quotes last changed before each time; NaN when they never did."""
        rows = np.searchsorted(self._change_times, nanos, side="left") - 1
        return np.where(rows >= 0, nanos - self._change_times[rows], np.nan)

    def until_change(self, nanos: np.ndarray) -> np.ndarray:
        """Nanoseconds until the best quotes change after each time; NaN when they never do."""
        rows = np.searchsorted(self._change_times, nanos, side="right")
        later = np.append(self._change_times, 0)[rows]
        return np.where(rows < self._change_times.size, later - nanos, np.nan)
