"""The best quotes of listings and of instruments at any time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from basalt.synthetic import world
from basalt.synthetic.consolidating import ASK_VENUE, BID_VENUE
from basalt.synthetic.group import Group, Timeline
from basalt.synthetic.looking_up import THING_BITS, mids_around

_BEST = (0, 3 * world.DEPTH, world.DEPTH, 4 * world.DEPTH)
"""Columns of books that hold best bid, best ask, and their sizes."""


@dataclass(frozen=True)
class Best:
    """Best quotes at some times; NaN where nobody trades continuously, and on an empty side.

    Attributes:
        bid, ask, bid_size, ask_size: The quotes; sizes are 0 on an empty side.
        bid_venue, ask_venue: Venues with most at the best price, in the order of `Group.happened`'s
            listings; -1 for none. Over all venues only.
    """

    bid: np.ndarray
    ask: np.ndarray
    bid_size: np.ndarray
    ask_size: np.ndarray
    bid_venue: np.ndarray
    ask_venue: np.ndarray

    @property
    def mid(self) -> np.ndarray:
        """Mean of bid and ask."""
        return (self.bid + self.ask) / 2

    def point(self, price: np.ndarray) -> np.ndarray:
        """Place of *price* in the spread: 0 at the bid, 1 at the ask; NaN where the spread is not positive."""
        spread = self.ask - self.bid
        return np.where(spread > 0, (price - self.bid) / np.where(spread > 0, spread, 1.0), np.nan)


@dataclass(frozen=True)
class Quotes:
    """Best quotes by thing (listing or instrument) and time.

    Attributes:
        timeline: When books change.
        books: Best bid, ask, sizes and venues after each change.
        changes: When the best quotes change.
        group: The listings.
        of_venues: Whether things are listings, whose quotes count while they trade continuously.
    """

    timeline: Timeline
    books: np.ndarray
    changes: Timeline
    group: Group
    of_venues: bool

    def at(self, numbers: np.ndarray, nanos: np.ndarray) -> Best:
        """Quotes for listings at these times, events at exactly the time included."""
        return self._best(numbers, nanos, self.timeline.at(self._things(numbers), nanos))

    def mids_at(self, numbers: np.ndarray, nanos: np.ndarray, later: np.ndarray, found: np.ndarray) -> None:
        """Fill columns of *found* with the mids of what `at` would give *later* by each of these spans, a column each."""
        timeline, mids = self._mids
        mids_around(timeline.keys, mids, self._things(numbers) << THING_BITS, nanos, later, found)

    def before(self, numbers: np.ndarray, nanos: np.ndarray) -> Best:
        """Quotes just before these times."""
        return self._best(numbers, nanos, self.timeline.before(self._things(numbers), nanos))

    def since_change(self, numbers: np.ndarray, nanos: np.ndarray) -> np.ndarray:
        """Nanoseconds since the best quotes last changed before each time; NaN when they never did."""
        places = self.changes.before(self._things(numbers), nanos)
        return np.where(places >= 0, nanos - self.changes.nanos(places), np.nan)

    def until_change(self, numbers: np.ndarray, nanos: np.ndarray) -> np.ndarray:
        """Nanoseconds until the best quotes change after each time; NaN when they never do."""
        places = self.changes.after(self._things(numbers), nanos)
        return np.where(places >= 0, self.changes.nanos(places) - nanos, np.nan)

    @cached_property
    def _mids(self) -> tuple[Timeline, np.ndarray]:
        """When mids change, and the mid from then on; at the end NaN, where the place -1 finds it."""
        timeline = self.timeline
        if self.of_venues:
            timeline = Timeline(np.sort(np.concatenate([timeline.keys, self.group.phases[0].keys]), kind="stable"))
        things, nanos = timeline.things(), timeline.nanos(slice(None))
        best = self.at(things if self.of_venues else self.group.firsts[things], nanos)
        return timeline, np.append(best.mid, np.nan)

    def _things(self, numbers: np.ndarray) -> np.ndarray:
        return numbers if self.of_venues else self.group.instruments[numbers]

    def _best(self, numbers: np.ndarray, nanos: np.ndarray, places: np.ndarray) -> Best:
        known = places >= 0
        if self.of_venues:
            known = known & self.group.is_continuous(numbers, nanos)
        units = np.where(known, self.books[:, places], world.NOTHING)
        bid, ask = (self.group.prices(numbers, units[side]) for side in range(2))
        bid_size, ask_size = (np.where(known, units[side], np.nan) for side in (2, 3))
        return Best(bid, ask, bid_size, ask_size, units[4], units[5])


def venue_quotes(group: Group) -> Quotes:
    """The quotes of each listing's own venue."""
    shown = np.flatnonzero(group.rows[world.BOOK] != world.NOTHING)
    order = np.argsort(group.numbers[shown], kind="stable")
    books = group.session.books[:, _BEST][order].T
    numbers, nanos = group.numbers[shown][order], group.nanos[shown][order]
    nobody = np.full((2, nanos.size), world.NOTHING)
    return _quotes(group, numbers, nanos, np.concatenate([books, nobody]), of_venues=True)


def all_quotes(group: Group) -> Quotes:
    """The quotes of each instrument over all its venues."""
    columns = [*_BEST, BID_VENUE, ASK_VENUE]
    books = group.session.best[:, columns].T.astype(np.int64)
    instruments = np.repeat(np.arange(len(group.happened)), group.counts("best"))
    return _quotes(group, instruments, group.session.best_times, books, of_venues=False)


def _quotes(group: Group, things: np.ndarray, nanos: np.ndarray, books: np.ndarray, *, of_venues: bool) -> Quotes:
    changed = np.ones(nanos.size, dtype=bool)
    changed[1:] = (books[:4, 1:] != books[:4, :-1]).any(axis=0) | (things[1:] != things[:-1])
    changes = Timeline.of(things[changed], nanos[changed])
    return Quotes(Timeline.of(things, nanos), books.astype(np.int64), changes, group, of_venues)
