"""The timeline `session`: buckets of the venue's session, worked out by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from basalt.core import Module, Sum, analytic
from basalt.core.catalog import Catalog, using_catalog
from basalt.core.computing import compute_pass
from basalt.core.errors import BasaltError, InvalidValue, UnknownName
from basalt.core.planning import plan

MINUTE = 60_000_000_000
LISTINGS = pl.LazyFrame(
    {"ListingId": [1, 2], "MIC": ["XLON", "XTKS"], "Ticker": ["A", "B"], "CurrencyCode": ["GBX", "JPY"], "InstrumentId": [1, 2]}
)


@analytic(column="Volume", unit="shares", rollup=Sum(), empty="zero")
def volume() -> pl.Expr:
    """Shares traded."""
    return pl.col("Size").sum()


BARS = Module("session_bars", "trades", (volume,))


def rows(day: date, *trades: tuple[int, str], seconds: int = 1800, listing: int = 1, mic: str = "", **section: Any) -> pl.DataFrame:
    """Buckets of one listing: label, and what is asked for; *trades* are (size, time)."""
    frame = pl.DataFrame(
        {"Size": [float(size) for size, _ in trades], "At": [f"{day}T{at}" for _, at in trades]},
        schema={"Size": pl.Float64, "At": pl.String},
    )
    scanned = frame.select(
        pl.lit(listing, pl.Int64).alias("ListingId"), pl.col("At").str.to_datetime(time_unit="ns").alias("TradeTimestamp"), "Size"
    ).lazy()
    known = LISTINGS.filter(pl.col("ListingId") == listing)
    if mic:
        known = known.with_columns(pl.lit(mic).alias("MIC"))
    shelf = Catalog()
    shelf.modules = {**shelf.modules, BARS.name: BARS}
    each = {
        "name": "bars",
        "modules": [BARS.name],
        "time_bucket_seconds": seconds,
        "timeline_mode": "session",
        "session_analytics": section,
    }
    with using_catalog(shelf):
        planned = plan({"start_date": day, "end_date": day, "exclude_weekends": False, "passes": [each]})
        [only] = planned.passes
        made = compute_pass(only, {day: {"trades": scanned.select(only.reads["trades"])}}, {day: known}, planned.datasets())
        found = made.rows.collect()
    assert found.schema == only.dataset.schema()
    return found.with_columns(pl.col("TimeBucket").dt.strftime("%H:%M").alias("at"))


def test_dense_has_every_bucket_of_the_session() -> None:
    found = rows(date(2026, 3, 27), (5, "08:10:00"), seconds=7200)
    assert found.select("at", "Volume", "Coverage").rows() == [
        ("10:00", 5.0, 1.0),
        ("12:00", 0.0, 1.0),
        ("14:00", 0.0, 1.0),
        ("16:00", 0.0, 1.0),
        ("18:00", 0.0, 0.25),
    ]


@pytest.mark.parametrize(("day", "first", "last"), [(date(2026, 3, 27), "08:30", "16:30"), (date(2026, 3, 30), "07:30", "15:30")])
def test_sessions_follow_daylight_saving(day: date, first: str, last: str) -> None:
    found = rows(day)
    assert (found["at"][0], found["at"][-1], found.height) == (first, last, 17)
    assert found["SinceOpen"].to_list() == [count * 30 * MINUTE for count in range(1, 18)]
    assert found["ToClose"].to_list() == [count * 30 * MINUTE for count in range(16, -1, -1)]


def test_half_days_end_early() -> None:
    found = rows(date(2026, 12, 24), seconds=3600)
    assert found.select("at", "Coverage").rows()[-2:] == [("12:00", 1.0), ("13:00", 0.5)]
    assert found["IsHalfDay"].all()


def test_lunch_breaks_are_not_filled() -> None:
    found = rows(date(2026, 2, 2), seconds=3600, listing=2)
    assert found.select("at", "Coverage").rows() == [
        ("01:00", 1.0),
        ("02:00", 1.0),
        ("03:00", 0.5),
        ("04:00", 0.5),
        ("05:00", 1.0),
        ("06:00", 1.0),
        ("07:00", 0.5),
    ]


def test_holidays_have_no_buckets_of_their_own() -> None:
    found = rows(date(2026, 12, 25), (3, "10:00:00"))
    assert found.select("at", "Volume", "Coverage", "SinceOpen", "IsHalfDay").rows() == [("10:00", 3.0, 0.0, None, None)]


def test_sparse_has_only_buckets_in_which_something_happened() -> None:
    found = rows(date(2026, 2, 2), (3, "07:50:00"), (4, "16:20:00"), buckets="sparse")
    assert found.select("at", "Volume", "Coverage", "SinceOpen").rows() == [("08:00", 3.0, 0.0, 0), ("16:30", 4.0, 1.0, 510 * MINUTE)]


@pytest.mark.parametrize(("day", "opening"), [(date(2026, 3, 6), 14), (date(2026, 3, 9), 13)])
def test_buckets_may_be_counted_from_the_opening(day: date, opening: int) -> None:
    found = rows(day, (7, f"{opening}:31:00"), seconds=3600, mic="XNYS", origin="XNYS")
    assert found["at"].to_list() == [f"{hour}:30" for hour in range(opening + 1, opening + 8)]
    assert found["Coverage"].to_list() == [1.0] * 6 + [0.5]
    assert found["Volume"].to_list() == [7.0] + [0.0] * 6


def test_a_venue_may_keep_another_calendar() -> None:
    assert rows(date(2026, 2, 2), mic="CHIX", calendars={"CHIX": "XLON"}).height == 17
    with pytest.raises(UnknownName, match="'CHIX' has no calendar of its own"):
        rows(date(2026, 2, 2), mic="CHIX")


@pytest.mark.parametrize(
    ("section", "seconds", "told"),
    [
        ({"origin": "XXXX"}, 60, "'XXXX' has no calendar"),
        ({"origin": "XNYS"}, 7 * 3600, "do not fill a day"),
        ({"origin": "X"}, 60, "no venue"),
    ],
)
def test_wrong_settings_are_refused_while_planning(section: dict[str, Any], seconds: int, told: str) -> None:
    with pytest.raises((BasaltError, InvalidValue), match=told):
        rows(date(2026, 2, 2), seconds=seconds, **section)
