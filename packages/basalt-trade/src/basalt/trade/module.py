"""The modules `trade` and `retail_imbalance`: which formulas answer to which list of a config."""

from __future__ import annotations

from basalt.core.declaring import Family, Module, Select
from basalt.market.intervals import phase_of_trade
from basalt.market.states import MarketState
from basalt.trade import changes, flags, impact, phases, prices, retail, surroundings, volatility, volumes
from basalt.trade.discrepancies import discrepancy

_SIDES = {"side": "sides"}

FAMILIES = (
    Family("generic_metrics", "Volumes, counts, notionals, prices and volatility, by side of the aggressor.", "measures", _SIDES),
    Family(
        "discrepancy_metrics",
        "Prices against reference prices known before the trade.",
        "",
        {"reference": "references", **_SIDES, "agg": "aggregations"},
    ),
    Family("flag_metrics", "Trades that carry a flag, by side of the aggressor.", "measures", {"flag": "flags", **_SIDES}),
    Family("change_metrics", "How long quotes stood around trades, and where in the spread they were.", "measures", {"scope": "scopes"}),
    Family(
        "impact_metrics",
        "Effective and realised spread and price impact, at horizons after the trade.",
        "variant",
        {"horizon": "horizon", "reference_price_col": "reference_price_col", "agg": "aggregations"},
        spare=("horizon",),
    ),
)

TRADE = Module(
    name="trade",
    table="trades",
    states=MarketState,
    config_key="trade_analytics",
    doc="Analytics of trades. Every execution counts, on and off the book, unless an entry filters.",
    families=FAMILIES,
    default=(
        Select("generic_metrics", {"measures": ["VWAP", "VolumeWeightedPricePlacement", "Volume"], "output_name_pattern": "{measures}"}),
        Select("generic_metrics", {"measures": "OHLC"}),
    ),
    always=(Select("generic_metrics", {"measures": "MarketState"}),),
    analytics=(
        volumes.volume,
        volumes.count,
        volumes.notional_local,
        volumes.notional_eur,
        volumes.notional_usd,
        volumes.retail_count,
        volumes.block_count,
        volumes.auction_notional,
        volumes.otc_volume,
        prices.vwap,
        prices.price_placement,
        prices.average_price,
        prices.median_price,
        prices.bar,
        volatility.realised_volatility,
        volatility.return_deviation,
        phases.last_market_state,
        discrepancy,
        flags.flagged_volume,
        flags.flagged_count,
        flags.flagged_average_notional,
        changes.quiet_before,
        changes.quiet_after,
        changes.price_point,
        impact.effective_spread,
        impact.effective_spread_bps,
        impact.realised_spread,
        impact.realised_spread_bps,
        impact.price_impact,
        impact.price_impact_bps,
        impact.horizon_count,
        surroundings.venue_mid,
        surroundings.mid_before,
        surroundings.mid_after,
        phase_of_trade,
    ),
)

RETAIL_IMBALANCE = Module(
    name="retail_imbalance",
    table="trades",
    states=MarketState,
    config_key="retail_imbalance_analytics",
    doc="On which side the trades labelled as retail were. Every execution counts unless an entry filters.",
    families=(Family(retail.FAMILY, "Imbalance of retail trades, and how much of them it cannot see."),),
    default=(Select(retail.FAMILY, {"measures": "RetailTradeImbalance"}),),
    analytics=(retail.retail_imbalance, retail.retail_unknown_share, phase_of_trade),
)
