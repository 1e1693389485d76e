"""Books of listings to books of instruments, chunk by chunk."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

import numpy as np
import polars as pl
from numpy.typing import NDArray

from basalt.books.arrays import Ints, Longs, Truths
from basalt.books.storage import Listings, frozen, lengthened
from basalt.market.books import BOOK_SIDES
from basalt.preprocessors.consolidating_kernel import consolidate
from basalt.preprocessors.levels import ADMITTED, INDEX, IS_PHASE, LABEL, LAST

Shown = tuple[NDArray[np.float64], NDArray[np.float64], Longs]

NO_VENUES: Mapping[str, Collection[int]] = MappingProxyType({})
NOT_ALONE = -2


def level_names(levels: int, part: str, suffix: str = "") -> list[str]:
    """Columns of one part of all levels, bids before asks, best level first."""
    return [f"{side}{part}{level}{suffix}" for side in BOOK_SIDES for level in range(1, levels + 1)]


class Consolidator:
    """Merged books of instruments.

    Args:
        levels_in: Levels a side that rows of listings have.
        top_n: Levels a side to show.
        index: Name of the column that tells instruments apart.
        label: Name of the column that tells rows of an instrument apart.
        venues: Listings of the venues to show alone, by name.
    """

    def __init__(self, levels_in: int, top_n: int, index: str, label: str, venues: Mapping[str, Collection[int]] = NO_VENUES) -> None:
        self.levels_in, self.top_n, self.index, self.label = levels_in, top_n, index, label
        self._suffixes = ["", *(f"_{venue}" for venue in venues)]
        self._venue_of = {listing: number for number, listings in enumerate(venues.values()) for listing in listings}
        self._listings, self._instruments = Listings(), Listings()
        self._heads, self._states = np.zeros((0, 2), np.int64), np.zeros((0, 3), np.int64)
        self._happened, self._venues = np.zeros((0, 2), np.int64), np.zeros(0, np.int64)
        self._shown: Shown = (np.zeros((0, levels_in)), np.zeros((0, levels_in)), np.zeros((0, levels_in), np.int64))
        self._chains = (np.zeros(0, np.int32), np.zeros(0, np.int32))
        self._pending: pl.DataFrame | None = None

    def feed(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Merged books that are complete once *rows* are known.

        Args:
            rows: Books and phases of the listings of instruments, in order of time: `ListingId`, `EventTimestamp`, the columns
                named above, levels. Rows of an instrument are not followed by earlier ones.

        Returns:
            One row an index and label in which a book changed, or was let in or left out; the book after all rows of it.
        """
        listings, instruments = self._numbers(rows)
        emit = self._emit(rows)
        count = int(np.count_nonzero(emit))
        shape = (2 * self.top_n * len(self._suffixes), count)
        out: Shown = (np.empty(shape), np.empty(shape), np.empty(shape, np.int64))
        marks, times = np.empty(count, np.int64), np.empty(count, np.int64)
        named = (rows[IS_PHASE], rows[ADMITTED], rows["EventTimestamp"].to_physical())
        is_phase, admitted, time = (frozen(each.to_numpy()) for each in named)
        kept = (self._shown, self._heads, self._states, self._happened, self._chains, frozen(self._venues), self.top_n)
        written = consolidate(listings, instruments, is_phase, admitted, time, emit, self._levels(rows), *kept, out, marks, times)
        made = rows.select(pl.col(INDEX).alias(self.index), pl.col(LABEL).alias(self.label))[marks[:written]]
        last = pl.Series(LAST, times[:written]).cast(rows["EventTimestamp"].dtype)
        return self._settled(made.with_columns(last, *self._columns(out, written)))

    def finish(self) -> pl.DataFrame:
        """The last row of each instrument."""
        pending, self._pending = self._pending, None
        return pl.DataFrame() if pending is None else pending

    # ---------------------------------------------------------------- arrays

    def _numbers(self, rows: pl.DataFrame) -> tuple[Ints, Ints]:
        known = self._listings.count
        listings = self._listings.number(frozen(rows["ListingId"].to_numpy()))
        instruments = self._instruments.number(frozen(rows[INDEX].to_numpy()))
        self._hold(known, listings, instruments)
        return frozen(listings), frozen(instruments)

    def _hold(self, known: int, listings: Ints, instruments: Ints) -> None:
        """Put new listings at the head of the chain of their instrument."""
        count = self._listings.count
        first, following = self._chains
        first = lengthened(first, max(self._instruments.count, len(first)), -1)
        following = lengthened(following, max(count, len(following)), -1)
        new, rows = np.unique(listings[listings >= known], return_index=True)
        where = np.flatnonzero(listings >= known)[rows]
        for listing, row in zip(new, where, strict=True):
            following[listing], first[instruments[row]] = first[instruments[row]], listing
        self._chains = first, following
        self._heads, self._states = lengthened(self._heads, 2 * count), lengthened(self._states, count)
        self._happened = lengthened(self._happened, self._instruments.count)
        self._venues = np.array([self._venue_of.get(int(listing), NOT_ALONE) for listing in self._listings.ids], np.int64)
        price, quantity, orders = self._shown
        self._shown = lengthened(price, 2 * count), lengthened(quantity, 2 * count), lengthened(orders, 2 * count)

    def _emit(self, rows: pl.DataFrame) -> Truths:
        places = rows.select(INDEX, LABEL, pl.int_range(pl.len(), dtype=pl.Int64).alias("row"))
        emit = np.zeros(rows.height, np.bool_)
        emit[places.group_by(INDEX, LABEL).agg(pl.col("row").max())["row"].to_numpy()] = True
        return frozen(emit)

    def _levels(self, rows: pl.DataFrame) -> Shown:
        def part(name: str, dtype: type[pl.DataType], empty: float) -> NDArray[np.float64]:
            names = level_names(self.levels_in, name)
            columns = [
                rows[each].cast(dtype).fill_null(empty)
                if each in rows.columns
                else pl.repeat(empty, rows.height, dtype=dtype(), eager=True)
                for each in names
            ]
            return np.stack([column.to_numpy() for column in columns]) if columns else np.empty((0, rows.height))

        return frozen(part("Price", pl.Float64, np.nan)), frozen(part("Quantity", pl.Float64, 0)), frozen(part("NumOrders", pl.Int64, -1))

    # ---------------------------------------------------------------- rows

    def _columns(self, out: Shown, written: int) -> list[pl.Series]:
        price, quantity, orders = (part[:, :written] for part in out)
        columns = []
        names = [name + suffix for suffix in self._suffixes for name in level_names(self.top_n, "")]
        for place, name in enumerate(names):
            side, level = name[:3], name[3:]
            count = pl.Series(f"{side}NumOrders{level}", orders[place]).cast(pl.Int32)
            columns += [
                pl.Series(f"{side}Price{level}", price[place], nan_to_null=True),
                pl.Series(f"{side}Quantity{level}", quantity[place]),
                count.set(count < 0, None),
            ]
        return columns

    def _settled(self, made: pl.DataFrame) -> pl.DataFrame:
        """Rows that no later event belongs to; the latest of each instrument waits."""
        rows = made if self._pending is None else pl.concat([self._pending, made], rechunk=False)
        keys = [self.index, self.label]
        rows = rows.unique(keys, keep="last", maintain_order=True)
        is_latest = pl.col(self.label) == pl.col(self.label).max().over(self.index)
        self._pending = rows.filter(is_latest)
        return rows.filter(~is_latest)
