"""Measures of icebergs by bucket: columns of the table `iceberg_analytics`, and of the module `iceberg`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from basalt.core.bucketing import TIME_BUCKET
from basalt.core.datasets import PlannedColumn
from basalt.core.declaring import Sum
from basalt.market.sides import RestingSide

Measure = Literal["ExecutionVolume", "ExecutionCount", "AverageSize", "RevealedPeakCount", "AveragePeakCount", "OrderImbalance"]
Side = Literal["Bid", "Ask", "Total"]
_REST = {"Bid": RestingSide.BID.value, "Ask": RestingSide.ASK.value}
_DOCS = {
    "ExecutionVolume": ("shares", "Executed size of iceberg events, displayed and hidden"),
    "ExecutionCount": ("trades", "Number of iceberg events"),
    "AverageSize": ("shares", "Mean {average} of iceberg events; null without any"),
    "RevealedPeakCount": ("peaks", "Number of next peaks that came"),
    "AveragePeakCount": (
        "peaks",
        "Mean over the icebergs of the bucket of the number of events that each has had; null without a linked one",
    ),
    "OrderImbalance": ("", "Bid less ask over their sum, of {imbalance}; null without events"),
}


@dataclass(frozen=True)
class Asked:
    """One column.

    Attributes:
        measure: What is measured.
        side: Resting side of the icebergs that count.
        name: Name of the column.
        states: Phases in which events count; empty: all.
    """

    measure: Measure
    side: Side
    name: str
    states: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sources:
    """Columns that measures read."""

    average: str
    imbalance: str


PHASE = "MarketState"
FLOWS = ("ExecutionVolume", "ExecutionCount", "RevealedPeakCount")
"""Measures that are 0 in a bucket without events."""


def usual_name(measure: Measure, side: Side) -> str:
    """Name of a column for which the section has no pattern."""
    return f"Iceberg{measure}{'' if side == 'Total' else side}"


def planned_measures(asked: Sequence[Asked], sources: Sources) -> tuple[PlannedColumn, ...]:
    """The columns *asked* for."""
    return tuple(_planned(each, sources) for each in asked)


def _planned(each: Asked, sources: Sources) -> PlannedColumn:
    unit, text = _DOCS[each.measure]
    doc = text.format(average=sources.average, imbalance=sources.imbalance)
    whose = "" if each.side == "Total" else f", of those that rest on the {each.side.lower()}"
    when = f"; executions in {', '.join(each.states)}" if each.states else ""
    is_flow = each.measure in FLOWS
    return PlannedColumn(
        each.name,
        pl.Int64() if is_flow else pl.Float64(),
        unit,
        f"{doc}{whose}{when}.",
        rollup=Sum() if is_flow else None,
        empty="zero" if is_flow else "null",
        forward=each.measure == "AveragePeakCount",
    )


def measured(events: pl.LazyFrame, asked: Sequence[Asked], sources: Sources) -> pl.LazyFrame:
    """Measures of iceberg events, one row a listing and bucket that has any.

    Args:
        events: Iceberg events with `TimeBucket`, and `MarketState` where columns ask for phases.
        asked: The columns.
        sources: Columns that they read.
    """
    plain = [_expression(each, sources).alias(each.name) for each in asked if each.measure != "AveragePeakCount"]
    made = events.group_by("ListingId", TIME_BUCKET).agg(*plain)
    for each in asked:
        if each.measure == "AveragePeakCount":
            made = made.join(_peaks(events, each), on=["ListingId", TIME_BUCKET], how="left")
    return made


def _counts(each: Asked) -> pl.Expr:
    """Whether an event counts."""
    side = pl.lit(value=True) if each.side == "Total" else pl.col("Side") == _REST[each.side]
    return side & pl.col(PHASE).is_in(list(each.states)).fill_null(value=False) if each.states else side


def _expression(each: Asked, sources: Sources) -> pl.Expr:
    counts = _counts(each)
    if each.measure == "ExecutionVolume":
        return pl.when(counts).then("ExecutionSize").otherwise(0).sum()
    if each.measure == "ExecutionCount":
        return (pl.col("Side").is_not_null() & counts).sum().cast(pl.Int64)
    if each.measure == "RevealedPeakCount":
        return ((pl.col("IcebergSignal") == "REFILL") & counts).sum().cast(pl.Int64)
    if each.measure == "AverageSize":
        return pl.when(counts).then(pl.col(sources.average)).mean()
    size = pl.when(counts).then(sources.imbalance).otherwise(0)
    total = size.sum().cast(pl.Float64)
    return pl.when(total > 0).then(pl.when(pl.col("Side") == RestingSide.BID.value).then(size).otherwise(-size).sum() / total)


def _peaks(events: pl.LazyFrame, each: Asked) -> pl.LazyFrame:
    chosen = events.drop_nulls("IcebergId").filter(_counts(each))
    of_each = chosen.group_by("ListingId", TIME_BUCKET, "IcebergId").agg(pl.col("IcebergEventCount").max())
    return of_each.group_by("ListingId", TIME_BUCKET).agg(pl.col("IcebergEventCount").mean().alias(each.name))
