"""Tables as a scan delivers them, made of frames in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date

import polars as pl

from basalt.core.errors import MissingColumn
from basalt.core.lake import conform as conform_rows
from basalt.core.tables import Table
from basalt.core.universes import conform as conform_listings

DAY = date(2026, 1, 5)
"""The day of builders and laws, a Monday."""


def as_scanned(table: Table, frame: pl.DataFrame) -> pl.LazyFrame:
    """The columns that a scan of *frame* delivers: contract types, the clock in ns, derived columns.

    Args:
        table: The contract.
        frame: Stored columns, in event order.

    Raises:
        SchemaMismatch: A column is no column of the contract, or a required one is missing.
        MissingColumn: The table has a clock and the frame none of its columns.
    """
    stored = conform_rows(frame, table, where=f"a frame for {table.name}")
    return stored.lazy().select(_delivered(table, column.name, stored.columns) for column in table.available(stored.columns))


def _delivered(table: Table, name: str, stored: Collection[str]) -> pl.Expr:
    if name == table.time:
        return pl.col(clock_column(table, stored)).cast(pl.Datetime("ns")).alias(name)
    for derived in table.derived:
        chosen = derived.choose(stored) if derived.column.name == name else None
        if chosen is not None:
            return chosen[1].cast(derived.column.dtype).alias(name)
    return pl.col(name)


def clock_column(table: Table, stored: Collection[str]) -> str:
    """The stored column that holds the clock, the most precise one that there is.

    Raises:
        MissingColumn: There is none.
    """
    for name in table.time_from:
        if name in stored:
            return name
    raise MissingColumn(f"{table.name} has no clock", where=f"a frame for {table.name}", hint=f"give one of {', '.join(table.time_from)}")


def needed_columns(table: Table, read: Iterable[str]) -> tuple[str, ...]:
    """Stored columns that a scan of *read* needs, with those that say whose rows they are and in which order."""
    wanted = {*read, table.key, *table.order} | set(table.required_names)
    derived = {each.column.name: each for each in table.derived}
    for name in set(wanted) & set(derived):
        chosen = derived[name].choose(table.stored_names)
        wanted |= set(chosen[0]) if chosen else set()
    wanted |= set(table.time_from[:1])
    return tuple(column.name for column in table.columns if column.name in wanted)


def listings_of(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The universe of everything that *frames* hold: `ListingId` and the labels that their rows carry."""
    labels = ["ListingId", "MIC", "Ticker", "CurrencyCode", "InstrumentId"]
    parts = [
        frame.select(name for name in labels if name in frame.columns).unique() for frame in frames.values() if "ListingId" in frame.columns
    ]
    if not parts:
        return conform_listings(pl.DataFrame(schema={"ListingId": pl.Int64}), where="frames")
    known = pl.concat(parts, how="diagonal_relaxed")
    known = known.group_by("ListingId").agg(pl.exclude("ListingId").drop_nulls().first())
    return conform_listings(known, where="frames")
