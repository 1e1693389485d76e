"""Phases of a venue's day, and what they mean for trading."""

from __future__ import annotations

from typing import Literal, get_args

MarketState = Literal[
    "AUCTION_ON_DEMAND",
    "CLOSED",
    "CLOSING_AUCTION",
    "CONDITIONAL",
    "CONTINUOUS_TRADING",
    "CONTINUOUS_TRADING_PRIMARY_CLOSED",
    "HALTED",
    "INTRADAY_AUCTION",
    "NOT_APPLICABLE",
    "OPENING_AUCTION",
    "POST_TRADE",
    "PRE_OPEN",
    "UNKNOWN",
    "UNSCHEDULED_AUCTION",
]

MARKET_STATES: tuple[MarketState, ...] = get_args(MarketState)

CONTINUOUS_STATES: frozenset[MarketState] = frozenset({"CONTINUOUS_TRADING", "CONTINUOUS_TRADING_PRIMARY_CLOSED"})
"""Orders match as they come in."""

AUCTION_STATES: frozenset[MarketState] = frozenset(
    {"AUCTION_ON_DEMAND", "CLOSING_AUCTION", "INTRADAY_AUCTION", "OPENING_AUCTION", "UNSCHEDULED_AUCTION"}
)
"""Orders collect and match at once, at the uncross."""

IDLE_STATES: frozenset[MarketState] = frozenset({"CLOSED", "HALTED", "POST_TRADE", "PRE_OPEN"})
"""Nothing matches on the book."""

UNCLEAR_STATES: frozenset[MarketState] = frozenset({"CONDITIONAL", "NOT_APPLICABLE", "UNKNOWN"})
"""The state says nothing about matching on the book."""
