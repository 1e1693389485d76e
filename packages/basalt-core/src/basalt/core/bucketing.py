"""Buckets: which cell of a pass's clock an instant belongs to, and how the cell is labelled.

There is one labelling function in Basalt, `bucket_label`; ingestion, re-bucketing and dense grids
all use it. Buckets are aligned to the Unix epoch in UTC, or to a time of day on a venue's wall clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import polars as pl

from basalt.core.errors import InvalidValue

Anchor = Literal["end", "start"]
Closed = Literal["right", "left"]

NANOS_PER_SECOND = 1_000_000_000
NANOS_PER_DAY = 86_400 * NANOS_PER_SECOND
TIME_BUCKET = "TimeBucket"
DATE = "Date"
BUCKET_DTYPE = pl.Datetime("ns")


@dataclass(frozen=True)
class Origin:
    """A time of day on a wall clock that buckets are counted from, forwards and backwards, on each day of that clock.

    Attributes:
        nanos: Nanoseconds from midnight, as a wall clock without daylight saving shows them.
        zone: Zone of the wall clock.
    """

    nanos: int
    zone: str

    def __str__(self) -> str:
        minutes, seconds = divmod(self.nanos // NANOS_PER_SECOND, 60)
        return f"{minutes // 60:02}:{minutes % 60:02}" + (f":{seconds:02}" if seconds else "") + f" {self.zone}"

    def instant(self, time: pl.Expr) -> pl.Expr:
        """When it is that time of day, on the wall clock's day of each instant: ns since 1970 UTC (Int64)."""
        local = time.cast(BUCKET_DTYPE).dt.replace_time_zone("UTC").dt.convert_time_zone(self.zone)
        shown = local.dt.date().cast(BUCKET_DTYPE) + pl.duration(nanoseconds=self.nanos, time_unit="ns")
        return (
            shown.dt.replace_time_zone(self.zone, ambiguous="earliest")
            .dt.convert_time_zone("UTC")
            .dt.replace_time_zone(None)
            .cast(pl.Int64)
        )


@dataclass(frozen=True)
class Clock:
    """The buckets of a pass.

    Attributes:
        width_nanos: Length of a bucket in nanoseconds; 0 for rows at their own time; -1 for one
            bucket a day.
        anchor: The edge that labels a bucket.
        closed: The edge that belongs to a bucket.
        origin: Where buckets are counted from; None for the epoch in UTC. Their length then divides a day.
    """

    width_nanos: int
    anchor: Anchor = "end"
    closed: Closed = "right"
    origin: Origin | None = None

    def __post_init__(self) -> None:
        if self.origin and self.width_nanos > 0 and NANOS_PER_DAY % self.width_nanos:
            raise InvalidValue(
                f"buckets of {self.width_nanos / NANOS_PER_SECOND:g} s do not fill a day, so they cannot be counted from {self.origin}",
                hint="choose a length that divides 24 hours",
            )

    @classmethod
    def of_seconds(cls, seconds: float, anchor: Anchor = "end", closed: Closed = "right") -> Self:
        """The clock of buckets of *seconds*; fractions down to one nanosecond."""
        nanos = round(seconds * NANOS_PER_SECOND)
        if nanos <= 0:
            raise InvalidValue(f"a bucket of {seconds} s is shorter than one nanosecond", hint="give a positive length")
        return cls(nanos, anchor, closed)

    @classmethod
    def daily(cls) -> Self:
        """One bucket a trade date, labelled with the date at midnight."""
        return cls(-1)

    @classmethod
    def event(cls) -> Self:
        """No buckets: each row keeps its own time."""
        return cls(0)

    @property
    def is_daily(self) -> bool:
        """Whether there is one bucket a trade date."""
        return self.width_nanos == -1

    @property
    def is_event(self) -> bool:
        """Whether rows keep their own time."""
        return self.width_nanos == 0

    @property
    def nanos(self) -> int:
        """Length of a bucket in ns, also of a day; 0 for events."""
        return NANOS_PER_DAY if self.is_daily else self.width_nanos

    def __str__(self) -> str:
        if self.is_daily:
            return "daily buckets"
        if self.is_event:
            return "rows at their own times"
        counted = f", from {self.origin}" if self.origin else ""
        return f"buckets of {self.width_nanos / NANOS_PER_SECOND:g} s ({self.anchor}, {self.closed}{counted})"

    def offset(self, time: pl.Expr) -> pl.Expr | None:
        """Where buckets are counted from at each instant, ns since 1970 UTC; None for the epoch."""
        return self.origin.instant(time) if self.origin else None

    def label(self, time: pl.Expr) -> pl.Expr:
        """The label of the bucket that *time* (Datetime ns) falls into."""
        if self.is_event:
            return time
        if self.is_daily:
            return pl.col(DATE).cast(BUCKET_DTYPE)
        return bucket_label(time, self.width_nanos, anchor=self.anchor, closed=self.closed, origin=self.offset(time))

    def number(self, time: pl.Expr) -> pl.Expr:
        """The number of the bucket that *time* falls into, for clocks with a width and no origin; it grows with time, by one a bucket."""
        return bucket_number(time, self.width_nanos, closed=self.closed)

    def number_at(self, nanos: int) -> int:
        """The same for one instant in ns since 1970."""
        return -(-nanos // self.width_nanos) if self.closed == "right" else nanos // self.width_nanos

    def label_of_number(self, number: pl.Expr) -> pl.Expr:
        """The label of the bucket with that number."""
        return ((number + _edge(self.anchor, self.closed)) * self.width_nanos).cast(BUCKET_DTYPE)

    def edges(self, label: pl.Expr) -> dict[str, pl.Expr]:
        """`start` and `end` (ns) of the bucket labelled *label*; a day begins at its label, an event is its own bucket.

        `is_right` says whether the end belongs to it.
        """
        nanos = label.cast(pl.Int64)
        is_right = {"is_right": pl.lit(self.closed == "right")}
        if self.is_daily or self.anchor == "start":
            return {"start": nanos, "end": nanos + self.nanos, **is_right}
        return {"start": nanos - self.nanos, "end": nanos, **is_right}

    def coarsened(self, width_nanos: int) -> Clock:
        """The clock with the same convention and wider buckets.

        Raises:
            InvalidValue: *width_nanos* is not a multiple of this clock's width.
        """
        if self.width_nanos <= 0 or width_nanos <= 0 or width_nanos % self.width_nanos:
            raise InvalidValue(
                f"buckets of {width_nanos} ns cannot be made of buckets of {self.width_nanos} ns",
                hint="choose a multiple of the source's bucket length",
            )
        return Clock(width_nanos, self.anchor, self.closed, self.origin)

    def relabel(self, label: pl.Expr, finer: Clock) -> pl.Expr:
        """The label in this clock of the finer bucket labelled *label*.

        A finer bucket lies inside exactly one coarser bucket, so its own label decides: with end
        labels the finer label is an instant that a right-closed coarser bucket contains; with
        start labels the same holds for left-closed ones. The two mixed conventions are decided by
        the finer bucket's other edge. A *finer* clock without buckets labels with the event's own
        time, which this clock labels as it labels any instant.
        """
        if finer.is_event:
            return self.label(label)
        if self.is_daily:
            return pl.col(DATE).cast(BUCKET_DTYPE)
        inner_closed: Closed = "right" if self.anchor == "end" else "left"
        return bucket_label(label, self.width_nanos, anchor=self.anchor, closed=inner_closed, origin=self.offset(label))


def bucket_number(time: pl.Expr, width_nanos: int, *, closed: Closed = "right") -> pl.Expr:
    """Number the buckets: greater by one from bucket to bucket; null for a null instant."""
    nanos = time.cast(BUCKET_DTYPE).cast(pl.Int64)
    return -((-nanos).floordiv(width_nanos)) if closed == "right" else nanos.floordiv(width_nanos)


def _edge(anchor: Anchor, closed: Closed) -> int:
    """Buckets from the edge that the number of a bucket is counted at to the edge that labels it."""
    return (anchor == "end") - (closed == "right")


def bucket_label(
    time: pl.Expr, width_nanos: int, *, anchor: Anchor = "end", closed: Closed = "right", origin: pl.Expr | None = None
) -> pl.Expr:
    """Label the bucket of each instant.

    Args:
        time: Instants, Datetime in UTC, of any precision.
        width_nanos: Bucket length in ns, more than zero.
        anchor: Label with the bucket's `end` or `start`.
        closed: `right` for (start, end], `left` for [start, end).
        origin: An edge of some bucket, ns since 1970; the epoch if None.

    Returns:
        Datetime ns: the labelling edge; null for a null instant.
    """
    counted = time if origin is None else time.cast(BUCKET_DTYPE).cast(pl.Int64) - origin
    label = bucket_number(counted, width_nanos, closed=closed) * width_nanos
    edge = _edge(anchor, closed)
    shifted = label + edge * width_nanos if edge else label
    return (shifted if origin is None else shifted + origin).cast(BUCKET_DTYPE)
