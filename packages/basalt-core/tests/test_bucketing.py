"""Labels of buckets against plain integer arithmetic, and the law that relabelling is labelling."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from basalt.core.bucketing import Clock, Origin, bucket_label
from basalt.core.errors import InvalidValue

CONVENTIONS = [("end", "right"), ("end", "left"), ("start", "left"), ("start", "right")]
convention = st.sampled_from(CONVENTIONS)
widths = st.sampled_from([1, 7, 1_000, 250_000_000, 1_000_000_000, 60_000_000_000, 86_400_000_000_000])


@st.composite
def instants(draw: st.DrawFn, width: int) -> int:
    """Times around zero and around today, many of them on or beside an edge."""
    cell = draw(st.integers(-(10**4), 10**4)) * width
    return cell + draw(st.sampled_from([0, 1, -1, width // 2]))


def oracle(nanos: int, width: int, anchor: str, closed: str) -> int:
    """The label by looking for the bucket that holds the instant."""
    for cell in (nanos // width - 1, nanos // width, nanos // width + 1):
        start, end = cell * width, (cell + 1) * width
        inside = start < nanos <= end if closed == "right" else start <= nanos < end
        if inside:
            return end if anchor == "end" else start
    raise AssertionError("no bucket holds the instant")


def label(nanos: int, width: int, anchor: str, closed: str) -> int:
    frame = pl.DataFrame({"t": [nanos]}).with_columns(pl.col("t").cast(pl.Datetime("ns")))
    return int(frame.select(bucket_label(pl.col("t"), width, anchor=anchor, closed=closed).cast(pl.Int64)).item())  # type: ignore[arg-type]


@given(data=st.data(), width=widths, edges=convention)
def test_a_label_is_an_edge_of_the_bucket_that_holds_the_instant(data: st.DataObject, width: int, edges: tuple[str, str]) -> None:
    nanos = data.draw(instants(width))

    assert label(nanos, width, *edges) == oracle(nanos, width, *edges)


@given(data=st.data(), width=widths, factor=st.sampled_from([1, 2, 5, 15, 60]), edges=convention)
def test_relabelling_a_finer_label_is_labelling_directly(data: st.DataObject, width: int, factor: int, edges: tuple[str, str]) -> None:
    nanos = data.draw(instants(width))
    finer = Clock(width, *edges)  # type: ignore[arg-type]
    coarser = finer.coarsened(width * factor)
    frame = pl.DataFrame({"t": [nanos]}).with_columns(pl.col("t").cast(pl.Datetime("ns")))

    relabelled = frame.select(coarser.relabel(finer.label(pl.col("t")), finer).cast(pl.Int64)).item()

    assert relabelled == oracle(nanos, width * factor, *edges)


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        (("end", "right"), [60, 60, 120]),
        (("end", "left"), [60, 120, 120]),
        (("start", "left"), [0, 60, 60]),
        (("start", "right"), [0, 0, 60]),
    ],
    ids=["-".join(edges) for edges in CONVENTIONS],
)
def test_an_instant_on_an_edge_belongs_to_the_closed_side(edges: tuple[str, str], expected: list[int]) -> None:
    assert [label(second * 10**9, 60 * 10**9, *edges) // 10**9 for second in (59, 60, 61)] == expected


def test_a_null_instant_has_no_label() -> None:
    frame = pl.DataFrame({"t": [None]}, schema={"t": pl.Datetime("ns")})

    found = frame.select(bucket_label(pl.col("t"), 10))

    assert found["t"].to_list() == [None]
    assert found.schema["t"] == pl.Datetime("ns")


def test_labels_of_microseconds_are_nanoseconds() -> None:
    frame = pl.DataFrame({"t": [datetime(2026, 2, 2, 9, 0, 30)]}, schema={"t": pl.Datetime("us")})  # noqa: DTZ001

    found = frame.select(Clock.of_seconds(60).label(pl.col("t")))

    assert found["t"].to_list() == [datetime(2026, 2, 2, 9, 1)]  # noqa: DTZ001
    assert found.schema["t"] == pl.Datetime("ns")


def test_a_day_is_labelled_with_its_date() -> None:
    frame = pl.DataFrame({"Date": [datetime(2026, 2, 2).date()], "t": [datetime(2026, 2, 3, 1)]})  # noqa: DTZ001

    assert frame.select(Clock.daily().label(pl.col("t"))).item() == datetime(2026, 2, 2)  # noqa: DTZ001


def test_buckets_of_events_are_their_own_times() -> None:
    frame = pl.DataFrame({"t": [datetime(2026, 2, 2, 9, 0, 30)]})  # noqa: DTZ001

    assert frame.select(Clock.event().label(pl.col("t"))).item() == datetime(2026, 2, 2, 9, 0, 30)  # noqa: DTZ001


@pytest.mark.parametrize("width", [90, 0, 61])
def test_coarser_buckets_are_whole_numbers_of_finer_ones(width: int) -> None:
    with pytest.raises(InvalidValue) as caught:
        Clock(60).coarsened(width)

    assert caught.value.hint


def test_days_and_events_cannot_be_coarsened() -> None:
    for clock in (Clock.daily(), Clock.event()):
        with pytest.raises(InvalidValue):
            clock.coarsened(7 * 86_400 * 10**9)


@pytest.mark.parametrize("seconds", [0, -1, 1e-10])
def test_a_bucket_has_a_length(seconds: float) -> None:
    with pytest.raises(InvalidValue) as caught:
        Clock.of_seconds(seconds)

    assert (caught.value.exit_code, bool(caught.value.hint)) == (64, True)


def test_fractions_of_a_second_are_exact() -> None:
    assert Clock.of_seconds(0.1).width_nanos == 100_000_000
    assert Clock.of_seconds(1e-9).width_nanos == 1


# ---------------------------------------------------------------- buckets counted from a time of day

HOUR = 3_600_000_000_000
NEW_YORK = Origin(9 * HOUR + HOUR // 2, "America/New_York")


def labels(clock: Clock, *times: str) -> list[str]:
    frame = pl.DataFrame({"t": [datetime.fromisoformat(each) for each in times]})
    return [f"{each:%d %H:%M}" for each in frame.select(clock.label(pl.col("t")))["t"]]


@pytest.mark.parametrize(
    ("time", "wanted"),
    [
        # 6 March 2026 is winter time, 14:30 UTC is 09:30; 9 March is summer time, 13:30 UTC is 09:30.
        ("2026-03-06T14:30:00", "06 14:30"),
        ("2026-03-06T14:31:00", "06 16:30"),
        ("2026-03-06T16:30:00", "06 16:30"),
        ("2026-03-06T12:31:00", "06 14:30"),
        ("2026-03-09T13:31:00", "09 15:30"),
        ("2026-03-09T13:30:00", "09 13:30"),
        ("2026-03-09T19:59:00", "09 21:30"),
    ],
)
def test_buckets_may_be_counted_from_a_wall_clock(time: str, wanted: str) -> None:
    assert labels(Clock(2 * HOUR, origin=NEW_YORK), time) == [wanted]


@given(data=st.data(), width=st.sampled_from([60_000_000_000, HOUR // 2, HOUR, 2 * HOUR]), edges=convention)
def test_a_label_counted_from_a_wall_clock_is_an_edge_of_its_bucket(data: st.DataObject, width: int, edges: tuple[str, str]) -> None:
    day = data.draw(st.sampled_from([20514, 20518, 20521, 20758]))  # days since 1970: before, at and after changes of the clocks
    opening = frame_of_origin(day)
    nanos = opening + data.draw(st.integers(-3, 5)) * width + data.draw(st.sampled_from([0, 1, -1, width // 2]))
    frame = pl.DataFrame({"t": [nanos]}).with_columns(pl.col("t").cast(pl.Datetime("ns")))

    found = frame.select(Clock(width, *edges, origin=NEW_YORK).label(pl.col("t")).cast(pl.Int64)).item()  # type: ignore[arg-type]

    assert found == oracle(nanos - opening, width, *edges) + opening


def frame_of_origin(day: int) -> int:
    """09:30 in New York on the day, by the standard library."""
    local = datetime.combine(date(1970, 1, 1) + timedelta(days=day), time(9, 30), ZoneInfo("America/New_York"))
    return int(local.timestamp()) * 1_000_000_000


def test_coarser_buckets_are_counted_from_the_same_time_of_day() -> None:
    finer = Clock(HOUR // 2, origin=NEW_YORK)
    coarser = finer.coarsened(2 * HOUR)
    frame = pl.DataFrame({"t": ["2026-03-09T13:31", "2026-03-09T15:30"]}).select(pl.col("t").str.to_datetime(time_unit="ns"))
    relabelled = frame.select(coarser.relabel(finer.label(pl.col("t")), finer))["t"]
    assert [str(each) for each in relabelled] == ["2026-03-09 15:30:00"] * 2


def test_buckets_that_do_not_fill_a_day_are_not_counted_from_a_time_of_day() -> None:
    with pytest.raises(InvalidValue, match="do not fill a day"):
        Clock(7 * HOUR, origin=NEW_YORK)
