"""The module `quality`: which rows findings touch, by hand, and the laws."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

import polars as pl
import pytest
from hypothesis import settings

from basalt.core import Module, RatioOfSums, Sum, analytic, ratio
from basalt.core.catalog import Catalog, using_catalog
from basalt.core.computing import compute_pass
from basalt.core.errors import InvalidValue, UnknownName
from basalt.core.planning import plan
from basalt.quality.findings import DATA_QUALITY
from basalt.quality.marking import QUALITY
from basalt.testing import TableModuleLaws
from basalt.testing.strategies import QUICK

DAY = date(2026, 2, 2)


@analytic(column="Volume", unit="shares", rollup=Sum(), empty="zero")
def volume() -> pl.Expr:
    """Shares traded."""
    return pl.col("Size").sum()


@analytic(column="VWAP", unit="{currency}", rollup=RatioOfSums())
def vwap() -> Any:
    """Mean price by size."""
    return ratio((pl.col("Price") * pl.col("Size")).sum(), pl.col("Size").sum())


BARS = Module("bars_to_mark", "trades", (volume, vwap))


class TestLaws(TableModuleLaws):
    module = QUALITY
    before: ClassVar = [{"name": "bars", "modules": ["bars_to_mark"]}]
    also: ClassVar = [BARS]
    config: ClassVar = [
        {"source_pass": "bars"},
        {"source_pass": "bars", "suspect": "drop", "severity": "warning"},
        {"source_pass": "bars", "reasons": ["CROSSED"], "tables": ["l2"], "metric_prefix": "Checked"},
    ]
    values: ClassVar = {"Reason": ["CROSSED", "DUPLICATE"], "Severity": ["error", "warning"], "CheckedTable": ["l2", "trades"]}
    profile = settings(QUICK, max_examples=3)

    def test_causal(self) -> None:
        """Findings are known after the day; a row is marked by all of them."""


def at(text: str) -> pl.Expr:
    return pl.lit(f"{DAY} {text}").str.to_datetime(time_unit="ns")


def findings(*rows: tuple[int, str, str, str, str]) -> pl.LazyFrame:
    """(listing, start, end, reason, severity)."""
    frames = [
        pl.select(
            ListingId=pl.lit(listing, pl.Int64),
            TradeDate=pl.lit(DAY).cast(pl.Datetime("ms")),
            CheckedTable=pl.lit("l3"),
            Reason=pl.lit(reason),
            Severity=pl.lit(severity),
            Start=at(start),
            End=at(end),
        )
        for listing, start, end, reason, severity in rows
    ]
    return pl.concat(frames).lazy()


FOUND = findings(
    (1, "09:01:30", "09:02:30", "NUMBER_GAP", "error"),
    (1, "09:02:10", "09:02:10", "DUPLICATE", "error"),
    (1, "09:04:00", "09:04:00", "CROSSED", "warning"),
    (2, "09:00:00", "23:59:59", "MISSING_TABLE", "error"),
)


def marked(bars: dict[str, Any] | None = None, **section: Any) -> pl.DataFrame:
    """Rows of four minutes of listing 1, marked by `FOUND`."""
    shelf = Catalog()
    shelf.modules = {**shelf.modules, BARS.name: BARS, QUALITY.name: QUALITY}
    shelf.tables = {**shelf.tables, DATA_QUALITY.name: DATA_QUALITY}
    times = ["09:00:30", "09:01:30", "09:02:30", "09:04:00"]
    trades = pl.concat([pl.select(ListingId=pl.lit(1, pl.Int64), TradeTimestamp=at(each), Price=1.0, Size=2.0) for each in times]).lazy()
    listings = pl.LazyFrame({"ListingId": [1], "MIC": ["XLON"], "Ticker": ["A"], "CurrencyCode": ["GBX"], "InstrumentId": [1]})
    passes = [
        {"name": "bars", "modules": ["bars_to_mark"], **(bars or {})},
        {"name": "marked", "modules": ["quality"], "quality_analytics": {"source_pass": "bars", **section}},
    ]
    with using_catalog(shelf):
        planned = plan({"start_date": DAY, "end_date": DAY, "passes": passes})
        first, second = planned.passes
        datasets = planned.datasets()
        made = compute_pass(first, {DAY: {"trades": trades.select(first.reads["trades"])}}, {DAY: listings}, datasets).rows
        tables = {"bars": made, "data_quality": FOUND.select(second.reads["data_quality"])}
        return compute_pass(second, {DAY: tables}, {DAY: listings}, datasets).rows.collect()


def said(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    return frame.select(pl.col("TimeBucket").dt.strftime("%H:%M"), "IsSuspect", "SuspectReasons", "Findings").rows()


def test_rows_whose_bucket_a_finding_overlaps_are_suspect() -> None:
    assert said(marked()) == [
        ("09:01", False, None, 0),
        ("09:02", True, "NUMBER_GAP", 1),
        ("09:03", True, "DUPLICATE NUMBER_GAP", 2),
        ("09:04", False, None, 0),
    ]


def test_warnings_count_when_they_are_asked_for() -> None:
    assert said(marked(severity="warning"))[3] == ("09:04", True, "CROSSED", 1)
    assert [row[3] for row in said(marked(reasons=["CROSSED"]))] == [0, 0, 0, 1]
    assert [row[3] for row in said(marked(tables=["trades"]))] == [0, 0, 0, 0]


def test_labels_at_the_start_say_the_bucket_behind_them() -> None:
    edges = {"time_bucket_anchor": "start", "time_bucket_closed": "left"}
    assert [row[:2] for row in said(marked(edges, severity="warning"))] == [
        ("09:00", False),
        ("09:01", True),
        ("09:02", True),
        ("09:04", True),
    ]


def test_a_day_is_suspect_with_any_finding() -> None:
    assert said(marked({"timeline_mode": "daily_analytics"})) == [("00:00", True, "DUPLICATE NUMBER_GAP", 2)]


def test_suspect_rows_may_be_left_out() -> None:
    kept = marked(suspect="drop")
    assert [row[0] for row in said(kept)] == ["09:01", "09:04"]
    assert kept["Volume"].to_list() == [2.0, 2.0]


def test_unknown_reasons_and_raw_tables_are_refused() -> None:
    with pytest.raises(UnknownName, match="unknown reason 'CROSED'"):
        marked(reasons=["CROSED"])
    with pytest.raises(InvalidValue, match="raw table"):
        marked(source_pass="trades")
