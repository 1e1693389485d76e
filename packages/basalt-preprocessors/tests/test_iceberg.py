"""Icebergs by eye, and their peaks against a loop."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.core import Clock
from basalt.core.datasets import Dataset, PlannedColumn
from basalt.core.errors import ConflictingSettings, MissingColumn
from basalt.preprocessors.iceberg import ICEBERG, ICEBERG_ANALYTICS
from basalt.preprocessors.iceberg_config import IcebergConfig

START = datetime(2026, 1, 5, 9)  # noqa: DTZ001
MINUTE = Clock.of_seconds(60)
Row = tuple[Any, ...]


def at(micros: float) -> datetime:
    return START + timedelta(microseconds=micros)


def enter(micros: float, order: str, size: int, price: float = 10.0, side: int = 1, listing: int = 1) -> Row:
    return (listing, at(micros), side, 2, price, size, order, None, 0, "", None, 0, "")


def execute(  # noqa: PLR0917
    micros: float, order: str, old: int, executed: int, left: int = 0, price: float = 10.0, side: int = 1, trade: str = "", listing: int = 1
) -> Row:
    after = (price, left, order) if left else (None, 0, "")
    return (listing, at(micros), side, 4 if left else 3, *after, price, old, order, price, executed, trade)


NAMES = ("ListingId", "EventTimestamp", "Side", "LobAction", "Price", "Size", "OrderId", "OldPrice", "OldSize", "OldOrderId")
NAMES += ("ExecutionPrice", "ExecutionSize", "TradeId")
TYPES = {
    **dict.fromkeys(("ListingId", "Side", "LobAction", "Size", "OldSize", "ExecutionSize"), pl.Int64),
    "Price": pl.Float64,
    "OldPrice": pl.Float64,
    "ExecutionPrice": pl.Float64,
    "EventTimestamp": pl.Datetime("ns"),
}


def l3(*rows: Row) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=list(NAMES), schema_overrides=TYPES, orient="row")


def trades(*rows: tuple[float, float, float, int | None, str]) -> pl.DataFrame:
    micros, prices, sizes, sides, ids = zip(*rows, strict=True)
    return pl.DataFrame(
        {
            "ListingId": [1] * len(rows),
            "TradeTimestamp": pl.Series([at(each) for each in micros], dtype=pl.Datetime("ns")),
            "LocalPrice": pl.Series(prices, dtype=pl.Float64),
            "Size": pl.Series(sizes, dtype=pl.Float64),
            "AggressorSide": pl.Series(sides, dtype=pl.Int64),
            "TradeId": pl.Series(ids, dtype=pl.String),
        }
    )


NO_TRADES = trades((0, 1.0, 1.0, 1, "")).clear()


def made(
    events: pl.DataFrame, tape: pl.DataFrame = NO_TRADES, clock: Clock = MINUTE, phases: pl.DataFrame | None = None, **config: Any
) -> dict[str, pl.DataFrame]:
    section = IcebergConfig(**config)
    frames = {"l3": events, "trades": tape, **({} if phases is None else {"marketstate": phases})}
    planned = {
        name: Dataset(name, tuple(PlannedColumn(column, dtype) for column, dtype in frame.schema.items()), is_raw=True)
        for name, frame in frames.items()
    }
    schemas = ICEBERG.plan(section, planned, clock, where="test")
    rows = ICEBERG.compute(section, {name: frame.lazy() for name, frame in frames.items()}, planned, clock)
    return {name: rows[name].select(*each.keys, *(column.name for column in each.columns)).collect() for name, each in schemas.items()}


PEAKS = (
    enter(0, "A", 100),
    execute(10, "A", 100, 100),
    enter(10, "B", 80),
    execute(20, "B", 80, 80),
    enter(20, "C", 50),
    execute(900, "C", 50, 50),
)


def test_more_executed_than_displayed_is_an_iceberg() -> None:
    events = made(l3(enter(0, "A", 100), execute(10, "A", 100, 250), execute(20, "B", 30, 30), execute(30, "C", 50, 20, left=30)))[
        "iceberg_events"
    ]
    assert events.select("OrderId", "RevealedQty", "IcebergSignal", "IcebergId", "KnownTimestamp").rows() == [
        ("A", 150.0, "EXCESS", None, at(10))
    ]


def test_peaks_that_follow_each_other_are_one_iceberg() -> None:
    events = made(l3(*PEAKS))["iceberg_events"]
    assert events.select("OrderId", "RevealedQty", "IcebergSignal", "IcebergId", "IcebergEventCount").rows() == [
        ("A", 80.0, "REFILL", 1, 1),
        ("B", 50.0, "REFILL", 1, 2),
    ]


@pytest.mark.parametrize(
    ("following", "found"),
    [
        (enter(510, "B", 80), 1),  # within half a millisecond
        (enter(511, "B", 80), 0),  # too late
        (enter(10, "B", 80, price=10.5), 0),  # at another price
        (enter(10, "B", 80, side=2), 0),  # on the other side
        (enter(10, "B", 80, listing=2), 0),  # in another listing
        (enter(10, "B", 5), 1),  # of any size
    ],
)
def test_what_is_a_next_peak(following: Row, found: int) -> None:
    assert made(l3(execute(10, "A", 100, 100), following))["iceberg_events"].height == found


def test_an_order_is_the_next_peak_of_one() -> None:
    events = made(l3(execute(10, "A", 100, 100), execute(11, "B", 50, 50), enter(12, "C", 20)))["iceberg_events"]
    assert events["OrderId"].to_list() == ["B"]


def test_what_the_options_do() -> None:
    rows = l3(execute(10, "A", 100, 100), enter(700, "B", 80, price=10.5), execute(800, "D", 10, 15))
    assert made(rows)["iceberg_events"]["OrderId"].to_list() == ["D"]
    assert made(rows, peak_link_tolerance_seconds=1e-3, peak_link_price_match=False)["iceberg_events"]["OrderId"].to_list() == ["A", "D"]
    assert made(rows, min_revealed_qty=5)["iceberg_events"].is_empty()
    assert made(l3(*PEAKS), enable_peak_linking=False)["iceberg_events"].is_empty()


def test_an_event_counts_when_it_could_be_known() -> None:
    rows = l3(execute(59_999_900, "A", 100, 100), enter(60_000_100, "B", 80))
    assert made(rows)["iceberg_analytics"].select("TimeBucket", "IcebergExecutionVolume").rows() == [(at(120_000_000), 100)]


def test_measures_of_a_bucket() -> None:
    rows = l3(*PEAKS, enter(1_000, "S", 40, side=2, price=11.0), execute(1_010, "S", 40, 60, side=2, price=11.0))
    whole = made(rows)["iceberg_analytics"].drop("ListingId", "TimeBucket").row(0, named=True)
    assert whole == {
        "IcebergExecutionVolume": 100 + 80 + 60,
        "IcebergExecutionCount": 3,
        "IcebergAverageSize": (80 + 50 + 20) / 3,
        "IcebergRevealedPeakCount": 2,
        "IcebergAveragePeakCount": 2.0,
        "IcebergOrderImbalance": (180 - 60) / 240,
    }
    sides = made(
        rows,
        metrics=[{"measures": ["ExecutionVolume", "AverageSize"], "sides": ["Bid", "Ask"]}],
        metric_prefix="X",
        avg_size_source="OldSize",
    )["iceberg_analytics"].drop("ListingId", "TimeBucket")
    assert sides.row(0, named=True) == {
        "XIcebergExecutionVolumeBid": 180,
        "XIcebergExecutionVolumeAsk": 60,
        "XIcebergAverageSizeBid": 90.0,
        "XIcebergAverageSizeAsk": 40.0,
    }


def test_measures_count_in_the_phases_that_are_named_and_are_called_as_asked() -> None:
    phases = pl.DataFrame(
        {"ListingId": [1, 1], "EventTimestamp": [at(-9), at(15)], "MarketState": ["CONTINUOUS_TRADING", "CLOSING_AUCTION"]}
    )
    asked = {"measures": ["ExecutionVolume", "AverageSize", "AveragePeakCount"], "sides": ["Bid", "Total"]}
    found = made(
        l3(*PEAKS),
        phases=phases.with_columns(pl.col("EventTimestamp").cast(pl.Datetime("ns"))),
        metrics=[
            {**asked, "market_states": "CLOSING_AUCTION", "output_name_pattern": "Close{measures}{sides}"},
            {"measures": "ExecutionCount"},
        ],
        metric_prefix="X",
    )["iceberg_analytics"].drop("ListingId", "TimeBucket")
    assert found.row(0, named=True) == {
        "XCloseExecutionVolumeBid": 80,
        "XCloseExecutionVolumeTotal": 80,
        "XCloseAverageSizeBid": 50.0,
        "XCloseAverageSizeTotal": 50.0,
        "XCloseAveragePeakCountBid": 2.0,
        "XCloseAveragePeakCountTotal": 2.0,
        "XIcebergExecutionCount": 2,
    }


def test_the_module_has_the_table_s_measures_and_zeros_where_other_columns_have_rows() -> None:
    rows = l3(*PEAKS).with_columns(TradeDate=pl.lit(START.date()))
    section = IcebergConfig(metrics=[{"measures": ["ExecutionVolume", "AverageSize"]}])
    buckets = pl.LazyFrame({"ListingId": [1, 2], "TimeBucket": [at(120_000_000)] * 2}).with_columns(
        pl.col("TimeBucket").cast(pl.Datetime("ns"))
    )
    found = ICEBERG_ANALYTICS.compute(section, {"l3": rows.lazy()}, {}, MINUTE, buckets).sort("TimeBucket").collect()
    assert found.select("ListingId", "TimeBucket", "IcebergExecutionVolume", "IcebergAverageSize").rows() == [
        (1, at(60_000_000), 180, 65.0),
        (1, at(120_000_000), 0, None),
    ]


def test_peaks_cannot_be_counted_without_links() -> None:
    with pytest.raises(ConflictingSettings, match="AveragePeakCount"):
        IcebergConfig(enable_peak_linking=False, metrics=[{"measures": "AveragePeakCount"}])
    assert "IcebergAveragePeakCount" not in made(l3(*PEAKS), enable_peak_linking=False)["iceberg_analytics"].columns


def tags(events: pl.DataFrame, tape: pl.DataFrame, **config: Any) -> list[str | None]:
    return made(events, tape, **config)["trades_iceberg"]["IcebergTag"].to_list()


def test_trades_of_one_instant_are_not_multiplied() -> None:
    rows = l3(execute(10, "A", 100, 150, trade="T1"), execute(10, "B", 30, 30, trade="T2"), execute(10, "C", 40, 60, trade="T3"))
    tape = trades((10, 10.0, 150.0, 2, "T1"), (10, 10.0, 30.0, 2, "T2"), (10, 10.0, 60.0, 2, "T3"))
    assert tags(rows, tape, trade_match_enabled=False) == ["L3_REVEALED", None, "L3_REVEALED"]
    assert made(rows, tape)["trades_iceberg"]["RevealedQty"].to_list() == [50.0, None, 20.0]


def test_without_ids_the_nearest_trade_meets_the_iceberg() -> None:
    rows = l3(execute(100, "A", 100, 150))
    tape = trades((40, 10.0, 150.0, 2, ""), (90, 10.0, 150.0, 2, ""), (100, 10.5, 150.0, 2, ""), (900, 10.0, 150.0, 2, ""))
    assert tags(rows, tape, trade_match_enabled=False) == [None, "L3_REVEALED", None, None]
    assert tags(rows, tape, trade_match_enabled=False, price_match=False) == [None, None, "L3_REVEALED", None]
    assert tags(rows, tape.tail(1), trade_match_enabled=False, match_tolerance_seconds=1e-3) == ["L3_REVEALED"]


def test_another_size_than_the_execution_tells() -> None:
    rows = l3(execute(100, "A", 100, 40, left=60))
    sold, bought, unknown = trades((100, 10.0, 70.0, 2, "")), trades((100, 10.0, 70.0, 1, "")), trades((100, 10.0, 70.0, 0, ""))
    assert tags(rows, sold) == ["TRADE_MATCH"]
    assert tags(rows, bought) == [None]  # the execution was on the bid
    assert tags(rows, bought, trade_match_require_side=False) == ["TRADE_MATCH"]
    assert tags(rows, unknown.with_columns(PreTradeMid=pl.lit(10.2))) == ["TRADE_MATCH"]  # below the mid: sold
    assert tags(rows, unknown.with_columns(PreTradeMid=pl.lit(10.0))) == [None]  # at the mid: nobody knows
    assert tags(rows, sold, trade_match_size_tolerance=30) == [None]
    assert tags(rows, sold.with_columns(Size=pl.lit(40.0))) == [None]
    assert tags(rows, sold.with_columns(Size=pl.lit(40.0)), trade_match_exclude_exact=False) == ["TRADE_MATCH"]
    assert tags(rows, sold.with_columns(BMLLTradeType=pl.lit("OTC"))) == [None]
    assert tags(rows, sold.with_columns(Classification=pl.lit("X")), trade_match_classifications=["Y"]) == [None]
    assert tags(rows, sold.with_columns(LocalPrice=pl.lit(9.0))) == [None]
    assert tags(rows, sold.with_columns(LocalPrice=pl.lit(9.0)), trade_match_price_match=False) == ["TRADE_MATCH"]
    assert tags(l3(execute(100, "A", 100, 140)), sold) == ["BOTH"]
    assert "trades_iceberg" not in made(rows, sold, tag_trades=False)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(MissingColumn, match="OldSize"):
        made(l3(*PEAKS).drop("OldSize"))


acts = st.tuples(st.integers(0, 300), st.sampled_from([1, 2]), st.sampled_from([1, 2]), st.sampled_from([10.0, 10.5]), st.booleans())


@settings(max_examples=30, deadline=None)
@given(st.lists(acts, max_size=30))
def test_next_peaks_are_those_of_the_loop(drawn: list[tuple[int, int, int, float, bool]]) -> None:
    micros, rows, waiting, expected = 0, [], [], []
    for number, (wait, listing, side, price, enters) in enumerate(drawn):
        micros += wait
        if not enters:
            rows.append(execute(micros, f"O{number}", 5, 5, price=price, side=side, listing=listing))
            waiting.append((listing, side, price, micros, f"O{number}"))
            continue
        rows.append(enter(micros, f"O{number}", 7, price, side, listing))
        fitting = [each for each in waiting if each[:3] == (listing, side, price) and micros - each[3] <= 500]
        if fitting:
            waiting.remove(fitting[-1])
            expected.append((listing, fitting[-1][4]))
    found = made(l3(*rows))["iceberg_events"].select("ListingId", "OrderId").rows()
    assert sorted(found) == sorted(expected)
