"""Short makers of the columns that several contracts share."""

from __future__ import annotations

import polars as pl

from basalt.core.tables import Column

PRICE = "{currency}"
SHARES = "shares"
ORDERS = "orders"
NANOS = "ns"


def text(name: str, doc: str = "", *, required: bool = False) -> Column:
    """A String column: a name or a code."""
    return Column(name, pl.String(), "", doc, required)


def number(name: str, unit: str = "", doc: str = "", *, required: bool = False) -> Column:
    """A Float64 column."""
    return Column(name, pl.Float64(), unit, doc, required)


def integer(name: str, unit: str = "", doc: str = "", *, required: bool = False) -> Column:
    """An Int64 column."""
    return Column(name, pl.Int64(), unit, doc, required)


def small_integer(name: str, unit: str = "", doc: str = "") -> Column:
    """An Int32 column."""
    return Column(name, pl.Int32(), unit, doc)


def truth(name: str, doc: str = "") -> Column:
    """A Boolean column."""
    return Column(name, pl.Boolean(), "", doc)


def instant(name: str, precision: str, doc: str = "", *, required: bool = False) -> Column:
    """A Datetime column without zone, in *precision* `ms`, `us` or `ns`."""
    return Column(name, pl.Datetime(precision), "", doc, required)  # type: ignore[arg-type]


def sequence_numbers() -> tuple[Column, ...]:
    """The two sequence numbers of a message and the stream that numbered it."""
    return (
        integer("ExchangeSequenceNo", "", "Number of the message at the exchange."),
        integer("BMLLSequenceNo", "", "Number of the message in its stream; breaks ties in time."),
        integer("BMLLSequenceSource", "", "Stream that BMLLSequenceNo counts in; numbers of two streams do not compare."),
    )


LISTING_ID = integer("ListingId", "", "Security on one venue.", required=True)
INSTRUMENT_ID = integer("InstrumentId", "", "Security, the same on all its venues.")
TICKER = text("Ticker", "Short name of the listing at its venue.")
MIC = text("MIC", "Venue, as an ISO 10383 market identifier code.")
CURRENCY = text("CurrencyCode", "Currency that prices are quoted in; GBp is pence.")
TRADE_DATE = instant("TradeDate", "ms", "Trading day, at midnight.")
MARKET_STATE = text("MarketState", "Phase of the venue's day for the listing at that time.")
RECEIVE_CLOCK = integer("ReceiveTimestamp", NANOS, "Time of capture, nanoseconds since 1970 UTC.")
FEED_CLOCK = integer(
    "FeedTimestamp",
    NANOS,
    "Time of the event as its message says it, nanoseconds since 1970 UTC; the row's clock is later where it follows the order of messages.",
)
FEED_FLAGS = integer("FeedFlags", "", "Flags of the message, in the feed's own bits.")
FEED_COLUMNS = (FEED_CLOCK, FEED_FLAGS)
"""What some feeds tell of a message beyond the vendor's columns."""
NANOSECOND_CLOCK = instant("TimestampNanoseconds", "ns", "Time of the event at the venue, UTC.")
EVENT_CLOCK = instant("EventTimestamp", "us", "Time of the event at the venue, UTC.")
EXCHANGE_LOCAL_CLOCK = instant("LocalTimestamp", "us", "Time of the event on the venue's wall clock.")
TIME_ZONE_OFFSET = small_integer("TZOffset", "", "Offset of the venue's wall clock from UTC.")
