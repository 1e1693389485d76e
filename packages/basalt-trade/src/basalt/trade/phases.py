"""In which phase: the state of the market at the last trade."""

from __future__ import annotations

import polars as pl

from basalt.core.declaring import EVERY_ROW, Example, Last, analytic, last_where


@analytic(
    family="generic_metrics",
    measure="MarketState",
    column="MarketState",
    unit="",
    rollup=Last(),
    examples=[Example({"MarketState": ["OPENING_AUCTION", "CONTINUOUS_TRADING", None]}, gives="CONTINUOUS_TRADING")],
)
def last_market_state(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Market state at the last trade of the bucket that has one; null without any."""
    return last_where(pl.col("MarketState"), rows)
