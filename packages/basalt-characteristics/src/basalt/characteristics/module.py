"""The modules `l3_characteristics` and `trade_characteristics`.

By default they make the claims whose columns every importer writes; claims about queues, levels, numbers of the exchange, capture,
publication and the like are made where they are asked for.
"""

from __future__ import annotations

from basalt.characteristics import books, numbering, orders, prints
from basalt.characteristics.claims import FAMILY
from basalt.core.declaring import Family, Module, Select
from basalt.market.intervals import phase_of_event, phase_of_trade
from basalt.market.states import MarketState

L3_CHARACTERISTICS = Module(
    name="l3_characteristics",
    table="l3",
    states=MarketState,
    doc="What the order events of a bucket are like, and whether they hold together.",
    families=(
        Family(
            FAMILY,
            "Claims about order events: true or false, null where no event tells.",
            "measures",
            {"phase": "phases", "idle_phase": "idle_phases", "number": "numbers"},
        ),
    ),
    default=(
        Select(
            FAMILY,
            {
                "measures": [
                    "EventCount",
                    "ExecutionCount",
                    "HasExecution",
                    "HasOrderExecuted",
                    "HasPhase",
                    "HasIdleExecution",
                    "HasMultiRowEvent",
                    "HasTradeId",
                    "HasUpdates",
                    "HasNoOpUpdate",
                ],
                "phases": ["ContinuousTrading", "OpeningAuction", "ClosingAuction", "IntradayAuction", "UnscheduledAuction"],
                "idle_phases": ["PreOpen", "PostTrade"],
            },
        ),
        Select(FAMILY, {"measures": ["NonDecreasing", "StrictlyIncreasing"], "numbers": ["EventTimestamp", "EventNo", "BMLLSequenceNo"]}),
    ),
    analytics=(
        orders.event_count,
        orders.execution_count,
        orders.has_execution,
        orders.has_order_executed,
        orders.has_phase,
        orders.has_idle_execution,
        orders.has_multi_row_event,
        orders.has_trade_id,
        orders.has_receive_timestamp,
        orders.has_updates,
        orders.has_no_op_update,
        orders.executed_with_orders_ahead,
        orders.executed_not_at_top_of_book,
        orders.queue_is_consistent,
        books.has_locked_book,
        books.has_crossed_book,
        books.has_locked_book_in_continuous,
        books.has_crossed_book_in_continuous,
        books.has_crossed_book_elsewhere,
        numbering.non_decreasing,
        numbering.strictly_increasing,
        books.spread_at,
        phase_of_event,
    ),
)

TRADE_CHARACTERISTICS = Module(
    name="trade_characteristics",
    table="trades",
    states=MarketState,
    doc="What the trades of a bucket are like. Every execution counts, on and off the book, unless an entry filters.",
    families=(Family(FAMILY, "Claims about trades: true or false, null where no trade tells.", "measures", {"flag": "flags"}),),
    default=(
        Select(
            FAMILY,
            {
                "measures": [
                    "EventCount",
                    "Volume",
                    "HasZeroSize",
                    "HasCancellations",
                    "HasUnknownAggressorSide",
                    "HasKnownAggressorSide",
                    "HasUnknownType",
                    "HasLitTrades",
                    "HasUnknownMarketState",
                    "HasMultipleExecutionVenues",
                    "HasTradeId",
                ]
            },
        ),
    ),
    analytics=(
        prints.trade_count,
        prints.trade_volume,
        prints.has_zero_size,
        prints.has_cancellations,
        prints.has_cancelled_trades,
        prints.has_unknown_side,
        prints.has_known_side,
        prints.has_unknown_type,
        prints.has_lit_trades,
        prints.has_unknown_state,
        prints.has_flag,
        prints.has_trade_id,
        prints.has_several_venues,
        prints.published_at_once,
        prints.publication_delay,
        phase_of_trade,
    ),
)
