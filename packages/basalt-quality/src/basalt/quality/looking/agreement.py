"""Do the trades and the executions of orders tell the same?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from basalt.core.bucketing import NANOS_PER_SECOND
from basalt.market.sides import Aggressor, RestingSide
from basalt.quality.findings import hits
from basalt.quality.seen import Seen, on_book, trade_price

_NEEDED = ("TradeId", "ExecutionSize", "Side")
_KEYS = ["ListingId", "TradeId"]


def look(trades: Seen | None, orders: Seen | None) -> Iterator[pl.LazyFrame]:
    """Hits about trades on the book and executions with a trade's identifier.

    Where not one identifier is in both tables, they do not speak of the same, and nothing is said.
    """
    if trades is None or orders is None or not orders.has(*_NEEDED) or not trades.has("TradeId", "Size", "Price"):
        return
    both = _trades(trades).join(_executions(orders), on=_KEYS, how="full", coalesce=True)
    comparable = (pl.col("at").is_not_null() & pl.col("at:executed").is_not_null()).any()
    compared = both.with_columns(comparable.alias("comparable")).filter("comparable")
    lone_execution, lone_trade = pl.col("at").is_null(), pl.col("at:executed").is_null()
    words = pl.format("trade {}", "TradeId")
    yield hits(compared, "UNMATCHED_EXECUTION", orders.name, lone_execution, start="at:executed", detail=words)
    yield hits(compared, "UNMATCHED_TRADE", trades.name, lone_trade & pl.col("is_on_book"), detail=words)
    matched = compared.filter(~lone_execution & ~lone_trade)
    yield from _mismatches(matched, trades)


def _mismatches(matched: pl.LazyFrame, trades: Seen) -> Iterator[pl.LazyFrame]:
    bid, ask = pl.col("bid"), pl.col("ask")
    executed = pl.max_horizontal(bid, ask)
    sizes = pl.format("trade {} of {} executed {}", "TradeId", "size", executed + pl.col("either"))
    is_other = (pl.col("size") < executed) | (pl.col("size") > executed + pl.col("either"))
    yield hits(matched, "TRADE_MISMATCH", trades.name, is_other, detail=sizes)
    prices = pl.format("trade {} at {} executed at {}", "TradeId", "price", "price:executed")
    yield hits(matched, "TRADE_MISMATCH", trades.name, ((pl.col("price") - pl.col("price:executed")).abs() > 1e-9), detail=prices)
    apart = (pl.col("at") - pl.col("at:executed")).abs()
    times = pl.format("trade {} is {} s from its execution", "TradeId", apart / 1e9)
    first, last = pl.min_horizontal("at", "at:executed"), pl.max_horizontal("at", "at:executed")
    yield hits(matched, "TRADE_MISMATCH", trades.name, apart > NANOS_PER_SECOND, start=first, end=last, detail=times)
    bought_from_bid = (pl.col("aggressor") == Aggressor.BUY.value) & (bid > 0) & (ask == 0)
    sold_to_ask = (pl.col("aggressor") == Aggressor.SELL.value) & (ask > 0) & (bid == 0)
    sides = pl.format("trade {} has the aggressor {}", "TradeId", "aggressor")
    yield hits(matched, "WRONG_SIDE", trades.name, bought_from_bid | sold_to_ask, detail=sides)


def _trades(seen: Seen) -> pl.LazyFrame:
    aggressor = pl.col("AggressorSide") if seen.has("AggressorSide") else pl.lit(None, pl.Int64())
    named = seen.frame.filter(_is_named())
    return named.group_by(_KEYS).agg(
        pl.col("at").min(),
        pl.col("Size").cast(pl.Float64()).sum().alias("size"),
        trade_price(seen).cast(pl.Float64()).mean().alias("price"),
        aggressor.first().alias("aggressor"),
        on_book(seen).any().alias("is_on_book"),
    )


def _executions(seen: Seen) -> pl.LazyFrame:
    """Executed size by side of each trade; in an auction both sides execute. Executions without a side are of either."""
    size = pl.col("ExecutionSize").cast(pl.Float64())
    price = pl.col("ExecutionPrice") if seen.has("ExecutionPrice") else pl.lit(None)
    executed = seen.frame.filter(_is_named() & (pl.col("ExecutionSize") > 0))
    return executed.group_by(_KEYS).agg(
        pl.col("at").min().alias("at:executed"),
        size.filter(pl.col("Side") == RestingSide.BID.value).sum().alias("bid"),
        size.filter(pl.col("Side") == RestingSide.ASK.value).sum().alias("ask"),
        size.filter(pl.col("Side").is_null()).sum().alias("either"),
        price.cast(pl.Float64()).mean().alias("price:executed"),
    )


def _is_named() -> pl.Expr:
    return pl.col("TradeId").is_not_null() & (pl.col("TradeId") != "")
