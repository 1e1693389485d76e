"""Books of the simulated exchange, built again from its order events, and put together over its venues."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from basalt.books import BookBuilder, QueueTracker
from basalt.core import Clock
from basalt.preprocessors.cbbo import CBBO_PREPROCESS
from basalt.preprocessors.cbbo_from_l3 import CBBO_FROM_L3
from basalt.synthetic import simulate

LEVELS = [f"{side}{part}{level}" for level in range(1, 11) for side in ("Bid", "Ask") for part in ("Price", "Quantity", "NumOrders")]


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    made = simulate(date(2026, 2, 2), scale=0.3)
    clock = pl.col("TimestampNanoseconds").cast(pl.Datetime("ns")).alias("EventTimestamp")
    return {**made, **{name: made[name].with_columns(clock) for name in ("l2", "l3", "cbbo", "marketstate")}}


def test_replayed_order_events_give_every_book(tables: dict[str, pl.DataFrame]) -> None:
    builder = BookBuilder(levels=10, sample="change")
    halves = [tables["l3"][: tables["l3"].height // 2], tables["l3"][tables["l3"].height // 2 :]]
    built = pl.concat([builder.feed(each) for each in halves])
    keys = ["ListingId", "BMLLSequenceNo"]
    names = [*keys, *LEVELS, "BidLevelCount", "AskLevelCount"]
    assert_frame_equal(built.select(names).sort(keys), tables["l2"].select(names).sort(keys), check_dtypes=False, check_exact=True)
    assert builder.report.is_clean
    assert built.height > 10_000


def test_every_order_stands_where_the_exchange_says(tables: dict[str, pl.DataFrame]) -> None:
    told = ["PriceLevel", "OldPriceLevel", "SizeAhead", "OrdersAhead", "DelOrderIndex", "AddOrderIndex"]
    tracker = QueueTracker()
    halves = [tables["l3"][: tables["l3"].height // 3], tables["l3"][tables["l3"].height // 3 :]]
    found = pl.concat([tracker.feed(each.drop(told)) for each in halves])
    assert_frame_equal(found.select(told), tables["l3"].select(told))


def consolidated(module: Any, tables: dict[str, pl.DataFrame], **section: object) -> pl.DataFrame:
    lazy = {name: frame.lazy() for name, frame in tables.items()}
    frames: dict[str, pl.LazyFrame] = module.compute(module.config_model(**section), lazy, {}, Clock.of_seconds(60))
    (made,) = frames.values()
    return made.collect()


@pytest.mark.parametrize("section", [{}, {"time_index": "event", "market_states": None}, {"index_by": "PrimaryListingId", "top_n": 3}])
def test_consolidated_books_from_order_events_are_those_from_books(tables: dict[str, pl.DataFrame], section: dict[str, object]) -> None:
    found = [consolidated(module, tables, **section) for module in (CBBO_FROM_L3, CBBO_PREPROCESS)]
    assert_frame_equal(*found, check_exact=True)
    assert found[0].height > 1_000


def test_consolidated_books_are_those_of_the_exchange_at_every_instant(tables: dict[str, pl.DataFrame]) -> None:
    found = [consolidated(each, tables, time_index="event", index_by="PrimaryListingId") for each in (CBBO_FROM_L3, CBBO_PREPROCESS)]
    assert_frame_equal(*found, check_exact=True)
    assert_frame_equal(changes(found[0]), changes(tables["cbbo"]), check_exact=True, check_dtypes=False)
    assert changes(found[0]).height > 10_000


def changes(books: pl.DataFrame) -> pl.DataFrame:
    """The book of each listing after each instant that changed it; at first it is empty."""
    keys = ["ListingId", "EventTimestamp"]
    last = books.select(*keys, *LEVELS).unique(keys, keep="last", maintain_order=True).sort(keys)
    before = [pl.col(name).shift(fill_value=None if "Price" in name else 0).over("ListingId") for name in LEVELS]
    return last.filter(pl.any_horizontal(pl.col(name).ne_missing(was) for name, was in zip(LEVELS, before, strict=True)))
