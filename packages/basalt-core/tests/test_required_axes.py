"""Measures of one family whose axes differ: only some have one, must be given it, or have another default."""

from __future__ import annotations

from enum import Enum
from typing import Literal

import polars as pl
import pytest

from basalt.core.declaring import ByAxis, Module, Sum, analytic
from basalt.core.errors import InvalidValue


@analytic(column="Volume", unit="shares")
def volume() -> pl.Expr:
    """Traded quantity."""
    return pl.col("Size").sum()


@analytic(column="Above{level}", unit="trades")
def above(level: int) -> pl.Expr:
    """Trades above {level}."""
    return (pl.col("Price") > level).sum()


MIXED = Module("mixed", "trades", (volume, above))


def columns(module: Module, section: dict) -> list[str]:
    return [measure.column for measure in module.measures(module.config_model.model_validate(section), where="here")]


def test_the_default_output_is_what_needs_nothing():
    assert columns(MIXED, {}) == ["Volume"]


def test_an_entry_without_such_a_measure_needs_no_value():
    assert columns(MIXED, {"metrics": [{"measures": "volume"}]}) == ["Volume"]


def test_an_entry_with_such_a_measure_takes_the_values():
    assert columns(MIXED, {"metrics": [{"measures": ["volume", "above"], "level": [1, 2]}]}) == ["Volume", "Above1", "Above2"]


def test_a_value_that_is_missing_is_named():
    with pytest.raises(InvalidValue, match=r"'level' is missing at here\.metrics\[0\]"):
        columns(MIXED, {"metrics": [{"measures": "above"}]})


def test_a_family_whose_measures_all_need_it_says_so_in_its_schema():
    with pytest.raises(ValueError, match="Field required"):
        columns(Module("all", "trades", (above,)), {"metrics": [{"measures": "above"}]})


Side = Literal["Bid", "Ask"]


@analytic(column="Hit{side}", unit="trades")
def hit(side: Side = "Bid") -> pl.Expr:
    """Trades that hit the {side}."""
    return (pl.col("Side") == side).sum()


@analytic(column="Best{side}", unit="{currency}")
def best(side: Side) -> pl.Expr:
    """Best {side}."""
    return (pl.col("Side") == side).sum()


@analytic(column="Deep{side}", unit="shares")
def deep(side: Side = "Ask") -> pl.Expr:
    """Depth of the {side}."""
    return (pl.col("Side") == side).sum()


UNLIKE = Module("unlike", "trades", (best, hit, deep))


def test_each_measure_has_its_own_default():
    assert columns(UNLIKE, {"metrics": [{"measures": ["hit", "deep"]}]}) == ["HitBid", "DeepAsk"]


def test_a_value_that_is_given_is_that_of_all():
    assert columns(UNLIKE, {"metrics": [{"measures": ["hit", "deep"], "side": "Ask"}]}) == ["HitAsk", "DeepAsk"]


def test_a_measure_without_a_default_asks_beside_those_that_have_one():
    with pytest.raises(InvalidValue, match="'side' is missing"):
        columns(UNLIKE, {"metrics": [{"measures": ["hit", "best"]}]})


class Reduction(Enum):
    TOTAL = "Sum"
    MEAN = "Mean"


def test_rules_by_axis_hold_for_enums_too():
    @analytic(column="Size{agg}", unit="shares", rollup=ByAxis("agg", {"Sum": Sum()}))
    def size(agg: Reduction = Reduction.TOTAL) -> pl.Expr:
        """Sizes."""
        return pl.col("Size").sum()

    assert (size.rollup_at({"agg": Reduction.TOTAL}), size.rollup_at({"agg": Reduction.MEAN})) == (Sum(), None)
