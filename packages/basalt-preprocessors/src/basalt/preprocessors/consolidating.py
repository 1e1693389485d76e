"""Books of listings to books of instruments, some at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType

import numpy as np
import polars as pl

from basalt.books.arrays import Longs
from basalt.books.storage import frozen
from basalt.preprocessors.consolidating_kernel import ALL, Out, consolidate
from basalt.preprocessors.levels import INDEX, LAST
from basalt.preprocessors.merging import Events
from basalt.preprocessors.packing import empty_levels, level_names

NO_VENUES: Mapping[str, Collection[int]] = MappingProxyType({})
NOT_ALONE = ALL - 1
ROWS_AT_ONCE = 1 << 14
"""Rows of a frame that is made, unless more instruments end at once."""


class Consolidator:
    """Merged books of instruments.

    Args:
        listings: `ListingId` and the instrument of each; dense numbers are places in it.
        levels_in: Levels a side that books of listings have.
        top_n: Levels a side to show.
        index: Name of the column that tells instruments apart.
        label: Name of the column that tells rows of an instrument apart.
        venues: Listings of the venues to show alone, by name.
    """

    def __init__(
        self, listings: pl.DataFrame, levels_in: int, top_n: int, index: str, label: str, venues: Mapping[str, Collection[int]] = NO_VENUES
    ) -> None:
        self.top_n, self.index, self.label = top_n, index, label
        self._suffixes = ["", *(f"_{venue}" for venue in venues)]
        venue_of = {listing: number for number, members in enumerate(venues.values()) for listing in members}
        self._venues = np.array([venue_of.get(each, NOT_ALONE) for each in listings["ListingId"]], np.int64)
        self._ids, numbers = np.unique(listings[INDEX].to_numpy(), return_inverse=True)
        self._instruments = numbers.astype(np.int32)
        self._chains = self._chained()
        count = listings.height
        self._heads, self._states = np.zeros((2 * count, 2), np.int64), np.zeros((count, 3), np.int64)
        self._happened, self._shown = np.zeros((self._ids.size, 3), np.int64), empty_levels(2 * count, levels_in)

    def feed(self, events: Events) -> Iterator[pl.DataFrame]:
        """Merged books that are complete once *events* are known.

        Args:
            events: Books and phases of whole instruments, in order of time.

        Returns:
            One row an instrument and label with which a book changed, or was let in or left out; the book after all of it.
        """
        for begin in range(0, events.times.size, ROWS_AT_ONCE):
            yield self._step(events.part(begin, begin + ROWS_AT_ONCE), is_last=False)

    def finish(self, nothing: Events) -> pl.DataFrame:
        """The last row of each instrument."""
        return self._step(nothing, is_last=True)

    def _chained(self) -> tuple[np.ndarray, np.ndarray]:
        """The first listing of each instrument, and the one after each."""
        first, following = np.full(self._ids.size, -1, np.int32), np.full(self._instruments.size, -1, np.int32)
        for listing in range(self._instruments.size - 1, -1, -1):
            instrument = self._instruments[listing]
            following[listing], first[instrument] = first[instrument], listing
        return first, following

    def _room(self, rows: int) -> tuple[Out, Longs]:
        """Memory for so many rows, which the frame made of it keeps; columns lie apart from each other in the cache."""
        shape = (2 * self.top_n * len(self._suffixes), rows + 40)
        return (np.empty(shape), np.empty(shape), np.empty(shape, np.int32)), np.empty((3, rows), np.int64)

    def _step(self, events: Events, *, is_last: bool) -> pl.DataFrame:
        out, keys = self._room(events.times.size + (self._ids.size if is_last else 0))
        listings, words = frozen(events.listings.astype(np.int32)), frozen(events.words)
        written = consolidate(
            listings,
            frozen(self._instruments),
            frozen(events.times),
            frozen(events.labels),
            frozen(events.places),
            frozen(events.admitted),
            words,
            frozen(words.view(np.float64)),
            int(is_last),
            self._shown,
            self._heads,
            self._states,
            self._happened,
            self._chains,
            frozen(self._venues),
            self.top_n,
            out,
            keys,
        )
        instrument, label, last = keys[:, :written]
        named = {self.index: self._ids[instrument], self.label: label, LAST: last}
        frame = pl.DataFrame([pl.Series(name, each) for name, each in named.items()])
        return frame.with_columns(pl.col(self.label, LAST).cast(pl.Datetime("ns")), *self._columns(out, written))

    def _columns(self, out: Out, written: int) -> list[pl.Series]:
        price, quantity, orders = (part[:, :written] for part in out)
        columns = []
        names = [name + suffix for suffix in self._suffixes for name in level_names(self.top_n, "")]
        for place, name in enumerate(names):
            side, level = name[:3], name[3:]
            count = pl.Series(f"{side}NumOrders{level}", orders[place])
            columns += [
                pl.Series(f"{side}Price{level}", price[place], nan_to_null=True),
                pl.Series(f"{side}Quantity{level}", quantity[place]),
                count.set(count < 0, None) if written and orders[place].min() < 0 else count,
            ]
        return columns
