"""A plugin for the tests: a table of ticks, and a module with every kind of roll-up."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal

import polars as pl
import pytest

from basalt.core import (
    ByAxis,
    First,
    Input,
    Last,
    Max,
    Min,
    Module,
    ModuleConfig,
    Produced,
    Ratio,
    RatioOfSums,
    Root,
    RootOfSums,
    Row,
    Scope,
    Sum,
    Table,
    analytic,
    hookimpl,
)
from basalt.core.catalog import Catalog, using_catalog
from basalt.core.checking import check_rows
from basalt.core.computing import compute_pass
from basalt.core.planning import plan
from basalt.core.tables import Column

OHLC = Literal["Open", "High", "Low", "Close"]
DAY = date(2026, 2, 2)
TICKS = Table(
    "ticks",
    (
        Column("ListingId", pl.Int64(), required=True),
        Column("EventTime", pl.Datetime("ns"), required=True),
        Column("Price", pl.Float64(), "{currency}/share"),
        Column("Size", pl.Int64(), "shares"),
    ),
    time="EventTime",
    time_from=("EventTime",),
)

OTHER_TICKS = replace(TICKS, name="other_ticks")
MEMBERSHIP = Table("membership", (Column("ListingId", pl.Int64(), required=True), Column("IndexName", pl.String())))


@analytic(column="Volume", unit="shares", rollup=Sum(), empty="zero")
def volume() -> pl.Expr:
    """Shares traded."""
    return pl.col("Size").sum()


@analytic(column="Notional", unit="{currency}", rollup=Sum(), empty="zero")
def notional() -> pl.Expr:
    """Money traded."""
    return (pl.col("Price") * pl.col("Size")).sum()


@analytic(
    column="{ohlc}",
    unit="{currency}/share",
    measure="OHLC",
    rollup=ByAxis("ohlc", {"Open": First(), "High": Max(), "Low": Min(), "Close": Last()}),
)
def prices(ohlc: OHLC = "Close") -> pl.Expr:
    """{ohlc} price."""
    price = pl.col("Price")
    return {"Open": price.first(), "High": price.max(), "Low": price.min(), "Close": price.last()}[ohlc]


@analytic(column="VWAP", unit="{currency}/share", rollup=RatioOfSums())
def vwap() -> Ratio:
    """Mean price by size."""
    return Ratio((pl.col("Price") * pl.col("Size")).sum(), pl.col("Size").sum())


@analytic(column="Volatility", unit="1", rollup=RootOfSums())
def volatility() -> Root:
    """Root of the sum of squared returns since the tick before."""
    step = Row(pl.col("Price").log() - pl.col("Price").log().shift(1).over("ListingId"))
    return Root((step.value**2).sum(), step.value.count(), rows=(step,))


@analytic(column="MeanSize", unit="shares", rollup=RatioOfSums())
def mean_size() -> Ratio:
    """Mean size of a tick."""
    return Ratio(pl.col("Size").sum(), pl.len())


@analytic(column="MedianSize", unit="shares")
def median_size() -> pl.Expr:
    """Median size; no roll-up."""
    return pl.col("Size").median()


@analytic(column="Reversal", unit="shares", forward=True)
def reversal() -> pl.Expr:
    """Stands for a value that looks ahead; no roll-up."""
    return pl.col("Size").last()


class MembershipModel(ModuleConfig):
    """Nothing to configure."""


@dataclass(frozen=True)
class DatedMembership:
    """A preprocessor whose table `group_df` has listing 1 in the index X on the first day only."""

    name: str = "dated_membership"
    config_key: str = "dated_membership_preprocess"
    config_model: type[MembershipModel] = MembershipModel
    doc: str = "Memberships by date."

    def inputs(self, config: Any) -> tuple[Input, ...]:
        return (Input("ticks", "ticks", ("ListingId", "EventTime")),)

    def plan(self, config: Any, inputs: Any, clock: Any, *, where: str) -> dict[str, Produced]:
        return {"group_df": Produced((), ("IndexId", "ListingId", "Date"), Scope())}

    def compute(self, config: Any, inputs: Any, planned: Any, clock: Any) -> dict[str, pl.LazyFrame]:
        day = pl.col("EventTime").dt.date()
        rows = inputs["ticks"].select(pl.lit("X").alias("IndexId"), "ListingId", day.alias("Date")).unique()
        return {"group_df": rows.filter((pl.col("ListingId") != 1) | (pl.col("Date") == DAY))}


BARS = Module("bars", "ticks", (volume, notional, prices, vwap, volatility, mean_size, median_size, reversal))
ROLLING = ["volume", "notional", "OHLC", "vwap", "volatility", "mean_size"]


@hookimpl
def basalt_tables() -> Iterable[Table]:
    return (TICKS, OTHER_TICKS, MEMBERSHIP)


@hookimpl
def basalt_analytics() -> Iterable[Any]:
    return (BARS,)


@hookimpl
def basalt_preprocessors() -> Iterable[Any]:
    return (DatedMembership(),)


LISTINGS = pl.DataFrame(
    {
        "ListingId": [1, 2, 3],
        "MIC": ["XLON", "XPAR", "XLON"],
        "Ticker": ["AAA", "AAA", "BBB"],
        "CurrencyCode": ["GBX", "EUR", "GBX"],
        "InstrumentId": [10, 10, None],
    },
    schema_overrides={"InstrumentId": pl.Int64},
)

Ticks = Iterable[tuple[int, str | datetime, float, int]]


def ticks_frame(rows: Ticks, day: date) -> pl.DataFrame:
    """Rows of (listing, clock time, price, size); times may be `09:00:30`."""
    timed = [(listing, _at(when, day), price, size) for listing, when, price, size in rows]
    schema = {"ListingId": pl.Int64, "EventTime": pl.Datetime("ns"), "Price": pl.Float64, "Size": pl.Int64}
    return pl.DataFrame(timed, schema=schema, orient="row").sort("EventTime", maintain_order=True)


def _at(when: str | datetime, day: date) -> datetime:
    return when if isinstance(when, datetime) else datetime.fromisoformat(f"{day}T{when}")


class Desk:
    """Plans and computes passes in memory, over ticks by day."""

    def __init__(self, shelf: Catalog) -> None:
        self.shelf = shelf
        self.listings = LISTINGS

    def plan(self, *passes: Mapping[str, Any], days: Iterable[date] = (DAY,)) -> Any:
        span = sorted(days)
        return plan({"START_DATE": span[0], "END_DATE": span[-1], "PASSES": [dict(each) for each in passes]})

    def refused(self, *passes: Mapping[str, Any]) -> pytest.ExceptionInfo[Any]:
        from basalt.core.errors import BasaltError

        with pytest.raises(BasaltError) as caught:
            self.plan(*passes)
        return caught

    def run(
        self, ticks: Mapping[date, Ticks] | Ticks, *passes: Mapping[str, Any], engine: Any = "streaming", **raw: pl.DataFrame
    ) -> dict[str, pl.DataFrame]:
        """The rows of each pass by name, without hidden columns; *raw* has further tables, the same each day."""
        by_day = ticks if isinstance(ticks, Mapping) else {DAY: ticks}
        planned = self.plan(*passes, days=by_day)
        made: dict[str, dict[date, pl.LazyFrame]] = {"ticks": {day: ticks_frame(rows, day).lazy() for day, rows in by_day.items()}}
        made |= {name: {day: frame.lazy() for day in by_day} for name, frame in raw.items()}
        results: dict[str, pl.DataFrame] = {}
        for each in planned.passes:
            tables = {
                day: {name: made[name][day].select(columns) for name, columns in each.reads.items() if name in made} for day in by_day
            }
            rows = compute_pass(each, tables, {day: self.listings.lazy() for day in by_day}, planned.datasets()).rows.collect(engine=engine)
            check_rows(rows, each.dataset, where=each.name)
            made[each.name] = {day: _of_day(rows, day) for day in by_day}
            hidden = [column.name for column in each.dataset.columns if column.hidden]
            results[each.name] = rows.drop(hidden)
        return results


def _of_day(rows: pl.DataFrame, day: date) -> pl.LazyFrame:
    return (rows.filter(pl.col("Date") == day) if "Date" in rows.columns else rows).lazy()


def bars(seconds: float = 60, name: str = "pass1", measures: Iterable[str] = ROLLING, **more: Any) -> dict[str, Any]:
    """A pass of bars."""
    asked = list(measures)
    entries = [{"measures": asked, **({"ohlc": ["Open", "High", "Low", "Close"]} if "OHLC" in asked else {})}]
    return {"name": name, "time_bucket_seconds": seconds, "modules": ["bars"], "bars_analytics": {"metrics": entries}, **more}


def generic(name: str = "pass2", *, settings: Mapping[str, Any] = {}, **section: Any) -> dict[str, Any]:
    """A pass of the module generic."""
    return {"name": name, "modules": ["generic"], "generic_analytics": section, **settings}


def reaggregate(name: str = "pass2", *, settings: Mapping[str, Any] = {}, **section: Any) -> dict[str, Any]:
    """A pass of the module reaggregate."""
    return {"name": name, "modules": ["reaggregate"], "reaggregate_analytics": section, **settings}


@pytest.fixture(scope="session")
def shelf() -> Catalog:
    return Catalog([sys.modules[__name__]])


@pytest.fixture
def desk(shelf: Catalog) -> Iterator[Desk]:
    with using_catalog(shelf):
        yield Desk(shelf)


@pytest.fixture(name="bars")
def _bars() -> Callable[..., dict[str, Any]]:
    return bars


@pytest.fixture(name="generic")
def _generic() -> Callable[..., dict[str, Any]]:
    return generic


@pytest.fixture(name="reaggregate")
def _reaggregate() -> Callable[..., dict[str, Any]]:
    return reaggregate
