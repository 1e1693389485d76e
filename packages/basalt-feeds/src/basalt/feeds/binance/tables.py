"""Messages of a capture as changes of a book, prints, and checks against best quotes.

Times. The clock of the book is `T`, the time of the transaction, where a message has it (futures), else `E`, the time of the
message (spot); trades happen at `T` and are published at `E`. All of them are in milliseconds. `ReceiveTimestamp` is
the capture's own clock in nanoseconds, which may be ahead or behind. The number of arrival breaks ties.
"""

from __future__ import annotations

import polars as pl

from basalt.books import BookMessage
from basalt.feeds.binance.following import Step
from basalt.feeds.collecting import FIRST, LAST
from basalt.market.sides import Aggressor, RestingSide

_EVENT = {
    "TimestampNanoseconds": pl.Datetime("ns"),
    "ReceiveTimestamp": pl.Int64,
    "BMLLSequenceNo": pl.Int64,
    "ExchangeSequenceNo": pl.Int64,
}


def level_changes(steps: pl.DataFrame, depths: pl.DataFrame, snapshots: pl.DataFrame) -> pl.DataFrame:
    """Rows for `DepthReplay`, in the order of *steps*.

    Args:
        steps: `Line`, `Step` of `Following.steps`.
        depths, snapshots: All messages that *steps* names.

    A snapshot belongs to the event of the message that joins it; losing the book is an event of its own.
    """
    numbered = steps.with_row_index("Place").with_columns(pl.col("Place").cast(pl.Int64))
    applied = numbered.filter(pl.col("Step") != Step.START.value)
    events = applied.join(depths.select("Line", *_event()), on="Line", maintain_order="left").select("Place", *_EVENT)
    levels = [_levels(depths, "b", "a"), _levels(snapshots, "bids", "asks")]
    changes = [
        numbered.filter(pl.col("Step") == step.value).join(of_kind, on="Line", maintain_order="left")
        for step, of_kind in ((Step.START, levels[1]), (Step.APPLY, levels[0]))
    ]
    rows = pl.concat([_clearing(numbered), *changes]).select("Place", "BookMessage", "Side", "Price", "Size")
    ordered = rows.sort("Place", maintain_order=True)
    # the rows of a snapshot have no event of their own: they take that of the message after them
    timed = ordered.join_asof(events, on="Place", strategy="forward", check_sortedness=False)
    last = pl.col("Place") != pl.col("Place").shift(-1)
    is_snapshot = pl.col("Place").is_in(numbered.filter(pl.col("Step") == Step.START.value)["Place"].to_list())
    return timed.with_columns((last.fill_null(value=True) & ~is_snapshot).alias("EndOfEvent")).drop("Place")


def _event() -> list[pl.Expr]:
    return [
        _nanos(pl.coalesce("T", "E")).alias("TimestampNanoseconds"),
        pl.col("Receive").alias("ReceiveTimestamp"),
        pl.col("Number").alias("BMLLSequenceNo"),
        pl.col("u").alias("ExchangeSequenceNo"),
    ]


def _nanos(milliseconds: pl.Expr) -> pl.Expr:
    return (milliseconds * 1_000_000).cast(pl.Datetime("ns"))


def _levels(messages: pl.DataFrame, bids: str, asks: str) -> pl.DataFrame:
    """One row a level of *messages*; a message without any keeps one row that does nothing."""
    sides = [
        messages.select("Line", pl.lit(side.value, pl.Int64).alias("Side"), pl.col(name).alias("Level"))
        for side, name in ((RestingSide.BID, bids), (RestingSide.ASK, asks))
    ]
    shown = pl.concat(sides).explode("Level", empty_as_null=False)
    empty = messages.filter((pl.col(bids).list.len() == 0) & (pl.col(asks).list.len() == 0))
    return pl.concat(
        [
            shown.select(
                "Line",
                pl.lit(BookMessage.SET.value, pl.Int64).alias("BookMessage"),
                "Side",
                pl.col("Level").list.get(0).cast(pl.Float64).alias("Price"),
                pl.col("Level").list.get(1).cast(pl.Float64).alias("Size"),
            ),
            _nothing(empty, BookMessage.NONE),
        ]
    )


def _clearing(steps: pl.DataFrame) -> pl.DataFrame:
    """A row that empties the book wherever a snapshot starts or the book is lost."""
    cleared = steps.filter(pl.col("Step") != Step.APPLY.value)
    return cleared.join(_nothing(cleared, BookMessage.CLEAR), on="Line", maintain_order="left")


def _nothing(messages: pl.DataFrame, message: BookMessage) -> pl.DataFrame:
    return messages.select(
        "Line",
        pl.lit(message.value, pl.Int64).alias("BookMessage"),
        pl.lit(0, pl.Int64).alias("Side"),
        pl.lit(None, pl.Float64).alias("Price"),
        pl.lit(0.0).alias("Size"),
    )


# ---------------------------------------------------------------- prints and quotes


def prints(trades: pl.DataFrame) -> pl.DataFrame:
    """Trades of the market: `m`, the buyer is the maker, means that a seller was the aggressor."""
    market = trades.filter(is_market(trades))
    return market.select(
        *_print(),
        pl.col("t").cast(pl.String).alias("TradeId"),
        pl.col("t").alias("ExchangeSequenceNo"),
        pl.col("X").alias("OriginalTradeType"),
    )


def aggregated_prints(aggregates: pl.DataFrame) -> pl.DataFrame:
    """All trades of one taking order at one price as one trade, with the numbers of the `FIRST` and the `LAST` of them."""
    return aggregates.select(
        *_print(),
        pl.concat_str(pl.col("f"), pl.lit("-"), pl.col("l")).alias("TradeId"),
        pl.col("l").alias("ExchangeSequenceNo"),
        pl.lit("aggTrade").alias("OriginalTradeType"),
        pl.col("f").alias(FIRST),
        pl.col("l").alias(LAST),
    )


def _print() -> list[pl.Expr]:
    """What trades and aggregated trades say alike."""
    aggressor = pl.when(pl.col("m")).then(Aggressor.SELL.value).otherwise(Aggressor.BUY.value)
    return [
        _nanos(pl.coalesce("T", "E")).alias("TradeTimestampNanoseconds"),
        _nanos(pl.col("E")).alias("PublicationTimestampNanoseconds"),
        _nanos(pl.col("E")).cast(pl.Datetime("us")).alias("PublicationTimestamp"),
        pl.col("Receive").alias("ReceiveTimestamp"),
        pl.col("Number").alias("BMLLSequenceNo"),
        aggressor.cast(pl.Int64).alias("AggressorSide"),
        pl.col("p").cast(pl.Float64).alias("Price"),
        pl.col("q").cast(pl.Float64).alias("Size"),
    ]


def is_market(trades: pl.DataFrame) -> pl.Series:
    """Whether a trade took place in the market: fills by the insurance fund and by deleveraging come as trades too."""
    return trades.select((pl.col("X").is_null() | (pl.col("X") == "MARKET")) & (pl.col("q").cast(pl.Float64) > 0)).to_series()


def best_quotes(tickers: pl.DataFrame) -> pl.DataFrame:
    """Best quotes as of an update: `Update`, `BidPrice1`, `BidQuantity1`, `AskPrice1`, `AskQuantity1`."""
    names = {"b": "BidPrice1", "B": "BidQuantity1", "a": "AskPrice1", "A": "AskQuantity1"}
    return tickers.select(pl.col("u").alias("Update"), *(pl.col(short).cast(pl.Float64).alias(name) for short, name in names.items()))
