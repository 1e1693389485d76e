"""Contract of the figures that a venue publishes: `statistics`."""

from __future__ import annotations

from dataclasses import replace

from basalt.core.tables import Table
from basalt.market.columns import (
    FEED_COLUMNS,
    INSTRUMENT_ID,
    LISTING_ID,
    MIC,
    NANOS,
    NANOSECOND_CLOCK,
    PRICE,
    RECEIVE_CLOCK,
    TICKER,
    TRADE_DATE,
    integer,
    number,
    sequence_numbers,
    text,
)

STATISTICS = Table(
    name="statistics",
    columns=(
        TICKER,
        MIC,
        LISTING_ID,
        INSTRUMENT_ID,
        TRADE_DATE,
        replace(NANOSECOND_CLOCK, required=True),
        text("Statistic", "What the figure is, as in OPENING_PRICE, SETTLEMENT_PRICE, OPEN_INTEREST.", required=True),
        number("Price", PRICE, "The figure, when it is a price."),
        number("Quantity", "", "The figure, when it is a quantity."),
        integer("ReferenceTimestamp", NANOS, "Time that the figure is about, nanoseconds since 1970 UTC."),
        text("UpdateAction", "NEW, or DELETE when an earlier figure is withdrawn."),
        *sequence_numbers(),
        RECEIVE_CLOCK,
        *FEED_COLUMNS,
    ),
    time="EventTimestamp",
    time_from=("TimestampNanoseconds",),
    order=("BMLLSequenceNo",),
    identity=("ListingId", "EventTimestamp", "BMLLSequenceSource", "BMLLSequenceNo"),
    folder="Statistics",
    prefix="statistics-",
    vendor_name="statistics",
    doc="Figures that the venue publishes about a listing: settlement and opening prices, open interest, cleared volume.",
)
