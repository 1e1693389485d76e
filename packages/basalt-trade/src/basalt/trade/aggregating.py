"""How the values of trades in a bucket become one: first, last, means, weighted means, median."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import polars as pl

from basalt.core.declaring import (
    ByAxis,
    Composite,
    First,
    Last,
    Max,
    Min,
    Ratio,
    RatioOfSums,
    Sum,
    count_where,
    first_where,
    known,
    last_where,
    ratio,
    where,
)
from basalt.trade.conditions import notional, size

Aggregation = Literal["First", "Last", "Min", "Max", "Mean", "Sum", "Median", "Std", "VWA", "NotionalWeighted"]
"""`VWA` weights with the size of a trade, `NotionalWeighted` with its notional in the listing's
currency; `Std` divides by n - 1; the `Median` of an even number is the mean of the middle two."""

Condition = pl.Expr | None

AGGREGATION_ROLLUPS = ByAxis(
    "agg",
    {
        "First": First(),
        "Last": Last(),
        "Min": Min(),
        "Max": Max(),
        "Mean": RatioOfSums(),
        "Sum": Sum(),
        "VWA": RatioOfSums(),
        "NotionalWeighted": RatioOfSums(),
    },
)


def empty_of(agg: Aggregation, **_: object) -> Literal["zero", "null"]:
    """The value of a bucket without trades: a sum is 0, the rest null."""
    return "zero" if agg == "Sum" else "null"


def aggregate(value: pl.Expr, agg: Aggregation, condition: Condition) -> pl.Expr | Composite:
    """*value* over the trades that meet *condition*, nulls left out.

    Null when no value is left, except for `Sum`, which is 0.
    """
    return _REDUCTIONS[agg](value, condition)


def mean(value: pl.Expr, condition: Condition = None) -> Ratio:
    """Arithmetic mean of the values that are not null; carries sum and count."""
    counted = where(value, condition)
    is_column = value.meta.eq(pl.col(value.meta.root_names()[0]))
    return ratio(counted.sum(), count_where(known(value), condition) if is_column else counted.count().cast(pl.Int64))


def weighted_mean(value: pl.Expr, weight: pl.Expr, condition: Condition = None) -> Ratio:
    """Mean weighted with *weight* over trades that have both; carries both sums."""
    return ratio(where(value * weight, condition).sum(), where(weight, value.is_not_null(), condition).sum())


_REDUCTIONS: Mapping[str, Callable[[pl.Expr, Condition], pl.Expr | Composite]] = {
    "First": first_where,
    "Last": last_where,
    "Min": lambda value, condition: where(value, condition).min(),
    "Max": lambda value, condition: where(value, condition).max(),
    "Mean": mean,
    "Sum": lambda value, condition: where(value, condition).sum(),
    "Median": lambda value, condition: where(value, condition).median(),
    "Std": lambda value, condition: where(value, condition).std(),
    "VWA": lambda value, condition: weighted_mean(value, size(), condition),
    "NotionalWeighted": lambda value, condition: weighted_mean(value, notional(), condition),
}
