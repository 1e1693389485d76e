"""The module `execution`: which formulas answer to which list of a config."""

from __future__ import annotations

from basalt.core.declaring import Family, Module, Select
from basalt.execution import book, breakdown
from basalt.market.intervals import phase_of_event, phase_of_trade
from basalt.market.states import MarketState

_SIDES = ["Bid", "Ask"]

EXECUTION = Module(
    name="execution",
    table="l3",
    states=MarketState,
    config_key="execution_analytics",
    doc=(
        "Executions as the book and as the tape tell them. A bucket that only one of the two has is there too: sums of the other are 0, "
        "ratios null."
    ),
    families=(
        Family(book.FAMILY, "Size and price executed in the book, by the side that was hit.", "measures", {"side": "sides"}),
        Family(
            breakdown.FAMILY,
            "Size, price and place in the spread of trades, by type of venue and aggressor.",
            "measures",
            {"trade_type": "trade_types", "aggressor": "aggressor_sides"},
        ),
        Family(book.DERIVED, "Who took liquidity, and how much of it was not displayed.", "variant"),
    ),
    default=(
        Select(book.FAMILY, {"measures": ["ExecutedVolume", "VWAP"], "sides": _SIDES}),
        Select(
            breakdown.FAMILY,
            {"measures": ["Volume", "VWAP", "VWPP"], "trade_types": ["LIT", "DARK"], "aggressor_sides": ["Buy", "Sell", "Unknown"]},
        ),
        Select(book.DERIVED, {"variant": "TradeImbalance"}),
    ),
    analytics=(
        book.executed_volume,
        book.execution_vwap,
        breakdown.traded_volume,
        breakdown.traded_vwap,
        breakdown.traded_placement,
        breakdown.quote_size_rank,
        book.trade_imbalance,
        book.hidden_share,
        breakdown.dark_share,
        phase_of_event,
        phase_of_trade,
    ),
)
