"""In which phase of the day an event or a trade happens, where the files do not say."""

from __future__ import annotations

import polars as pl

from basalt.core.declaring import enrichment

_PHASES = ("ListingId", "EventTimestamp", "MarketState")


@enrichment(
    table="l3",
    uses="marketstate",
    column="MarketState",
    unit="",
    reads=("ListingId", "EventTimestamp"),
    reads_other=_PHASES,
    dtype=pl.String(),
)
def phase_of_event(events: pl.LazyFrame, phases: pl.LazyFrame) -> pl.LazyFrame:
    """Phase of the listing's day at the time of the event; null before the first phase."""
    return _attached(events, phases, "EventTimestamp")


@enrichment(
    table="trades",
    uses="marketstate",
    column="MarketState",
    unit="",
    reads=("ListingId", "TradeTimestamp"),
    reads_other=_PHASES,
    dtype=pl.String(),
)
def phase_of_trade(trades: pl.LazyFrame, phases: pl.LazyFrame) -> pl.LazyFrame:
    """Phase of the listing's day at the time of the trade; null before the first phase."""
    return _attached(trades, phases, "TradeTimestamp")


def _attached(rows: pl.LazyFrame, phases: pl.LazyFrame, clock: str) -> pl.LazyFrame:
    begun = phases.select("ListingId", pl.col("EventTimestamp").alias("phase:time"), "MarketState")
    return rows.join_asof(begun, left_on=clock, right_on="phase:time", by="ListingId", check_sortedness=False).drop(
        "phase:time", strict=False
    )
