"""The module `l3`: which formulas answer to which list of a config."""

from __future__ import annotations

from basalt.core.declaring import Family, Module, Select
from basalt.l3 import actions, fates, faults, flows, following, lifetimes, queues, replacements, resting
from basalt.market.intervals import phase_of_event
from basalt.market.states import MarketState

FAMILIES = (
    Family(
        actions.FAMILY,
        "Counts and displayed volumes of what happens to orders, by action and side.",
        "measures",
        {"action": "actions", "side": "sides", "agg": "aggregations"},
    ),
    Family(
        flows.FAMILY,
        "Imbalances, ratios of cancels and messages to trades, queue positions, resting times, fleeting orders, replacement latency.",
        "variant",
        {"side": "sides", "outcome": "outcomes", "fleeting_threshold_ms": "fleeting_threshold_ms"},
    ),
    Family(
        lifetimes.FAMILY,
        "How orders live that are entered in the bucket: fills and cancels as competing risks. Forward-looking.",
        "measures",
        {"risk": "risks", "horizon": "horizons", "side": "sides"},
    ),
    Family(faults.FAMILY, "Events that do not fit the orders they name.", "measures", {"side": "sides"}),
)

L3 = Module(
    name="l3",
    table="l3",
    states=MarketState,
    config_key="l3_analytics",
    doc="Analytics of order events. Bid and Ask are the side that an order rests on.",
    families=FAMILIES,
    default=(Select(actions.FAMILY, {"measures": ["Count", "Volume"], "actions": ["Insert", "Remove"], "sides": ["Bid", "Ask"]}),),
    analytics=(
        actions.action_count,
        actions.action_volume,
        flows.arrival_imbalance,
        flows.cancel_imbalance,
        flows.cancel_to_trade,
        flows.cancel_to_trade_volume,
        flows.order_to_trade,
        flows.order_to_trade_volume,
        queues.queue_position,
        queues.queue_orders,
        queues.queue_position_at_fill,
        queues.entry_queue_position_at_fill,
        resting.resting_time,
        resting.fleeting_cancels,
        lifetimes.fleeting_liquidity,
        replacements.replacement_latency,
        lifetimes.risk_incidence,
        lifetimes.survival,
        lifetimes.fill_ratio,
        lifetimes.censored_orders,
        faults.unknown_orders,
        faults.duplicate_orders,
        faults.unnamed_orders,
        following.order_trace,
        following.entry_size_ahead,
        fates.order_fate,
        replacements.replacement,
        phase_of_event,
    ),
)
