"""What had changed: how long quotes stood around a trade, and where in the spread it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import polars as pl

from basalt.core.declaring import EVERY_ROW, Example, Ratio, RatioOfSums, analytic
from basalt.trade.aggregating import mean

FAMILY = "change_metrics"
Scope = Literal["Local", "Primary", "Venue"]
SUFFIXES: Mapping[Scope, str] = {"Local": "", "Primary": "AtPrimary", "Venue": "AtVenue"}


def _column(stored: str) -> Callable[[Scope], str]:
    return lambda scope: f"{stored}{SUFFIXES[scope]}"


def _mean_of(stored: str, scope: Scope, rows: pl.Expr | None) -> Ratio:
    return mean(pl.col(f"{stored}{SUFFIXES[scope]}"), rows)


@analytic(
    family=FAMILY,
    measure="PreTradeElapsedTimeChg",
    column=_column("PreTradeElapsedTimeChg"),
    unit="ns",
    math=r"\frac1n \sum_i \Delta t_i",
    rollup=RatioOfSums(),
    examples=[Example({"PreTradeElapsedTimeChg": [100, None, 300]}, gives=200.0)],
)
def quiet_before(scope: Scope = "Local", rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Mean time for which the best quotes had not changed before a trade, scope {scope}.

    Trades without a value are left out; null when none is left.
    """
    return _mean_of("PreTradeElapsedTimeChg", scope, rows)


@analytic(
    family=FAMILY,
    measure="PostTradeElapsedTimeChg",
    column=_column("PostTradeElapsedTimeChg"),
    unit="ns",
    math=r"\frac1n \sum_i \Delta t_i",
    rollup=RatioOfSums(),
    forward=True,
    examples=[Example({"PostTradeElapsedTimeChg": [100, 200]}, gives=150.0)],
)
def quiet_after(scope: Scope = "Local", rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Mean time until the best quotes change after a trade, scope {scope}; looks past the bucket.

    Trades without a value are left out; null when none is left.
    """
    return _mean_of("PostTradeElapsedTimeChg", scope, rows)


@analytic(
    family=FAMILY,
    measure="PricePoint",
    column=_column("PricePoint"),
    unit="1",
    math=r"\frac1n \sum_i x_i",
    rollup=RatioOfSums(),
    examples=[Example({"PricePoint": [0.0, 1.0, None]}, gives=0.5)],
)
def price_point(scope: Scope = "Local", rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Mean place of the price in the spread before the trade, scope {scope}: 0 at the bid, 1 at the ask.

    Values outside of 0 to 1 are prices outside the spread and count as they are. Trades without a
    value are left out; null when none is left.
    """
    return _mean_of("PricePoint", scope, rows)
