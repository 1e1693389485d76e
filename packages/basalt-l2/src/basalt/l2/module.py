"""The modules `l2` and `l2tw`: which formulas answer to which list of their section, and who makes which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from basalt.core.declaring import Family, Module, Select
from basalt.l2 import bars, depth, flow, imbalances, liquidity, microprices, quality, spreads, ticks
from basalt.l2.books import Level
from basalt.market.books import LEVELS
from basalt.market.states import MarketState

OVER_TIME = ("TWA", "Std", "Coverage", "Rate")
"""Aggregations that `l2tw` makes; `l2` makes the others."""

_AGG = {"agg": "aggregations"}
_SIDES_AND_LEVELS = {"side": "sides", "level": "levels"}
_BOTH = ["Bid", "Ask"]
_FIELDS = {"levels": (Level, Field(LEVELS, description="Levels of the output that the module gives where no list asks for any."))}

FAMILIES = (
    Family(liquidity.FAMILY, "How much stands where.", "measures", {**_SIDES_AND_LEVELS, **_AGG}),
    Family(spreads.SPREADS, "How wide the best quotes are.", "variant", {**_AGG, "tick_size": "tick_size"}, chosen="BPS"),
    Family(spreads.PRICES, "Best prices, mids and micro-prices.", "measures", {"source": "source", "levels": "levels", **_AGG}),
    Family(imbalances.FAMILY, "How even both sides are.", "measure", {"level": "levels", **_AGG}, chosen="CumQuantity"),
    Family(
        bars.OHLC,
        "Open, high, low and close of quotes.",
        "",
        {"source": "source", "open_mode": "open_mode"},
        words={"openMode": lambda axes: bars.SUFFIX[axes["open_mode"]]},
    ),
    Family(
        bars.VOLATILITY,
        "Realised volatility of quotes.",
        "",
        {
            "source": "source",
            "subsample_seconds": "subsample_seconds",
            "agg": "aggregations",
            "window": "second_level_window_seconds",
            "window_agg": "second_level_aggregations",
        },
    ),
    Family(
        depth.FAMILY,
        "What stands near the mid, what trading it costs.",
        "measures",
        {"side": "sides", "bps": "bps", "ticks": "ticks", "tick_size": "tick_size", "size": "size", "levels": "levels", **_AGG},
    ),
    Family(flow.FAMILY, "What changes of the book bring, and how often.", "measures", {"level": "levels", "change": "change", **_AGG}),
    Family(quality.FAMILY, "Phase, coverage, locked and crossed time.", "measures", {"condition": "condition"}),
)

ANALYTICS = (
    liquidity.level_price,
    liquidity.level_quantity,
    liquidity.level_orders,
    liquidity.depth,
    liquidity.depth_in_orders,
    liquidity.depth_in_money,
    liquidity.insert_age,
    liquidity.last_change,
    liquidity.size_ahead,
    spreads.spread,
    spreads.spread_bps,
    spreads.spread_ticks,
    spreads.book_price,
    spreads.micro_price,
    microprices.stoikov_micro_price,
    imbalances.level_imbalance,
    imbalances.depth_imbalance,
    imbalances.money_imbalance,
    imbalances.order_imbalance,
    bars.bar,
    bars.volatility,
    bars.window_volatility,
    depth.depth_in_bps,
    depth.depth_in_ticks,
    depth.round_trip_cost,
    depth.slope,
    flow.order_flow_imbalance,
    flow.updates,
    quality.time_in,
    quality.coverage,
    quality.phase,
    ticks.tick_of_reference,
    ticks.grid_place,
    ticks.grid_limit,
    microprices.adjustment,
)


def _is_over_time(axes: Mapping[str, Any]) -> bool:
    return axes.get("agg") in OVER_TIME or "window_agg" in axes


def _is_at_end(axes: Mapping[str, Any]) -> bool:
    return not _is_over_time(axes)


def _at_end_by_default(config: Any) -> tuple[Select, ...]:
    levels = list(range(1, config.levels + 1))
    measures = ["Price", "Quantity", "NumOrders", "CumQuantity", "CumOrders"]
    return (
        Select(liquidity.FAMILY, {"measures": measures, "sides": _BOTH, "levels": levels}),
        Select(imbalances.FAMILY, {"measure": ["CumQuantity", "Orders"], "levels": levels}),
        Select(spreads.SPREADS, {"variant": "BPS"}),
    )


def _over_time_by_default(config: Any) -> tuple[Select, ...]:
    levels = list(range(1, config.levels + 1))
    return (
        Select(spreads.SPREADS, {"variant": ["Abs", "BPS"], "aggregations": "TWA"}),
        Select(liquidity.FAMILY, {"measures": ["Price", "Quantity"], "sides": _BOTH, "levels": levels, "aggregations": "TWA"}),
        Select(spreads.PRICES, {"measures": "Price", "source": ["Mid", "Bid", "Ask"], "aggregations": "TWA"}),
    )


L2 = Module(
    name="l2",
    table="l2",
    states=MarketState,
    config_key="l2_analytics",
    doc="The book at the end of buckets, its bars and what changed in it. Continuous trading counts, unless an entry names its market states.",
    families=FAMILIES,
    default=_at_end_by_default,
    fields=_FIELDS,
    always=(Select(quality.FAMILY, {"measures": "MarketState"}),),
    analytics=ANALYTICS,
    makes=_is_at_end,
)

L2TW = Module(
    name="l2tw",
    table="l2",
    states=MarketState,
    config_key="l2_analytics",
    doc="The book over the time of buckets: time-weighted means, volatility, coverage. Shares its section with `l2`: each makes its aggregations.",
    families=FAMILIES,
    default=_over_time_by_default,
    fields=_FIELDS,
    always=(Select(quality.FAMILY, {"measures": "Coverage"}),),
    analytics=ANALYTICS,
    makes=_is_over_time,
)
