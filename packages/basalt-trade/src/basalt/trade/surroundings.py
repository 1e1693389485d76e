"""What stood around a trade: mids from other tables, where the trades do not say.

Each is used only when the files of the trades have no column of its name.
"""

from __future__ import annotations

import polars as pl

from basalt.core.declaring import analytic, enrichment
from basalt.trade.discrepancies import mid_of_best
from basalt.trade.horizons import Horizon, horizon_millis, post_trade_mid

KEY = "ListingId"
TRADE_TIME = "TradeTimestamp"
QUOTE_TIME = "EventTimestamp"
_READS = (KEY, TRADE_TIME)
_QUOTES = (KEY, QUOTE_TIME, "BidPrice1", "AskPrice1")


@analytic(column="MidPrice", unit="{currency}", grain="row", math=r"(b_i + a_i) / 2")
def venue_mid() -> pl.Expr:
    """Mid of the best quotes of the trade's own venue just before it; null when a side is empty."""
    return mid_of_best("AtVenue")


def quoted_mids(quotes: pl.LazyFrame) -> pl.LazyFrame:
    """The mid from each quote on; null while a side is empty or the book is crossed.

    Returns:
        `ListingId`, `quote:time`, `quote:mid`, `quote:end` (time of the listing's last quote), in
        the order of *quotes*.
    """
    bid, ask, time = pl.col("BidPrice1"), pl.col("AskPrice1"), pl.col(QUOTE_TIME)
    return quotes.select(
        KEY,
        time.alias("quote:time"),
        pl.when(bid <= ask).then((bid + ask) / 2).alias("quote:mid"),
        time.max().over(KEY).alias("quote:end"),
    )


@enrichment(
    table="trades",
    uses="l2",
    column="PreTradeMid",
    unit="{currency}",
    reads=_READS,
    reads_other=_QUOTES,
    math=r"m(t_i^-)",
)
def mid_before(trades: pl.LazyFrame, quotes: pl.LazyFrame) -> pl.LazyFrame:
    """Mid of the listing's book strictly before the trade.

    A quote with the very time of the trade is taken for its consequence. Null before the first
    quote, and while a side is empty or the book is crossed.
    """
    matched = trades.join_asof(
        quoted_mids(quotes),
        left_on=TRADE_TIME,
        right_on="quote:time",
        by=KEY,
        allow_exact_matches=False,
        check_sortedness=False,
    )
    return matched.with_columns(pl.col("quote:mid").alias("PreTradeMid")).drop("quote:time", "quote:mid", "quote:end", strict=False)


@enrichment(
    table="trades",
    uses="l2",
    column=post_trade_mid,
    unit="{currency}",
    reads=_READS,
    reads_other=_QUOTES,
    math=r"m(t_i + \tau)",
    forward=True,
    source="Conrad & Wahal (2020), Journal of Financial Economics 135(1)",
)
def mid_after(trades: pl.LazyFrame, quotes: pl.LazyFrame, horizon: Horizon) -> pl.LazyFrame:
    """Mid of the listing's book that prevails {horizon} after the trade.

    The last quote at or before that time. Null when the time lies after the listing's last quote
    of the day, which is taken for the end of its session; and while a side is empty or the book is
    crossed.
    """
    later = pl.col(TRADE_TIME) + pl.duration(milliseconds=horizon_millis(horizon), time_unit="ns")
    matched = trades.with_columns(later.alias("trade:later")).join_asof(
        quoted_mids(quotes),
        left_on="trade:later",
        right_on="quote:time",
        by=KEY,
        check_sortedness=False,
    )
    mid = pl.when(pl.col("trade:later") <= pl.col("quote:end")).then(pl.col("quote:mid"))
    return matched.with_columns(mid.alias(post_trade_mid(horizon))).drop(
        "trade:later", "quote:time", "quote:mid", "quote:end", strict=False
    )
