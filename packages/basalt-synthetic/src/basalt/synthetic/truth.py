"""Contract of the table `truth`: who did what, which no market tells.

One row for each row of `l3`, for each print off the book, and for each act of an order that `l3`
does not show. `(ListingId, BMLLSequenceNo)` joins a row to the `l3` row and to the trade that it
explains.
"""

from __future__ import annotations

from typing import Literal, get_args

from basalt.core.tables import Table
from basalt.market.columns import (
    INSTRUMENT_ID,
    LISTING_ID,
    MIC,
    NANOSECOND_CLOCK,
    PRICE,
    SHARES,
    TRADE_DATE,
    integer,
    number,
    sequence_numbers,
    text,
    truth,
)

Action = Literal["ENTER", "REFILL", "REDUCE", "REPLACE", "CANCEL", "EXECUTE", "PRINT"]
ACTIONS: tuple[Action, ...] = get_args(Action)
"""What was done.

`REFILL`: an iceberg shows its next peak. `REDUCE`: a smaller size at the same place. `REPLACE`:
another price, at the end of its queue. `PRINT`: a trade off the book.
"""

OrderKind = Literal["LIMIT", "ICEBERG", "HIDDEN", "MIDPOINT", "FLEETING", "AUCTION"]
ORDER_KINDS: tuple[OrderKind, ...] = get_args(OrderKind)
"""Kinds of resting orders.

`HIDDEN` has a price that nobody sees, `MIDPOINT` is hidden at the mid of its venue, `FLEETING` is
cancelled within a fraction of a second unless it executes, `AUCTION` was entered for an auction.
"""

TakerKind = Literal["MARKETABLE", "SWEEP"]
TAKER_KINDS: tuple[TakerKind, ...] = get_args(TakerKind)
"""Kinds of incoming orders: for one venue, or split over all venues at once."""

TRUTH = Table(
    name="truth",
    columns=(
        LISTING_ID,
        INSTRUMENT_ID,
        MIC,
        TRADE_DATE,
        NANOSECOND_CLOCK,
        *sequence_numbers()[1:],
        integer("EventNo", "", "EventNo of the row of `l3`; null when it has none."),
        text("TradeId", "The trade, as in `trades` and `l3`; empty without one."),
        text("Action", "What was done: ENTER, REFILL, REDUCE, REPLACE, CANCEL, EXECUTE or PRINT."),
        integer("Side", "", "Side of the resting order: 1 bid, 2 ask; 0 for a print."),
        text("OrderId", "The resting order, as in `l3`; orders that are never shown have one too. Empty for a print."),
        text("OrderKind", "LIMIT, ICEBERG, HIDDEN, MIDPOINT, FLEETING or AUCTION; empty for a print."),
        integer(
            "ParentId", "", "The decision behind the resting order: all peaks and replacements of an order share it; null for a print."
        ),
        integer("DisplayedSize", SHARES, "What the order shows after the act; null for a print."),
        integer("HiddenSize", SHARES, "What the order has left that it does not show, after the act; null for a print."),
        integer("AggressorSide", "", "Who took: 1 buyer, 2 seller; 0 when nobody did, as in an auction."),
        integer("AggressorParentId", "", "The decision behind the incoming order, the same on all venues; null without one."),
        text("AggressorKind", "MARKETABLE or SWEEP; empty without an incoming order."),
        integer("AggressorSize", SHARES, "Size of the incoming order when it was decided, over all venues; null without one."),
        truth("AggressorIsRetail", "Whether the taker is a retail investor; null without one."),
        number("LatentPrice", PRICE, "Fair price of the instrument at that time, in the currency of the listing."),
    ),
    time="EventTimestamp",
    time_from=("TimestampNanoseconds",),
    order=("BMLLSequenceNo",),
    identity=("ListingId", "BMLLSequenceSource", "BMLLSequenceNo"),
    folder="Truth",
    prefix="truth-",
    vendor_name="",
    doc="Who did what on the simulated exchange: parent orders, kinds, aggressors, hidden sizes, the fair price.",
)
