"""The timeline `session`: buckets of the venue's session, by its calendar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, ClassVar, Literal, Self

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, field_validator

from basalt.core.bucketing import TIME_BUCKET, Clock, Origin
from basalt.core.datasets import PlannedColumn
from basalt.core.errors import InvalidValue
from basalt.core.timelines import DenseTimeline, SparseTimeline, buckets_of
from basalt.market.sessions import Session, TradingCalendar, calendar_of

KEY = "session_analytics"
SINCE_OPEN, TO_CLOSE, HALF_DAY = "SinceOpen", "ToClose", "IsHalfDay"


class SessionOptions(BaseModel):
    """Section `session_analytics` of a pass with the timeline `session`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    buckets: Literal["dense", "sparse"] = Field(
        "dense", description="dense: all buckets of the session, and those in which something happened; sparse: only the latter."
    )
    calendars: dict[str, str] = Field(
        default_factory=dict, description="Calendar by venue, for venues that have none of their own or keep another one: {CHIX: XLON}."
    )
    origin: str | None = Field(
        None, description="Venue from whose usual opening time buckets are counted, on its wall clock; if unset, from midnight UTC."
    )

    @field_validator("origin")
    @classmethod
    def _has_calendar(cls, value: str | None) -> str | None:
        if value is not None and len(value) < 3:
            raise InvalidValue(f"{value!r} is no venue", where=f"{KEY}.origin", hint="for example XNYS")
        return value


@dataclass(frozen=True)
class SessionTimeline(DenseTimeline):
    """Buckets of each listing's session, by the calendar of its venue.

    Lunch breaks are not filled, half days end early, holidays have no session. Where the market-state table says more (halts,
    auctions), the timeline `dense` knows it.
    """

    Options: ClassVar[type[BaseModel]] = SessionOptions

    options: Any = field(default_factory=SessionOptions)

    def configured(self, options: Any) -> Self:
        """The timeline with a pass's `session_analytics`."""
        return replace(self, options=options or SessionOptions())

    def clock(self, clock: Clock) -> Clock:
        """The pass's clock, counted from the opening of `origin`."""
        return replace(clock, origin=origin_of(self.options.origin, self.options.calendars)) if self.options.origin else clock

    def tables(self) -> tuple[Any, ...]:
        """None: the calendar knows."""
        return ()

    def added_columns(self) -> tuple[PlannedColumn, ...]:
        """`Coverage`, and where in the session the bucket's label is."""
        return (
            *super().added_columns(),
            PlannedColumn(SINCE_OPEN, pl.Int64(), "ns", "From the session's open to the label of the bucket; negative before it."),
            PlannedColumn(TO_CLOSE, pl.Int64(), "ns", "From the label of the bucket to the session's close; negative after it."),
            PlannedColumn(HALF_DAY, pl.Boolean(), "", "Whether the venue closes early on that day."),
        )

    def complete(
        self,
        frame: pl.LazyFrame,
        tables: Mapping[str, pl.LazyFrame],
        listings: pl.LazyFrame,
        clock: Clock,
        day: date,
        empty: Mapping[str, str],
    ) -> pl.LazyFrame:
        """Add the buckets of the session, and the columns of `added_columns`.

        Raises:
            UnknownName: A venue of the listings has no calendar.
        """
        known = listings.select("ListingId", "MIC").collect()
        sessions = sessions_of(known["MIC"].unique().drop_nulls().sort().to_list(), day, self.options.calendars)
        places = _places(known, sessions).lazy()
        if self.options.buckets == "dense":
            filled = super().complete(frame, {"sessions": places}, listings, clock, day, empty)
        else:
            shares = buckets_of(_spans(places), clock)
            filled = (
                SparseTimeline()
                .complete(frame, tables, listings, clock, day, empty)
                .join(shares, on=["ListingId", TIME_BUCKET], how="left")
            )
            filled = filled.with_columns(pl.col("Coverage").fill_null(0.0))
        label = pl.col(TIME_BUCKET).cast(pl.Int64)
        placed = filled.join(places.select("ListingId", "open", "close", HALF_DAY), on="ListingId", how="left")
        return placed.with_columns((label - pl.col("open")).alias(SINCE_OPEN), (pl.col("close") - label).alias(TO_CLOSE)).drop(
            "open", "close"
        )

    def _grid(self, tables: Mapping[str, pl.LazyFrame], listings: pl.LazyFrame, clock: Clock, day: date) -> pl.LazyFrame:
        return buckets_of(_spans(tables["sessions"]), clock)


def origin_of(mic: str, calendars: Mapping[str, str]) -> Origin:
    """The usual opening of a venue on its wall clock.

    Raises:
        UnknownName: The venue has no calendar.
    """
    calendar = calendar_of(mic, calendars)
    first = calendar.after(date(_USUAL_YEAR, 1, 31))
    local = first.open_at.astimezone(calendar.zone)
    return Origin((local.hour * 3600 + local.minute * 60 + local.second) * 1_000_000_000, calendar.zone.key)


_USUAL_YEAR = 2026


def sessions_of(mics: list[str], day: date, calendars: Mapping[str, str]) -> dict[str, Session]:
    """The session of each venue that trades on *day*."""
    known: dict[str, TradingCalendar] = {mic: calendar_of(mic, calendars) for mic in mics}
    found = {mic: calendar.session(day) for mic, calendar in known.items()}
    return {mic: session for mic, session in found.items() if session is not None}


def _places(listings: pl.DataFrame, sessions: Mapping[str, Session]) -> pl.DataFrame:
    """Open, close, parts and half days of each listing's session."""
    rows = [
        (mic, each.open_nanos, each.close_nanos, [start for start, _ in each.spans], [end for _, end in each.spans], each.is_half_day)
        for mic, each in sessions.items()
    ]
    nanos, parts = pl.Int64(), pl.List(pl.Int64())
    schema = {"MIC": pl.String(), "open": nanos, "close": nanos, "start": parts, "end": parts, HALF_DAY: pl.Boolean()}
    return listings.join(pl.DataFrame(rows, schema=schema, orient="row"), on="MIC").drop("MIC")


def _spans(places: pl.LazyFrame) -> pl.LazyFrame:
    """Start and end (ns) of each part of each listing's session."""
    return places.select("ListingId", "start", "end").explode("start", "end", empty_as_null=True, keep_nulls=True)
