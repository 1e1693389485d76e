"""Columns of a kind that formulas rarely make: narrow integers, text, lost supporting columns."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest

from basalt.core import Clock, RatioOfSums, Scope, Sum
from basalt.core.datasets import Dataset, PlannedColumn
from basalt.core.errors import CannotRollUp, InvalidValue
from basalt.postprocessors.combining import aggregated, carried, refuse_all, rolled_up, weighted_mean
from basalt.postprocessors.reducing import check_currencies
from basalt.postprocessors.regrouping import Grouping

NARROW = PlannedColumn("Flags", pl.Int32(), rollup=Sum())
TEXT = PlannedColumn("Phase", pl.String())
LOST = PlannedColumn(
    "Ratio",
    pl.Float64(),
    rollup=RatioOfSums(),
    parts=(("numerator", "Ratio.numerator", Sum()), ("denominator", "Ratio.denominator", Sum())),
)
MONEY = PlannedColumn("Turnover", pl.Float64(), "{currency}", rollup=Sum())
SOURCE = Dataset("bars", (NARROW, TEXT, LOST, MONEY), keys=("ListingId", "Date", "TimeBucket"), clock=Clock.of_seconds(60))
LARGEST = 2**31 - 1


def reduced(made, values):
    frame = pl.LazyFrame({"Flags": values}, schema={"Flags": pl.Int32})
    return frame.select(expr.alias(name) for name, expr in made.reductions.items()).collect().item()


def test_a_declared_sum_of_narrow_integers_keeps_its_type():
    assert reduced(rolled_up(NARROW, SOURCE, prefix=""), [1, 2]) == 3


def test_a_declared_sum_of_narrow_integers_fails_rather_than_wraps():
    with pytest.raises(pl.exceptions.InvalidOperationError):
        reduced(rolled_up(NARROW, SOURCE, prefix=""), [LARGEST, 1])


def test_a_demanded_sum_of_narrow_integers_is_wide():
    plain = PlannedColumn("Flags", pl.Int32())
    made = aggregated(plain, "sum", SOURCE, across=False, prefix="", where="here")
    assert reduced(made, [LARGEST, 1]) == 2**31
    assert made.column.dtype == pl.Int64


@pytest.mark.parametrize("method", ["sum", "mean"])
def test_text_has_no_sum_and_no_mean(method):
    with pytest.raises(InvalidValue, match="'Phase' is String"):
        aggregated(TEXT, method, SOURCE, across=False, prefix="", where="here")


def test_text_has_no_weighted_mean():
    with pytest.raises(InvalidValue, match="'Phase' is String"):
        weighted_mean(TEXT, "w", prefix="", where="here", forward=False)


def test_text_has_a_first_value():
    made = aggregated(TEXT, "first", SOURCE, across=False, prefix="", where="here")
    assert made.column.dtype == pl.String


def test_lost_supporting_columns_are_named():
    with pytest.raises(CannotRollUp, match=r"Ratio lacks its supporting columns Ratio\.numerator, Ratio\.denominator"):
        refuse_all((LOST,), SOURCE, across=False, where="here", hint="")


def test_a_ratio_that_lost_its_parts_is_carried_without_a_rollup():
    made = carried(LOST, SOURCE, prefix="")
    assert (made.column.rollup, made.column.parts, made.supports, made.needs) == (None, (), (), ())


def test_amounts_without_a_currency_are_not_combined_across_listings():
    grouping = Grouping(SOURCE, ("Date", "TimeBucket"), SOURCE.clock, Scope("universe"), (), is_identity=False, keeps_entities=False)
    with pytest.raises(CannotRollUp, match="'bars' does not say the currency of Turnover"):
        check_currencies(("Turnover",), SOURCE, grouping, where="here")


def test_amounts_of_one_listing_need_no_currency():
    grouping = Grouping(SOURCE, ("ListingId", "Date", "TimeBucket"), Clock.daily(), Scope(), (), is_identity=False, keeps_entities=True)
    check_currencies(("Turnover",), SOURCE, grouping, where="here")


def test_relabelling_uses_the_trade_date_for_days():
    grouping = Grouping(SOURCE, SOURCE.keys, Clock.daily(), Scope(), (), is_identity=False, keeps_entities=True)
    rows = pl.LazyFrame(
        {"Date": [date(2026, 2, 2)], "TimeBucket": [datetime.fromisoformat("2026-02-03")]},
        schema_overrides={"TimeBucket": pl.Datetime("ns")},
    )
    assert grouping.bucketed(rows).collect()["TimeBucket"].to_list() == [datetime.fromisoformat("2026-02-02")]
