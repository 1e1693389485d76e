"""Aggressive orders by eye, and against a loop."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.core import Clock
from basalt.core.datasets import Dataset, PlannedColumn
from basalt.core.errors import InvalidValue, MissingColumn
from basalt.preprocessors.aggressive import AGGRESSIVE_PREPROCESS, AggressiveConfig

START = datetime(2026, 1, 5, 9)  # noqa: DTZ001
MINUTE = Clock.of_seconds(60)


def at(micros: float) -> datetime:
    return START + timedelta(microseconds=micros)


def trades(*rows: tuple[float, int | None, float, float]) -> pl.DataFrame:
    micros, sides, prices, sizes = zip(*rows, strict=True) if rows else ([], [], [], [])
    return pl.DataFrame(
        {
            "ListingId": pl.Series([1] * len(rows), dtype=pl.Int64),
            "TradeTimestamp": pl.Series([at(each) for each in micros], dtype=pl.Datetime("ns")),
            "AggressorSide": pl.Series(sides, dtype=pl.Int64),
            "LocalPrice": pl.Series(prices, dtype=pl.Float64),
            "Size": pl.Series(sizes, dtype=pl.Float64),
        }
    )


def made(rows: pl.DataFrame, clock: Clock = MINUTE, **config: Any) -> dict[str, pl.DataFrame]:
    section = AggressiveConfig(**config)
    table = section.source_table
    planned = {table: Dataset(table, tuple(PlannedColumn(name, dtype) for name, dtype in rows.schema.items()), is_raw=True)}
    schemas = AGGRESSIVE_PREPROCESS.plan(section, planned, clock, where="test")
    frames = AGGRESSIVE_PREPROCESS.compute(section, {table: rows.lazy()}, planned, clock)
    return {name: frames[name].select(*each.keys, *(column.name for column in each.columns)).collect() for name, each in schemas.items()}


def test_an_order_walks_through_prices() -> None:
    rows = trades((0, 1, 10.0, 100.0), (5, 1, 10.5, 300.0), (9, 1, 11.0, 100.0), (10, 2, 9.5, 50.0))
    orders = made(
        rows.with_columns(BestBidPrice=pl.lit(9.5), BestAskPrice=pl.lit(10.0), PreTradeMid=pl.lit(9.75), PostTradeMid="LocalPrice")
    )
    first, second = orders["aggressive_orders"].rows(named=True)
    assert first == {
        "ListingId": 1,
        "TradeTimestamp": at(0),
        "AggressiveOrderId": 1,
        "AggressorSide": 1,
        "Size": 500.0,
        "LocalPrice": 10.5,
        "AggressiveSize": 500.0,
        "Duration": 9_000,
        "MinPrice": 10.0,
        "MaxPrice": 11.0,
        "PriceDiff": 1.0,
        "NumExecutions": 3,
        "BestBidPrice": 9.5,
        "BestAskPrice": 10.0,
        "PreTradeMid": 9.75,
        "PostTradeMid": 11.0,
        "PricePoint": 2.0,
        "TimeBucket": START,
    }
    assert (second["AggressorSide"], second["Size"], second["PricePoint"]) == (2, 50.0, 0.0)


@pytest.mark.parametrize(
    ("rows", "orders"),
    [
        ([(0, 1, 10.0, 1), (10, 1, 10.0, 1)], [1, 1]),  # within the time
        ([(0, 1, 10.0, 1), (11, 1, 10.0, 1)], [1, 2]),  # too late
        ([(0, 1, 10.0, 1), (8, 1, 10.0, 1), (16, 1, 10.0, 1)], [1, 1, 1]),  # each near the one before
        ([(0, 1, 10.0, 1), (1, 2, 9.0, 1), (2, 1, 10.0, 1)], [1, 2, 3]),  # another side between
        ([(0, 1, 10.0, 1), (1, 1, 9.9, 1)], [1, 2]),  # a buyer does not pay less after paying more
        ([(0, 2, 10.0, 1), (1, 2, 10.1, 1)], [1, 2]),  # a seller does not get more after getting less
        ([(0, 1, 10.0, 1), (1, 0, 10.0, 9), (2, None, 10.0, 9), (3, 1, 10.0, 1)], [1, 1]),  # nobody's trades are not in the way
        ([(0, 1, 10.0, 1), (1, 2, 9.0, 0), (3, 1, 10.0, 1)], [1, 1]),  # a cancelled size is no execution
    ],
)
def test_what_belongs_together(rows: list[Any], orders: list[int]) -> None:
    assert made(trades(*rows))["aggressive_executions"]["ConsolidatedTrades"].to_list() == orders


def test_one_event_of_the_venue_is_one_order_however_long_it_takes() -> None:
    l3 = pl.DataFrame(
        {
            "ListingId": [1, 1, 1, 1],
            "EventTimestamp": pl.Series([at(0), at(500), at(1_000), at(1_001)], dtype=pl.Datetime("ns")),
            "Side": [2, 2, 2, 1],
            "ExecutionPrice": [10.0, 10.5, 10.5, 9.0],
            "ExecutionSize": [1, 3, 7, 5],
            "EndOfEvent": [False, True, True, True],
            "Printable": [True, True, True, None],
        }
    )
    orders = made(l3, source_table="l3")["aggressive_orders"]
    assert orders.select("AggressorSide", "ExecutionSize", "ExecutionPrice", "NumExecutions").rows() == [
        (1, 4, 10.375, 2),
        (1, 7, 10.5, 1),
        (2, 5, 9.0, 1),
    ]
    unprinted = made(l3.with_columns(Printable=pl.lit(value=False)), source_table="l3")
    assert unprinted["aggressive_orders"].is_empty()


def test_an_event_may_end_with_a_row_that_is_no_execution() -> None:
    l3 = pl.DataFrame(
        {
            "ListingId": [1, 1, 1, 1],
            "EventTimestamp": pl.Series([at(0), at(0), at(1_000), at(1_000)], dtype=pl.Datetime("ns")),
            "Side": [2, 2, 2, 2],
            "ExecutionPrice": [10.0, None, 10.0, 10.0],
            "ExecutionSize": [1, 0, 3, 7],
            "EndOfEvent": [False, True, False, True],
        }
    )
    assert made(l3, source_table="l3")["aggressive_orders"]["ExecutionSize"].to_list() == [1, 10]


def test_auctions_have_no_aggressor() -> None:
    rows = trades((0, 1, 10.0, 1.0), (1, 1, 10.0, 1.0)).with_columns(MarketState=pl.Series(["CLOSING_AUCTION", "CONTINUOUS_TRADING"]))
    assert made(rows)["aggressive_orders"]["Size"].to_list() == [1.0]


def test_buckets_label_the_first_execution() -> None:
    rows = trades((59_999_999, 1, 10.0, 1.0), (60_000_001, 1, 10.0, 1.0))
    assert made(rows)["aggressive_executions"]["TimeBucket"].to_list() == [at(60_000_000), at(120_000_000)]
    assert made(rows)["aggressive_orders"]["TimeBucket"].to_list() == [at(60_000_000)]
    assert "TimeBucket" not in made(rows, Clock.event())["aggressive_orders"].columns
    assert made(rows, Clock.event(), time_bucket_seconds=1)["aggressive_orders"]["TimeBucket"].to_list() == [at(60_000_000)]


def test_another_size_and_what_is_no_size() -> None:
    rows = trades((0, 1, 10.0, 1.0)).with_columns(Shown=pl.lit(7.0), Text=pl.lit("x"))
    assert made(rows, execution_size="Shown")["aggressive_orders"]["Shown"].to_list() == [7.0]
    with pytest.raises(InvalidValue, match="no size"):
        made(rows, execution_size="Text")
    with pytest.raises(MissingColumn, match="Showm"):
        made(rows, execution_size="Showm")


ticks = st.tuples(st.integers(0, 15), st.sampled_from([0, 1, 1, 2]), st.sampled_from([9.0, 10.0, 11.0]), st.sampled_from([0.0, 1.0, 2.5]))


@settings(max_examples=30, deadline=None)
@given(st.lists(ticks, max_size=25))
def test_orders_are_those_of_the_loop(drawn: list[tuple[int, int, float, float]]) -> None:
    micros, rows, orders = 0, [], []
    for wait, side, price, size in drawn:
        micros += wait
        rows.append((micros, side, price, size))
        if side == 0 or size == 0:
            continue
        last = orders[-1] if orders else None
        improves = last and (price < last["last"] if side == 1 else price > last["last"])
        if last and last["side"] == side and micros - last["end"] <= 10 and not improves:
            last.update(end=micros, last=price, size=last["size"] + size, money=last["money"] + price * size, count=last["count"] + 1)
        else:
            orders.append({"side": side, "start": micros, "end": micros, "last": price, "size": size, "money": price * size, "count": 1})
    found = made(trades(*rows))["aggressive_orders"].select("AggressorSide", "TradeTimestamp", "Size", "NumExecutions", "Duration").rows()
    assert found == [
        (each["side"], at(each["start"]), each["size"], each["count"], (each["end"] - each["start"]) * 1000) for each in orders
    ]
    prices = made(trades(*rows))["aggressive_orders"]["LocalPrice"].to_list()
    assert prices == pytest.approx([each["money"] / each["size"] for each in orders])
