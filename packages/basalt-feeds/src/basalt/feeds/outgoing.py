"""A day of a lake on its way out: the tables that an export is made of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from basalt.core.errors import CorruptInput, MissingData
from basalt.core.lake import lake_path, order_columns
from basalt.core.tables import Table
from basalt.feeds.feed import LakeDay
from basalt.market.tables import REFERENCE

ROWS_AT_ONCE = 200_000
"""Rows of one table that a piece of a day has, about."""


def wanted_listings(source: LakeDay) -> pl.DataFrame:
    """The rows of `reference` that are exported, sorted by `Ticker`; every one has one.

    Raises:
        MissingData: The lake has no `reference` of that day, or lacks a ticker.
    """
    reference = rows_of(source, REFERENCE).drop_nulls("Ticker")
    unknown = sorted(set(source.tickers) - set(reference["Ticker"]))
    if unknown:
        raise MissingData(f"the lake has no {', '.join(unknown)}", where=f"reference of {source.mic} on {source.day}")
    chosen = reference.filter(pl.col("Ticker").is_in(list(source.tickers))) if source.tickers else reference
    return chosen.sort("Ticker")


def rows_of(source: LakeDay, table: Table, listings: pl.DataFrame | None = None, *, required: bool = True) -> pl.DataFrame:
    """The rows of *table* in order of events, with its clock in ns; without columns when the lake has none and need not.

    Args:
        source: Market and day.
        table: Which table.
        listings: Only these, if given.
        required: Whether a missing file is an error.

    Raises:
        MissingData: There is no such file.
        CorruptInput: The file cannot be read.
    """
    stored = _stored(source, table, required=required)
    if stored is None:
        return pl.DataFrame()
    with _readable(source, table):
        return _in_order(stored, table, listings).collect()


@dataclass(frozen=True)
class DayPieces:
    """Tables of a market's day, a span of time after the other: memory is that of a span, whatever the size of the day.

    Attributes:
        source: Market and day.
        listings: Only these.
        rows_at_once: Rows of the first table that a span has, about; rows of one instant are never parted.
    """

    source: LakeDay
    listings: pl.DataFrame
    rows_at_once: int = ROWS_AT_ONCE

    def of(self, first: Table, *others: Table) -> Iterator[tuple[pl.DataFrame, ...]]:
        """The rows of the tables in each span, as `rows_of` gives them; those of *others*, which the lake need not have, beside those of *first*.

        Raises:
            MissingData: There is no file of *first*.
            CorruptInput: A file cannot be read.
        """
        stored = {table: _stored(self.source, table, required=table == first) for table in (first, *others)}
        edges = _edges(self.source, first, self.rows_at_once)
        for low, high in pairwise([None, *edges, None]):
            yield tuple(self._span(table, frame, low, high) for table, frame in stored.items())

    def scan(self, table: Table) -> pl.LazyFrame:
        """The rows of *table*, in the order of the file.

        Raises:
            MissingData: There is no such file.
        """
        stored = _stored(self.source, table, required=True)
        assert stored is not None
        return stored.filter(pl.col("ListingId").is_in(self.listings["ListingId"].to_list()))

    def _span(self, table: Table, stored: pl.LazyFrame | None, low: int | None, high: int | None) -> pl.DataFrame:
        if stored is None:
            return pl.DataFrame()
        time = pl.col(order_columns(table, stored.collect_schema())[0])
        if low is not None:
            stored = stored.filter(time >= _instant(low))
        if high is not None:
            stored = stored.filter(time < _instant(high))
        with _readable(self.source, table):
            return _in_order(stored, table, self.listings).collect()


def _instant(nanos: int) -> pl.Expr:
    return pl.lit(nanos, pl.Int64).cast(pl.Datetime("ns"))


def _edges(source: LakeDay, table: Table, rows_at_once: int) -> list[int]:
    """Instants, ns since 1970, that part the rows of *table*; the clock is read a row group at a time."""
    edges: set[int] = set()
    wait = rows_at_once
    with _readable(source, table):
        file = pq.ParquetFile(_place(source, table))
        clock = order_columns(table, file.schema_arrow.names)[0]
        for group in range(file.num_row_groups):
            times = pl.Series(file.read_row_group(group, columns=[clock])[clock]).cast(pl.Datetime("ns"))
            edges |= set(times.slice(wait).gather_every(rows_at_once).drop_nulls().to_physical())
            wait = (wait - len(times)) % rows_at_once if wait < len(times) else wait - len(times)
    return sorted(edges)


def _place(source: LakeDay, table: Table) -> Path:
    return Path(lake_path(str(source.lake), table, source.mic, source.day))


def _stored(source: LakeDay, table: Table, *, required: bool) -> pl.LazyFrame | None:
    """The file of *table*; None where there is none and need not be."""
    path = _place(source, table)
    if not path.exists():
        if not required:
            return None
        what = f"the lake has no {table.name} of {source.mic} on {source.day}"
        raise MissingData(what, where=str(path), hint="import or simulate that day")
    with _readable(source, table):
        stored = pl.scan_parquet(path)
        stored.collect_schema()
    return stored


@contextmanager
def _readable(source: LakeDay, table: Table) -> Iterator[None]:
    """Say which file of the lake cannot be read."""
    try:
        yield
    except (pl.exceptions.PolarsError, pa.ArrowInvalid, OSError) as problem:
        what = f"the lake's file cannot be read: {str(problem).splitlines()[0]}"
        raise CorruptInput(what, where=str(_place(source, table)), hint="import it again") from problem


def _in_order(stored: pl.LazyFrame, table: Table, listings: pl.DataFrame | None) -> pl.LazyFrame:
    """Rows of *listings* in order of events, with `Nanos`."""
    if listings is not None:
        stored = stored.filter(pl.col("ListingId").is_in(listings["ListingId"].to_list()))
    names = order_columns(table, stored.collect_schema())
    ordered = stored.sort(names, maintain_order=True) if names else stored
    return ordered.with_columns(pl.col(names[0]).cast(pl.Datetime("ns")).dt.epoch("ns").alias("Nanos")) if names else ordered
