"""Columns of aggressive orders: what becomes of the columns of their executions."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import polars as pl

from basalt.core.datasets import Dataset, PlannedColumn

ADDED = ("LocalNotional", "TradeNotional", "TradeNotionalUSD", "TradeNotionalEUR")
DESCRIBING = (
    "Ticker",
    "MIC",
    "InstrumentId",
    "CurrencyCode",
    "TradeDate",
    "MarketState",
    "BMLLParticipantType",
    "ParticipantType",
    "MarketMechanism",
    "TradingMode",
    "TransactionCategory",
    "NegotiatedTrade",
    "CrossingTrade",
    "AlgorithmicTrade",
    "PublicationMode",
    "DeferralType",
    "BMLLTradeType",
    "Classification",
    "IsBlock",
    "LotType",
)
_BEFORE = re.compile(r"PreTrade|^Old|^Best(Bid|Ask)(Price|Size)$")
_AFTER = re.compile(r"PostTrade")


@dataclass(frozen=True)
class Summary:
    """One column of an order: its schema, and how it is made of the order's executions."""

    planned: PlannedColumn
    expression: pl.Expr


def is_first(name: str) -> bool:
    """Whether an order has the value of its first execution."""
    return name in DESCRIBING or bool(_BEFORE.search(name))


def summaries(dataset: Dataset, *, size: str, price: str, clock: str, side: PlannedColumn) -> tuple[Summary, ...]:
    """All columns of orders made of executions in *dataset*, besides their keys.

    What is known only after the last execution is declared to look forward: an order is labelled with its first one.
    """
    known = dataset.schema()
    summed = [size, *(name for name in ADDED if name in known)]
    priced = dict.fromkeys(
        name for name in (price, "Price", "LocalPrice") if name in known and not (price == "ExecutionPrice" and name == "Price")
    )
    plain = [
        _plain(dataset.column(name), pl.col(name).first() if is_first(name) else pl.col(name).last(), forward=not is_first(name))
        for name in known
        if name not in {*summed, *priced, clock, "ListingId"} and (is_first(name) or _AFTER.search(name))
    ]
    return (
        Summary(side, pl.col("AggressorSide").first()),
        *(_plain(dataset.column(name), _total(name), forward=True, doc="sum over the executions") for name in summed),
        *(_plain(dataset.column(name), _weighted(name, size), forward=True, doc="mean weighted by size") for name in priced),
        Summary(
            PlannedColumn("AggressiveSize", pl.Float64(), dataset.column(size).unit, "Executed size of the order.", forward=True),
            pl.col(size).sum().cast(pl.Float64),
        ),
        *_shape(price, clock, dataset.column(price).unit),
        *plain,
        *_place(known, price, size),
    )


def _plain(column: PlannedColumn, expression: pl.Expr, *, forward: bool, doc: str = "") -> Summary:
    said = doc or ("of the last execution" if forward else "of the first execution")
    return Summary(replace(column, doc=f"{column.doc.rstrip('.')}: {said}.", forward=forward, hidden=False), expression)


def _total(name: str) -> pl.Expr:
    return pl.when(pl.col(name).count() > 0).then(pl.col(name).sum())


def _weighted(name: str, size: str) -> pl.Expr:
    is_known = pl.col(name).is_not_null()
    weight = pl.when(is_known).then(pl.col(size)).otherwise(0)
    total = weight.sum().cast(pl.Float64)
    return pl.when(total > 0).then((pl.col(name) * weight).sum() / total)


def _shape(price: str, clock: str, unit: str) -> tuple[Summary, ...]:
    low, high = pl.col(price).min(), pl.col(price).max()
    return (
        Summary(
            PlannedColumn("Duration", pl.Int64(), "ns", "Time from the first to the last execution.", forward=True),
            (pl.col(clock).last() - pl.col(clock).first()).cast(pl.Int64),
        ),
        Summary(PlannedColumn("MinPrice", pl.Float64(), unit, "Lowest price of an execution.", forward=True), low),
        Summary(PlannedColumn("MaxPrice", pl.Float64(), unit, "Highest price of an execution.", forward=True), high),
        Summary(PlannedColumn("PriceDiff", pl.Float64(), unit, "Highest less lowest price.", forward=True), high - low),
        Summary(PlannedColumn("NumExecutions", pl.Int64(), "trades", "Number of executions.", forward=True), pl.len().cast(pl.Int64)),
    )


def _place(known: dict[str, pl.DataType], price: str, size: str) -> tuple[Summary, ...]:
    """Where the mean price lies in the spread that the order met, where quotes are known."""
    if not {"BestBidPrice", "BestAskPrice"} <= known.keys():
        return ()
    bid, ask = pl.col("BestBidPrice").first(), pl.col("BestAskPrice").first()
    doc = "Place of the mean price in the spread just before the order: 0 at the best bid, 1 at the best ask; null unless bid is below ask."
    return (
        Summary(
            PlannedColumn("PricePoint", pl.Float64(), "", doc, forward=True),
            pl.when(ask > bid).then((_weighted(price, size) - bid) / (ask - bid)),
        ),
    )
