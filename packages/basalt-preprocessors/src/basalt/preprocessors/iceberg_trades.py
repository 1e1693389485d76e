"""Trades with the iceberg that they met, one row a trade."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from basalt.core.datasets import PlannedColumn
from basalt.market.sides import Aggressor, RestingSide
from basalt.preprocessors.iceberg_events import event_schema
from basalt.preprocessors.shelving import FrameShelf
from basalt.preprocessors.streaming import chunks, groups, sourced

CARRIED = (
    "EventTimestamp",
    "Side",
    "ExecutionSize",
    "ExecutionPrice",
    "OldSize",
    "OldPrice",
    "OrderId",
    "RevealedQty",
    "IcebergId",
    "IcebergEventCount",
)
MIDS = ("PreTradeMid", "MidPrice")
TELLING = (
    *("ListingId", "TradeTimestamp", "LocalPrice", "Size", "TradeId", "AggressorSide", "BMLLTradeType", "Classification"),
    *(*MIDS, "BestBidPrice", "BestAskPrice"),
)
"""Columns of trades that tell which iceberg they met."""
FLAGS = (
    PlannedColumn("IcebergL3Revealed", pl.Boolean(), "", "Whether order events show that the trade met an iceberg.", forward=True),
    PlannedColumn(
        "IcebergTradeMatch", pl.Boolean(), "", "Whether an execution at its time, side and price has another size.", forward=True
    ),
    PlannedColumn("IcebergExecution", pl.Boolean(), "", "Whether either says so.", forward=True),
    PlannedColumn("IcebergTag", pl.String(), "", "BOTH, L3_REVEALED or TRADE_MATCH; null without an iceberg.", forward=True),
)


@dataclass(frozen=True)
class Matching:
    """How trades find executions, in terms of the section `iceberg_analytics`."""

    tolerance: int
    price_match: bool
    by_size: bool
    size_tolerance_nanos: int
    size_price_match: bool
    exclude_exact: bool
    size_tolerance: float
    trade_types: tuple[str, ...]
    classifications: tuple[str, ...]
    require_side: bool

    def tagged(self, trades: pl.LazyFrame, events: pl.LazyFrame, executions: pl.LazyFrame) -> pl.LazyFrame:
        """*trades* with the columns of the iceberg event that each met, and `FLAGS`.

        Trades are read twice. First what tells who met whom, and is put away by listing: in memory are a dozen columns of one
        listing, or of as many as have few rows. Then all columns, chunk by chunk.
        """
        types = event_schema()
        made = {**trades.collect_schema(), **{name: types[name] for name in CARRIED}, **{flag.name: flag.dtype for flag in FLAGS}}
        needed = executions.select("ListingId", "EventTimestamp", "Side", "ExecutionPrice", "ExecutionSize")
        return sourced(made, lambda: self._joined(trades, self._found(trades, events, needed)))

    def _found(self, trades: pl.LazyFrame, events: pl.LazyFrame, executions: pl.LazyFrame) -> pl.DataFrame:
        """`marks` of all listings, in order of trades."""
        told = trades.select(name for name in TELLING if name in trades.collect_schema())
        with FrameShelf() as tape, FrameShelf() as icebergs, FrameShelf() as taken:
            for rows in _numbered(told):
                tape.put(rows)
            for shelf, table in ((icebergs, events), (taken, executions)):
                for rows in chunks(table):
                    shelf.put(rows)
            empty = [told.with_row_index("trade"), events, executions]
            none = [pl.DataFrame(schema=table.collect_schema()) for table in empty]
            marks = [
                self._marks_of(group, (tape, icebergs, taken), none)
                for group in groups({each: [each] for each in tape.heights}, tape.heights)
            ]
            return pl.concat([self.marks(*(each.lazy() for each in none)).collect(), *marks]).sort("trade")

    def _marks_of(self, listings: Sequence[int], shelves: Sequence[FrameShelf], none: Sequence[pl.DataFrame]) -> pl.DataFrame:
        return self.marks(*(shelf.rows(listings, empty).lazy() for shelf, empty in zip(shelves, none, strict=True))).collect()

    @staticmethod
    def _joined(trades: pl.LazyFrame, marks: pl.DataFrame) -> Iterator[pl.DataFrame]:
        flags = [flag.name for flag in FLAGS if flag.dtype == pl.Boolean()]
        for rows in _numbered(trades):
            joined = rows.join(marks, on="trade", how="left", maintain_order="left")
            yield joined.with_columns(pl.col(flags).fill_null(value=False))

    def marks(self, trades: pl.LazyFrame, events: pl.LazyFrame, executions: pl.LazyFrame) -> pl.LazyFrame:
        """The numbers of those *trades* that met an iceberg, with the columns of the event, and `FLAGS`.

        A trade and an event with one `TradeId` belong together. Other trades take the event of their listing, and price, that
        is nearest in time; then each event keeps the nearest of the trades that took it. So no trade is repeated and no event counts twice.
        """
        met = pl.concat([self._by_id(trades, events), self._by_time(trades, events)]).unique("trade", keep="first", maintain_order=True)
        sized = self._by_size(trades, executions) if self.by_size else trades.select("trade").head(0)
        both = met.join(sized.with_columns(matched=pl.lit(value=True)), on="trade", how="full", coalesce=True)
        revealed, matched = pl.col("RevealedQty").is_not_null(), pl.col("matched").fill_null(value=False)
        tag = (
            pl.when(revealed & matched)
            .then(pl.lit("BOTH"))
            .when(revealed)
            .then(pl.lit("L3_REVEALED"))
            .when(matched)
            .then(pl.lit("TRADE_MATCH"))
        )
        return both.select(
            "trade",
            *CARRIED,
            revealed.alias("IcebergL3Revealed"),
            matched.alias("IcebergTradeMatch"),
            (revealed | matched).alias("IcebergExecution"),
            tag.alias("IcebergTag"),
        )

    @staticmethod
    def _by_id(trades: pl.LazyFrame, events: pl.LazyFrame) -> pl.LazyFrame:
        if "TradeId" not in trades.collect_schema():
            return events.select(pl.lit(0, pl.UInt32).alias("trade"), *CARRIED).head(0)
        named = events.filter(pl.col("TradeId") != "").unique(["ListingId", "TradeId"], keep="first", maintain_order=True)
        ids = trades.select("trade", "ListingId", "TradeId").filter(pl.col("TradeId") != "")
        first = ids.unique(["ListingId", "TradeId"], keep="first", maintain_order=True)
        return first.join(named, on=["ListingId", "TradeId"]).select("trade", *CARRIED)

    def _by_time(self, trades: pl.LazyFrame, events: pl.LazyFrame) -> pl.LazyFrame:
        unnamed = trades.filter(pl.col("TradeId").fill_null("") == "") if "TradeId" in trades.collect_schema() else trades
        free = events.filter(pl.col("TradeId") == "")
        by = ["ListingId", *(["ExecutionPrice"] if self.price_match else [])]
        left = unnamed.select("trade", "ListingId", "TradeTimestamp", pl.col("LocalPrice").alias("ExecutionPrice"))
        right = free.with_row_index("event").select("event", *dict.fromkeys((*by, *CARRIED)))
        kept = left if self.price_match else left.drop("ExecutionPrice")
        nearest = _nearest(kept, right, by, self.tolerance)
        return nearest.sort("away", "trade").unique("event", keep="first", maintain_order=True).select("trade", *CARRIED)

    def _by_size(self, trades: pl.LazyFrame, executions: pl.LazyFrame) -> pl.LazyFrame:
        """Trades whose nearest execution has another size: more, or less, was hidden than is shown."""
        known = trades.collect_schema().names()
        left = trades
        if self.trade_types and "BMLLTradeType" in known:
            left = left.filter(pl.col("BMLLTradeType").is_in(list(self.trade_types)))
        if self.classifications and "Classification" in known:
            left = left.filter(pl.col("Classification").is_in(list(self.classifications)))
        by = ["ListingId", *(["Side"] if self.require_side else []), *(["ExecutionPrice"] if self.size_price_match else [])]
        wanted = left.select(
            "trade", "ListingId", "TradeTimestamp", "Size", hit_side(known).alias("Side"), pl.col("LocalPrice").alias("ExecutionPrice")
        )
        shown = executions.select("EventTimestamp", pl.col("ExecutionSize").alias("executed"), *by)
        nearest = _nearest(wanted.select("trade", "TradeTimestamp", "Size", *by).drop_nulls(by), shown, by, self.size_tolerance_nanos)
        apart = (pl.col("executed") - pl.col("Size")).abs()
        return nearest.filter(apart > self.size_tolerance if self.exclude_exact else pl.lit(value=True)).select("trade")


def _numbered(trades: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """Chunks of *trades* with the number of each in all of them."""
    first = 0
    for rows in chunks(trades):
        yield rows.with_row_index("trade", offset=first)
        first += rows.height


def _nearest(left: pl.LazyFrame, right: pl.LazyFrame, by: Sequence[str], tolerance: int) -> pl.LazyFrame:
    """Rows of *left* beside the row of *right* that is nearest in time, at most *tolerance* ns *away*; others are left out."""
    strategy: Literal["nearest"] = "nearest"
    joined = left.sort("TradeTimestamp", maintain_order=True).join_asof(
        right.with_columns(pl.col("EventTimestamp").alias("event time")).sort("event time", maintain_order=True),
        left_on="TradeTimestamp",
        right_on="event time",
        by=list(by),
        strategy=strategy,
        check_sortedness=False,
    )
    away = (pl.col("TradeTimestamp") - pl.col("event time")).cast(pl.Int64).abs().alias("away")
    return joined.with_columns(away).filter(pl.col("away") <= tolerance)


def hit_side(known: Sequence[str]) -> pl.Expr:
    """Resting side that a trade took from: of the known aggressor, else from its place to the mid before it; null at the mid."""
    mids = [pl.col(name) for name in MIDS if name in known]
    if {"BestBidPrice", "BestAskPrice"} <= set(known):
        mids.append((pl.col("BestBidPrice") + pl.col("BestAskPrice")) / 2)
    aggressor = pl.col("AggressorSide") if "AggressorSide" in known else pl.lit(None, pl.Int64)
    price = pl.col("LocalPrice")
    mid = pl.coalesce(mids) if mids else pl.lit(None, pl.Float64)
    bought = (aggressor == Aggressor.BUY.value) | (~aggressor.is_in([1, 2]).fill_null(value=False) & (price > mid))
    sold = (aggressor == Aggressor.SELL.value) | (~aggressor.is_in([1, 2]).fill_null(value=False) & (price < mid))
    side = pl.when(bought).then(RestingSide.ASK.value).when(sold).then(RestingSide.BID.value)
    return side.cast(pl.Int64)
