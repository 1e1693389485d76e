"""Rows of a listing's day that the lake has and an import does not cover: they stay, in one order with those that come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path

import polars as pl

from basalt.core.errors import ConflictingSettings
from basalt.core.tables import Table
from basalt.feeds.depths import LEVELS
from basalt.feeds.identifiers import ListingDay
from basalt.feeds.merging import stored_frames

Spans = list[tuple[int, int]]
"""First and last times of arrival, ns since 1970, both included."""

_FOUND = ("BestBidPrice", "BestBidSize", "BestAskPrice", "BestAskSize", "PricePoint")
_ARRIVAL = "ReceiveTimestamp"


def stored_rows(lake: Path, table: Table, of: ListingDay) -> list[pl.LazyFrame]:
    """The rows that the lake has, without what follows from other rows; no frame for none.

    Raises:
        CorruptInput: The file of the lake cannot be read.
    """
    found = [f"{name}{at}" for name in _FOUND for at in ("", "AtVenue")]
    stored = stored_frames(lake, table, of.listing.mic, of.day)
    rows = [each.filter(pl.col("ListingId") == of.listing.listing_id).drop(found, strict=False) for each in stored]
    return [each for each in rows if _ARRIVAL in each.collect_schema() and not each.head(1).collect().is_empty()]


def refuse_loss(lake: Path, table: Table, mic: str, day: date, covered: Mapping[int, tuple[int, int]]) -> None:
    """Refuse to replace rows of a market's day that files do not cover.

    Args:
        lake: Root of the lake.
        table: Table of rows with a time of arrival; others are not looked at.
        mic, day: Whose.
        covered: First and last time of arrival in the files by `ListingId` (ns since 1970).

    Raises:
        ConflictingSettings: The lake has rows of these listings that arrived before or after.
        CorruptInput: The file of the lake cannot be read.
    """
    for stored in stored_frames(lake, table, mic, day):
        if _ARRIVAL not in stored.collect_schema():
            return
        arrival = pl.col(_ARRIVAL)
        spans = stored.group_by("ListingId").agg(arrival.min().alias("low"), arrival.max().alias("high")).collect(engine="streaming")
        files = pl.DataFrame(
            [(each, *span) for each, span in covered.items()],
            schema={"ListingId": pl.Int64, "first": pl.Int64, "last": pl.Int64},
            orient="row",
        )
        lost = spans.join(files, on="ListingId").filter((pl.col("low") < pl.col("first")) | (pl.col("high") > pl.col("last")))
        if not lost.is_empty():
            times = (
                lost.select(pl.col("low").min(), pl.col("high").max())
                .select(pl.all().cast(pl.Datetime("ns")).dt.strftime("%H:%M:%S"))
                .row(0)
            )
            raise ConflictingSettings(
                f"the lake has {table.name} of {lost.height} of these listings from {times[0]} to {times[1]}, which the files do not cover whole",
                where=f"{table.name} of {mic} on {day}",
                hint="give all files of the day at once, or drop what the lake has of it: --replace",
            )


def outside(frames: Sequence[pl.LazyFrame], spans: Spans) -> list[pl.LazyFrame]:
    """The rows that arrived outside all of *spans*, a frame for what lies between two of them; rows without a time of arrival are none.

    A frame is in order of arrival, as the order of events is.
    """
    return [kept for frame in frames for kept in (frame.filter(gap) for gap in _gaps(spans)) if not kept.head(1).collect().is_empty()]


def _gaps(spans: Spans) -> Iterator[pl.Expr]:
    arrival, reached = pl.col(_ARRIVAL), 0
    for first, last in sorted(spans):
        if first > reached:
            yield arrival.is_between(reached, first, closed="none")
        reached = max(reached, last)
    yield arrival > reached


def numbered(books: Sequence[pl.LazyFrame]) -> list[pl.LazyFrame]:
    """States of a book that were told in pieces: in order of arrival, a state that says what the one before it said left out, numbered anew."""
    ends = [frame.select("BMLLSequenceNo", *_levels()).select(pl.all().first().name.suffix(":first"), pl.all().last()) for frame in books]
    ordered = sorted(zip(pl.collect_all(ends), books, strict=True), key=lambda pair: pair[0]["BMLLSequenceNo:first"].item())
    shown = [frame for _, frame in ordered[:1]]
    for (before, _), (after, frame) in pairwise(ordered):
        is_same = before.select(_levels()).row(0) == after.select(f"{name}:first" for name in _levels()).row(0)
        shown.append(frame.slice(int(is_same)))
    return list(_counted(shown))


def _levels() -> list[str]:
    return [f"{side}{what}{level}" for side in ("Bid", "Ask") for what in ("Price", "Quantity") for level in range(1, LEVELS + 1)]


def _counted(frames: Sequence[pl.LazyFrame]) -> Iterator[pl.LazyFrame]:
    before = 0
    for frame in frames:
        yield frame.with_columns(pl.int_range(before + 1, before + 1 + pl.len(), dtype=pl.Int64).alias("L2EventNo"))
        before += frame.select(pl.len()).collect().item()
