"""Are the rows in order, each there once, and none left out?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from basalt.core.bucketing import NANOS_PER_DAY, NANOS_PER_SECOND
from basalt.core.lake import order_columns
from basalt.core.scanning import identity_columns
from basalt.quality.findings import hits, midnight
from basalt.quality.seen import Seen, on_book

SLACK_NANOS = 14 * 3600 * NANOS_PER_SECOND
"""By so much a trading day may begin before, or end after, its date in UTC."""

DELAY_NANOS = 60 * NANOS_PER_SECOND
_RECEIVED = ("ReceiveTimestamp", "PublicationTimestampNanoseconds", "PublicationTimestamp")


def look(seen: Seen) -> Iterator[pl.LazyFrame]:
    """Hits about order, repetition, numbering and clocks of one table."""
    yield _out_of_order(seen)
    yield from _duplicates(seen)
    yield from _number_gaps(seen)
    yield from _clocks(seen)


def _out_of_order(seen: Seen) -> pl.LazyFrame:
    """Rows that come, in the file, after one that they should come before."""
    later, tied = pl.lit(value=False), pl.lit(value=True)
    names = order_columns(seen.table, seen.columns)
    for name in names:
        now, before = pl.col(name), pl.col(name).shift(1)
        later = later | (tied & (now < before)).fill_null(value=False)
        tied = tied & (now == before).fill_null(value=True)
    frame = seen.frame.select("ListingId", "at", "row", *names).sort("row").with_columns(pl.col("at").shift(1).alias("before"))
    words = pl.format("row {} of the file", "row")
    return hits(frame, "OUT_OF_ORDER", seen.name, later, end=pl.max_horizontal("at", "before"), detail=words)


def _duplicates(seen: Seen) -> Iterator[pl.LazyFrame]:
    identity = identity_columns(seen.table, seen.columns)
    if not identity:
        return
    keys = list(dict.fromkeys(("ListingId", "at", *identity)))
    frame = seen.frame.select(*keys, "row")
    counted = frame.group_by(keys).agg(pl.len().alias("times"), pl.col("row").min())
    words = pl.format("row {} of the file occurs {} times", "row", "times")
    yield hits(counted, "DUPLICATE", seen.name, pl.col("times") > 1, count=pl.col("times").cast(pl.Int64()) - 1, detail=words)


def _number_gaps(seen: Seen) -> Iterator[pl.LazyFrame]:
    if seen.number is None:
        return
    frame = seen.frame.select("ListingId", "at", pl.col(seen.number).alias("number")).sort("ListingId", "number", "at")
    previous = frame.with_columns(pl.col("number", "at").shift(1).over("ListingId").name.prefix("last:"))
    lacking = pl.col("number") - pl.col("last:number") - 1
    words = pl.format("{} of {} are missing after {}", lacking, pl.lit(seen.number), "last:number")
    yield hits(
        previous,
        "NUMBER_GAP",
        seen.name,
        lacking > 0,
        start=pl.min_horizontal("last:at", "at"),
        end=pl.max_horizontal("last:at", "at"),
        count=lacking,
        detail=words,
    )


def _clocks(seen: Seen) -> Iterator[pl.LazyFrame]:
    first = midnight(seen.day)
    yield hits(seen.frame, "CLOCK_MISSING", seen.name, pl.col("at").is_null(), detail=pl.format("row {} of the file", "row"))
    outside = (pl.col("at") < first - SLACK_NANOS) | (pl.col("at") >= first + NANOS_PER_DAY + SLACK_NANOS)
    yield hits(seen.frame, "CLOCK_OFF_DAY", seen.name, outside, detail=pl.format("row {} of the file", "row"))
    yield from _jumps(seen)
    for name in seen.some(*_RECEIVED)[:1]:
        received = pl.col(name).cast(pl.Datetime("ns")).cast(pl.Int64()) if name != "ReceiveTimestamp" else pl.col(name).cast(pl.Int64())
        frame = seen.frame.select("ListingId", "at", received.alias("received"))
        late = (pl.col("received") - pl.col("at")) / 1e9
        words = pl.format("{} is {} s after the event", pl.lit(name), late)
        yield hits(frame, "CLOCK_SKEW", seen.name, late < 0, detail=words)
        if name == "ReceiveTimestamp":
            yield hits(frame, "CLOCK_DELAY", seen.name, (pl.col("received") - pl.col("at")) > DELAY_NANOS, detail=words)


def _jumps(seen: Seen) -> Iterator[pl.LazyFrame]:
    """Time that runs backwards along the numbers of a listing's events.

    Which of the two rows is wrong is not known, so the span reaches from the row before both of them to the later one.
    """
    number = seen.number or ("BMLLSequenceNo" if seen.has("BMLLSequenceNo") else None)
    if number is None:
        return
    along = ["ListingId", *([] if seen.number else seen.some("BMLLSequenceSource"))]
    rows = seen.frame.filter(on_book(seen)) if seen.name == "trades" else seen.frame
    frame = rows.select(*along, "at", "row", pl.col(number).alias("number")).sort(*along, "number", "row")
    previous = frame.with_columns(pl.col("at").shift(1).over(along).alias("last:at"), pl.col("at").shift(2).over(along).alias("before:at"))
    words = pl.format("{} {} is {} s before the one in front of it", pl.lit(number), "number", (pl.col("last:at") - pl.col("at")) / 1e9)
    first = pl.min_horizontal("at", "before:at")
    yield hits(previous, "CLOCK_JUMP", seen.name, pl.col("at") < pl.col("last:at"), start=first, end="last:at", detail=words)
