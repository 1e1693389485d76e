"""The laws of table modules, on every way to regroup."""

from __future__ import annotations

from typing import ClassVar

import polars as pl
from hypothesis import settings

from basalt.core import First, Last, Max, Module, RatioOfSums, Sum, analytic, ratio
from basalt.postprocessors.generic import GENERIC
from basalt.postprocessors.reaggregate import REAGGREGATE
from basalt.testing import TableModuleLaws
from basalt.testing.strategies import QUICK

SIZE, PRICE = pl.col("Size"), pl.col("Price")


@analytic(column="Volume", unit="shares", rollup=Sum(), empty="zero")
def volume() -> pl.Expr:
    """Shares traded."""
    return SIZE.sum()


@analytic(column="Trades", unit="trades", rollup=Sum(), empty="zero")
def count() -> pl.Expr:
    """Number of trades."""
    return pl.len().cast(pl.Int64)


@analytic(column="Open", unit="{currency}/share", rollup=First())
def opening():
    """First price."""
    return PRICE.drop_nulls().first()


@analytic(column="Close", unit="{currency}/share", rollup=Last())
def closing():
    """Last price."""
    return PRICE.drop_nulls().last()


@analytic(column="High", unit="{currency}/share", rollup=Max())
def high():
    """Highest price."""
    return PRICE.max()


@analytic(column="VWAP", unit="{currency}/share", rollup=RatioOfSums())
def vwap():
    """Mean price by size."""
    return ratio((PRICE * SIZE).sum(), SIZE.sum())


BARS = Module("law_bars", "trades", (volume, count, opening, closing, high, vwap))
SOURCE = {"name": "bars", "modules": ["law_bars"], "time_bucket_seconds": 60}


class OnBars(TableModuleLaws):
    before: ClassVar = [SOURCE]
    also: ClassVar = [BARS]
    profile = settings(QUICK, max_examples=3)


class TestGeneric(OnBars):
    module = GENERIC
    config: ClassVar = [
        {"source_pass": "bars"},
        {"source_pass": "bars", "resample_rule": "15m"},
        {"source_pass": "bars", "resample_rule": "1d", "metric_prefix": "Day"},
        {"source_pass": "bars", "aggregations": {"Volume": "mean", "Close": "last", "Trades": "count", "High": "rollup"}},
        {"source_pass": "bars", "group_by": ["CurrencyCode", "TimeBucket"], "columns": ["Volume", "VWAP", "High"]},
        {"source_pass": "bars", "group_by": ["InstrumentId", "TimeBucket"], "columns": ["Volume", "Trades"], "resample_rule": "5m"},
        {"source_pass": "bars", "group_by": ["ListingId"]},
    ]


class TestReaggregate(OnBars):
    module = REAGGREGATE
    config: ClassVar = [
        {"source_pass": "bars", "members": {"A": [1, 2], "B": [2, 3]}, "columns": ["Volume", "Trades"]},
        {
            "source_pass": "bars",
            "members": {"A": [1, 2]},
            "columns": ["Trades"],
            "weighted": ["VWAP"],
            "weight_col": "Volume",
            "weight_mode": "bucket",
            "resample_rule": "5m",
        },
        {
            "source_pass": "bars",
            "members": {"A": [1, 2]},
            "columns": ["Volume"],
            "weighted": ["Close"],
            "weight_col": "Volume",
        },
    ]


class TestReaggregateByReference(OnBars):
    module = REAGGREGATE
    config: ClassVar = [
        {
            "source_pass": "bars",
            "group_df_pass": "reference",
            "group_column": "OPOL",
            "group_by": ["OPOL", "TimeBucket"],
            "columns": ["Volume"],
        }
    ]
