"""Rolling up fine buckets equals computing the coarse ones directly."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

DAY = date(2026, 2, 2)
START = datetime(2026, 2, 2, 9, tzinfo=UTC).replace(tzinfo=None)
CONVENTIONS = [(anchor, closed) for anchor in ("end", "start") for closed in ("right", "left")]

# Times on and around edges: whole minutes, and instants beside them.
moments = st.builds(
    lambda minute, beside: START + timedelta(minutes=minute, microseconds=beside),
    st.integers(0, 130),
    st.sampled_from([-1, 0, 1, 30_000_000]),
)
ticks = st.lists(st.tuples(st.integers(1, 3), moments, st.integers(50, 150).map(float), st.integers(1, 9)), min_size=1, max_size=40)


def same(found: pl.DataFrame, wanted: pl.DataFrame) -> None:
    assert_frame_equal(found.select(wanted.columns), wanted, check_exact=False, rel_tol=1e-12)


@pytest.mark.parametrize(("anchor", "closed"), CONVENTIONS)
@pytest.mark.parametrize(("rule", "seconds"), [("5m", 300), ("15m", 900), ("1h", 3600)])
@given(rows=ticks)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_coarser_buckets_equal_direct_ones(desk, bars, generic, rule, seconds, anchor, closed, rows):
    edges = {"time_bucket_anchor": anchor, "time_bucket_closed": closed}
    made = desk.run(rows, bars(60, **edges), generic(resample_rule=rule))
    same(made["pass2"], desk.run(rows, bars(seconds, **edges))["pass1"])


@given(first=ticks, second=ticks)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_days_equal_direct_days(desk, bars, generic, first, second):
    days = {DAY: first, date(2026, 2, 3): [(listing, when + timedelta(days=1), price, size) for listing, when, price, size in second]}
    made = desk.run(days, bars(60), generic(resample_rule="1d"))
    same(made["pass2"], desk.run(days, bars(timeline_mode="daily_analytics"))["pass1"])


@given(rows=ticks)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_several_steps_equal_one(desk, bars, generic, rows):
    made = desk.run(
        rows,
        bars(60),
        generic(resample_rule="5m"),
        generic("pass3", source_pass="pass2", resample_rule="15m"),
        generic("day", source_pass="pass3", resample_rule="1d"),
    )
    direct = desk.run(rows, bars(60), bars(900, "quarters"), bars(60, "direct", timeline_mode="daily_analytics"))
    same(made["pass3"], direct["quarters"])
    same(made["day"], direct["direct"])


def test_rows_at_their_own_times_are_bucketed_by_the_edges_of_the_pass(desk, bars, generic):
    rows = [(1, "09:00:00", 10.0, 1), (1, "09:04:00", 11.0, 2), (1, "09:05:00", 12.0, 4)]
    edges = {"time_bucket_anchor": "start", "time_bucket_closed": "left"}
    made = desk.run(rows, bars(timeline_mode="sparse_original"), generic(resample_rule="5m", settings=edges))
    same(made["pass2"], desk.run(rows, bars(300, **edges))["pass1"])


def test_rows_stay_in_order_of_time_whatever_the_order_of_the_file(desk, bars, generic):
    rows = [(1, "09:00:10", 10.0, 1), (1, "09:01:10", 11.0, 9), (1, "09:02:10", 12.0, 5)]
    made = desk.run(rows, bars(sort_keys=["Volume"]), generic(resample_rule="15m", columns=["Open", "Close"]))
    assert made["pass2"].select("Open", "Close").rows() == [(10.0, 12.0)]


def test_a_renamed_ratio_rolls_up_again(desk, bars, generic):
    rows = [(1, "09:00:10", 10.0, 1), (1, "09:06:10", 20.0, 3)]
    made = desk.run(
        rows,
        bars(measures=["vwap"]),
        generic(resample_rule="5m", metric_prefix="Five"),
        generic("day", source_pass="pass2", resample_rule="1d", metric_prefix="Day"),
    )
    assert made["day"]["DayFiveVWAP"].to_list() == [17.5]


def test_lookahead_stays_marked(desk, bars, generic):
    planned = desk.plan(bars(measures=["reversal"]), generic(aggregations={"Reversal": "max"}, resample_rule="5m"))
    assert planned.dataset("pass2").column("Reversal").forward
