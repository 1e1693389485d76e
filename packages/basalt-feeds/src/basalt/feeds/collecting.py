"""Collect the rows of listings that trade around the clock, day by day, and write them into a lake."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl

from basalt.core.lake import LakeFile
from basalt.core.tables import Table
from basalt.feeds.continuous import book_rows, phase_rows, reference_rows, trade_rows, with_quotes
from basalt.feeds.covering import WHOLE, Coverage, Span
from basalt.feeds.depths import LEVELS
from basalt.feeds.identifiers import Listing, ListingDay
from basalt.feeds.keeping import numbered, outside, stored_rows
from basalt.feeds.merging import ROWS_IN_MEMORY, in_rows, replace_listings
from basalt.feeds.staging import Staging, staging_in
from basalt.market.tables import L2, MARKETSTATE, REFERENCE, TRADES

TABLES = (TRADES, L2, MARKETSTATE, REFERENCE)
FINEST_DECIMAL = 10**8
"""Prices have at most eight decimals."""
FIRST, LAST = "FirstTrade", "LastTrade"
"""Numbers of the trades that an aggregated one is made of."""
_AGGREGATES, _WITH_QUOTES = "aggregates", "trades-with-quotes"

DayRows = Iterable[tuple[date, pl.DataFrame]]


class Days:
    """Rows that wait until everything was read; what is held in memory is a day's best quotes.

    What the lake has from other times than those that are covered stays, in one order with what comes: states of a book and prints
    stand for themselves.

    Attributes:
        told_twice: By listing: aggregated trades that were left out, since trades that they are made of came by themselves.
    """

    def __init__(self, staging: Staging, *, replace: bool = False) -> None:
        self._staging, self._replace = staging, replace
        self._types: dict[ListingDay, str | None] = {}
        self._spans: defaultdict[tuple[Listing, str], list[Span]] = defaultdict(list)
        self.told_twice: Counter[Listing] = Counter()

    def add_books(self, listing: Listing, states: DayRows, *, instrument_type: str | None = None) -> None:
        """Add states of the book, in order of events."""
        for day, rows in states:
            self._add(ListingDay(listing, day), L2, rows, instrument_type)

    def add_trades(self, listing: Listing, prints: DayRows, *, instrument_type: str | None = None) -> None:
        """Add prints."""
        for day, rows in prints:
            self._add(ListingDay(listing, day), TRADES, rows, instrument_type)

    def add_aggregates(self, listing: Listing, prints: DayRows, *, instrument_type: str | None = None) -> None:
        """Add prints that stand for the trades `FIRST` to `LAST`; those with a trade that comes by itself will be left out."""
        for day, rows in prints:
            self._types[ListingDay(listing, day)] = instrument_type
            self._staging.append(ListingDay(listing, day), _AGGREGATES, rows)

    def cover(self, listing: Listing, table: Table, span: Span) -> None:
        """Say that the files have all there is of *table* from the first to the last time of arrival of *span*."""
        self._spans[listing, table.name].append(span)

    def _add(self, of: ListingDay, table: Table, rows: pl.DataFrame, instrument_type: str | None) -> None:
        if not rows.is_empty():
            self._types[of] = instrument_type
            self._staging.append(of, table, (book_rows if table == L2 else trade_rows)(rows, of))

    def write(self, lake: Path) -> tuple[LakeFile, ...]:
        """Write everything that was added, one market's day after the other.

        Raises:
            ConflictingSettings: The lake has rows of a listing that no capture brought, whose place among others nobody knows.
            DataError: Two listings share a number.
            TargetFailed: The lake cannot be written.
        """
        self._stage_aggregates(lake)
        together: defaultdict[tuple[date, str], list[ListingDay]] = defaultdict(list)
        for of in self._types:
            together[of.day, of.listing.mic].append(of)
        return tuple(file for (day, mic), members in sorted(together.items()) for file in self._write_day(lake, mic, day, members))

    def _write_day(self, lake: Path, mic: str, day: date, members: Sequence[ListingDay]) -> tuple[LakeFile, ...]:
        rows: dict[Table, list[pl.LazyFrame]] = {table: [] for table in TABLES}
        for of in members:
            books = numbered([*self._kept(lake, of, L2), *self._staging.frames(of, L2)])
            trades = self._with_quotes(of, [*self._kept(lake, of, TRADES), *self._staging.frames(of, TRADES)], books)
            if not books and not trades:
                continue
            rows[L2] += books
            rows[TRADES] += trades
            rows[MARKETSTATE].append(phase_rows(_first_time(books, trades), of).lazy())
            tick = price_step(books)
            rows[REFERENCE].append(reference_rows(of, instrument_type=self._types[of], tick_size=tick).lazy())
        filled = {table: frames or [_no_rows(table)] for table, frames in rows.items()}
        listings, everything = {of.listing.listing_id for of in members}, Coverage()
        for table, listing in product(TABLES, listings):
            everything.add(table.name, listing, WHOLE)
        return replace_listings(lake, mic, day, filled, listings, coverage=everything)

    def _kept(self, lake: Path, of: ListingDay, table: Table) -> list[pl.LazyFrame]:
        """Rows of the lake that the import does not cover."""
        spans = self._spans.get((of.listing, table.name), [])
        if self._replace and spans and of in self._types:
            return []
        return outside(stored_rows(lake, table, of), spans)

    def _with_quotes(self, of: ListingDay, trades: Sequence[pl.LazyFrame], books: Sequence[pl.LazyFrame]) -> list[pl.LazyFrame]:
        for piece in (piece for prints in trades for piece in in_rows(prints, ROWS_IN_MEMORY)):
            self._staging.append(of, _WITH_QUOTES, with_quotes(piece, books))
        return self._staging.frames(of, _WITH_QUOTES)

    # ---------------------------------------------------------------- aggregated trades

    def _stage_aggregates(self, lake: Path) -> None:
        """Make trades of the aggregated ones that nothing else tells of."""
        singles = {of: self._trade_numbers(lake, of) for of in self._types if self._staging.frames(of, _AGGREGATES)}
        for of, known in singles.items():
            for waiting in self._staging.frames(of, _AGGREGATES):
                rows = waiting.collect()
                after = np.searchsorted(known, rows[FIRST].to_numpy())
                is_told = np.append(known, np.iinfo(np.int64).max)[after] <= rows[LAST].to_numpy()
                self.told_twice[of.listing] += int(is_told.sum())
                self._staging.append(of, TRADES, trade_rows(rows.filter(pl.Series(~is_told)).drop(FIRST, LAST), of))

    def _trade_numbers(self, lake: Path, of: ListingDay) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Numbers of the trades of a day and its neighbours that came by themselves, in order."""
        days = [ListingDay(of.listing, of.day + timedelta(days=step)) for step in (-1, 0, 1)]
        frames = [frame for each in days for frame in (*self._staging.frames(each, TRADES), *self._kept(lake, each, TRADES))]
        numbers = [frame.select(pl.col("TradeId").cast(pl.Int64, strict=False)).drop_nulls().collect().to_series() for frame in frames]
        return np.sort(np.concatenate([np.zeros(0, np.int64), *(each.to_numpy() for each in numbers)]))


@contextmanager
def collected_days(lake: Path, *, replace: bool = False) -> Iterator[Days]:
    """Days whose rows wait beside the files of *lake*, gone at the end of the block; *replace* drops what else the lake has of their tables."""
    with staging_in(lake) as staging:
        yield Days(staging, replace=replace)


def price_step(books: Sequence[pl.LazyFrame]) -> float | None:
    """The largest step that all prices of *books* are multiples of; None without prices."""
    names = [f"{side}Price{level}" for side in ("Bid", "Ask") for level in range(1, LEVELS + 1)]
    columns = [book.select(pl.col(name).alias("Price")) for book in books for name in names]
    if not columns:
        return None
    prices = pl.concat(columns).drop_nulls().unique().collect(engine="streaming").to_series()
    step = int(np.gcd.reduce(np.rint(prices.to_numpy() * FINEST_DECIMAL).astype(np.int64)))
    return step / FINEST_DECIMAL if step else None


def _no_rows(table: Table) -> pl.LazyFrame:
    return pl.LazyFrame(schema={column.name: column.dtype for column in table.columns})


def _first_time(books: Sequence[pl.LazyFrame], trades: Sequence[pl.LazyFrame]) -> datetime:
    clocks = [(frames, name) for frames, name in ((books, "TimestampNanoseconds"), (trades, "TradeTimestampNanoseconds"))]
    firsts = [frame.select(pl.col(name).min()).collect().item() for frames, name in clocks for frame in frames]
    return min(first for first in firsts if first is not None)
