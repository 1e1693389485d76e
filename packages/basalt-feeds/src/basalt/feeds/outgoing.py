"""A day of a lake on its way out: the tables that an export is made of."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from basalt.core.errors import CorruptInput, MissingData
from basalt.core.lake import lake_path, order_columns
from basalt.core.tables import Table
from basalt.feeds.feed import LakeDay
from basalt.market.tables import REFERENCE


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
    path = Path(lake_path(str(source.lake), table, source.mic, source.day))
    if not path.exists():
        if not required:
            return pl.DataFrame()
        raise MissingData(
            f"the lake has no {table.name} of {source.mic} on {source.day}", where=str(path), hint="import or simulate that day"
        )
    try:
        stored = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as problem:
        raise CorruptInput(
            f"the lake's file cannot be read: {str(problem).splitlines()[0]}", where=str(path), hint="import it again"
        ) from problem
    if listings is not None:
        stored = stored.filter(pl.col("ListingId").is_in(listings["ListingId"].to_list()))
    names = order_columns(table, stored.columns)
    ordered = stored.sort(names, maintain_order=True) if names else stored
    return ordered.with_columns(pl.col(names[0]).cast(pl.Datetime("ns")).dt.epoch("ns").alias("Nanos")) if names else ordered
