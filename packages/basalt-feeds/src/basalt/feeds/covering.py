"""The one rule of imports after each other: what the lake has of a listing from times that the files do not tell of is never dropped unasked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date

import polars as pl

from basalt.core.errors import ConflictingSettings
from basalt.core.tables import Table

ARRIVAL = "ReceiveTimestamp"
"""Time of capture; the clock of files, since vendors cut them by it."""

Span = tuple[int, int]
"""First and last time, ns since 1970, both included."""

WHOLE: Span = (0, 2**63 - 1)
"""All of time: for rows that are made of a calendar, and those that an import has put in one order with its own."""


class Coverage:
    """The times that files tell of, by table and listing: those of their messages, whether they change a row or not."""

    def __init__(self) -> None:
        self._spans: dict[tuple[str, int], list[Span]] = {}

    def add(self, table: str, listing_id: int, span: Span) -> None:
        """Say that files tell all there is of the table named *table* from the first to the last time of *span*.

        Times are those of `ReceiveTimestamp` where rows of the table have it, else those of its clock.
        """
        self._spans.setdefault((table, listing_id), []).append(span)

    def spans(self, table: str, listing_id: int) -> Sequence[Span]:
        """The times; none where nothing was said."""
        return self._spans.get((table, listing_id), ())

    def listings(self, table: str) -> set[int]:
        """Listings of which something was said."""
        return {listing for name, listing in self._spans if name == table}


def time_column(table: Table, names: Collection[str]) -> str | None:
    """Which of the columns *names* says when a row of *table* came: its time of arrival, else its clock; None without any."""
    return next((name for name in (ARRIVAL, *table.time_from) if name in names), None)


def times_of(rows: pl.DataFrame, column: str) -> tuple[int | None, int | None]:
    """First and last time of *rows*, None without any."""
    time = _nanos(column, rows.schema)
    low, high = rows.select(low=time.min(), high=time.max()).row(0)
    return low, high


def extents(frames: Sequence[pl.LazyFrame], table: Table, listings: Collection[int]) -> dict[int, Span]:
    """First and last time of the rows of each listing; listings without rows, and rows without time, are left out."""
    found: dict[int, Span] = {}
    for frame in frames:
        schema = frame.collect_schema()
        column = time_column(table, schema)
        if column is None:
            continue
        of_listing = frame.filter(pl.col("ListingId").is_in(list(listings))).group_by("ListingId")
        time = _nanos(column, schema)
        for listing, low, high in of_listing.agg(low=time.min(), high=time.max()).drop_nulls().collect(engine="streaming").iter_rows():
            before = found.get(listing, (low, high))
            found[listing] = (min(before[0], low), max(before[1], high))
    return found


def refuse_loss(
    stored: Sequence[pl.LazyFrame],
    made: Sequence[pl.LazyFrame],
    table: Table,
    listings: Collection[int],
    coverage: Coverage,
    *,
    where: tuple[str, date],
) -> None:
    """Refuse to replace rows that come from times which no file tells of.

    Args:
        stored: What the lake has of *table* for the market and day.
        made: The rows that would take their place.
        table: Whose rows; nothing is refused of a table without time.
        listings: `ListingId` of the listings to replace.
        coverage: What the files tell of; where it says nothing, their rows do, from the first to the last.
        where: Market and day.

    Raises:
        ConflictingSettings: Rows would be lost.
    """
    there = extents(stored, table, listings)
    unsaid = [each for each in there if not coverage.spans(table.name, each)]
    by_rows = extents(made, table, unsaid) if unsaid else {}
    lost: dict[int, Span] = {}
    for listing, span in there.items():
        spans = coverage.spans(table.name, listing) or [by_rows[listing]] * (listing in by_rows)
        if _is_outside(stored, table, listing, span, spans):
            lost[listing] = span
    if lost:
        raise loss(table, where, list(lost.values()))


def loss(table: Table, where: tuple[str, date], spans: Sequence[Span]) -> ConflictingSettings:
    """The error for rows that an import would drop: one of *spans* for each listing."""
    lows, highs = zip(*spans, strict=True)
    first, last = (pl.select(pl.lit(nanos).cast(pl.Datetime("ns")).dt.strftime("%H:%M:%S")).item() for nanos in (min(lows), max(highs)))
    return ConflictingSettings(
        f"the lake has {table.name} of {len(spans)} of these listings from {first} to {last}, which the files do not cover whole",
        where=f"{table.name} of {where[0]} on {where[1]}",
        hint="give all files of the day at once, or drop what the lake has of it: --replace",
    )


def gaps(spans: Sequence[Span], column: pl.Expr) -> Iterator[pl.Expr]:
    """Conditions for the times between *spans*, before the first and after the last, in order."""
    reached = -1
    for first, last in sorted(spans):
        if first > reached + 1:
            yield column.is_between(reached, first, closed="none")
        reached = max(reached, last)
    yield column > reached


def _is_outside(stored: Sequence[pl.LazyFrame], table: Table, listing: int, span: Span, spans: Sequence[Span]) -> bool:
    """Whether a listing has rows outside of *spans*; its rows are looked at only where more than one span leaves a gap."""
    if any(first <= span[0] and span[1] <= last for first, last in spans):
        return False
    if len(spans) < 2:
        return True
    for frame in stored:
        schema = frame.collect_schema()
        column = time_column(table, schema)
        if column is not None:
            times = frame.filter(pl.col("ListingId") == listing).select(Nanos=_nanos(column, schema))
            is_between = pl.any_horizontal(*gaps(spans, pl.col("Nanos")))
            if not times.filter(is_between).head(1).collect().is_empty():
                return True
    return False


def _nanos(column: str, schema: pl.Schema) -> pl.Expr:
    time = pl.col(column)
    return time.dt.epoch("ns") if schema[column].is_temporal() else time.cast(pl.Int64)
