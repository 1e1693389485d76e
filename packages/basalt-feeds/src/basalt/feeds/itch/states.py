"""What ITCH says of phases.

Nasdaq's auctions run beside continuous trading, so there is no phase for them: a cross says itself which auction it was.
"""

from __future__ import annotations

from collections.abc import Mapping

from basalt.feeds.phases import Dialect
from basalt.market.states import MarketState

ITCH = Dialect(
    session={
        "O": "CLOSED",
        "S": "PRE_OPEN",
        "Q": "CONTINUOUS_TRADING",
        "M": "POST_TRADE",
        "E": "CLOSED",
        "C": "CLOSED",
    },
    status={"H": "HALTED", "P": "HALTED", "Q": "UNSCHEDULED_AUCTION", "T": None},
    first="O",
    over=frozenset({"E", "C"}),
)
"""System events O, S, Q, M, E, C; trading actions H, P (paused), Q (quotation only), T."""

CROSSES: Mapping[str, MarketState] = {
    "O": "OPENING_AUCTION",
    "C": "CLOSING_AUCTION",
    "H": "UNSCHEDULED_AUCTION",
    "I": "INTRADAY_AUCTION",
    "A": "POST_TRADE",
}
"""Phase of a cross by its type."""
