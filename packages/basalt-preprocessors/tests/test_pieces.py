"""What is made does not depend on the pieces in which rows are read, put away and merged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from basalt.core import Clock
from basalt.core.datasets import Dataset, PlannedColumn
from basalt.preprocessors import consolidating, shelving, streaming
from basalt.preprocessors.aggressive import AGGRESSIVE_PREPROCESS
from basalt.preprocessors.book import BOOK_PREPROCESS
from basalt.preprocessors.cbbo import CBBO_PREPROCESS
from basalt.preprocessors.cbbo_from_l3 import CBBO_FROM_L3
from basalt.preprocessors.iceberg import ICEBERG

START = datetime(2026, 1, 5, 9)  # noqa: DTZ001
LISTINGS = 5
STATES = ["CONTINUOUS_TRADING", "CONTINUOUS_TRADING", "CONTINUOUS_TRADING", "HALTED", None]
REFERENCE = pl.DataFrame(
    {
        "ListingId": [1, 2, 3, 4, 5],
        "InstrumentId": [10, 10, 20, 10, 20],
        "MIC": ["XLON", "CHIX", "XLON", "TRQX", "CHIX"],
        "IsPrimary": [True, False, True, False, False],
    }
)


@contextmanager
def pieces(rows: int) -> Iterator[None]:
    """Chunks, groups and pieces of that many rows, and nothing put away in memory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streaming, "ROWS_AT_ONCE", rows)
        patch.setattr(consolidating, "ROWS_AT_ONCE", rows)
        patch.setattr(shelving, "MEMORY", 0)
        yield


def drawn(seed: int, rows: int) -> tuple[np.random.Generator, pl.DataFrame]:
    """Listings and times with ties, each listing's in order."""
    random = np.random.default_rng(seed)
    listings = np.sort(random.integers(1, LISTINGS + 1, rows))
    micros = random.choice([0, 0, 3, 8, 400, 20_000_000], rows)
    keys = pl.DataFrame({"ListingId": listings, "micros": micros}).with_columns(pl.col("micros").cum_sum().over("ListingId"))
    times = pl.Series([START + timedelta(microseconds=each) for each in keys["micros"]], dtype=pl.Datetime("ns"))
    day = pl.lit(date(2026, 1, 5)).alias("TradeDate")
    states = pl.Series("MarketState", random.choice(np.array(STATES, object), rows).tolist(), pl.String)
    return random, keys.select("ListingId", times.alias("EventTimestamp"), day, states)


def tables(seed: int, rows: int = 40) -> dict[str, pl.DataFrame]:
    """Books, order events, trades and phases that need not fit each other."""
    random, keys = drawn(seed, rows)

    def numbers(*choices: Any) -> pl.Series:
        return pl.Series(random.choice(np.array(choices, object), rows).tolist())

    levels = {
        f"{side}{part}{level}": numbers(*choices).cast(kind)
        for side, price in (("Bid", 100.0), ("Ask", 101.0))
        for level in (1, 2)
        for part, kind, choices in (
            ("Price", pl.Float64, (None, price + level, price - level, price)),
            ("Quantity", pl.Int64, (0, 5, 7)),
            ("NumOrders", pl.Int32, (None, 1, 2)),
        )
    }
    acts = numbers(2, 2, 3, 4)
    enters, price, old = acts == 2, numbers(10.0, 10.0, 10.5), numbers(5, 7)
    executed = numbers(0, 5, 5, 9)
    orders = keys.select(pl.int_range(pl.len()).over("ListingId")).to_series()
    nothing = pl.Series([None] * rows, dtype=pl.Float64)
    l3 = keys.with_columns(
        Side=numbers(1, 2),
        LobAction=acts,
        Price=price.zip_with(acts != 3, nothing),
        Size=numbers(5, 7).zip_with(acts != 3, pl.Series([0] * rows)),
        OrderId=orders.cast(pl.String),
        OldPrice=price.zip_with(~enters, nothing),
        OldSize=old.zip_with(~enters, pl.Series([0] * rows)),
        OldOrderId=(orders - 1).cast(pl.String),
        ExecutionPrice=price.zip_with(~enters, nothing),
        ExecutionSize=executed.zip_with(~enters, pl.Series([0] * rows)),
        EndOfEvent=numbers(True, True, False),
        TradeId=numbers("", "", "T1", "T2"),
    )
    trades = keys.rename({"EventTimestamp": "TradeTimestamp"}).with_columns(
        AggressorSide=numbers(0, 1, 1, 2), LocalPrice=numbers(10.0, 10.5), Size=numbers(0.0, 5.0, 9.0), TradeId=numbers("", "T1", "T2")
    )
    phases = drawn(seed + 1, 12)[1].select("ListingId", "EventTimestamp", "MarketState")
    return {"l2": keys.with_columns(**levels), "l3": l3, "trades": trades, "marketstate": phases, "reference": REFERENCE}


def made(module: Any, section: dict[str, Any], given: dict[str, pl.DataFrame], clock: Clock) -> dict[str, pl.DataFrame]:
    config = module.config_model(**section)
    schemas = {
        name: Dataset(name, tuple(PlannedColumn(column, dtype) for column, dtype in frame.schema.items()), is_raw=True)
        for name, frame in given.items()
    }
    planned = module.plan(config, schemas, clock, where="test")
    frames = module.compute(config, {name: frame.lazy() for name, frame in given.items()}, schemas, clock)
    names = {name: [*each.keys, *(column.name for column in each.columns)] for name, each in planned.items()}
    rows = {name: frames[name].select(*dict.fromkeys(names[name])).collect() for name in planned}
    return {name: frame.sort(frame.columns[:2], maintain_order=True) for name, frame in rows.items()}


MINUTE = Clock.of_seconds(60)
WIDE = {"include_mic_wide": True, "mic_whitelist": ["XLON", "TRQX", "CHIX"]}
CASES: list[tuple[Any, dict[str, Any], Clock]] = [
    (CBBO_PREPROCESS, {"levels_in": 2, "top_n": 2, "emit_last_event_ts": True, **WIDE}, MINUTE),
    (CBBO_PREPROCESS, {"levels_in": 2, "top_n": 3, "time_index": "event"}, MINUTE),
    (CBBO_PREPROCESS, {"levels_in": 1, "top_n": 1, "market_states": None, "index_by": "PrimaryListingId"}, Clock.daily()),
    (CBBO_FROM_L3, {"top_n": 2, "emit_last_event_ts": True}, MINUTE),
    (BOOK_PREPROCESS, {"levels": 2, "sample": "bucket"}, MINUTE),
    (AGGRESSIVE_PREPROCESS, {}, MINUTE),
    (AGGRESSIVE_PREPROCESS, {"source_table": "l3"}, MINUTE),
    (ICEBERG, {}, MINUTE),
    (ICEBERG, {"peak_link_tolerance_seconds": 30, "peak_link_price_match": False}, MINUTE),
    (ICEBERG, {"enable_peak_linking": False, "min_revealed_qty": 3}, MINUTE),
]


@pytest.mark.parametrize(("module", "section", "clock"), CASES)
def test_pieces_do_not_matter(module: Any, section: dict[str, Any], clock: Clock) -> None:
    for seed, rows in ((0, 1), (1, 7)):
        given = tables(seed)
        whole = made(module, section, given, clock)
        with pieces(rows):
            found = made(module, section, given, clock)
        for name, frame in whole.items():
            assert frame.height > 0, name
            assert_frame_equal(found[name], frame)
