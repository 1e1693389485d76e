"""Book analytics on files of vendors: what must hold whatever the numbers are, and plain Python on all of them."""

from __future__ import annotations

import math
from pathlib import Path

import polars as pl
import pytest

from basalt.core.pipelines import load_module

oracle = load_module(Path(__file__).with_name("oracle.py"))
pytestmark = pytest.mark.real
SECOND = 1_000_000_000
SECTION = {
    "prices": [{"measures": "Price", "source": ["Mid", "WeightedMid"], "aggregations": ["Last", "TWA"]}],
    "spreads": [{"variant": "BPS", "aggregations": ["Last", "TWA"]}],
    "imbalances": [{"measure": "CumQuantity", "levels": 5, "aggregations": ["Last", "TWA"]}],
    "volatility": [{"source": "Mid", "subsample_seconds": 1}],
}
VALUES = {"Mid": oracle.mid, "WeightedMid": oracle.weighted_mid(1), "SpreadBps": oracle.spread_bps,
          "ImbalanceCumQuantity5": oracle.imbalance(lambda side: oracle.depth(side, 5))}  # fmt: skip


def compared(asked, books, width):
    """Every column of one listing's books with plain Python; returns how many values were compared."""
    frame = asked.rows(l2=books)
    rows = [{**row, "time": time} for row, time in zip(books.to_dicts(), books["EventTimestamp"].cast(pl.Int64), strict=True)]
    path = oracle.instants(rows, [])
    wanted = {
        name + suffix: oracle.reduced(path, value, reduction, width)
        for name, value in VALUES.items()
        for suffix, reduction in (("", "Last"), ("TWA", "TWA"))
    }
    wanted["L2VolatilityMidStd"] = oracle.realised(path, lambda row: math.log(oracle.mid(row)) if oracle.mid(row) else None, SECOND, width)
    count = 0
    for label, row in zip(frame["TimeBucket"].cast(pl.Int64), frame.iter_rows(named=True), strict=True):
        for name, values in wanted.items():
            found, value = row[name], values[label]
            assert (found is None) == (value is None), (name, label)
            assert value is None or math.isclose(found, value, rel_tol=1e-9, abs_tol=1e-12), (name, label, found, value)
            count += 1
    return count


def test_the_sample_of_bmll_second_by_second(ask, real_data):
    books = pl.read_parquet(real_data("native", "bmll", "l2.parquet")).with_columns(pl.col("TimestampNanoseconds").alias("EventTimestamp"))
    assert compared(ask(SECTION, modules=["l2", "l2tw"], seconds=1), books, SECOND) > 20


def test_the_first_minutes_of_a_day_of_lobster(ask, real_data):
    folder = real_data("parquet", "lobster")
    native = pl.read_parquet(next(folder.rglob("*book*.parquet")), n_rows=4_000)
    times = pl.read_parquet(next(folder.rglob("*mess*.parquet")), n_rows=4_000, columns=["time_ns"])["time_ns"]
    prices = [pl.col(f"{side}Price{level}") / 10_000.0 for side in ("Bid", "Ask") for level in range(1, 11)]
    sizes = [
        pl.col(f"{side}Size{level}").cast(pl.Float64).alias(f"{side}Quantity{level}") for side in ("Bid", "Ask") for level in range(1, 11)
    ]
    books = native.select(
        pl.lit(1, pl.Int64).alias("ListingId"),
        times.cast(pl.Int64).cast(pl.Datetime("ns")).alias("EventTimestamp"),
        *prices,
        *sizes,
        pl.lit(None, pl.String).alias("MarketState"),
    )
    assert compared(ask(SECTION, modules=["l2", "l2tw"]), books, 60 * SECOND) > 20
