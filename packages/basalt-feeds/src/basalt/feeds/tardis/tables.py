"""Rows of Tardis files as changes of a book, states of a book, and prints.

Times. `timestamp`, the venue's clock in microseconds, becomes the clock; `local_timestamp` becomes `ReceiveTimestamp`, and with
it the order of messages: `BMLLSequenceNo` is the time of arrival in nanoseconds plus the place among rows of the same
time. A file's day is that of its arrivals; a book from before midnight is dated at midnight.
"""

from __future__ import annotations

import polars as pl

from basalt.books import BookMessage
from basalt.market.sides import Aggressor, RestingSide

LEVELS = 10
_ARRIVAL = pl.col("local_timestamp")


def arrival_day() -> pl.Expr:
    """Day in UTC at which a row arrived."""
    return _ARRIVAL.cast(pl.Datetime("us")).dt.date()


def _clocks() -> list[pl.Expr]:
    midnight = _ARRIVAL.cast(pl.Datetime("us")).dt.truncate("1d").dt.epoch("us")
    clock = pl.max_horizontal("timestamp", midnight)
    return [
        arrival_day().alias("Day"),
        (clock.max().over(_ARRIVAL.rle_id()) * 1000).cast(pl.Datetime("ns")).alias("TimestampNanoseconds"),
        (_ARRIVAL * 1000).alias("ReceiveTimestamp"),
    ]


def _sequence() -> pl.Expr:
    return (_ARRIVAL * 1000 + pl.int_range(pl.len()).over(_ARRIVAL.rle_id())).alias("BMLLSequenceNo")


def level_changes(rows: pl.DataFrame, *, follows_snapshot: bool) -> pl.DataFrame:
    """Rows of incremental_book_L2 of one symbol as rows for `DepthReplay`.

    Rows that arrived together are one event. A book is emptied where a snapshot begins, that is at a row of a snapshot after
    a row of none.

    Args:
        rows: In order of the file, whole events.
        follows_snapshot: The row before the first was one of a snapshot.
    """
    before = pl.col("is_snapshot").shift(1, fill_value=follows_snapshot)
    side = pl.when(pl.col("side") == "bid").then(RestingSide.BID.value).otherwise(RestingSide.ASK.value)
    changes = rows.select(
        pl.int_range(pl.len()).alias("Place"),
        *_clocks(),
        (_ARRIVAL * 1000).alias("BMLLSequenceNo"),
        pl.lit(BookMessage.SET.value, pl.Int64).alias("BookMessage"),
        side.cast(pl.Int64).alias("Side"),
        pl.col("price").alias("Price"),
        pl.col("amount").alias("Size"),
        (_ARRIVAL.shift(-1) != _ARRIVAL).fill_null(value=True).alias("EndOfEvent"),
        (pl.col("is_snapshot") & ~before).alias("Starts"),
    )
    starts = changes.filter("Starts").with_columns(
        pl.lit(BookMessage.CLEAR.value, pl.Int64).alias("BookMessage"), pl.lit(value=False).alias("EndOfEvent")
    )
    return pl.concat([starts, changes]).sort("Place", maintain_order=True).drop("Place", "Starts")


def book_states(rows: pl.DataFrame, depth: int) -> pl.DataFrame:
    """Rows of book_snapshot or quotes of one symbol as states of a book, the ten best levels of *depth*."""
    quoted = rows.rename({name: new for name, new in _QUOTES.items() if name in rows.columns})
    shown = [column for level in range(1, LEVELS + 1) for side in ("bids", "asks") for column in _level(side, level, depth)]
    return quoted.select(*_clocks(), _sequence(), *shown)


_QUOTES = {
    "ask_amount": "asks[0].amount",
    "ask_price": "asks[0].price",
    "bid_price": "bids[0].price",
    "bid_amount": "bids[0].amount",
}


def _level(side: str, level: int, depth: int) -> list[pl.Expr]:
    place = {"bids": "Bid", "asks": "Ask"}[side]
    if level > depth:
        return [pl.lit(None, pl.Float64).alias(f"{place}{what}{level}") for what in ("Price", "Quantity")]
    price, amount = (pl.col(f"{side}[{level - 1}].{what}") for what in ("price", "amount"))
    is_there = price.is_not_null() & (amount > 0)
    return [
        pl.when(is_there).then(price).alias(f"{place}Price{level}"),
        pl.when(is_there).then(amount).otherwise(0.0).alias(f"{place}Quantity{level}"),
    ]


def prints(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of trades of one symbol: `side` is that of the taker."""
    side = pl.col("side").replace_strict(_AGGRESSORS, return_dtype=pl.Int64)
    return rows.select(
        arrival_day().alias("Day"),
        (pl.col("timestamp") * 1000).cast(pl.Datetime("ns")).alias("TradeTimestampNanoseconds"),
        (_ARRIVAL * 1000).alias("ReceiveTimestamp"),
        _sequence(),
        pl.col("id").fill_null("").alias("TradeId"),
        side.alias("AggressorSide"),
        pl.col("price").alias("Price"),
        pl.col("amount").alias("Size"),
    )


_AGGRESSORS = {"buy": Aggressor.BUY.value, "sell": Aggressor.SELL.value, "unknown": Aggressor.UNKNOWN.value}
