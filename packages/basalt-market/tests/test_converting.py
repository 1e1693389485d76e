"""The module `convert`, through real planning and computing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from basalt.configuration.reading import read_config
from basalt.core import Module, RatioOfSums, Sum, analytic, ratio
from basalt.core.catalog import Catalog, using_catalog
from basalt.core.computing import compute_pass
from basalt.core.delivering import config_hash
from basalt.core.errors import BasaltError, CheckFailed, InvalidValue, PlanError
from basalt.core.planning import plan

DAY = date(2026, 2, 2)
LISTINGS = pl.LazyFrame(
    {
        "ListingId": [1, 2, 3],
        "MIC": ["XLON", "XPAR", "XLON"],
        "Ticker": ["A", "B", "C"],
        "CurrencyCode": ["GBX", "EUR", "JPY"],
        "InstrumentId": [10, 10, 30],
    }
)
SIZE, PRICE = pl.col("Size"), pl.col("Price")


@analytic(column="Volume", unit="shares", rollup=Sum())
def volume() -> pl.Expr:
    """Shares traded."""
    return SIZE.sum()


@analytic(column="Notional", unit="{currency}", rollup=Sum())
def notional() -> pl.Expr:
    """Money traded."""
    return (pl.col("LocalPrice") * SIZE).sum()


@analytic(column="VWAP", unit="{currency}/share", rollup=RatioOfSums())
def vwap() -> Any:
    """Mean price by size."""
    return ratio((pl.col("LocalPrice") * SIZE).sum(), SIZE.sum())


@analytic(column="Cost", unit="bps", rollup=RatioOfSums())
def cost() -> Any:
    """A ratio of amounts."""
    return ratio((pl.col("LocalPrice") * SIZE).sum(), pl.col("LocalNotional").sum())


@analytic(column="MeanSize", unit="shares", rollup=RatioOfSums())
def mean_size() -> Any:
    """A ratio without amounts."""
    return ratio(SIZE.sum(), SIZE.count())


@analytic(column="Variance", unit="{currency}^2")
def variance() -> pl.Expr:
    """A square of amounts."""
    return pl.col("LocalPrice").var()


@analytic(column="Illiquidity", unit="1/{currency}")
def illiquidity() -> pl.Expr:
    """Something over an amount."""
    return 1 / pl.col("LocalNotional").sum()


BARS = Module("money_bars", "trades", (volume, notional, vwap, cost, mean_size, variance, illiquidity))
PLAIN = ["volume", "notional", "vwap", "cost", "mean_size", "variance"]


@pytest.fixture
def rates(tmp_path: Path) -> Path:
    path = tmp_path / "rates.csv"
    path.write_text("Date,From,To,Rate,Source\n2026-01-30,EUR,GBP,0.8,Bank\n2026-02-03,EUR,GBP,0.5,Bank\n2026-02-03,EUR,JPY,200,Bank\n")
    return path


def config(rates: Path, *, measures: list[str] = PLAIN, days: int = 1, **section: Any) -> dict[str, Any]:
    bars = {"name": "bars", "modules": ["money_bars"], "money_bars_analytics": {"metrics": [{"measures": measures}]}}
    section = {"source_pass": "bars", "currency": "EUR", "rates": str(rates), **section}
    converted = {"name": "eur", "modules": ["convert"], "convert_analytics": section}
    last = DAY + timedelta(days=days - 1)
    return {"start_date": DAY, "end_date": last, "support_columns": True, "passes": [bars, converted]}


def shelf() -> Catalog:
    made = Catalog()
    made.modules = {**made.modules, BARS.name: BARS}
    return made


def trades(day: date) -> pl.LazyFrame:
    at = datetime(day.year, day.month, day.day, 9, 0, 30)  # noqa: DTZ001 - clocks of tables have no zone
    return pl.LazyFrame(
        {
            "ListingId": [1, 1, 2, 3],
            "TradeTimestamp": pl.Series([at] * 4, dtype=pl.Datetime("ns")),
            "Price": [100.0, 200.0, 3.0, 400.0],
            "LocalPrice": [100.0, 200.0, 3.0, 400.0],
            "LocalNotional": [100.0, 600.0, 30.0, 400.0],
            "Size": [1.0, 3.0, 10.0, 1.0],
        }
    )


def rows(settings: Mapping[str, Any], listings: tuple[int, ...] = (1, 2), days: int = 1) -> pl.DataFrame:
    with using_catalog(shelf()):
        planned = plan(settings)
        frames = {}
        for number in range(days):
            day = DAY + timedelta(days=number)
            frames[day] = {"trades": trades(day).filter(pl.col("ListingId").is_in(listings))}
        known = dict.fromkeys(frames, LISTINGS)
        first, *others = planned.passes
        made = compute_pass(
            first,
            {day: {"trades": each["trades"].select(first.reads["trades"])} for day, each in frames.items()},
            known,
            planned.datasets(),
        ).rows
        for each in others:
            parts = {day: {each.steps[0].inputs[0][1]: made.filter(pl.col("Date") == day)} for day in frames}
            made = compute_pass(each, parts, known, planned.datasets()).rows
        return made.collect()


def test_amounts_are_converted_at_the_rate_of_their_day(rates: Path) -> None:
    found = rows(config(rates))
    pence, euros = found.row(0, named=True), found.row(1, named=True)
    # 1 EUR = 0.8 GBP = 80 GBX since Friday: 700 GBX are 8.75 EUR.
    assert pence["Notional"] == pytest.approx(8.75)
    assert pence["VWAP"] == pytest.approx(175 / 80)
    assert pence["Variance"] == pytest.approx(5000 / 6400)
    assert (pence["Volume"], pence["MeanSize"], pence["Cost"]) == (4.0, 2.0, 1.0)
    assert (pence["FxRate"], pence["FxDate"], pence["FxSource"]) == (pytest.approx(1 / 80), date(2026, 1, 30), "Bank")
    assert (euros["Notional"], euros["FxRate"], euros["FxDate"], euros["FxSource"]) == (30.0, 1.0, None, "same currency")
    assert found["CurrencyCode"].to_list() == ["EUR", "EUR"]


def test_each_day_has_its_own_rate(rates: Path) -> None:
    found = rows(config(rates, days=2), listings=(1,), days=2)
    assert found["Notional"].to_list() == [pytest.approx(8.75), pytest.approx(14.0)]


def test_units_say_the_currency(rates: Path) -> None:
    with using_catalog(shelf()):
        dataset = plan(config(rates)).dataset("eur")
    assert {column.name: column.unit for column in dataset.visible} == {
        "Volume": "shares",
        "Notional": "EUR",
        "VWAP": "EUR/share",
        "Cost": "bps",
        "MeanSize": "shares",
        "Variance": "EUR^2",
        "FxRate": "EUR/{currency}",
        "FxDate": "",
        "FxSource": "",
    }


def test_rollups_stay_where_they_hold(rates: Path) -> None:
    with using_catalog(shelf()):
        dataset = plan(config(rates)).dataset("eur")
    rules = {column.name: column.rollup.name if column.rollup else None for column in dataset.visible}
    assert rules["Notional"] == "sum"
    assert rules["VWAP"] == "ratio of sums"
    assert rules["MeanSize"] == "ratio of sums"
    assert rules["Cost"] is None


def test_supporting_columns_are_converted_too(rates: Path) -> None:
    row = rows(config(rates)).row(0, named=True)
    parts = sorted(value for name, value in row.items() if name.startswith("VWAP") and name != "VWAP")
    assert parts == [4.0, pytest.approx(8.75)]


def test_minor_units_are_a_currency_like_any_other(rates: Path) -> None:
    found = rows(config(rates, currency="GBX"))
    assert found["Notional"].to_list() == [700.0, pytest.approx(2400.0)]


def test_a_missing_rate_ends_the_run(rates: Path) -> None:
    with pytest.raises((BasaltError, pl.exceptions.ComputeError), match="no rate of JPY on 2026-02-02"):
        rows(config(rates), listings=(1, 3))


def test_a_missing_rate_may_be_null(rates: Path) -> None:
    found = rows(config(rates, missing_rate="null"), listings=(1, 3))
    assert found["Notional"].to_list() == [pytest.approx(8.75), None]
    assert found["Volume"].to_list() == [4.0, 1.0]


def test_rates_that_are_too_old_do_not_hold(rates: Path) -> None:
    with pytest.raises((CheckFailed, pl.exceptions.ComputeError), match="no rate of GBX"):
        rows(config(rates, max_age_days=2))


def test_only_the_columns_asked_for(rates: Path) -> None:
    found = rows(config(rates, columns=["Notional"], metric_prefix="Eur"))
    assert [name for name in found.columns if name.startswith("Eur")] == ["EurNotional", "EurFxRate", "EurFxDate", "EurFxSource"]


def test_units_that_are_no_amounts_are_refused(rates: Path) -> None:
    with using_catalog(shelf()), pytest.raises(InvalidValue, match="which is no amount"):
        plan(config(rates, measures=["illiquidity"]))


def test_raw_tables_and_rows_without_a_currency_are_refused(rates: Path) -> None:
    with using_catalog(shelf()), pytest.raises(InvalidValue, match="raw table"):
        plan(config(rates, source_pass="trades"))


def test_rates_that_are_not_there_are_refused_before_anything_runs(tmp_path: Path) -> None:
    with using_catalog(shelf()), pytest.raises((InvalidValue, PlanError), match="no such file"):
        plan(config(tmp_path / "none.csv"))


def test_other_rates_are_another_config(rates: Path) -> None:
    with using_catalog(shelf()):
        before = config_hash(read_config(config(rates)), {}, None)
        rates.write_text(rates.read_text().replace("0.8", "0.9"))
        assert config_hash(read_config(config(rates)), {}, None) != before
