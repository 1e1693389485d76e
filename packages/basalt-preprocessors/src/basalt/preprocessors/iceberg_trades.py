"""Trades with the iceberg that they met, one row a trade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from basalt.core.datasets import PlannedColumn
from basalt.market.sides import Aggressor, RestingSide
from basalt.preprocessors.iceberg_events import event_schema
from basalt.preprocessors.streaming import sourced

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

        Trades are read twice. First what tells who met whom, and is put away by listing, to be looked at piece by piece; in memory are the numbers
        of the iceberg events of one listing, or of as many as have few trades. Then all columns, chunk by chunk.
        """
        from basalt.preprocessors.iceberg_meeting import tagged_trades

        types = event_schema()
        made = {**trades.collect_schema(), **{name: types[name] for name in CARRIED}, **{flag.name: flag.dtype for flag in FLAGS}}
        needed = executions.select("ListingId", "EventTimestamp", "Side", "ExecutionPrice", "ExecutionSize")
        return sourced(made, lambda: tagged_trades(self, trades, events, needed))

    def near(self, trades: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
        """Each of *trades* that has no id beside the *event* without one of its listing, and price, that is nearest in time, and how far it is *away*."""
        left = trades.filter(pl.col("TradeId").fill_null("") == "") if "TradeId" in trades.columns else trades
        by = ["ListingId", *(["ExecutionPrice"] if self.price_match else [])]
        wanted = left.select("trade", "TradeTimestamp", *_by(by))
        return _nearest(wanted, events.filter(pl.col("TradeId") == "").select("event", "EventTimestamp", *by), by, self.tolerance).select(
            "event", "trade", "away"
        )

    def resized(self, trades: pl.DataFrame, executions: pl.DataFrame) -> pl.DataFrame:
        """Those of *trades* whose nearest execution has another size: more, or less, was hidden than is shown."""
        known = trades.columns
        left = trades
        if self.trade_types and "BMLLTradeType" in known:
            left = left.filter(pl.col("BMLLTradeType").is_in(list(self.trade_types)))
        if self.classifications and "Classification" in known:
            left = left.filter(pl.col("Classification").is_in(list(self.classifications)))
        by = ["ListingId", *(["Side"] if self.require_side else []), *(["ExecutionPrice"] if self.size_price_match else [])]
        wanted = left.with_columns(hit_side(known).alias("Side")).select("trade", "TradeTimestamp", "Size", *_by(by))
        shown = executions.select("EventTimestamp", pl.col("ExecutionSize").alias("executed"), *by)
        nearest = _nearest(wanted.drop_nulls(by), shown, by, self.size_tolerance_nanos)
        apart = (pl.col("executed") - pl.col("Size")).abs()
        return nearest.filter(apart > self.size_tolerance if self.exclude_exact else pl.lit(value=True)).select("trade")


def flagged(rows: pl.DataFrame, met: pl.DataFrame, sized: pl.DataFrame) -> pl.DataFrame:
    """*rows* with `CARRIED` of the events that they *met*, and `FLAGS`; *sized* have another size than the execution at their time."""
    revealed, matched = pl.col("RevealedQty").is_not_null(), pl.col("matched").fill_null(value=False)
    tag = (
        pl.when(revealed & matched)
        .then(pl.lit("BOTH"))
        .when(revealed)
        .then(pl.lit("L3_REVEALED"))
        .when(matched)
        .then(pl.lit("TRADE_MATCH"))
    )
    joined = rows.join(met, on="trade", how="left", maintain_order="left").join(
        sized.with_columns(matched=pl.lit(value=True)), on="trade", how="left", maintain_order="left"
    )
    return joined.with_columns(
        revealed.alias("IcebergL3Revealed"),
        matched.alias("IcebergTradeMatch"),
        (revealed | matched).alias("IcebergExecution"),
        tag.alias("IcebergTag"),
    )


def _by(names: Sequence[str]) -> list[pl.Expr]:
    """Columns of trades by their names in events and executions."""
    return [(pl.col("LocalPrice") if name == "ExecutionPrice" else pl.col(name)).alias(name) for name in names]


def _nearest(left: pl.DataFrame, right: pl.DataFrame, by: Sequence[str], tolerance: int) -> pl.DataFrame:
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
