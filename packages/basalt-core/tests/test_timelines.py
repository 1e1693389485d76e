"""Which buckets appear: sparse, at the events' own times, a day, and dense with coverage worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import polars as pl
import pytest

from basalt.core.errors import BasaltError, ConflictingSettings, MissingTable
from basalt.core.planning import plan

Compute = Callable[..., pl.DataFrame]
Make = Callable[..., Any]
VOLUME = {"tick_analytics": {"tick_metrics": [{"measures": "Volume"}]}}


def at(text: str, day: int = 2, month: int = 2) -> datetime:
    return datetime.combine(datetime(2026, month, day).date(), datetime.strptime(text, "%H:%M:%S").time())  # noqa: DTZ001, DTZ007


def states(*rows: tuple[int, str, str]) -> pl.DataFrame:
    """(listing, time, state)."""
    return pl.DataFrame(
        {
            "ListingId": [row[0] for row in rows],
            "TimestampNanoseconds": [at(row[1]) for row in rows],
            "MarketState": [row[2] for row in rows],
        },
        schema={"ListingId": pl.Int64, "TimestampNanoseconds": pl.Datetime("ns"), "MarketState": pl.String},
    )


def buckets(frame: pl.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    return [(row[0].strftime("%H:%M:%S"), *row[1:]) for row in frame.select("TimeBucket", *columns).iter_rows()]


def test_sparse_has_buckets_in_which_something_happened(compute: Compute, ticks: Make, one_pass: Make) -> None:
    events = ticks((1, "09:00:00", 10, 5), (1, "09:00:01", 10, 7), (1, "09:04:00", 10, 1))

    found = compute(one_pass(**VOLUME), {"ticks": events})

    assert buckets(found, "TickTotalVolume") == [("09:00:00", 5), ("09:01:00", 7), ("09:04:00", 1)]


def test_original_has_the_events_own_times(compute: Compute, ticks: Make, one_pass: Make) -> None:
    events = ticks((1, "09:00:03", 10, 5), (1, "09:00:03", 10, 7), (1, "09:00:59", 10, 1))

    found = compute(one_pass(timeline_mode="sparse_original", **VOLUME), {"ticks": events})

    assert buckets(found, "TickTotalVolume") == [("09:00:03", 12), ("09:00:59", 1)]


def test_daily_has_one_bucket_labelled_with_the_date(compute: Compute, ticks: Make, one_pass: Make) -> None:
    events = ticks((1, "00:00:00", 10, 5), (1, "23:59:59", 10, 7), (2, "12:00:00", 10, 1))

    found = compute(one_pass(timeline_mode="daily_analytics", **VOLUME), {"ticks": events})

    assert found["TimeBucket"].to_list() == [at("00:00:00"), at("00:00:00")]
    assert found["TickTotalVolume"].to_list() == [12, 1]


def test_dense_fills_trading_but_neither_halt_nor_break(compute: Compute, ticks: Make, one_pass: Make) -> None:
    market = states(
        (1, "08:58:00", "OPENING_AUCTION"),
        (1, "09:00:30", "CONTINUOUS_TRADING"),
        (1, "09:02:00", "HALTED"),
        (1, "09:04:15", "CONTINUOUS_TRADING"),
        (1, "09:05:00", "CLOSED"),
    )
    events = ticks((1, "09:01:30", 10, 5))

    found = compute(one_pass(timeline_mode="dense", **VOLUME), {"ticks": events, "marketstate": market})

    # 09:00:30-09:01:00 is half a minute; 09:02-09:04 was halted; 09:04:15-09:05:00 is three quarters
    assert buckets(found, "Coverage", "TickTotalVolume") == [("09:01:00", 0.5, 0), ("09:02:00", 1.0, 5), ("09:05:00", 0.75, 0)]


def test_dense_adds_up_two_spells_of_one_bucket(compute: Compute, ticks: Make, one_pass: Make) -> None:
    market = states(
        (1, "09:00:00", "CONTINUOUS_TRADING"), (1, "09:00:15", "HALTED"), (1, "09:00:45", "CONTINUOUS_TRADING"), (1, "09:01:00", "CLOSED")
    )

    found = compute(one_pass(timeline_mode="dense", **VOLUME), {"ticks": ticks((1, "09:00:50", 10, 5)), "marketstate": market})

    assert buckets(found, "Coverage", "TickTotalVolume") == [("09:01:00", 0.5, 5)]


def test_dense_keeps_events_outside_of_open_hours(compute: Compute, ticks: Make, one_pass: Make) -> None:
    market = states((1, "09:00:00", "CONTINUOUS_TRADING"), (1, "09:01:00", "CLOSED"))
    events = ticks((1, "08:00:30", 10, 5), (1, "17:00:30", 10, 7))

    found = compute(one_pass(timeline_mode="dense", **VOLUME), {"ticks": events, "marketstate": market})

    assert buckets(found, "Coverage", "TickTotalVolume") == [("08:01:00", 0.0, 5), ("09:01:00", 1.0, 0), ("17:01:00", 0.0, 7)]


def test_dense_fills_flows_with_zero_carries_states_and_leaves_ratios_null(compute: Compute, ticks: Make, one_pass: Make) -> None:
    market = states(
        (1, "09:00:00", "CONTINUOUS_TRADING"), (1, "09:03:00", "CLOSED"), (2, "09:00:00", "CONTINUOUS_TRADING"), (2, "09:01:00", "CLOSED")
    )
    asked = {"tick_analytics": {"tick_metrics": [{"measures": ["Volume", "Average", "Last"]}]}}

    found = compute(one_pass(timeline_mode="dense", **asked), {"ticks": ticks((1, "09:01:30", 10, 5)), "marketstate": market})

    assert found.select("ListingId", "TickTotalVolume", "TickTotalAverage", "TickTotalLast").rows() == [
        (1, 0, None, None),
        (1, 5, 10.0, 10.0),
        (1, 0, None, 10.0),
        (2, 0, None, None),
    ]
    assert found["MIC"].to_list() == ["XTST"] * 4


@pytest.mark.parametrize(
    ("anchor", "closed", "expected"),
    [
        ("end", "right", ["09:01:00", "09:02:00"]),
        ("end", "left", ["09:01:00", "09:02:00"]),
        ("start", "left", ["09:00:00", "09:01:00"]),
        ("start", "right", ["09:00:00", "09:01:00"]),
    ],
)
def test_dense_labels_its_grid_as_the_pass_labels_events(
    compute: Compute, ticks: Make, one_pass: Make, anchor: str, closed: str, expected: list[str]
) -> None:
    market = states((1, "09:00:00", "CONTINUOUS_TRADING"), (1, "09:02:00", "CLOSED"))
    config = one_pass(timeline_mode="dense", time_bucket_anchor=anchor, time_bucket_closed=closed, **VOLUME)

    found = compute(config, {"ticks": ticks((1, "09:00:30", 10, 5)), "marketstate": market})

    assert buckets(found, "TickTotalVolume") == list(zip(expected, [5, 0], strict=True))


def uniform(**options: Any) -> dict[str, Any]:
    return {"timeline_mode": "dense", "dense_analytics": {"mode": "uniform", **options}, **VOLUME}


def test_uniform_honours_seconds_and_needs_no_market_states(compute: Compute, ticks: Make, one_pass: Make) -> None:
    config = one_pass(time_bucket_seconds=10, **uniform(time_interval=["09:00:05", "09:00:30"]))

    found = compute(config, {"ticks": ticks((1, "09:00:12", 10, 5))}, universe=None)

    first = found.filter(pl.col("ListingId") == 1)
    assert "marketstate" not in plan(config).raw_reads
    assert buckets(first, "Coverage", "TickTotalVolume") == [("09:00:10", 0.5, 0), ("09:00:20", 1.0, 5), ("09:00:30", 1.0, 0)]


def test_uniform_gives_every_listing_of_the_universe_its_buckets(compute: Compute, ticks: Make, one_pass: Make) -> None:
    found = compute(one_pass(**uniform(time_interval=["09:00", "09:02"])), {"ticks": ticks((1, "09:00:12", 10, 5))})

    assert found["ListingId"].to_list() == [1, 1, 2, 2]
    assert found["TickTotalVolume"].to_list() == [5, 0, 0, 0]


@pytest.mark.parametrize(("day", "hour"), [("2026-03-27", 7), ("2026-03-30", 6)])
def test_uniform_follows_the_clock_of_its_zone_across_a_change(venue: Any, day: str, hour: int) -> None:
    # Amsterdam turns its clocks on 2026-03-29: 08:00 is 07:00 UTC before and 06:00 UTC after
    from datetime import date

    from basalt.core.bucketing import Clock
    from basalt.core.timelines import DenseOptions, DenseTimeline

    options = DenseOptions.model_validate({"mode": "uniform", "time_interval": ["08:00", "08:01"], "timezone": "Europe/Amsterdam"})
    empty = pl.LazyFrame(schema={"ListingId": pl.Int64, "TimeBucket": pl.Datetime("ns")})
    who = pl.LazyFrame({"ListingId": [1]})

    found = DenseTimeline().configured(options).complete(empty, {}, who, Clock.of_seconds(60), date.fromisoformat(day), {}).collect()

    assert [(each.hour, each.minute) for each in found["TimeBucket"]] == [(hour, 1)]


def test_uniform_keeps_events_outside_of_its_interval(compute: Compute, ticks: Make, listings: Make, one_pass: Make) -> None:
    config = one_pass(**uniform(time_interval=["09:00", "09:01"]))

    found = compute(config, {"ticks": ticks((1, "16:00:12", 10, 5))}, universe=listings((1, "XTST")))

    assert buckets(found, "Coverage", "TickTotalVolume") == [("09:01:00", 1.0, 0), ("16:01:00", 0.0, 5)]


@pytest.mark.parametrize(
    "options",
    [
        {"mode": "uniform"},
        {"time_interval": ["09:00", "10:00"]},
        {"mode": "uniform", "time_interval": ["09:00", "10:00"], "timezone": "Mars/Base"},
        {"mod": "uniform"},
        {"mode": "other"},
        {"mode": "uniform", "time_interval": ["9 o'clock", "10:00"]},
    ],
)
def test_options_that_do_not_fit_are_refused(one_pass: Make, options: dict[str, Any]) -> None:
    with pytest.raises(BasaltError) as caught:
        plan(one_pass(timeline_mode="dense", dense_analytics=options))

    assert caught.value.exit_code == 64
    assert "PASSES[0]" in str(caught.value.where)
    assert "dense_analytics" in str(caught.value.where)


def test_a_timeline_named_among_the_modules_is_the_timeline(one_pass: Make) -> None:
    planned = plan(one_pass(modules=["dense", "tick"]))

    assert planned.passes[0].dataset.column("Coverage")


def test_two_timelines_exclude_each_other(one_pass: Make) -> None:
    with pytest.raises(ConflictingSettings):
        plan(one_pass(modules=["dense", "tick"], timeline_mode="daily_analytics"))


def test_dense_without_a_table_of_market_states_is_a_plan_error(one_pass: Make, venue: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from basalt.core.catalog import Catalog

    chosen = Catalog([venue])
    chosen.tables.pop("marketstate")
    with pytest.raises(MissingTable) as caught:
        plan(one_pass(timeline_mode="dense"), shelf=chosen)

    assert "marketstate" in caught.value.what
    assert "PASSES[0]" in str(caught.value.where)


def test_dense_is_refused_where_there_are_no_formulas_to_fill(one_pass: Make) -> None:
    config = one_pass()
    config["passes"].append({"name": "later", "modules": ["collect"], "timeline_mode": "dense", "module_inputs": {"collect": "bars"}})

    with pytest.raises(ConflictingSettings) as caught:
        plan(config)

    assert caught.value.where == "PASSES[1].timeline_mode"


def test_the_default_is_sparse(one_pass: Make) -> None:
    assert plan(one_pass()).passes[0].config.timeline_mode == "sparse_digitised"
    assert plan(one_pass(timeline_mode=None)).passes[0].config.timeline_mode == "sparse_digitised"
