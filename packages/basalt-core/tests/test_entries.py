"""Entries and declarations that ask for nothing, or for what is not there."""

from __future__ import annotations

import polars as pl
import pytest

from basalt.core.declaring import EVERY_ROW, ByAxis, Family, Module, Sum, analytic, where
from basalt.core.errors import BadOffer, InvalidValue


@analytic(column="Volume{venue}", unit="shares", family="metrics")
def volume(venue: str = "All", rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Traded quantity at {venue}."""
    return where(pl.col("Size"), pl.col("Venue") == venue, rows).sum()


SIZES = Module("sizes", "trades", (volume,), (Family("metrics", "Sizes.", axes={"venue": "venues"}),))


def columns(**entry):
    config = SIZES.config_model.model_validate({"metrics": [{"measures": "volume", **entry}]})
    return [measure.column for measure in SIZES.measures(config, where="here")]


@pytest.mark.parametrize("entry", [{"measures": []}, {"venues": []}, {"market_states": []}, {"attribute_filters": {"Venue": []}}])
def test_a_list_of_nothing_is_refused(entry):
    with pytest.raises(ValueError, match="at least 1 item"):
        columns(**entry)


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("{venue", "no template"),
        ("{measure.x}", "names 'measure.x'"),
        ("{measure[0]}", r"names 'measure\[0\]'"),
        ("{}", "names ''"),
        ("{measure:>9}", "names 'measure:>9'"),
        ("{measure!r}", "names 'measure!r'"),
        ("", "without a name"),
    ],
)
def test_a_pattern_that_is_no_name_is_refused_where_it_stands(pattern, told):
    with pytest.raises(InvalidValue, match=told) as problem:
        columns(output_name_pattern=pattern)
    assert problem.value.where == "here.metrics[0]"
    assert "{venues}" in str(problem.value.hint)


def test_a_pattern_may_have_braces_of_its_own():
    assert columns(output_name_pattern="{{{venues}}}", venues="XLON") == ["{XLON}"]


@pytest.mark.parametrize(("rollup", "told"), [(ByAxis("side", {}), "'side', which is no axis"), (ByAxis("flag", {"Yes": Sum()}), "Yes")])
def test_a_rollup_by_an_axis_that_is_not_there_is_refused(rollup, told):
    def count(flag: bool = True) -> pl.Expr:
        """Trades."""
        return pl.col("Flag") == flag

    with pytest.raises(BadOffer, match=told):
        analytic(column="Count{flag}", unit="trades", rollup=rollup)(count)


@analytic(column="Count", unit="rows", family="sizes", measure="Count")
def rows_of_all(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Number of rows."""
    return where(pl.lit(1), rows).sum()


@analytic(column="Size{venue}", unit="shares", family="sizes", measure="Size")
def size_of(venue: str = "All", rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Quantity at {venue}."""
    return where(pl.col("Size"), pl.col("Venue") == venue, rows).sum()


def asked(entry, **family):
    kind = Family("sizes", "Sizes.", "measures", {"venue": "venues"}, **family)
    module = Module("sizes", "trades", (rows_of_all, size_of), (kind,))
    return [each.column for each in module.measures(module.config_model.model_validate({"sizes": [entry]}), where="here")]


def test_what_no_measure_takes_is_refused_unless_it_holds_anyway():
    with pytest.raises(InvalidValue, match="'venues' has no effect") as problem:
        asked({"measures": "Count", "venues": "Paris"})
    assert problem.value.where == "here.sizes[0].venues"
    assert asked({"measures": "Count", "venues": ["All"]}) == ["Count"]
    assert asked({"measures": ["Count", "Size"], "venues": "Paris"}) == ["Count", "SizeParis"]
    assert asked({"measures": "Count", "venues": "Paris"}, spare=("venues",)) == ["Count"]


def test_a_family_may_choose_for_entries_and_lend_words_to_patterns():
    words = {"town": lambda axes: axes["venue"].upper()}
    assert asked({"venues": "Paris", "output_name_pattern": "At{town}"}, chosen="Size", words=words) == ["AtPARIS"]
