"""A metric of your own: the range of prices in each bucket, defined here and nowhere else.

    basalt pipeline run --pipeline demo/03_custom_metric.py --date 2026-02-02
    basalt analytics explain --pipeline demo/03_custom_metric.py --column PriceRangeBps

This file is a pipeline and a plugin. The module `custom_metric` has two formulas; their docstrings, units and roll-ups are what
`explain`, the plan and later passes know of them. It stands beside `trade` in one pass, on buckets without holes.
"""

import polars as pl

from basalt.core import analytic, hookimpl
from basalt.core.declaring import EVERY_ROW, Composite, FromParts, Max, Min, Module, Part, safe_divide, where


def _highest_and_lowest(rows: pl.Expr | None, finish) -> Composite:
    price = where(pl.col("LocalPrice"), rows)
    return Composite({"high": Part(price.max(), Max()), "low": Part(price.min(), Min())}, finish)


@analytic(column="PriceRange", unit="{currency}", math=r"\max_i p_i - \min_i p_i", rollup=FromParts())
def price_range(rows: pl.Expr | None = EVERY_ROW) -> Composite:
    """Highest price of a trade less the lowest one; null without trades."""
    return _highest_and_lowest(rows, lambda parts: parts["high"] - parts["low"])


@analytic(
    column="PriceRangeBps", unit="bps", math=r"2 \cdot 10^4\, (\max_i p_i - \min_i p_i) / (\max_i p_i + \min_i p_i)", rollup=FromParts()
)
def price_range_bps(rows: pl.Expr | None = EVERY_ROW) -> Composite:
    """Range of the prices of trades in basis points of its middle; null without trades.

    Rolled up, it is the range of the whole span, not a mean of ranges: the highest and the lowest price travel along.
    """
    return _highest_and_lowest(rows, lambda parts: safe_divide(20_000 * (parts["high"] - parts["low"]), parts["high"] + parts["low"]))


CUSTOM = Module("custom_metric", "trades", (price_range, price_range_bps), doc="How far prices went.")


@hookimpl
def basalt_analytics():
    return [CUSTOM]


LIT = {"attribute_filters": {"Classification": "LIT_CONTINUOUS"}}

USER_CONFIG = {
    "DATASETNAME": "custom",
    "DATA_SOURCE_PATH": ["synthetic"],
    "PASSES": [
        {
            "name": "minutes",
            "time_bucket_seconds": 60,
            "modules": ["dense", "trade", "custom_metric"],
            "trade_analytics": {"generic_metrics": [{"measures": ["Volume", "OHLC"], **LIT}]},
            "custom_metric_analytics": {"metrics": [{"measures": ["price_range", "price_range_bps"], **LIT}]},
        },
        {
            "name": "hours",
            "modules": ["generic"],
            "generic_analytics": {
                "source_pass": "minutes",
                "resample_rule": "1h",
                "columns": ["TradeTotalVolume", "PriceRange", "PriceRangeBps"],
            },
        },
    ],
}
