"""Sessions: on which days and between which times a venue trades.

The dates and times come from the library `exchange_calendars`, which is imported when a calendar is
first asked for something. Continuous trading only: opening and closing auctions lie outside of a
session's times, as that library has them.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from basalt.core.errors import InvalidValue, UnknownName

if TYPE_CHECKING:
    import polars as pl

NANOS_PER_MICRO = 1_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FAR = 10
"""Years in which a session before or after a day is looked for."""

FOLLOWED: Mapping[str, str] = {
    **dict.fromkeys(("XNGS", "XNMS", "XNCM", "XNIM", "XBOS", "XPSX", "XCHI", "XCIS", "BATY", "EDGA", "EDGX", "IEXG", "MEMX"), "XNYS"),
    **dict.fromkeys(("GLBX", "XCME", "XCBT", "XNYM", "XCEC"), "CMES"),
    "IFEU": "IEPA",
    "XSHE": "XSHG",
}
"""Venues without a calendar of their own, and the calendar that they keep."""


@dataclass(frozen=True)
class Session:
    """A venue's trading day.

    Attributes:
        day: Its date.
        open_nanos, close_nanos: Start and end of continuous trading, ns since 1970 UTC.
        pause: Start and end of the lunch break, in the same unit; None where there is none.
        is_half_day: It closes earlier than usual.
    """

    day: date
    open_nanos: int
    close_nanos: int
    pause: tuple[int, int] | None = None
    is_half_day: bool = False

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """Start and end of each part of the day that trades: one, or two around the lunch break."""
        if self.pause is None:
            return ((self.open_nanos, self.close_nanos),)
        return ((self.open_nanos, self.pause[0]), (self.pause[1], self.close_nanos))

    @property
    def open_at(self) -> datetime:
        """Start of continuous trading, UTC."""
        return EPOCH + timedelta(microseconds=self.open_nanos // NANOS_PER_MICRO)

    @property
    def close_at(self) -> datetime:
        """End of continuous trading, UTC."""
        return EPOCH + timedelta(microseconds=self.close_nanos // NANOS_PER_MICRO)


@dataclass(frozen=True)
class TradingCalendar:
    """The sessions of a venue, by day.

    Attributes:
        code: The calendar's name in `exchange_calendars`.
        zone: Zone of the venue's wall clock.
    """

    code: str
    zone: ZoneInfo

    def session(self, day: date) -> Session | None:
        """The session of *day*; None on weekends and holidays.

        Raises:
            InvalidValue: The calendar does not reach as far as *day*.
        """
        return _year_of(self.code, day.year).get(day)

    def sessions(self, first: date, last: date) -> tuple[Session, ...]:
        """The sessions from *first* to *last*, both included."""
        years = (_year_of(self.code, year) for year in range(first.year, last.year + 1))
        return tuple(session for year in years for day, session in year.items() if first <= day <= last)

    def holidays(self, first: date, last: date) -> tuple[date, ...]:
        """Days from Monday to Friday without a session, from *first* to *last*."""
        traded = {session.day for session in self.sessions(first, last)}
        return tuple(day for day in _days(first, last) if day.weekday() < 5 and day not in traded)

    def half_days(self, first: date, last: date) -> tuple[date, ...]:
        """Days that close early, from *first* to *last*."""
        return tuple(session.day for session in self.sessions(first, last) if session.is_half_day)

    def before(self, day: date) -> Session:
        """The last session before *day*."""
        found = (session for year in range(day.year, day.year - _FAR, -1) for session in reversed(_year_of(self.code, year).values()))
        return next(session for session in found if session.day < day)

    def after(self, day: date) -> Session:
        """The first session after *day*."""
        found = (session for year in range(day.year, day.year + _FAR) for session in _year_of(self.code, year).values())
        return next(session for session in found if session.day > day)


def calendar_of(mic: str, calendars: Mapping[str, str] | None = None) -> TradingCalendar:
    """The calendar of the venue *mic*.

    Args:
        mic: Market identifier code.
        calendars: Calendar by venue, for those that have none of their own or keep another one:
            `{"CHIX": "XLON"}`.

    Raises:
        UnknownName: The venue has no calendar.
    """
    code = (calendars or {}).get(mic) or FOLLOWED.get(mic, mic)
    zone = _zone_of(code)
    if zone is None:
        raise UnknownName(
            f"the venue {mic!r} has no calendar {code!r}" if code != mic else f"the venue {mic!r} has no calendar of its own",
            where=f"calendars.{mic}",
            hint=f"say which one it keeps, for example calendars: {{{mic}: XLON}}",
        )
    return TradingCalendar(code, zone)


def has_calendar(mic: str) -> bool:
    """Whether the venue *mic* has a calendar."""
    return _zone_of(FOLLOWED.get(mic, mic)) is not None


def calendar_names() -> tuple[str, ...]:
    """Names of all calendars."""
    return tuple(_library().get_calendar_names(include_aliases=True))


def session_frame(mics: Iterable[str], first: date, last: date, calendars: Mapping[str, str] | None = None) -> pl.DataFrame:
    """The sessions of some venues as rows.

    Args:
        mics: Market identifier codes.
        first, last: Days, both included.
        calendars: As of `calendar_of`.

    Returns:
        One row a venue and session: `MIC`, `Date`, `Open`, `Close` (Datetime ns, UTC), `PauseStart`,
        `PauseEnd` (null without a lunch break), `IsHalfDay`.
    """
    import polars as pl

    instant = pl.Datetime("ns")
    rows = [
        (mic, each.day, each.open_nanos, each.close_nanos, *(each.pause or (None, None)), each.is_half_day)
        for mic in dict.fromkeys(mics)
        for each in calendar_of(mic, calendars).sessions(first, last)
    ]
    times = ("Open", "Close", "PauseStart", "PauseEnd")
    schema = {"MIC": pl.String(), "Date": pl.Date(), **dict.fromkeys(times, pl.Int64()), "IsHalfDay": pl.Boolean()}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col(times).cast(instant))


# ---------------------------------------------------------------- the library


def _library() -> Any:
    import exchange_calendars

    return exchange_calendars


@cache
def _zone_of(code: str) -> ZoneInfo | None:
    """Zone of a calendar; None when there is no such calendar."""
    try:
        return ZoneInfo(str(_calendar(code, 2020).tz))
    except _library().errors.InvalidCalendarName:
        return None


@cache
def _calendar(code: str, year: int) -> Any:
    """The library's calendar of one year; what pandas thinks of how the library uses it is not the user's business."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _library().get_calendar(code, start=f"{year}-01-01", end=f"{year}-12-31")


@cache
def _year_of(code: str, year: int) -> dict[date, Session]:
    """The sessions of a year by day, in order."""
    try:
        calendar = _calendar(code, year)
    except _library().errors.NoSessionsError:
        return {}
    except ValueError as problem:
        raise InvalidValue(
            f"the calendar {code} does not have the year {year}: {problem}",
            where=f"calendars.{code}",
            hint="take a newer exchange_calendars",
        ) from problem
    early = {each.date() for each in calendar.early_closes}
    columns = ("open", "close", "break_start", "break_end")
    rows = zip(calendar.schedule.index, *(calendar.schedule[name] for name in columns), strict=True)
    return {stamp.date(): _session(stamp.date(), times, is_half_day=stamp.date() in early) for stamp, *times in rows}


def _session(day: date, times: list[Any], *, is_half_day: bool) -> Session:
    opened, closed, paused, resumed = (_nanos(each) for each in times)
    assert opened is not None
    assert closed is not None
    pause = (paused, resumed) if paused is not None and resumed is not None and paused < resumed < closed else None
    return Session(day, opened, closed, pause, is_half_day)


def _nanos(stamp: Any) -> int | None:
    """Nanoseconds since 1970 of an instant of the library; None for its missing value, which equals nothing."""
    return int(stamp.as_unit("ns").value) if stamp == stamp else None  # noqa: PLR0124 - NaT is the one that differs from itself


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))
