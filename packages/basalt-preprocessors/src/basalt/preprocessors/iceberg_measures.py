"""Measures of icebergs by bucket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

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
class Sources:
    """Columns that measures read, and whether peaks are linked."""

    average: str
    imbalance: str
    links: bool


def _pairs(asked: Sequence[tuple[Measure, Side]], sources: Sources) -> list[tuple[Measure, Side]]:
    """What is asked, once a column; by default everything that can be told."""
    default: list[tuple[Measure, Side]] = [
        (measure, "Total") for measure in get_args(Measure) if sources.links or measure != "AveragePeakCount"
    ]
    whole = {"OrderImbalance"}
    return list(dict.fromkeys((measure, "Total" if measure in whole else side) for measure, side in (asked or default)))


def _name(measure: Measure, side: Side, prefix: str) -> str:
    return f"{prefix}Iceberg{measure}{'' if side == 'Total' else side}"


def planned_measures(asked: Sequence[tuple[Measure, Side]], sources: Sources, prefix: str) -> tuple[PlannedColumn, ...]:
    """Columns of `iceberg_analytics`."""
    return tuple(_planned(measure, side, sources, prefix) for measure, side in _pairs(asked, sources))


def _planned(measure: Measure, side: Side, sources: Sources, prefix: str) -> PlannedColumn:
    unit, text = _DOCS[measure]
    doc = text.format(average=sources.average, imbalance=sources.imbalance) + (
        "." if side == "Total" else f", of those that rest on the {side.lower()}."
    )
    is_flow = measure in {"ExecutionVolume", "ExecutionCount", "RevealedPeakCount"}
    dtype = pl.Int64() if is_flow else pl.Float64()
    return PlannedColumn(
        _name(measure, side, prefix),
        dtype,
        unit,
        doc,
        rollup=Sum() if is_flow else None,
        empty="zero" if is_flow else "null",
        forward=measure == "AveragePeakCount",
    )


def measured(events: pl.LazyFrame, asked: Sequence[tuple[Measure, Side]], sources: Sources, prefix: str) -> pl.LazyFrame:
    """Measures of iceberg events, one row a listing and bucket that has any."""
    pairs = _pairs(asked, sources)
    plain = [
        _expression(measure, side, sources).alias(_name(measure, side, prefix)) for measure, side in pairs if measure != "AveragePeakCount"
    ]
    made = events.group_by("ListingId", TIME_BUCKET).agg(*plain)
    for measure, side in pairs:
        if measure == "AveragePeakCount":
            made = made.join(_peaks(events, side, _name(measure, side, prefix)), on=["ListingId", TIME_BUCKET], how="left")
    return made


def _expression(measure: Measure, side: Side, sources: Sources) -> pl.Expr:
    counts = pl.lit(value=True) if side == "Total" else pl.col("Side") == _REST[side]
    if measure == "ExecutionVolume":
        return pl.when(counts).then("ExecutionSize").otherwise(0).sum()
    if measure == "ExecutionCount":
        return (pl.col("Side").is_not_null() & counts).sum().cast(pl.Int64)
    if measure == "RevealedPeakCount":
        return ((pl.col("IcebergSignal") == "REFILL") & counts).sum().cast(pl.Int64)
    if measure == "AverageSize":
        return pl.when(counts).then(pl.col(sources.average)).mean()
    signed = pl.when(pl.col("Side") == RestingSide.BID.value).then(pl.col(sources.imbalance)).otherwise(-pl.col(sources.imbalance))
    total = pl.col(sources.imbalance).sum().cast(pl.Float64)
    return pl.when(total > 0).then(signed.sum() / total)


def _peaks(events: pl.LazyFrame, side: Side, name: str) -> pl.LazyFrame:
    chosen = events.drop_nulls("IcebergId")
    if side != "Total":
        chosen = chosen.filter(pl.col("Side") == _REST[side])
    of_each = chosen.group_by("ListingId", TIME_BUCKET, "IcebergId").agg(pl.col("IcebergEventCount").max())
    return of_each.group_by("ListingId", TIME_BUCKET).agg(pl.col("IcebergEventCount").mean().alias(name))
