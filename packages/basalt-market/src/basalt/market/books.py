"""Contracts of the tables that hold a book of ten levels: `l2` (one venue) and `cbbo` (all venues)."""

from __future__ import annotations

import polars as pl

from basalt.core.tables import Column, Table
from basalt.market.columns import (
    CURRENCY,
    EVENT_CLOCK,
    EXCHANGE_LOCAL_CLOCK,
    FEED_COLUMNS,
    LISTING_ID,
    MARKET_STATE,
    MIC,
    NANOS,
    NANOSECOND_CLOCK,
    ORDERS,
    PRICE,
    RECEIVE_CLOCK,
    SHARES,
    TICKER,
    TIME_ZONE_OFFSET,
    TRADE_DATE,
    integer,
    number,
    sequence_numbers,
    small_integer,
)

LEVELS = 10
BOOK_SIDES = ("Bid", "Ask")


def level_columns(level: int) -> tuple[Column, ...]:
    """Price, quantity and number of orders of both sides at one *level*, 1 being the best."""
    return tuple(column for side in BOOK_SIDES for column in _side_of_level(side, level))


def _side_of_level(side: str, level: int) -> tuple[Column, ...]:
    is_best = level == 1
    place = f"{side.lower()} level {level}"
    return (
        Column(f"{side}Price{level}", pl.Float64(), PRICE, f"Price of {place}; null when the level is empty.", is_best),
        Column(f"{side}Quantity{level}", pl.Float64(), SHARES, f"Quantity displayed at {place}; fractions occur.", is_best),
        Column(f"{side}NumOrders{level}", pl.Int32(), ORDERS, f"Number of orders at {place}."),
    )


def queue_columns(level: int) -> tuple[Column, ...]:
    """What some vendors tell of the orders of both sides at one *level*."""
    return tuple(column for side in BOOK_SIDES for column in _queue_of_level(side, level))


def _queue_of_level(side: str, level: int) -> tuple[Column, ...]:
    place = f"{side.lower()} level {level}"
    return (
        integer(f"{side}InsertAge{level}", NANOS, f"Time since what stands at {place} was inserted. Not in every delivery."),
        integer(f"{side}LastMod{level}", NANOS, f"Time since {place} was last modified. Not in every delivery."),
        number(f"{side}SizeAhead{level}", SHARES, f"Quantity ahead of {place}. Not in every delivery."),
    )


_BOOK = (
    TRADE_DATE,
    EVENT_CLOCK,
    EXCHANGE_LOCAL_CLOCK,
    NANOSECOND_CLOCK,
    TIME_ZONE_OFFSET,
    *(column for level in range(1, LEVELS + 1) for column in level_columns(level)),
    small_integer("BidLevelCount", "levels", "Number of price levels on the bid side of the whole book."),
    small_integer("AskLevelCount", "levels", "Number of price levels on the ask side of the whole book."),
    integer("L2EventNo", "", "Number of the book change within the listing's day."),
    MIC,
    TICKER,
    LISTING_ID,
    CURRENCY,
)

L2 = Table(
    name="l2",
    columns=(
        *_BOOK,
        MARKET_STATE,
        *sequence_numbers(),
        RECEIVE_CLOCK,
        *FEED_COLUMNS,
        *(column for level in range(1, LEVELS + 1) for column in queue_columns(level)),
    ),
    time="EventTimestamp",
    time_from=("TimestampNanoseconds", "EventTimestamp"),
    order=("BMLLSequenceNo", "L2EventNo"),
    identity=("ListingId", "EventTimestamp", "BMLLSequenceSource", "BMLLSequenceNo", "L2EventNo"),
    folder="Equity",
    prefix="",
    vendor_name="l2",
    doc="The ten best levels of a listing's book, one row for each change of them.",
)

CBBO = Table(
    name="cbbo",
    columns=_BOOK,
    time="EventTimestamp",
    time_from=("TimestampNanoseconds", "EventTimestamp"),
    order=("L2EventNo",),
    identity=("ListingId", "EventTimestamp", "L2EventNo"),
    folder="CBBO",
    prefix="cbbo-",
    vendor_name="cbbo",
    doc="The ten best levels of an instrument's book over all its venues, one row for each change of them.",
)
