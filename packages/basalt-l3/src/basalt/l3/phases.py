"""In which phase of the day an event happens, where the files do not say."""

from __future__ import annotations

import polars as pl

from basalt.core.declaring import enrichment

_READS = ("ListingId", "EventTimestamp")


@enrichment(
    table="l3",
    uses="marketstate",
    column="MarketState",
    unit="",
    reads=_READS,
    reads_other=(*_READS, "MarketState"),
    dtype=pl.String(),
)
def phase_at(events: pl.LazyFrame, phases: pl.LazyFrame) -> pl.LazyFrame:
    """Phase of the listing's day at the time of the event; null before the first phase."""
    begun = phases.select("ListingId", pl.col("EventTimestamp").alias("phase:time"), "MarketState")
    matched = events.join_asof(begun, left_on="EventTimestamp", right_on="phase:time", by="ListingId", check_sortedness=False)
    return matched.drop("phase:time", strict=False)
