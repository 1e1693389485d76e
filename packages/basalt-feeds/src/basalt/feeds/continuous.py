"""Rows of the lake for venues that trade continuously and publish price levels and prints: `l2`, `trades`, `marketstate`, `reference`.

Such venues, those of crypto assets above all, have no sessions, no auctions and no order ids; a trading day is a day in
UTC. Quantities may have fractions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

import polars as pl

from basalt.core.errors import InvalidValue
from basalt.feeds.identifiers import ListingDay
from basalt.market.books import LEVELS

QUOTE_ASSETS = ("FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USDP", "USD", "EUR", "GBP", "TRY", "BRL", "JPY", "BTC", "ETH", "BNB")

STREAM = 1
"""Everything that one file brings is one stream of messages."""

PHASE = "CONTINUOUS_TRADING"
UNKNOWN_ORDERS = tuple(pl.lit(None, pl.Int32).alias(f"{side}NumOrders{level}") for level in range(1, LEVELS + 1) for side in ("Bid", "Ask"))
"""Numbers of orders, which no feed of levels knows: there, and null, so that analytics of them are null."""
_BEST = ("BidPrice1", "BidQuantity1", "AskPrice1", "AskQuantity1")


def book_rows(states: pl.DataFrame, of: ListingDay) -> pl.DataFrame:
    """Rows of `l2`.

    Args:
        states: Clocks, sequence numbers, `L2EventNo` and levels, a row a state of the book.
        of: Whose book it is.
    """
    return states.with_columns(*_identity(of, "MIC", "CurrencyCode", "TradeDate"), *_constants(), *UNKNOWN_ORDERS)


def trade_rows(prints: pl.DataFrame, of: ListingDay) -> pl.DataFrame:
    """Rows of `trades`, without the quotes before them.

    Args:
        prints: `TradeTimestampNanoseconds` and other clocks, sequence numbers, `TradeId`, `AggressorSide`, `Price`, `Size`.
        of: Whose trades they are.
    """
    notional = pl.col("Price") * pl.col("Size")
    currency = of.listing.currency
    converted = [notional.alias(f"TradeNotional{currency}")] * (currency in {"USD", "EUR"})
    return prints.with_columns(
        *_identity(of, "MIC", "CurrencyCode", "TradeDate", "InstrumentId", "OPOL", "ExecutionVenue", "InstrumentCurrencyCode"),
        *_constants(),
        pl.col("Price").alias("InstrumentCurrencyPrice"),
        pl.lit("LIT").alias("BMLLTradeType"),
        pl.lit("LIT_CONTINUOUS").alias("Classification"),
        notional.alias("TradeNotional"),
        *converted,
    )


def with_quotes(trades: pl.DataFrame, books: Sequence[pl.LazyFrame]) -> pl.DataFrame:
    """*trades* with the best quotes of the last book whose time is before theirs; null without any.

    Args:
        trades: Rows of `trades`.
        books: Rows of `l2` of the same listing and day, in order of events.
    """
    if not books:
        return trades
    quotes = pl.concat([book.select("TimestampNanoseconds", *_BEST) for book in books]).collect()
    ordered = trades.sort("TradeTimestampNanoseconds", "BMLLSequenceNo", maintain_order=True)
    joined = ordered.join_asof(
        quotes,
        left_on="TradeTimestampNanoseconds",
        right_on="TimestampNanoseconds",
        allow_exact_matches=False,
        check_sortedness=False,
        coalesce=True,
    )
    return joined.with_columns(*_quotes(), *(_price_point().alias(f"PricePoint{at}") for at in ("", "AtVenue"))).drop(
        "TimestampNanoseconds", *_BEST
    )


def _quotes() -> list[pl.Expr]:
    places = ("", "AtVenue")
    prices = [pl.col(f"{side}Price1").alias(f"Best{side}Price{at}") for side in ("Bid", "Ask") for at in places]
    shown = {side: pl.when(pl.col(f"{side}Price1").is_not_null()).then(pl.col(f"{side}Quantity1")) for side in ("Bid", "Ask")}
    sizes = [size.cast(pl.Float64).alias(f"Best{side}Size{at}") for side, size in shown.items() for at in places]
    return [*prices, *sizes]


def _price_point() -> pl.Expr:
    bid, ask = pl.col("BidPrice1"), pl.col("AskPrice1")
    return pl.when(ask > bid).then((pl.col("Price") - bid) / (ask - bid))


def phase_rows(since: datetime, of: ListingDay) -> pl.DataFrame:
    """Rows of `marketstate`: trading from *since* on."""
    return pl.select(
        *_identity(of, "MIC", "InstrumentId", without=("Ticker",)),
        pl.lit(since).cast(pl.Datetime("ns")).alias("TimestampNanoseconds"),
        pl.lit(0, pl.Int64).alias("BMLLSequenceNo"),
        *_constants(),
    )


def reference_rows(of: ListingDay, *, instrument_type: str | None = None, tick_size: float | None = None) -> pl.DataFrame:
    """The row of `reference`."""
    return pl.select(
        *_identity(of, "MIC", "InstrumentId", "CurrencyCode", "OPOL"),
        pl.lit(True).alias("IsAlive"),
        pl.lit(True).alias("IsPrimary"),
        pl.lit("L2").alias("MarketDataLevel"),
        pl.lit(instrument_type, pl.String).alias("InstrumentType"),
        pl.lit(tick_size, pl.Float64).alias("TickSize"),
        pl.lit(of.day).cast(pl.Datetime("ms")).alias("Date"),
    )


def quote_asset(symbol: str) -> str:
    """The asset that prices of *symbol* are in: the second of two parts, or the end of the first.

    Raises:
        InvalidValue: No asset that is known.
    """
    first, *others = re.split("[-_/]", symbol.upper())
    named = [asset for part in others[:1] for asset in QUOTE_ASSETS if part == asset]
    ending = [asset for asset in QUOTE_ASSETS if first.endswith(asset) and first != asset]
    if named or ending:
        return (named or ending)[0]
    raise InvalidValue(f"the currency of {symbol} is not known", where="--currency", hint="name it: --currency USDT")


def _constants() -> list[pl.Expr]:
    return [pl.lit(STREAM, pl.Int64).alias("BMLLSequenceSource"), pl.lit(PHASE).alias("MarketState")]


def _identity(of: ListingDay, *more: str, without: tuple[str, ...] = ()) -> list[pl.Expr]:
    listing = of.listing
    known = {
        "Ticker": pl.lit(listing.ticker),
        "ListingId": pl.lit(listing.listing_id, pl.Int64),
        "InstrumentId": pl.lit(listing.instrument_id, pl.Int64),
        "TradeDate": pl.lit(of.day).cast(pl.Datetime("ms")),
        "MIC": pl.lit(listing.mic),
        "OPOL": pl.lit(listing.mic),
        "ExecutionVenue": pl.lit(listing.mic),
        "CurrencyCode": pl.lit(listing.currency),
        "InstrumentCurrencyCode": pl.lit(listing.currency),
    }
    return [known[name].alias(name) for name in ("Ticker", "ListingId", *more) if name not in without]
