"""The module reaggregate: groups of listings, weighted means, memberships."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from basalt.core.errors import (
    BucketConflict,
    CannotRollUp,
    CheckFailed,
    ColumnClash,
    ConflictingSettings,
    InvalidValue,
    MissingColumn,
    MissingTable,
)

DAY = date(2026, 2, 2)
TICKS = [
    (1, "09:00:10", 10.0, 1),
    (2, "09:00:20", 20.0, 4),
    (3, "09:00:30", 50.0, 8),
    (1, "09:06:00", 16.0, 2),
]
MEMBERS = {"BIG": [1, 2], "UK": [1, 3]}


def at(hour: int, minute: int) -> datetime:
    return datetime.fromisoformat(f"2026-02-02T{hour:02}:{minute:02}")


def test_a_listing_counts_in_each_of_its_groups(desk, bars, reaggregate):
    made = desk.run(TICKS, bars(measures=["volume"]), reaggregate(members=MEMBERS))
    assert made["pass2"].columns == ["IndexId", "Date", "TimeBucket", "CurrencyCode", "Volume"]
    assert made["pass2"].select("IndexId", "TimeBucket", "Volume").rows() == [
        ("BIG", at(9, 1), 5),
        ("BIG", at(9, 6), 2),
        ("UK", at(9, 1), 9),
        ("UK", at(9, 6), 2),
    ]


def test_listings_of_no_group_are_left_out(desk, bars, reaggregate):
    made = desk.run(TICKS, bars(measures=["volume"]), reaggregate(members={"ONE": [2, 99]}, resample_rule="1d"))
    assert made["pass2"].select("IndexId", "Volume").rows() == [("ONE", 4)]


def test_a_member_that_is_listed_twice_counts_once(desk, bars, reaggregate):
    made = desk.run(TICKS, bars(measures=["volume"]), reaggregate(members={"ONE": [2, 2]}, resample_rule="1d"))
    assert made["pass2"]["Volume"].to_list() == [4]


def test_ratios_are_made_of_sums(desk, bars, reaggregate):
    made = desk.run(TICKS, bars(measures=["mean_size", "vwap"]), reaggregate(members={"UK": [1, 3]}, resample_rule="15m"))
    assert made["pass2"].select("MeanSize", "VWAP").rows() == [(11 / 3, (10.0 + 400.0 + 32.0) / 11)]


def test_a_group_rolls_up_again(desk, bars, reaggregate, generic):
    passes = (
        bars(measures=["vwap"]),
        reaggregate(members={"UK": [1, 3]}),
        generic("day", source_pass="pass2", group_by=["IndexId", "TimeBucket"], resample_rule="1d"),
    )
    assert desk.run(TICKS, *passes)["day"].select("IndexId", "VWAP").rows() == [("UK", 442.0 / 11)]


# ---------------------------------------------------------------- weighted means


def weigh(**section):
    return {"members": {"UK": [1, 3]}, "weight_col": "Volume", "columns": [], **section}


def test_weights_of_each_bucket(desk, bars, reaggregate):
    made = desk.run(TICKS, bars(), reaggregate(**weigh(weighted=["Close"], weight_mode="bucket")))
    assert made["pass2"].select("TimeBucket", "Close").rows() == [(at(9, 1), (10.0 * 1 + 50.0 * 8) / 9), (at(9, 6), 16.0)]


def test_weights_of_the_whole_day(desk, bars, reaggregate):
    made = desk.run(TICKS, bars(), reaggregate(**weigh(weighted=["Close"])))
    assert made["pass2"].select("TimeBucket", "Close").rows() == [(at(9, 1), (10.0 * 3 + 50.0 * 8) / 11), (at(9, 6), 16.0)]


def test_a_listing_of_two_groups_keeps_its_weight(desk, bars, reaggregate):
    ticks = [(1, "09:00:10", 100.0, 5), (3, "09:00:10", 200.0, 5)]
    made = desk.run(ticks, bars(), reaggregate(**weigh(members={"BOTH": [1, 3], "TWIN": [1]}, weighted=["Close"])))
    assert made["pass2"].select("IndexId", "Close").rows() == [("BOTH", 150.0), ("TWIN", 100.0)]


def test_a_null_takes_its_weight_along(desk, bars, reaggregate):
    # Listing 3 has volume and no volatility: a single tick has no return.
    ticks = [(1, "09:00:10", 10.0, 1), (1, "09:00:20", 20.0, 1), (3, "09:00:10", 50.0, 100)]
    made = desk.run(ticks, bars(), reaggregate(**weigh(weighted=["Volatility"])))
    assert made["pass2"]["Volatility"].to_list() == pytest.approx([0.6931471805599453])


def test_weights_that_add_up_to_zero_give_null(desk, bars, reaggregate):
    made = desk.run([(1, "09:00:10", 10.0, 0)], bars(), reaggregate(**weigh(weighted=["Close"])))
    assert made["pass2"]["Close"].to_list() == [None]


def test_other_columns_roll_up_beside_weighted_ones(desk, bars, reaggregate):
    section = {"members": {"UK": [1, 3]}, "weighted": ["MedianSize"], "weight_col": "Volume", "weight_mode": "bucket"}
    made = desk.run(TICKS, bars(measures=["volume", "median_size"]), reaggregate(**section, resample_rule="1d"))
    assert made["pass2"].select("Volume", "MedianSize").rows() == [(11, (1.0 * 1 + 2.0 * 2 + 8.0 * 8) / 11)]


def test_daily_weights_look_ahead_within_the_day(desk, bars, reaggregate):
    planned = desk.plan(
        bars(),
        reaggregate("daily", **weigh(weighted=["Close"])),
        reaggregate("bucket", **weigh(weighted=["Close"], weight_mode="bucket")),
        reaggregate("day", **weigh(weighted=["Close"], resample_rule="1d")),
    )
    assert [planned.dataset(name).column("Close").forward for name in ("daily", "bucket", "day")] == [True, False, False]
    assert planned.dataset("daily").column("Close").rollup is None


prices = st.tuples(st.sampled_from([1, 3]), st.integers(0, 20), st.integers(50, 150).map(float), st.integers(0, 9))


@pytest.mark.parametrize("mode", ["daily", "bucket"])
@given(rows=st.lists(prices, min_size=1, max_size=30))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_weighted_means_equal_a_plain_loop(desk, bars, reaggregate, mode, rows):
    ticks = sorted(((listing, f"09:{minute:02}:30", price, size) for listing, minute, price, size in rows), key=lambda each: each[1])
    last, volume, day = {}, defaultdict(int), defaultdict(int)
    for listing, when, price, size in ticks:
        bucket = at(9, int(when[3:5]) + 1)
        last[bucket, listing] = price
        volume[bucket, listing] += size
        day[listing] += size
    wanted = {}
    for bucket in {bucket for bucket, _ in last}:
        pairs = [
            (last[bucket, listing], day[listing] if mode == "daily" else volume[bucket, listing])
            for listing in (1, 3)
            if (bucket, listing) in last
        ]
        total = sum(weight for _, weight in pairs)
        wanted[bucket] = pytest.approx(sum(price * weight for price, weight in pairs) / total, rel=1e-12) if total else None
    made = desk.run(ticks, bars(), reaggregate(**weigh(weighted=["Close"], weight_mode=mode)))
    assert dict(made["pass2"].select("TimeBucket", "Close").rows()) == wanted


# ---------------------------------------------------------------- memberships of a table


MEMBERSHIP = pl.DataFrame({"ListingId": [1, 2, 2, 3, None], "IndexName": ["A", "A", "A", None, "B"]})
NAMED = {"group_df_pass": "membership", "group_column": "IndexName", "group_by": ["IndexName", "TimeBucket"]}


def test_memberships_of_a_raw_table(desk, bars, reaggregate):
    made = desk.run(TICKS, bars(measures=["volume"]), reaggregate(**NAMED), membership=MEMBERSHIP)
    assert made["pass2"].select("IndexName", "TimeBucket", "Volume").rows() == [("A", at(9, 1), 5), ("A", at(9, 6), 2)]


def test_memberships_through_module_inputs(desk, bars, reaggregate):
    section = {name: value for name, value in NAMED.items() if name != "group_df_pass"}
    inputs = {"module_inputs": {"reaggregate": {"source": "pass1", "group": "membership"}}}
    made = desk.run(TICKS, bars(measures=["volume"]), reaggregate(**section, settings=inputs), membership=MEMBERSHIP)
    assert made["pass2"]["Volume"].to_list() == [5, 2]


@pytest.mark.parametrize(("group_by", "volumes"), [(["IndexId", "TimeBucket"], [3, 4]), (["IndexId"], [7])])
def test_memberships_hold_on_their_date(desk, bars, reaggregate, group_by, volumes):
    days = {DAY: [(1, "09:00:10", 1.0, 1), (2, "09:00:10", 1.0, 2)], date(2026, 2, 3): [(1, "09:00:10", 1.0, 8), (2, "09:00:10", 1.0, 4)]}
    made = desk.run(days, bars(measures=["volume"]), reaggregate(group_by=group_by, settings={"preprocess_modules": ["dated_membership"]}))
    assert made["pass2"]["Volume"].to_list() == volumes


def test_a_table_without_the_group(desk, bars, reaggregate):
    caught = desk.refused(bars(measures=["volume"]), reaggregate(group_df_pass="membership"))
    assert caught.type is MissingColumn
    assert "'membership' has no column 'IndexId'" in str(caught.value)
    assert "did you mean 'IndexName'" in str(caught.value)


def test_a_table_that_does_not_exist(desk, bars, reaggregate):
    caught = desk.refused(bars(measures=["volume"]), reaggregate())
    assert caught.type is MissingTable
    assert "group_df" in str(caught.value)


# ---------------------------------------------------------------- what is refused


def test_columns_that_cannot_be_combined_are_named(desk, bars, reaggregate):
    caught = desk.refused(bars(measures=["volume", "OHLC", "median_size"]), reaggregate(members=MEMBERS))
    assert caught.type is CannotRollUp
    assert "Open rolls up by first, along the time of one listing only" in str(caught.value)
    assert "MedianSize declares no roll-up" in str(caught.value)
    assert "`weighted: [Open]` with `weight_col`" in str(caught.value)


def test_amounts_of_different_currencies_are_not_added(desk, bars, reaggregate):
    with pytest.raises(CheckFailed, match="Notional would mix EUR and GBX in the group IndexId=BIG"):
        desk.run(TICKS, bars(measures=["notional"]), reaggregate(members=MEMBERS))


def test_means_weighted_by_amounts_are_not_made_of_different_currencies(desk, bars, reaggregate):
    section = {"members": {"BIG": [1, 2]}, "columns": [], "weighted": ["MeanSize"], "weight_col": "Notional"}
    with pytest.raises(CheckFailed, match="MeanSize would mix EUR and GBX"):
        desk.run(TICKS, bars(), reaggregate(**section))


@pytest.mark.parametrize(
    ("section", "kind"),
    [
        ({"group_by": ["TimeBucket"]}, ConflictingSettings),
        ({"weighted": ["Volume"]}, ConflictingSettings),
        ({"weight_col": "Volume"}, ConflictingSettings),
        ({"weighted": ["Volume"], "columns": ["Volume"], "weight_col": "Volume"}, ConflictingSettings),
        ({"group_df_pass": "pass1"}, ConflictingSettings),
        ({"weighted": ["Volume"], "weight_col": "Volum"}, MissingColumn),
        ({"weighted": ["Volum"], "weight_col": "Volume"}, MissingColumn),
        ({"join_column": "Isin"}, MissingColumn),
        ({"join_column": "Ticker"}, InvalidValue),
        ({"group_column": "Ticker", "group_by": ["Ticker", "TimeBucket"]}, ColumnClash),
        ({"group_column": "BasketId", "group_by": ["BasketId", "TimeBucket"]}, InvalidValue),
        ({"resample_rule": "90s"}, BucketConflict),
    ],
)
def test_settings_that_do_not_fit(desk, bars, reaggregate, section, kind):
    caught = desk.refused(bars(measures=["volume"]), reaggregate(**{"members": MEMBERS, **section}))
    assert caught.type is kind
    assert "reaggregate_analytics" in str(caught.value)


def test_members_by_a_label(desk, bars, reaggregate):
    section = {
        "members": {"7": ["AAA"]},
        "join_column": "Ticker",
        "group_column": "BasketId",
        "group_by": ["BasketId", "TimeBucket"],
        "resample_rule": "1d",
    }
    made = desk.run(TICKS, bars(measures=["volume"]), reaggregate(**section))
    assert made["pass2"].select("BasketId", "Volume").rows() == [(7, 7)]
