"""Rows of a listing's day that the lake has and an import does not cover: they stay, in one order with those that come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import polars as pl

from basalt.core.tables import Table
from basalt.feeds.covering import ARRIVAL, Span, extents, gaps, loss
from basalt.feeds.depths import LEVELS
from basalt.feeds.identifiers import ListingDay
from basalt.feeds.merging import stored_frames

_FOUND = ("BestBidPrice", "BestBidSize", "BestAskPrice", "BestAskSize", "PricePoint")


def stored_rows(lake: Path, table: Table, of: ListingDay) -> list[pl.LazyFrame]:
    """The rows that the lake has, without what follows from other rows; no frame for none.

    Raises:
        ConflictingSettings: Rows have no time of arrival, so that nobody knows their place among others.
        CorruptInput: The file of the lake cannot be read.
    """
    found = [f"{name}{at}" for name in _FOUND for at in ("", "AtVenue")]
    stored = stored_frames(lake, table, of.listing.mic, of.day)
    rows = [each.filter(pl.col("ListingId") == of.listing.listing_id).drop(found, strict=False) for each in stored]
    strange = [_without_arrival(each) for each in rows]
    for span in extents(strange, table, [of.listing.listing_id]).values():
        raise loss(table, (of.listing.mic, of.day), [span])
    return [each for each in rows if ARRIVAL in each.collect_schema() and not each.head(1).collect().is_empty()]


def _without_arrival(rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.filter(pl.col(ARRIVAL).is_null()).drop(ARRIVAL) if ARRIVAL in rows.collect_schema() else rows


def outside(frames: Sequence[pl.LazyFrame], spans: Sequence[Span]) -> list[pl.LazyFrame]:
    """The rows that arrived outside all of *spans*, a frame for what lies between two of them; rows without a time of arrival are none.

    A frame is in order of arrival, as the order of events is.
    """
    return [
        kept
        for frame in frames
        for kept in (frame.filter(gap) for gap in gaps(spans, pl.col(ARRIVAL)))
        if not kept.head(1).collect().is_empty()
    ]


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
