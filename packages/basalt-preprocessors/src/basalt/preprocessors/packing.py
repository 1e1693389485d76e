"""Books of listings put away as what changes from one to the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from basalt.books.arrays import Ints, Longs
from basalt.books.storage import frozen
from basalt.market.books import BOOK_SIDES
from basalt.preprocessors.levels import ADMITTED, LABEL
from basalt.preprocessors.packing_kernel import CHANGE, HEADER, find_books, pack
from basalt.preprocessors.shelving import WordShelf

CLOCK = "EventTimestamp"
Buffers = tuple[NDArray[np.float64], NDArray[np.float64], Longs]


def level_names(levels: int, part: str, suffix: str = "") -> list[str]:
    """Columns of one part of all levels, bids before asks, best level first."""
    return [f"{side}{part}{level}{suffix}" for side in BOOK_SIDES for level in range(1, levels + 1)]


def empty_levels(halves: int, levels: int) -> Buffers:
    """Price, quantity and orders of nothing, by half."""
    return np.zeros((halves, levels)), np.zeros((halves, levels)), np.zeros((halves, levels), np.int64)


@dataclass(frozen=True)
class Books:
    """Books of one listing: words as `pack` writes them, and time, label and first word of each."""

    words: Longs
    times: Longs
    labels: Longs
    places: Longs

    def part(self, begin: int, end: int) -> Books:
        """Some of the books; their words stay where they are."""
        return Books(self.words, self.times[begin:end], self.labels[begin:end], self.places[begin:end])


def books_in(words: Longs) -> Books:
    """The books in *words*."""
    most = words.size // HEADER
    times, labels, places = (np.empty(most, np.int64) for _ in range(3))
    count = find_books(frozen(words), times, labels, places)
    return Books(words, times[:count], labels[:count], places[:count])


class Packer:
    """Puts books of listings on a shelf, by dense number.

    Args:
        listings: `ListingId` of those that are wanted, in ascending order; books of others are left out.
        levels: Levels a side that rows have.
        shelf: Where to.
    """

    def __init__(self, listings: Longs, levels: int, shelf: WordShelf) -> None:
        self.listings, self.levels, self.shelf = listings, levels, shelf
        self._shown = empty_levels(2 * listings.size, levels)
        self._heads = np.zeros(2 * listings.size, np.int64)
        self._new = empty_levels(2 * levels, 0)
        self._words = np.empty(0, np.int64)

    def put(self, rows: pl.DataFrame) -> None:
        """Put *rows* away: `ListingId`, `EventTimestamp`, the label, whether they let the listing take part, and levels."""
        numbers, order = self._numbered(rows["ListingId"].to_numpy())
        if not order.size:
            return
        self._hold(rows.height, order.size)
        new = self._read(rows)
        times, labels, admitted = (rows[name].to_physical().to_numpy() for name in (CLOCK, LABEL, ADMITTED))
        ends = np.empty(order.size, np.int64)
        by_row = (frozen(numbers), frozen(times), frozen(labels), frozen(admitted))
        pack(frozen(order), *by_row, new, self._shown, self._heads, self._words, self._words.view(np.float64), ends)
        sorted_numbers = numbers[order]
        lasts = np.append(np.flatnonzero(np.diff(sorted_numbers)), order.size - 1)
        begin, count = 0, 0
        for last in lasts:
            end = int(ends[last])
            self.shelf.add(int(sorted_numbers[last]), self._words[begin:end].copy(), int(last) + 1 - count)
            begin, count = end, int(last) + 1

    def _numbered(self, ids: Longs) -> tuple[Ints, Longs]:
        """Dense numbers of rows, and the rows of listings that are wanted, by listing."""
        numbers = np.searchsorted(self.listings, ids).astype(np.int32)
        wanted = (
            np.flatnonzero(self.listings[np.minimum(numbers, self.listings.size - 1)] == ids)
            if self.listings.size
            else np.empty(0, np.int64)
        )
        return numbers, wanted[np.argsort(numbers[wanted], kind="stable")]

    def _hold(self, rows: int, wanted: int) -> None:
        """Have room for so many rows; memory is kept from chunk to chunk."""
        if self._new[0].shape[1] < rows:
            self._new = empty_levels(2 * self.levels, rows)
        most = wanted * (HEADER + 2 * self.levels * CHANGE)
        if self._words.size < most:
            self._words = np.empty(most, np.int64)

    def _read(self, rows: pl.DataFrame) -> Buffers:
        """Copy the levels of *rows* side by side; what is missing is no level, and a number of orders nobody knows."""
        for part, kind, empty, into in zip(
            ("Price", "Quantity", "NumOrders"), (pl.Float64, pl.Float64, pl.Int64), (np.nan, 0, -1), self._new, strict=True
        ):
            for place, name in enumerate(level_names(self.levels, part)):
                known = rows[name].cast(kind).fill_null(empty).to_numpy() if name in rows.columns else empty
                into[place, : rows.height] = known
        return self._new
