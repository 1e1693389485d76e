"""Which days share an output."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basalt.configuration import read_config
from basalt.core.errors import BasaltError, InvalidValue
from basalt.core.offers import Slot
from basalt.core.planning.slots import run_days, slots_of


def slots(start: date, end: date, freq: str | None, *, weekends: bool = True) -> tuple[list[date], tuple[Slot, ...]]:
    config = read_config({"start_date": start, "end_date": end, "exclude_weekends": not weekends})
    days = run_days(config)
    return list(days), slots_of(config, "Set_bars", "bars", freq, days, whole=False)


@given(
    start=st.dates(date(2023, 12, 20), date(2026, 1, 10)),
    length=st.integers(0, 800),
    freq=st.sampled_from(["D", "W", "2W", "M", "A", None]),
    weekends=st.booleans(),
)
def test_every_day_is_in_exactly_one_slot_and_no_slot_leaves_the_run(start: date, length: int, freq: str | None, weekends: bool) -> None:
    end = start + timedelta(days=length)
    try:
        days, found = slots(start, end, freq, weekends=weekends)
    except InvalidValue:
        assert not weekends
        assert length < 2
        return

    assert [sum(slot.start <= day <= slot.end for slot in found) for day in days] == [1] * len(days)
    assert all(start <= slot.start <= slot.end <= end for slot in found)
    assert all(before.end < after.start for before, after in pairwise(found))


def spans(start: str, end: str, freq: str | None) -> list[tuple[str, str]]:
    _, found = slots(date.fromisoformat(start), date.fromisoformat(end), freq, weekends=False)
    return [(str(slot.start), str(slot.end)) for slot in found]


def test_weeks_run_from_monday_to_friday_and_are_clipped() -> None:
    # 2025-01-08 is a Wednesday
    assert spans("2025-01-08", "2025-01-21", "W") == [
        ("2025-01-08", "2025-01-10"),
        ("2025-01-13", "2025-01-17"),
        ("2025-01-20", "2025-01-21"),
    ]


def test_days_are_their_own_outputs() -> None:
    assert spans("2025-01-10", "2025-01-13", "D") == [("2025-01-10", "2025-01-10"), ("2025-01-13", "2025-01-13")]


def test_months_and_years_are_clipped() -> None:
    assert spans("2025-01-30", "2025-03-03", "M") == [
        ("2025-01-30", "2025-01-31"),
        ("2025-02-03", "2025-02-28"),
        ("2025-03-03", "2025-03-03"),
    ]
    assert spans("2024-12-30", "2025-01-02", "A") == [("2024-12-30", "2024-12-31"), ("2025-01-01", "2025-01-02")]


def test_two_weeks_do_not_depend_on_the_run() -> None:
    long, short = spans("2025-01-06", "2025-03-02", "2W"), spans("2025-01-08", "2025-03-02", "2W")

    assert long[1:] == short[1:]
    assert all((date.fromisoformat(end) - date.fromisoformat(start)).days <= 13 for start, end in long)


def test_a_single_day_is_run_even_on_a_weekend() -> None:
    config = read_config({"start_date": "2026-02-01", "end_date": "2026-02-01"})

    assert run_days(config) == (date(2026, 2, 1),)


def test_a_range_of_weekend_days_says_so() -> None:
    with pytest.raises(InvalidValue) as caught:
        run_days(read_config({"start_date": "2026-01-31", "end_date": "2026-02-01"}))

    assert caught.value.where == "EXCLUDE_WEEKENDS"


@pytest.mark.parametrize(
    "dates", [{"start_date": "2026-02-30"}, {"start_date": "yesterday"}, {"start_date": "2026-02-03"}, {"end_date": 5.5}]
)
def test_bad_dates_are_refused(dates: dict[str, object]) -> None:
    with pytest.raises(BasaltError) as caught:
        read_config({"start_date": "2026-02-02", "end_date": "2026-02-02", **dates})

    assert caught.value.exit_code == 64
    assert "date" in str(caught.value.where).lower()
    assert caught.value.hint


def test_a_run_without_dates_says_how_to_give_them() -> None:
    with pytest.raises(InvalidValue) as caught:
        run_days(read_config({}))

    assert "--date" in str(caught.value.hint)
