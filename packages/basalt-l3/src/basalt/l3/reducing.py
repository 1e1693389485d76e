"""How the values of events in a bucket become one."""

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

Aggregation = Literal["Sum", "Mean", "Min", "Max", "First", "Last", "Median", "Std"]
"""`Std` divides by n - 1; the `Median` of an even number is the mean of the middle two."""

Condition = pl.Expr | None

ROLLUPS = ByAxis("agg", {"Sum": Sum(), "Mean": RatioOfSums(), "Min": Min(), "Max": Max(), "First": First(), "Last": Last()})


def empty_of(agg: Aggregation, **_: object) -> Literal["zero", "null"]:
    """The value of a bucket without such events: a sum is 0, the rest null."""
    return "zero" if agg == "Sum" else "null"


def mean(value: pl.Expr, *conditions: Condition) -> Ratio:
    """Arithmetic mean of the values that are not null; null without any."""
    return ratio(where(value, *conditions).sum(), count_where(known(value), *conditions))


def reduced(value: pl.Expr, agg: Aggregation, *conditions: Condition) -> pl.Expr | Composite:
    """*value* over the events that meet all *conditions*, and no others.

    Null when there are none, except for `Sum`, which is 0.
    """
    return _REDUCTIONS[agg](value, conditions)


_REDUCTIONS: Mapping[str, Callable[[pl.Expr, tuple[Condition, ...]], pl.Expr | Composite]] = {
    "Sum": lambda value, conditions: where(value, *conditions).sum(),
    "Mean": lambda value, conditions: mean(value, *conditions),
    "Min": lambda value, conditions: where(value, *conditions).min(),
    "Max": lambda value, conditions: where(value, *conditions).max(),
    "First": lambda value, conditions: first_where(value, *conditions),
    "Last": lambda value, conditions: last_where(value, *conditions),
    "Median": lambda value, conditions: where(value, *conditions).median(),
    "Std": lambda value, conditions: where(value, *conditions).std(),
}
