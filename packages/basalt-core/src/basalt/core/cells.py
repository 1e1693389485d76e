"""Cells: which listing and bucket a row belongs to, with as few group keys as the data allow.

Grouping by one whole number is faster than by two columns, and so is sorting. Where the files tell
the ranges of listings and times, and both fit into 64 bits together, one number stands for the pair:

    cell = (ListingId - first listing) * buckets + (bucket number - first bucket number)
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from basalt.core.bucketing import TIME_BUCKET, Clock
from basalt.core.facts import Facts

KEY = "ListingId"
CELL = "cell:number"
_LIMIT = 2**63


@dataclass(frozen=True)
class Cells:
    """How rows are grouped.

    Attributes:
        of_rows: Expressions over the rows that make the group keys that rows do not have.
        keys: Names of the group keys; sorting by them sorts by listing and bucket.
        labels: Expressions over the groups: `ListingId` and `TimeBucket`.
    """

    of_rows: tuple[pl.Expr, ...]
    keys: tuple[str, ...]
    labels: tuple[pl.Expr, ...]


def cells(time: str, clock: Clock, facts: Facts) -> Cells:
    """The cells of rows with the clock column *time*."""
    return _packed(time, clock, facts) or _plain(time, clock)


def _plain(time: str, clock: Clock) -> Cells:
    return Cells((clock.label(pl.col(time)).alias(TIME_BUCKET),), (KEY, TIME_BUCKET), (pl.col(KEY), pl.col(TIME_BUCKET)))


def _packed(time: str, clock: Clock, facts: Facts) -> Cells | None:
    if clock.width_nanos <= 0 or clock.origin or not facts.complete.issuperset((KEY, time)) or not facts.ranges.keys() >= {KEY, time}:
        return None
    (first, last), (opened, closed) = facts.ranges[KEY], facts.ranges[time]
    lowest = clock.number_at(opened)
    buckets = clock.number_at(closed) - lowest + 1
    if (last - first + 1) * buckets >= _LIMIT:
        return None
    cell = (pl.col(KEY) - first) * buckets + (clock.number(pl.col(time)) - lowest)
    listing = pl.col(CELL).floordiv(buckets) + first
    return Cells(
        (cell.alias(CELL),), (CELL,), (listing.alias(KEY), clock.label_of_number(pl.col(CELL) % buckets + lowest).alias(TIME_BUCKET))
    )
