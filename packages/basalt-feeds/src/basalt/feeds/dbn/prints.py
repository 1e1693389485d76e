"""Reports of trades to rows of `trades`."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from basalt.feeds.dbn.fields import STREAM, aggressor, listings_of, with_decimals
from basalt.feeds.dbn.naming import identity
from basalt.feeds.identifiers import Listing

QUOTES = ("BidPrice1", "BidQuantity1", "AskPrice1", "AskQuantity1")
_BEST = ("BestBidPrice", "BestBidSize", "BestAskPrice", "BestAskSize")
_CLOCKS = ("ReceiveTimestamp", "FeedTimestamp", "FeedFlags", "ExchangeSequenceNo", "BMLLSequenceNo")


def trade_rows(reports: pl.DataFrame, quotes: pl.DataFrame, listings: tuple[Listing, ...], day: date) -> pl.DataFrame:
    """Rows of `trades` with the best quotes before their event and the mid after it.

    Args:
        reports: Records of trades with clocks, `ListingId`, and `before` and `after`: sequence numbers of the last record before their event and of its last.
        quotes: `ListingId`, `BMLLSequenceNo` and `QUOTES` of the books that were shown, with the last one of before for each listing.
        listings: Whom the records belong to.
        day: Trading day.
    """
    before, after = _books(reports, quotes, "before"), _books(reports, quotes, "after")
    mid = (after["BestBidPrice"] + after["BestAskPrice"]) / 2
    return print_rows(reports.with_columns(*before, mid.alias("PostTradeMid")), listings, day)


def _books(reports: pl.DataFrame, quotes: pl.DataFrame, until: str) -> pl.DataFrame:
    """The best quotes of the last book of the same listing up to the number in *until*, row by row."""
    shown = quotes.select("ListingId", pl.col("BMLLSequenceNo").alias("shown"), *_named()).sort("shown")
    if len(listings_of(shown)) < 2:
        places = np.searchsorted(shown["shown"].to_numpy(), reports[until].to_numpy(), side="right").astype(np.int64) - 1
        return shown.select(pl.col(_BEST).gather(pl.lit(pl.Series(places).set(pl.Series(places < 0), None))))
    asked = reports.select("ListingId", until).with_row_index("row").sort(until, maintain_order=True)
    found = asked.join_asof(shown, left_on=until, right_on="shown", by="ListingId", strategy="backward", check_sortedness=False)
    return found.sort("row").select(_BEST)


def _named() -> list[pl.Expr]:
    has = {side: pl.col(f"{side}Price1").is_not_null() for side in ("Bid", "Ask")}
    sizes = {side: pl.when(has[side]).then(pl.col(f"{side}Quantity1").cast(pl.Float64)) for side in has}
    return [
        expression.alias(name)
        for expression, name in zip((pl.col("BidPrice1"), sizes["Bid"], pl.col("AskPrice1"), sizes["Ask"]), _BEST, strict=True)
    ]


def print_rows(reports: pl.DataFrame, listings: tuple[Listing, ...], day: date) -> pl.DataFrame:
    """Rows of `trades`.

    Args:
        reports: Records of trades with clocks and `ListingId`; the best quotes before them and the mid after them where there are any.
        listings: Whom the records belong to.
        day: Trading day.
    """
    rows = with_decimals(reports.with_columns(_price().alias("Price")), "Price").with_columns(
        pl.col("size").cast(pl.Float64).alias("Size"), aggressor().alias("AggressorSide")
    )
    notional = pl.col("Price") * pl.col("Size")
    names = ("Ticker", "MIC", "OPOL", "InstrumentId", "InstrumentCurrencyCode", "TradeDate", "CurrencyCode", "ExecutionVenue")
    has_quotes = "BestBidPrice" in rows.columns
    return rows.select(
        "ListingId",
        *identity(listings, day, *names),
        pl.col("TimestampNanoseconds").alias("TradeTimestampNanoseconds"),
        *(name for name in _CLOCKS if name in rows.columns),
        pl.lit(STREAM, pl.Int64).alias("BMLLSequenceSource"),
        (pl.col("trade") if "trade" in rows.columns else pl.col("BMLLSequenceNo")).cast(pl.String).alias("TradeId"),
        "AggressorSide",
        "Price",
        "Size",
        pl.col("Price").alias("InstrumentCurrencyPrice"),
        pl.lit("LIT").alias("BMLLTradeType"),
        (_classification() if has_quotes else pl.lit("LIT_CONTINUOUS")).alias("Classification"),
        notional.alias("TradeNotional"),
        *_quote_columns(rows),
    )


def _price() -> pl.Expr:
    return pl.col("price")


def _classification() -> pl.Expr:
    """A trade without an aggressor, out of a crossed book, is an uncross."""
    is_uncross = (pl.col("AggressorSide") == 0) & (pl.col("BestBidPrice") >= pl.col("BestAskPrice"))
    return pl.when(is_uncross).then(pl.lit("LIT_AUCTION")).otherwise(pl.lit("LIT_CONTINUOUS"))


def _quote_columns(rows: pl.DataFrame) -> list[pl.Expr]:
    if "BestBidPrice" not in rows.columns:
        return []
    spread = pl.col("BestAskPrice") - pl.col("BestBidPrice")
    point = pl.when(spread > 0).then((pl.col("Price") - pl.col("BestBidPrice")) / spread)
    after = [pl.col("PostTradeMid")] if "PostTradeMid" in rows.columns else []
    return [
        *(pl.col(name).alias(f"{name}{at}") for name in _BEST for at in ("", "AtVenue")),
        *(point.alias(f"PricePoint{at}") for at in ("", "AtVenue")),
        *after,
    ]
