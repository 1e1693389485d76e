"""Timelines: which buckets appear in the output of a pass.

`sparse_digitised` (the default) has buckets in which something happened; `sparse_original` keeps
the events' own times; `daily_analytics` has one bucket a trade date; `dense` adds the buckets of
open markets in which nothing happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from basalt.core.bucketing import BUCKET_DTYPE, NANOS_PER_SECOND, TIME_BUCKET, Clock
from basalt.core.datasets import PlannedColumn
from basalt.core.errors import ConflictingSettings, InvalidValue
from basalt.core.offers import Input

OPEN_STATE = "CONTINUOUS_TRADING"
COVERAGE = "Coverage"


@dataclass(frozen=True)
class SparseTimeline:
    """Buckets in which something happened."""

    def configured(self, options: Any) -> Self:
        """There is nothing to configure."""
        return self

    def clock(self, clock: Clock) -> Clock:
        """The pass's own clock."""
        return clock

    def tables(self) -> tuple[Input, ...]:
        """None."""
        return ()

    def added_columns(self) -> tuple[PlannedColumn, ...]:
        """None."""
        return ()

    def complete(
        self,
        frame: pl.LazyFrame,
        tables: Mapping[str, pl.LazyFrame],
        listings: pl.LazyFrame,
        clock: Clock,
        day: date,
        empty: Mapping[str, str],
    ) -> pl.LazyFrame:
        """*frame* as it is."""
        return frame


@dataclass(frozen=True)
class OriginalTimeline(SparseTimeline):
    """One row for each time at which something happened."""

    def clock(self, clock: Clock) -> Clock:
        """No buckets."""
        return Clock.event()


@dataclass(frozen=True)
class DailyTimeline(SparseTimeline):
    """One bucket a trade date, labelled with the date at midnight."""

    def clock(self, clock: Clock) -> Clock:
        """Days."""
        return Clock.daily()


class DenseOptions(BaseModel):
    """Options of the timeline `dense`, section `dense_analytics` of a pass."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Literal["adaptative", "uniform"] = Field(
        "adaptative",
        description="adaptative: buckets that touch CONTINUOUS_TRADING of the market-state table; uniform: buckets of time_interval, every day.",
    )
    time_interval: tuple[time, time] | None = Field(None, description="First and last clock time of mode uniform.")
    timezone: str = Field("UTC", description="Zone of time_interval.")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as problem:
            raise InvalidValue(
                f"unknown time zone {value!r}", where="dense_analytics.timezone", hint="for example Europe/London"
            ) from problem
        return value

    @model_validator(mode="after")
    def _interval_fits_mode(self) -> Self:
        if (self.mode == "uniform") != (self.time_interval is not None):
            raise ConflictingSettings("time_interval and mode 'uniform' go together", where="dense_analytics", hint="give both, or neither")
        return self


@dataclass(frozen=True)
class DenseTimeline(SparseTimeline):
    """All buckets of open markets, and those in which something happened.

    The column `Coverage` says which share of a bucket the market was open. Halts, breaks and
    auctions get no rows of their own: nothing is filled that was not continuous trading.
    """

    Options: ClassVar[type[BaseModel]] = DenseOptions

    options: DenseOptions = field(default_factory=DenseOptions)

    def configured(self, options: Any) -> Self:
        """The timeline with a pass's `dense_analytics`."""
        return replace(self, options=options)

    def tables(self) -> tuple[Input, ...]:
        """Market states, in mode adaptative."""
        needs = Input("marketstate", "marketstate", ("ListingId", "EventTimestamp", "MarketState"))
        return (needs,) if self.options.mode == "adaptative" else ()

    def added_columns(self) -> tuple[PlannedColumn, ...]:
        """`Coverage`."""
        return (PlannedColumn(COVERAGE, pl.Float64(), "1", "Share of the bucket during which the market traded continuously."),)

    def complete(
        self,
        frame: pl.LazyFrame,
        tables: Mapping[str, pl.LazyFrame],
        listings: pl.LazyFrame,
        clock: Clock,
        day: date,
        empty: Mapping[str, str],
    ) -> pl.LazyFrame:
        """Add the open buckets; flows are 0 in them, other columns null."""
        if clock.width_nanos <= 0:
            raise ConflictingSettings("the timeline 'dense' needs buckets", where="timeline_mode")
        grid = self._grid(tables, listings, clock, day)
        joined = grid.join(frame.with_columns(pl.lit(True).alias("bucket:seen")), on=["ListingId", TIME_BUCKET], how="full", coalesce=True)
        is_open = pl.col("bucket:seen").is_null()
        zeros = [pl.when(is_open).then(0).otherwise(pl.col(name)).alias(name) for name, rule in empty.items() if rule == "zero"]
        carried = [pl.col(name).forward_fill().over("ListingId", order_by=TIME_BUCKET) for name, rule in empty.items() if rule == "carry"]
        return joined.with_columns(zeros).with_columns(carried).with_columns(pl.col(COVERAGE).fill_null(0.0)).drop("bucket:seen")

    def _grid(self, tables: Mapping[str, pl.LazyFrame], listings: pl.LazyFrame, clock: Clock, day: date) -> pl.LazyFrame:
        spans = self._uniform_spans(listings, day) if self.options.mode == "uniform" else open_spans(tables["marketstate"])
        return buckets_of(spans, clock)

    def _uniform_spans(self, listings: pl.LazyFrame, day: date) -> pl.LazyFrame:
        assert self.options.time_interval is not None
        zone = ZoneInfo(self.options.timezone)
        start, end = (_utc_nanos(datetime.combine(day, each), zone) for each in self.options.time_interval)
        if end <= start:
            end = _utc_nanos(datetime.combine(day + timedelta(days=1), self.options.time_interval[1]), zone)
        return listings.select("ListingId", pl.lit(start, pl.Int64).alias("start"), pl.lit(end, pl.Int64).alias("end"))


def _utc_nanos(local: datetime, zone: ZoneInfo) -> int:
    moment = local.replace(tzinfo=zone)
    return int(moment.timestamp()) * NANOS_PER_SECOND + moment.microsecond * 1000


def open_spans(states: pl.LazyFrame) -> pl.LazyFrame:
    """Start and end (ns) of each spell of continuous trading, by listing.

    A state holds until the next one of the listing; one that nothing follows is left out.
    """
    events = states.sort("ListingId", "EventTimestamp", maintain_order=True)
    nanos = pl.col("EventTimestamp").cast(pl.Int64)
    spans = events.select("ListingId", "MarketState", nanos.alias("start"), nanos.shift(-1).over("ListingId").alias("end"))
    return spans.filter(pl.col("MarketState") == OPEN_STATE, pl.col("end") > pl.col("start")).select("ListingId", "start", "end")


def buckets_of(spans: pl.LazyFrame, clock: Clock) -> pl.LazyFrame:
    """The buckets that *spans* touch, with the share of each that they cover.

    Returns:
        `ListingId`, `TimeBucket`, `Coverage` in (0, 1].
    """
    width = clock.width_nanos
    origin = clock.offset(pl.col("start").cast(BUCKET_DTYPE))
    counted = spans.with_columns((pl.lit(0, pl.Int64) if origin is None else origin).alias("origin"))
    first, last = ((pl.col(edge) - pl.col("origin") - less).floordiv(width) for edge, less in (("start", 0), ("end", 1)))
    cells = counted.with_columns(pl.int_ranges(first, last + 1).alias("cell")).explode("cell", empty_as_null=True, keep_nulls=True)
    start = pl.col("cell") * width + pl.col("origin")
    covered = pl.min_horizontal(pl.col("end"), start + width) - pl.max_horizontal(pl.col("start"), start)
    label = start + width if clock.anchor == "end" else start
    shares = cells.select("ListingId", label.cast(BUCKET_DTYPE).alias(TIME_BUCKET), covered.alias("covered"))
    return shares.group_by("ListingId", TIME_BUCKET).agg((pl.col("covered").sum() / width).alias(COVERAGE))


SPARSE = SparseTimeline()
ORIGINAL = OriginalTimeline()
DAILY = DailyTimeline()
