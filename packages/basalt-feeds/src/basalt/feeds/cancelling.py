"""Trades that the venue takes back later in the day."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

CANCELLED, UNCHANGED = "C", "-"
"""What `ModificationIndicator` says of a trade that was cancelled, and of others."""


def with_cancellations(trades: pl.LazyFrame, broken: Collection[int]) -> pl.LazyFrame:
    """*trades* with `ModificationIndicator`: `C` where `TradeId` is one of *broken*, else `-`."""
    is_broken = pl.col("TradeId").is_in([str(number) for number in broken])
    return trades.with_columns(pl.when(is_broken).then(pl.lit(CANCELLED)).otherwise(pl.lit(UNCHANGED)).alias("ModificationIndicator"))
