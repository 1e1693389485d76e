"""What checks see of a market's day: each table with its clock in ns and the place of each row in its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from basalt.core.tables import Table
from basalt.market.intervals import state_intervals
from basalt.market.states import CONTINUOUS_STATES
from basalt.quality.files import Lake

NUMBERS: Mapping[str, str] = {"l3": "EventNo", "l2": "L2EventNo", "cbbo": "L2EventNo"}
"""Column that counts a listing's events, by table."""


@dataclass(frozen=True)
class Seen:
    """One table of a market and day.

    Attributes:
        table: Its contract.
        frame: Its stored columns, and `at` (clock, ns since 1970) and `row` (place in the file, from 0).
        columns: Names of the stored columns.
        day: The day.
    """

    table: Table
    frame: pl.LazyFrame
    columns: frozenset[str]
    day: date

    @property
    def name(self) -> str:
        """Name of the table."""
        return self.table.name

    def has(self, *names: str) -> bool:
        """Whether the file has all columns of *names*."""
        return self.columns.issuperset(names)

    def some(self, *names: str) -> list[str]:
        """Those of *names* that the file has."""
        return [name for name in names if name in self.columns]

    @property
    def number(self) -> str | None:
        """The column that counts a listing's events, where the file has it."""
        name = NUMBERS.get(self.name)
        return name if name in self.columns else None


@dataclass(frozen=True)
class MarketDay:
    """The readable tables of a market and day.

    Attributes:
        lake: Where the files are.
        mic, day: Which.
        paths: Paths or URLs of files by name of the table.
        tables: Contracts by name.
    """

    lake: Lake
    mic: str
    day: date
    paths: Mapping[str, str]
    tables: Mapping[str, Table]

    def seen(self, name: str, listings: Sequence[int] | None = None) -> Seen | None:
        """The table *name*, of some listings or all; None where there is no file."""
        if name not in self.paths:
            return None
        table = self.tables[name]
        frame = self.lake.scan(self.paths[name], row_index_name="row", row_index_offset=0)
        stored = [each for each in frame.collect_schema().names() if each != "row"]
        frame = frame.with_columns(_clock(table, stored).alias("at"), pl.col("row").cast(pl.Int64))
        if listings is not None:
            frame = frame.filter(pl.col("ListingId").is_in(list(listings)))
        return Seen(table, frame, frozenset(stored), self.day)

    def without(self, name: str) -> MarketDay:
        """The same market and day without the table *name*."""
        return replace(self, paths={each: path for each, path in self.paths.items() if each != name})

    def states(self, listings: Sequence[int] | None = None) -> pl.LazyFrame | None:
        """Intervals of each listing's phases: `ListingId`, `MarketState`, `Start`, `End` (ns; null for the last); None without the table."""
        seen = self.seen("marketstate", listings)
        if seen is None:
            return None
        rows = seen.frame.sort("at", "row").select("ListingId", pl.col("at").alias("EventTimestamp"), "MarketState")
        return state_intervals(rows)

    def open_intervals(self, listings: Sequence[int] | None = None) -> pl.LazyFrame | None:
        """Closed intervals of continuous trading: `ListingId`, `Start`, `End`; None without the table of states."""
        states = self.states(listings)
        if states is None:
            return None
        is_open = pl.col("MarketState").is_in(sorted(CONTINUOUS_STATES)) & pl.col("End").is_not_null()
        return states.filter(is_open).select("ListingId", "Start", "End")


def _clock(table: Table, stored: Sequence[str]) -> pl.Expr:
    name = next((each for each in table.time_from if each in stored), None)
    return pl.lit(None, pl.Int64) if name is None else pl.col(name).cast(pl.Datetime("ns")).cast(pl.Int64)


def in_state(frame: pl.LazyFrame, states: pl.LazyFrame, name: str = "state") -> pl.LazyFrame:
    """*frame* with the phase that its listing is in at `at`, its rows sorted by `at`."""
    begun = states.select("ListingId", pl.col("Start").alias("state:start"), pl.col("MarketState").alias(name)).sort("state:start")
    return (
        frame.sort("at")
        .join_asof(begun, left_on="at", right_on="state:start", by="ListingId", check_sortedness=False)
        .drop("state:start", strict=False)
    )


def on_book(seen: Seen) -> pl.Expr:
    """Whether a trade was made on the visible book, as far as the file tells; true where it does not."""
    if seen.has("Classification"):
        kind = pl.col("Classification").cast(pl.String())
        return (kind.str.starts_with("LIT") & (kind != "LIT_HIDDEN")).fill_null(value=False)
    if seen.has("BMLLTradeType"):
        return (pl.col("BMLLTradeType") == "LIT").fill_null(value=False)
    return pl.lit(value=True)


def trade_price(seen: Seen) -> pl.Expr:
    """A trade's price in the currency of its listing."""
    return pl.col("InstrumentCurrencyPrice") if seen.has("InstrumentCurrencyPrice") else pl.col("Price")
