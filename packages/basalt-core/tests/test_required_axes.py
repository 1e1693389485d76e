"""Measures of one family, of which only some have an axis that must be given."""

from __future__ import annotations

import polars as pl
import pytest

from basalt.core.declaring import Module, analytic
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
