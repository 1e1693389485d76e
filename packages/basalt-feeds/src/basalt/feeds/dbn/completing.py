"""Columns that records fill in every row."""

from __future__ import annotations

from basalt.feeds.streaming import Complete
from basalt.market.tables import L2, L3, TRADES

_ALWAYS = ("Ticker", "ListingId", "TradeDate", "BMLLSequenceNo", "BMLLSequenceSource", "ExchangeSequenceNo", "FeedFlags")
_LEVELS = (f"{side}{what}{level}" for level in range(1, 11) for side in ("Bid", "Ask") for what in ("Quantity", "NumOrders"))
_ORDERS = ("OriginalOrderId", "OrderId", "OldOrderId", "Size", "OldSize", "LobAction", "OrderExecuted", "ExecutionSize", "Printable")
_TRADES = ("TradeTimestampNanoseconds", "TradeId", "AggressorSide", "Size", "BMLLTradeType", "Classification")
_NAMES = ("MIC", "OPOL", "InstrumentId", "InstrumentCurrencyCode", "CurrencyCode", "ExecutionVenue")

COMPLETE: Complete = {
    L2.name: (*_ALWAYS, "TimestampNanoseconds", "MIC", "CurrencyCode", "BidLevelCount", "AskLevelCount", "L2EventNo", *_LEVELS),
    L3.name: (*_ALWAYS, *_ORDERS, "TimestampNanoseconds", "InstrumentId", "EventNo", "EndOfEvent", "OriginalExchangeMessage"),
    TRADES.name: (*_ALWAYS, *_TRADES, *_NAMES),
}
"""By the name of the table. Prices may be missing, sides and times too."""
