"""Sessions, checked against what the venues say of themselves."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest

from basalt.core.errors import InvalidValue, UnknownName
from basalt.market.sessions import Session, calendar_of, has_calendar, session_frame

LONDON, NEW_YORK, TOKYO, HONG_KONG = (calendar_of(mic) for mic in ("XLON", "XNYS", "XTKS", "XHKG"))


def utc(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def opening_and_closing(session: Session | None) -> tuple[datetime, datetime]:
    assert session is not None
    return session.open_at, session.close_at


def test_times_follow_the_venues_wall_clock_through_daylight_saving() -> None:
    # London goes to summer time on Sunday 29 March 2026, New York on Sunday 8 March.
    friday, monday = date(2026, 3, 27), date(2026, 3, 30)
    assert opening_and_closing(LONDON.session(friday)) == (utc(friday, 8), utc(friday, 16, 30))
    assert opening_and_closing(LONDON.session(monday)) == (utc(monday, 7), utc(monday, 15, 30))
    friday, monday = date(2026, 3, 6), date(2026, 3, 9)
    assert opening_and_closing(NEW_YORK.session(friday)) == (utc(friday, 14, 30), utc(friday, 21))
    assert opening_and_closing(NEW_YORK.session(monday)) == (utc(monday, 13, 30), utc(monday, 20))


def test_weekends_and_holidays_have_no_session() -> None:
    assert LONDON.session(date(2026, 3, 28)) is None
    assert LONDON.session(date(2026, 12, 25)) is None
    assert LONDON.holidays(date(2026, 4, 1), date(2026, 5, 31)) == (date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 4), date(2026, 5, 25))


def test_half_days_close_early() -> None:
    eve = date(2026, 12, 24)
    session = LONDON.session(eve)
    assert session is not None
    assert session.is_half_day
    assert session.close_at == utc(eve, 12, 30)
    assert LONDON.half_days(date(2026, 1, 1), date(2026, 12, 31)) == (eve, date(2026, 12, 31))
    assert NEW_YORK.half_days(date(2026, 11, 1), date(2026, 11, 30)) == (date(2026, 11, 27),)


def test_a_lunch_break_is_no_part_of_the_session() -> None:
    day = date(2026, 2, 2)
    session = TOKYO.session(day)
    assert session is not None
    hours = [tuple(datetime.fromtimestamp(edge / 1e9, UTC) for edge in span) for span in session.spans]
    assert hours == [(utc(day, 0), utc(day, 2, 30)), (utc(day, 3, 30), utc(day, 6, 30))]


def test_a_half_day_that_ends_at_lunch_has_no_break() -> None:
    session = HONG_KONG.session(date(2026, 12, 24))
    assert session is not None
    assert session.is_half_day
    assert len(session.spans) == 1


def test_neighbours_are_found_across_holidays_and_years() -> None:
    assert LONDON.after(date(2026, 12, 24)).day == date(2026, 12, 29)
    assert LONDON.before(date(2026, 1, 2)).day == date(2025, 12, 31)
    assert LONDON.before(date(2026, 1, 1)).day == date(2025, 12, 31)


@pytest.mark.parametrize(("mic", "code"), [("XNGS", "XNYS"), ("BATY", "XNYS"), ("XSHE", "XSHG"), ("XLON", "XLON")])
def test_venues_may_keep_the_calendar_of_another(mic: str, code: str) -> None:
    assert calendar_of(mic).code == code


def test_a_venue_without_a_calendar_is_told_which_to_keep() -> None:
    assert not has_calendar("CHIX")
    with pytest.raises(UnknownName, match="'CHIX' has no calendar of its own") as caught:
        calendar_of("CHIX")
    assert caught.value.hint == "say which one it keeps, for example calendars: {CHIX: XLON}"
    assert calendar_of("CHIX", {"CHIX": "XLON"}).session(date(2026, 2, 2)) == LONDON.session(date(2026, 2, 2))


def test_a_misspelt_calendar_is_refused() -> None:
    with pytest.raises(UnknownName, match="no calendar 'XLOM'"):
        calendar_of("CHIX", {"CHIX": "XLOM"})


def test_a_year_that_no_calendar_has_is_refused() -> None:
    with pytest.raises(InvalidValue, match="does not have the year 2060"):
        HONG_KONG.session(date(2060, 1, 2))


def test_sessions_as_rows() -> None:
    rows = session_frame(["XTKS", "XLON"], date(2026, 2, 6), date(2026, 2, 9))
    assert rows.select("MIC", "Date").rows() == [(mic, day) for mic in ("XTKS", "XLON") for day in (date(2026, 2, 6), date(2026, 2, 9))]
    first = rows.row(0, named=True)
    assert first["PauseEnd"] - first["PauseStart"] == timedelta(hours=1)
    assert rows["PauseStart"].null_count() == 2


def test_importing_the_module_imports_no_calendar_library() -> None:
    code = "import sys, basalt.market.sessions; print([name for name in ('exchange_calendars', 'pandas') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
