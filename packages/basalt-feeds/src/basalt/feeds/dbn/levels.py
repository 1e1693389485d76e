"""Records of books and of trades to rows of `l2` and `trades`.

A record of a book holds the levels after it. The book is read where an event ends (the flag LAST); a record of a trade shows the book before its event changed it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import polars as pl

from basalt.core.tables import Table
from basalt.feeds.dbn.fields import LAST, STREAM, TRADE, Clock, decimals, has_flag, listings_of, price
from basalt.feeds.dbn.naming import identity
from basalt.feeds.dbn.prints import print_rows
from basalt.feeds.identifiers import Listing
from basalt.market.tables import L2, TRADES

_CLOCKS = ("TimestampNanoseconds", "ReceiveTimestamp", "FeedTimestamp", "FeedFlags", "ExchangeSequenceNo", "BMLLSequenceNo")


class LevelFlow:
    """The books and trades of one market, from record to record and day to day."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.day = date.min
        self._shown: dict[int, int] = {}

    def start_day(self, day: date) -> None:
        """Begin another day."""
        self.day, self._shown = day, {}

    def feed(self, records: pl.DataFrame, listings: tuple[Listing, ...], kind: str) -> Iterator[tuple[Table, pl.DataFrame]]:
        """The rows of *records*.

        Args:
            records: Records of one kind and day with `ListingId`, in order of the file; `position` counts within the day.
            listings: All listings of the day so far.
            kind: `mbp-10`, `mbp-1`, `tbbo` (a trade with the best quotes before it) or `trades`.
        """
        told = self.clock.told(records).with_columns(
            pl.col("flags").cast(pl.Int64).alias("FeedFlags"),
            pl.col("sequence").cast(pl.Int64).alias("ExchangeSequenceNo"),
            (pl.col("position") + 1).alias("BMLLSequenceNo"),
        )
        if kind in {"mbp-10", "mbp-1"}:
            yield L2, self._books(told.filter(has_flag(LAST)), listings)
        reports = told.filter(pl.col("action") == TRADE).with_columns(price("price"))
        if "bid_px_00" in reports.columns:
            reports = reports.with_columns(_quotes(reports))
        if not reports.is_empty():
            yield TRADES, print_rows(reports, listings, self.day)

    def _books(self, rows: pl.DataFrame, listings: tuple[Listing, ...]) -> pl.DataFrame:
        levels = sum(name.startswith("bid_px_") for name in rows.columns)
        columns = [column for level in range(1, levels + 1) for column in _level(rows, level)]
        return rows.select("ListingId", *_CLOCKS, self._number(rows), *columns).with_columns(
            *identity(listings, self.day, "Ticker", "MIC", "CurrencyCode", "TradeDate"),
            pl.lit(STREAM, pl.Int64).alias("BMLLSequenceSource"),
        )

    def _number(self, rows: pl.DataFrame) -> pl.Expr:
        before = {each: self._shown.get(each, 0) for each in listings_of(rows)}
        self._shown |= {each: before[each] + count for each, count in rows.group_by("ListingId").len().iter_rows()}
        place = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("ListingId")
        return (
            (place + pl.col("ListingId").replace_strict(before, return_dtype=pl.Int64)).alias("L2EventNo")
            if before
            else place.alias("L2EventNo")
        )


def _level(rows: pl.DataFrame, level: int) -> Iterator[pl.Series]:
    """Price, quantity and orders of both sides; a level that is not there has no price, quantity 0 and no orders."""
    for side in ("bid", "ask"):
        name, place = side.capitalize(), f"{level - 1:02}"
        units = rows.select(price(f"{side}_px_{place}").alias(f"{name}Price{level}")).to_series()
        yield decimals(units)
        is_there = pl.lit(units.is_not_null())
        yield rows.select(
            pl.when(is_there).then(f"{side}_sz_{place}").otherwise(0).cast(pl.Float64).alias(f"{name}Quantity{level}")
        ).to_series()
        yield rows.select(
            pl.when(is_there).then(f"{side}_ct_{place}").otherwise(0).cast(pl.Int32).alias(f"{name}NumOrders{level}")
        ).to_series()


def _quotes(reports: pl.DataFrame) -> list[pl.Series]:
    found: list[pl.Series] = []
    for side, name in (("bid", "BestBid"), ("ask", "BestAsk")):
        units = reports.select(price(f"{side}_px_00").alias(f"{name}Price")).to_series()
        size = pl.when(pl.lit(units.is_not_null())).then(f"{side}_sz_00").cast(pl.Float64)
        found += [decimals(units), reports.select(size.alias(f"{name}Size")).to_series()]
    return found
