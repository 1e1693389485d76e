"""The laws of table modules, on the module `convert`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import polars as pl
from hypothesis import settings

from basalt.core import Last, Module, RatioOfSums, Sum, analytic, ratio
from basalt.market.converting import CONVERT
from basalt.market.tables import TRADES
from basalt.testing import TableModuleLaws
from basalt.testing.strategies import QUICK, rows

RATES = Path(__file__).with_name("rates.csv")


@analytic(column="Notional", unit="{currency}", rollup=Sum())
def notional() -> pl.Expr:
    """Money traded."""
    return (pl.col("LocalPrice") * pl.col("Size")).sum()


@analytic(column="Close", unit="{currency}", rollup=Last())
def closing() -> pl.Expr:
    """Last price."""
    return pl.col("LocalPrice").drop_nulls().last()


@analytic(column="VWAP", unit="{currency}/share", rollup=RatioOfSums())
def vwap() -> Any:
    """Mean price by size."""
    return ratio((pl.col("LocalPrice") * pl.col("Size")).sum(), pl.col("Size").sum())


BARS = Module("bars_to_convert", "trades", (notional, closing, vwap))


STORED = [
    "ListingId",
    "MIC",
    "TradeTimestampNanoseconds",
    "TradeTimestamp",
    "BMLLSequenceNo",
    "Price",
    "InstrumentCurrencyPrice",
    "Size",
    "CurrencyCode",
]


class TestConvert(TableModuleLaws):
    module = CONVERT
    before: ClassVar = [{"name": "bars", "modules": ["bars_to_convert"]}]
    also: ClassVar = [BARS]
    config: ClassVar = [
        {"source_pass": "bars", "rates": str(RATES)},
        {"source_pass": "bars", "rates": str(RATES), "currency": "GBX", "columns": ["VWAP"], "metric_prefix": "Pence"},
        {"source_pass": "bars", "rates": str(RATES), "currency": "USD", "missing_rate": "null"},
    ]
    tables: ClassVar = {"trades": rows(TRADES, columns=STORED)}
    profile = settings(QUICK, max_examples=4)
