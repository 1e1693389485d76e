"""Contracts of the tables about a venue's day: `marketstate` and `imbalance`."""

from __future__ import annotations

from dataclasses import replace

from basalt.core.tables import Table
from basalt.market.columns import (
    CURRENCY,
    EXCHANGE_LOCAL_CLOCK,
    FEED_COLUMNS,
    INSTRUMENT_ID,
    LISTING_ID,
    MARKET_STATE,
    MIC,
    NANOSECOND_CLOCK,
    PRICE,
    RECEIVE_CLOCK,
    SHARES,
    TICKER,
    TRADE_DATE,
    instant,
    integer,
    number,
    sequence_numbers,
    text,
    truth,
)

MARKETSTATE = Table(
    name="marketstate",
    columns=(
        replace(NANOSECOND_CLOCK, required=True),
        replace(MARKET_STATE, required=True, doc="Phase that begins at that time."),
        MIC,
        text("ExchangeMarketState", "The phase in the venue's own code."),
        LISTING_ID,
        INSTRUMENT_ID,
        *sequence_numbers(),
        RECEIVE_CLOCK,
        *FEED_COLUMNS,
    ),
    time="EventTimestamp",
    time_from=("TimestampNanoseconds",),
    order=("BMLLSequenceNo",),
    identity=("ListingId", "EventTimestamp", "MarketState", "BMLLSequenceSource", "BMLLSequenceNo"),
    folder="MarketState",
    prefix="market-state-",
    vendor_name="market-state",
    doc="Changes of the trading phase of a listing; a phase lasts until the next row.",
)

IMBALANCE = Table(
    name="imbalance",
    columns=(
        MIC,
        TICKER,
        LISTING_ID,
        INSTRUMENT_ID,
        CURRENCY,
        TRADE_DATE,
        instant("Timestamp", "us", "Time of the message, UTC."),
        NANOSECOND_CLOCK,
        EXCHANGE_LOCAL_CLOCK,
        *(sequence_numbers()[i] for i in (1, 2, 0)),
        MARKET_STATE,
        text("ExchangeAuctionType", "The auction in the venue's own code."),
        integer("ImbalanceSide", "", "Side with the surplus: 1 buy, 2 sell."),
        number("ReferencePrice", PRICE, "Price that the imbalance is measured at."),
        number("IndicativeUncrossingPrice", PRICE, "Price at which the auction would uncross now."),
        number("AuctionOnlyIndicativePrice", PRICE, "Indicative price of auction-only interest."),
        number("PairedQuantity", SHARES, "Quantity that would trade at the indicative price."),
        number("ImbalanceQuantity", SHARES, "Quantity left over at the indicative price."),
        truth("IsCrossed", "Whether buy and sell interest overlap."),
        number("BestBidPrice", PRICE, "Best bid."),
        number("BestAskPrice", PRICE, "Best ask."),
        RECEIVE_CLOCK,
        *FEED_COLUMNS,
    ),
    time="EventTimestamp",
    time_from=("TimestampNanoseconds", "Timestamp"),
    order=("BMLLSequenceNo",),
    identity=("ListingId", "EventTimestamp", "BMLLSequenceSource", "BMLLSequenceNo"),
    folder="Imbalance",
    prefix="imbalance-",
    vendor_name="imbalance",
    doc="What an auction would do if it uncrossed now.",
)
