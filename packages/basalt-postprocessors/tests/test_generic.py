"""The module generic: what it makes, and what it refuses."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest

from basalt.core.errors import BucketConflict, CannotRollUp, CheckFailed, ConflictingSettings, InvalidValue, MissingColumn

DAY = date(2026, 2, 2)
# Listing 1 (GBX) and 2 (EUR) are one instrument, 3 (GBX) belongs to none.
TICKS = [
    (1, "09:00:10", 10.0, 1),
    (1, "09:00:20", 14.0, 3),
    (2, "09:00:30", 20.0, 4),
    (3, "09:00:40", 50.0, 8),
    (1, "09:06:00", 16.0, 2),
]


def at(hour: int, minute: int) -> datetime:
    return datetime.fromisoformat(f"2026-02-02T{hour:02}:{minute:02}")


# ---------------------------------------------------------------- what comes out


def test_the_source_passes_through_when_nothing_is_asked(desk, bars, generic):
    made = desk.run(TICKS, bars(measures=["volume", "vwap", "median_size"]), generic())
    assert made["pass2"].equals(made["pass1"])


def test_a_prefix_names_every_column_but_keys_and_labels(desk, bars, generic):
    made = desk.run(TICKS, bars(measures=["volume", "vwap"]), generic(metric_prefix="My"))
    assert made["pass2"].columns == [
        "ListingId",
        "Date",
        "TimeBucket",
        "MIC",
        "Ticker",
        "CurrencyCode",
        "InstrumentId",
        "MyVolume",
        "MyVWAP",
    ]


def test_end_labels_stay_ends(desk, bars, generic):
    ticks = [(1, "09:15:00", 10.0, 1), (1, "09:15:01", 10.0, 2)]
    made = desk.run(ticks, bars(measures=["volume"]), generic(resample_rule="15m"))
    assert made["pass2"].select("TimeBucket", "Volume").rows() == [(at(9, 15), 1), (at(9, 30), 2)]


def test_a_day_is_labelled_with_its_date(desk, bars, generic):
    made = desk.run(TICKS, bars(measures=["volume"]), generic(resample_rule="1d"))
    assert made["pass2"].filter(ListingId=1).select("Date", "TimeBucket", "Volume").rows() == [(DAY, at(0, 0), 6)]


def test_listings_of_an_instrument_come_together(desk, bars, generic):
    made = desk.run(TICKS, bars(measures=["volume"]), generic(group_by=["InstrumentId", "TimeBucket"], resample_rule="15m"))
    assert made["pass2"].rows() == [(10, DAY, at(9, 15), None, 10)]
    assert made["pass2"].columns == ["InstrumentId", "Date", "TimeBucket", "CurrencyCode", "Volume"]


def test_markets_come_together(desk, bars, generic):
    made = desk.run(TICKS, bars(measures=["volume"]), generic(group_by=["MIC", "TimeBucket"], resample_rule="1h"))
    assert made["pass2"].select("MIC", "Volume", "CurrencyCode").rows() == [("XLON", 14, "GBX"), ("XPAR", 4, "EUR")]


def test_dates_come_together_without_a_bucket(desk, bars, generic):
    days = {DAY: [(1, "09:00:10", 10.0, 1)], date(2026, 2, 3): [(1, "09:00:10", 16.0, 2)]}
    made = desk.run(days, bars(measures=["volume", "vwap", "OHLC"]), generic(group_by=["ListingId"]))
    assert made["pass2"].select("ListingId", "Ticker", "Volume", "VWAP", "Open", "Close").rows() == [(1, "AAA", 3, 14.0, 10.0, 16.0)]


def test_a_date_alone_is_a_key(desk, bars, generic):
    days = {DAY: [(1, "09:00:10", 10.0, 1)], date(2026, 2, 3): [(1, "09:00:10", 16.0, 2)]}
    made = desk.run(days, bars(measures=["volume"]), generic(group_by=["ListingId", "Date"]))
    assert made["pass2"].select("ListingId", "Date", "Volume").rows() == [(1, DAY, 1), (1, date(2026, 2, 3), 2)]


@pytest.mark.parametrize(
    ("method", "value", "dtype"),
    [
        ("sum", 6, pl.Int64),
        ("mean", 3.0, pl.Float64),
        ("first", 4, pl.Int64),
        ("last", 2, pl.Int64),
        ("max", 4, pl.Int64),
        ("min", 2, pl.Int64),
        ("count", 2, pl.Int64),
        ("rollup", 6, pl.Int64),
    ],
)
def test_methods(desk, bars, generic, method, value, dtype):
    made = desk.run(TICKS, bars(measures=["volume", "vwap"]), generic(aggregations={"Volume": method}, resample_rule="1h"))
    column = made["pass2"].filter(ListingId=1)["Volume"]
    assert (column.to_list(), column.dtype) == ([value], dtype)
    assert "VWAP" not in made["pass2"].columns


@pytest.mark.parametrize(
    ("method", "value"), [("sum", None), ("mean", None), ("first", None), ("last", None), ("max", None), ("min", None), ("count", 0)]
)
def test_a_group_of_nulls_is_null(desk, bars, generic, method, value):
    made = desk.run([(1, "09:00:10", 10.0, 0)], bars(measures=["vwap"]), generic(aggregations={"VWAP": method}, resample_rule="1h"))
    assert made["pass2"]["VWAP"].to_list() == [value]


@pytest.mark.parametrize(("method", "value"), [("sum", 10.0), ("mean", 10.0), ("first", 10.0), ("last", 10.0), ("count", 1)])
def test_nulls_are_skipped(desk, bars, generic, method, value):
    ticks = [(1, "09:00:10", 99.0, 0), (1, "09:01:10", 10.0, 3), (1, "09:02:10", 99.0, 0)]
    made = desk.run(ticks, bars(measures=["vwap"]), generic(aggregations={"VWAP": method}, resample_rule="1h"))
    assert made["pass2"]["VWAP"].to_list() == [value]


def test_columns_and_aggregations_go_together(desk, bars, generic):
    made = desk.run(
        TICKS,
        bars(measures=["volume", "vwap", "median_size"]),
        generic(columns=["VWAP"], aggregations={"MedianSize": "max"}, resample_rule="1h"),
    )
    assert made["pass2"].filter(ListingId=1).select("VWAP", "MedianSize").rows() == [(14.0, 2.0)]


def test_no_rows_give_no_rows(desk, bars, generic):
    passes = (bars(measures=["notional", "vwap"]), generic(group_by=["MIC", "TimeBucket"], resample_rule="1h"))
    assert desk.run([], *passes)["pass2"].height == 0


def test_engines_agree(desk, bars, generic):
    passes = (bars(), generic(resample_rule="5m"))
    streamed = desk.run(TICKS, *passes)["pass2"]
    assert streamed.equals(desk.run(TICKS, *passes, engine="in-memory")["pass2"])


def test_another_source_through_module_inputs(desk, bars, generic):
    made = desk.run(
        TICKS, bars(), bars(name="other", measures=["volume"]), generic("last", settings={"module_inputs": {"generic": "other"}})
    )
    assert made["last"].equals(made["other"])


def test_beside_formulas_every_row_has_its_labels(desk, bars, generic):
    both = {
        **bars(name="pass2", measures=["vwap"], module_inputs={"bars": "other_ticks"}),
        "modules": ["bars", "generic"],
        "generic_analytics": {"metric_prefix": "My"},
    }
    other = pl.DataFrame(
        {"ListingId": [2], "EventTime": [at(9, 3)], "Price": [5.0], "Size": [1]}, schema_overrides={"EventTime": pl.Datetime("ns")}
    )
    made = desk.run([(1, "09:00:10", 10.0, 7)], bars(measures=["volume"]), both, other_ticks=other)
    assert made["pass2"].select("ListingId", "MIC", "VWAP", "MyVolume").rows() == [(1, "XLON", None, 7), (2, "XPAR", 5.0, None)]


# ---------------------------------------------------------------- what is planned


def test_a_declared_method_keeps_its_rollup_and_others_lose_it(desk, bars, generic):
    planned = desk.plan(
        bars(measures=["volume", "vwap"]),
        generic("sums", aggregations={"Volume": "sum", "VWAP": "rollup"}, resample_rule="5m"),
        generic("peaks", aggregations={"Volume": "max"}, resample_rule="5m"),
    )
    sums, peaks = planned.dataset("sums"), planned.dataset("peaks")
    assert [sums.column(name).rollup.name for name in ("Volume", "VWAP")] == ["sum", "ratio of sums"]
    assert peaks.column("Volume").rollup is None
    assert peaks.column("Volume").origin == "PASSES[2].generic_analytics.aggregations.Volume"


def test_units_follow(desk, bars, generic):
    planned = desk.plan(
        bars(measures=["vwap"]), generic("means", aggregations={"VWAP": "mean"}), generic("counts", aggregations={"VWAP": "count"})
    )
    assert [planned.dataset(name).column("VWAP").unit for name in ("means", "counts")] == ["{currency}/share", "1"]


@pytest.mark.parametrize(
    ("group_by", "scope"),
    [
        (["ListingId", "TimeBucket"], "listing"),
        (["InstrumentId", "TimeBucket"], "instrument"),
        (["MIC", "TimeBucket"], "universe"),
        (["TimeBucket"], "universe"),
        (["ListingId", "Date"], "listing"),
        (["ListingId"], "listing, all dates"),
        (["MIC"], "universe, all dates"),
    ],
)
def test_scopes(desk, bars, generic, group_by, scope):
    planned = desk.plan(bars(measures=["volume"]), generic(group_by=group_by))
    assert str(planned.passes[1].scope) == scope


def test_supporting_columns_travel_only_when_they_are_needed(desk, bars, generic):
    plain = desk.plan(bars(measures=["vwap"]))
    needed = desk.plan(bars(measures=["vwap"]), generic(resample_rule="5m"))
    hidden = [[column.name for column in planned.dataset("pass1").columns if column.hidden] for planned in (plain, needed)]
    assert hidden == [[], ["VWAP.numerator", "VWAP.denominator"]]
    assert not [column.name for column in needed.dataset("pass2").columns if column.hidden]


def test_only_what_is_combined_is_read(desk, bars, generic):
    planned = desk.plan(bars(), generic(group_by=["MIC", "TimeBucket"], columns=["Volume", "VWAP"], resample_rule="15m"))
    assert set(planned.passes[1].reads["pass1"]) == {
        "MIC",
        "Date",
        "TimeBucket",
        "CurrencyCode",
        "Volume",
        "VWAP.numerator",
        "VWAP.denominator",
    }


# ---------------------------------------------------------------- currencies


def test_amounts_of_different_currencies_are_not_added(desk, bars, generic):
    with pytest.raises(CheckFailed, match="Notional would mix EUR and GBX in the group InstrumentId=10") as caught:
        desk.run(TICKS, bars(measures=["notional"]), generic(group_by=["InstrumentId", "TimeBucket"], resample_rule="15m"))
    assert "add CurrencyCode to group_by" in str(caught.value)


def test_amounts_are_added_by_currency(desk, bars, generic):
    made = desk.run(
        TICKS, bars(measures=["notional"]), generic(group_by=["InstrumentId", "CurrencyCode", "TimeBucket"], resample_rule="15m")
    )
    assert made["pass2"].select("InstrumentId", "CurrencyCode", "Notional").rows() == [(10, "EUR", 80.0), (10, "GBX", 84.0)]


def test_amounts_of_one_currency_are_added_and_say_it(desk, bars, generic):
    ticks = [row for row in TICKS if row[0] != 2]
    made = desk.run(ticks, bars(measures=["notional"]), generic(group_by=["MIC", "TimeBucket"], resample_rule="15m"))
    assert made["pass2"].select("MIC", "CurrencyCode", "Notional").rows() == [("XLON", "GBX", 484.0)]


def test_a_currency_that_changes_along_time_is_noticed_one_pass_later(desk, bars, generic):
    ticks = [(1, "09:00:10", 10.0, 1), (2, "09:20:10", 10.0, 1)]
    by_quarter = generic(group_by=["InstrumentId", "TimeBucket"], resample_rule="15m")
    with pytest.raises(CheckFailed, match="would mix EUR and GBX"):
        desk.run(
            ticks,
            bars(measures=["notional"]),
            by_quarter,
            generic("pass3", source_pass="pass2", group_by=["InstrumentId", "TimeBucket"], resample_rule="1d"),
        )


def test_the_currency_stays_known_from_pass_to_pass(desk, bars, generic):
    ticks = [row for row in TICKS if row[0] != 2]
    by_market = generic(group_by=["MIC", "CurrencyCode", "TimeBucket"])
    made = desk.run(
        ticks, bars(measures=["notional"]), by_market, generic("pass3", source_pass="pass2", group_by=["TimeBucket"], resample_rule="1d")
    )
    assert made["pass3"].select("CurrencyCode", "Notional").rows() == [("GBX", 484.0)]


@pytest.mark.parametrize(("first", "second", "is_mixed"), [(None, None, False), (None, "GBX", True)])
def test_an_unknown_currency_is_a_currency_of_its_own(desk, bars, generic, first, second, is_mixed):
    known = pl.when(pl.col("ListingId") == 1).then(pl.lit(first, pl.String)).otherwise(pl.lit(second, pl.String))
    desk.listings = desk.listings.with_columns(known.alias("CurrencyCode"))
    passes = (bars(measures=["notional"]), generic(group_by=["InstrumentId", "TimeBucket"], resample_rule="1h"))
    if is_mixed:
        with pytest.raises(CheckFailed, match="would mix GBX and an unknown currency"):
            desk.run(TICKS, *passes)
    else:
        assert desk.run(TICKS, *passes)["pass2"].select("CurrencyCode", "Notional").rows() == [(None, 164.0)]


# ---------------------------------------------------------------- what is refused


def test_columns_without_a_rollup_are_named_all(desk, bars, generic):
    caught = desk.refused(bars(measures=["volume", "median_size", "reversal"]), generic(resample_rule="15m"))
    assert caught.type is CannotRollUp
    assert "2 columns of 'pass1' cannot be combined: MedianSize declares no roll-up; Reversal declares no roll-up" in str(caught.value)
    assert "aggregations`, for example {MedianSize: mean}" in str(caught.value)


@pytest.mark.parametrize(
    ("measure", "named"),
    [("OHLC", "Open rolls up by first"), ("OHLC", "Close rolls up by last"), ("volatility", "Volatility rolls up by root of sums")],
)
def test_what_holds_along_time_is_refused_across_listings(desk, bars, generic, measure, named):
    caught = desk.refused(bars(measures=[measure]), generic(group_by=["MIC", "CurrencyCode", "TimeBucket"]))
    assert caught.type is CannotRollUp
    assert named in str(caught.value)


def test_first_across_listings_is_refused(desk, bars, generic):
    caught = desk.refused(bars(measures=["volume"]), generic(group_by=["MIC", "TimeBucket"], aggregations={"Volume": "first"}))
    assert "Volume has no first value across listings" in str(caught.value)


def test_last_of_instrument_rows_is_taken_along_time(desk, bars, generic):
    first = generic(group_by=["InstrumentId", "TimeBucket"])
    made = desk.run(
        TICKS,
        bars(measures=["volume"]),
        first,
        generic("pass3", source_pass="pass2", group_by=["InstrumentId", "TimeBucket"], aggregations={"Volume": "last"}, resample_rule="1h"),
    )
    assert made["pass3"]["Volume"].to_list() == [2]


def test_rollup_of_a_column_without_one(desk, bars, generic):
    caught = desk.refused(bars(measures=["median_size"]), generic(aggregations={"MedianSize": "rollup"}, resample_rule="1h"))
    assert "MedianSize declares no roll-up" in str(caught.value)


@pytest.mark.parametrize("section", [{"aggregations": {"Volum": "sum"}}, {"columns": ["Volum"]}])
def test_a_misspelt_column(desk, bars, generic, section):
    caught = desk.refused(bars(measures=["volume"]), generic(**section))
    assert caught.type is MissingColumn
    assert "'pass1' has no column 'Volum'" in str(caught.value)
    assert "did you mean 'Volume'?" in str(caught.value)


def test_a_misspelt_key(desk, bars, generic):
    caught = desk.refused(bars(), generic(group_by=["Listing", "TimeBucket"]))
    assert caught.type is MissingColumn
    assert "did you mean 'ListingId'" in str(caught.value)


def test_a_misspelt_method(desk, bars, generic):
    caught = desk.refused(bars(), generic(aggregations={"Volume": "avg"}))
    assert caught.type is InvalidValue
    assert "PASSES[1]" in str(caught.value)
    assert "'avg' is not a value of" in str(caught.value)


@pytest.mark.parametrize("rule", ["15x", "0s", "-5m", "24h", "2d", ""])
def test_a_rule_that_is_no_bucket(desk, bars, generic, rule):
    caught = desk.refused(bars(), generic(resample_rule=rule))
    assert caught.type is InvalidValue
    assert "PASSES[1].generic_analytics.resample_rule" in str(caught.value)


def test_a_rule_without_buckets(desk, bars, generic):
    assert desk.refused(bars(), generic(group_by=["ListingId"], resample_rule="15m")).type is ConflictingSettings


def test_no_key_at_all(desk, bars, generic):
    assert desk.refused(bars(), generic(group_by=[])).type is InvalidValue


def test_a_column_combined_in_two_ways(desk, bars, generic):
    assert desk.refused(bars(), generic(columns=["Volume"], aggregations={"Volume": "max"})).type is ConflictingSettings


def test_a_raw_table_is_no_source(desk, bars, generic):
    caught = desk.refused(bars(), generic(source_pass="ticks"))
    assert "'ticks' is a raw table" in str(caught.value)


def test_a_label_is_no_column_to_combine(desk, bars, generic):
    assert desk.refused(bars(), generic(aggregations={"Ticker": "first"})).type is MissingColumn


@pytest.mark.parametrize(
    ("rule", "source"), [("90s", {"seconds": 60}), ("30s", {"seconds": 60}), ("15m", {"timeline_mode": "daily_analytics"})]
)
def test_buckets_that_do_not_fill_the_coarser_ones(desk, bars, generic, rule, source):
    caught = desk.refused(bars(**source), generic(resample_rule=rule))
    assert caught.type is BucketConflict
    assert "generic_analytics.resample_rule" in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "section"),
    [
        ({"time_bucket_anchor": "start"}, {"resample_rule": "15m"}),
        ({"time_bucket_closed": "left"}, {"resample_rule": "15m"}),
        ({"time_bucket_seconds": 900}, {}),
        ({"time_bucket_seconds": 300}, {"resample_rule": "15m"}),
        ({"timeline_mode": "daily_analytics"}, {"resample_rule": "15m"}),
    ],
)
def test_a_pass_that_contradicts_its_buckets(desk, bars, generic, settings, section):
    caught = desk.refused(bars(measures=["volume"]), generic(**section, settings=settings))
    assert caught.type is BucketConflict
    assert "PASSES[1].time" in str(caught.value)


@pytest.mark.parametrize(
    "settings", [{"time_bucket_seconds": 900}, {"time_bucket_seconds": 60}, {"time_bucket_anchor": "end", "time_bucket_closed": "right"}]
)
def test_a_pass_that_agrees_with_its_buckets(desk, bars, generic, settings):
    planned = desk.plan(bars(measures=["volume"]), generic(resample_rule="15m", settings=settings))
    assert planned.passes[1].clock.width_nanos == 900_000_000_000


def test_modules_of_one_pass_with_different_buckets(desk, bars, generic):
    both = {**bars(name="pass2", measures=["vwap"]), "modules": ["bars", "generic"], "generic_analytics": {"resample_rule": "15m"}}
    assert desk.refused(bars(measures=["volume"]), both).type is BucketConflict
