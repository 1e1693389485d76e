"""Books from what exchanges and vendors sent."""

from __future__ import annotations

import bisect
import io
import zipfile
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from basalt.books import BookBuilder, BookMessage, OrderTracker

pytestmark = pytest.mark.real

LAST = 128
ACTIONS = {"A": BookMessage.ADD, "C": BookMessage.REDUCE, "M": BookMessage.MODIFY, "R": BookMessage.CLEAR, "T": 0, "F": 0, "N": 0}
LEVELS = 10


def futures(folder: Path, day: str) -> pl.DataFrame:
    """Messages of the future ESH4 of one file, and the snapshot that opens it marked by a CLEAR."""
    rows = pl.read_parquet(folder / "parquet" / "databento_glbx" / f"ESH4_{day}_mbo.parquet").select(
        pl.col("instrument_id").cast(pl.Int64).alias("ListingId"),
        pl.col("action").replace_strict({key: int(value) for key, value in ACTIONS.items()}, return_dtype=pl.Int8).alias("BookMessage"),
        pl.col("order_id").alias("OrderId"),
        pl.col("side").replace_strict({"B": 1, "A": 2, "N": 0}, return_dtype=pl.Int64).alias("Side"),
        pl.col("price").alias("Price"),
        pl.col("size").cast(pl.Int64).alias("Size"),
        ((pl.col("flags") & LAST) > 0).alias("EndOfEvent"),
        pl.from_epoch("ts_event", time_unit="ns").alias("TimestampNanoseconds"),
    )
    clear = rows.head(1).with_columns(BookMessage=pl.lit(int(BookMessage.CLEAR), pl.Int8), EndOfEvent=pl.lit(False))
    return pl.concat([clear, rows])


def test_a_snapshot_replaces_what_was_there(real_data: Path) -> None:
    tracker, builder = OrderTracker(), BookBuilder(price_scale=10**9)
    for day in ("20231224", "20231225"):
        builder.feed(tracker.feed(futures(real_data, day)))
    assert tracker.report.is_clean
    assert tracker.report.cleared_orders == 8_725
    assert builder.report.snapshots == 2
    assert builder.report.is_clean
    assert builder.whole_books()["NumOrders"].sum() == tracker.resting


def test_a_snapshot_that_is_repeated_without_a_clear_is_told(real_data: Path) -> None:
    tracker = OrderTracker()
    for day in ("20231224", "20231225"):
        tracker.feed(futures(real_data, day).filter(pl.col("BookMessage") != BookMessage.CLEAR))
    assert tracker.report.duplicate_orders == 8_725
    assert tracker.report.unknown_orders == 0


def test_the_book_of_a_future_is_that_of_dictionaries(real_data: Path) -> None:
    """All ten levels after every event: price, quantity and orders, by the vendor's rules and nothing but dictionaries and lists."""
    messages = futures(real_data, "20231225")
    shown = BookBuilder(price_scale=10**9, sample="event", levels=LEVELS).feed(OrderTracker().feed(messages))
    names = [
        f"{side}{part}{level}" for side in ("Bid", "Ask") for level in range(1, LEVELS + 1) for part in ("Price", "Quantity", "NumOrders")
    ]
    rows = shown.select(names).iter_rows()
    book = PlainBook()
    columns = ("BookMessage", "OrderId", "Side", "Price", "Size", "EndOfEvent")
    for kind, order, side, price, size, ends in messages.select(columns).iter_rows():
        book.apply(kind, order, side, price, size)
        if ends and next(rows) != (expected := book.best(1) + book.best(2)):
            pytest.fail(f"order {order}: {expected}")
    assert next(rows, None) is None
    assert shown.height > 40_000
    assert shown.select(names).null_count().sum_horizontal().item() == 0  # ten levels are there on both sides


class PlainBook:
    """Orders in one dictionary, levels in another, and the prices of a side in a sorted list."""

    def __init__(self) -> None:
        self.orders: dict[int, tuple[int, int, int]] = {}
        self.levels: dict[tuple[int, int], list[int]] = {}
        self.prices: dict[int, list[int]] = {1: [], 2: []}

    def apply(self, kind: int, order: int, side: int, price: int, size: int) -> None:
        old = self.orders.get(order)
        if kind in (BookMessage.REDUCE, BookMessage.MODIFY) and old:
            left = old[2] - size if kind == BookMessage.REDUCE else 0
            self._move(old[0], old[1], left - old[2], 0 if left else -1)
            self.orders[order] = (old[0], old[1], left)
            if not left:
                del self.orders[order]
        if kind in (BookMessage.ADD, BookMessage.MODIFY):
            self.orders[order] = (side, price, size)
            self._move(side, price, size, 1)

    def _move(self, side: int, price: int, size: int, orders: int) -> None:
        level = self.levels.setdefault((side, price), [0, 0])
        if level == [0, 0]:
            bisect.insort(self.prices[side], price)
        level[0] += size
        level[1] += orders
        if level == [0, 0]:
            self.prices[side].remove(price)

    def best(self, side: int) -> tuple[float | int, ...]:
        prices = self.prices[side][: -LEVELS - 1 : -1] if side == 1 else self.prices[side][:LEVELS]
        return tuple(each for price in prices for each in (price / 1e9, *self.levels[side, price]))


def test_a_future_is_crossed_in_its_opening_auction_alone(real_data: Path) -> None:
    shown = BookBuilder(price_scale=10**9).feed(OrderTracker().feed(futures(real_data, "20231225")))
    crossed = shown.filter(pl.col("BidPrice1") > pl.col("AskPrice1"))["TimestampNanoseconds"]
    assert crossed.len() > 0
    assert crossed.min() > datetime(2023, 12, 25, 22, 38)  # type: ignore[operator]  # noqa: DTZ001
    assert crossed.max() < datetime(2023, 12, 25, 23, 0)  # type: ignore[operator]  # noqa: DTZ001


@pytest.fixture(scope="module")
def lobster(real_data: Path) -> tuple[pl.DataFrame, np.ndarray]:
    archive = real_data / "native" / "lobster" / "LOBSTER_SampleFile_GOOG_2012-06-21_10.zip"
    with zipfile.ZipFile(archive) as files:
        half = {part: next(name for name in files.namelist() if part in name) for part in ("message", "orderbook")}
        message, book = (pl.read_csv(io.BytesIO(files.read(half[part])), has_header=False) for part in ("message", "orderbook"))
    message.columns = ["Time", "Type", "OrderId", "Size", "Price", "Direction"]
    return message, book.to_numpy()


def test_every_event_moves_the_book_as_the_vendor_says(lobster: tuple[pl.DataFrame, np.ndarray]) -> None:
    """The vendor's book before each message, the message, the vendor's book after it: every row is a listing of its own."""
    message, book = lobster
    count = message.height - 1
    numbers = np.arange(count)
    before, after = (book[:-1].reshape(count, LEVELS, 2, 2), book[1:].reshape(count, LEVELS, 2, 2))
    builder = BookBuilder(levels=LEVELS, price_scale=10_000, sample="event")
    for side, place in ((1, 1), (2, 0)):
        levels = pl.DataFrame(
            {
                "ListingId": numbers.repeat(LEVELS),
                "Side": np.full(count * LEVELS, side),
                "Price": before[:, :, place, 0].ravel(),
                "Size": before[:, :, place, 1].ravel(),
                "EndOfEvent": np.zeros(count * LEVELS, bool),
                "BookMessage": np.full(count * LEVELS, int(BookMessage.SET)),
            }
        ).filter(pl.col("Size") > 0)
        builder.feed(levels)
    shown = builder.feed(_changes(message[1:], numbers))
    assert shown.height == count
    _hold_alike(shown, before, after, message[1:])


def _changes(message: pl.DataFrame, numbers: np.ndarray) -> pl.DataFrame:
    """Messages as changes of a level: an order of that size that enters, or leaves. A level that keeps some has an order more."""
    enters, leaves = pl.col("Type") == 1, pl.col("Type").is_in([2, 3, 4])
    return message.select(
        pl.Series("ListingId", numbers),
        pl.when(pl.col("Direction") == 1).then(1).otherwise(2).alias("Side"),
        "Price",
        pl.when(enters).then("Size").otherwise(0).alias("Size"),
        pl.col("Price").alias("OldPrice"),
        pl.when(leaves).then("Size").otherwise(0).alias("OldSize"),
    )


def _hold_alike(shown: pl.DataFrame, before: np.ndarray, after: np.ndarray, message: pl.DataFrame) -> None:
    """All levels that both sides know: the last one may have come into view, for no message of its own."""
    for name, place in (("Ask", 0), ("Bid", 1)):
        price = shown.select(pl.col(f"{name}Price{level}").fill_null(0.0) for level in range(1, LEVELS)).to_numpy()
        quantity = shown.select(f"{name}Quantity{level}" for level in range(1, LEVELS)).to_numpy()
        filled = after[:, : LEVELS - 1, place, 1] > 0
        assert (np.where(filled, after[:, : LEVELS - 1, place, 0] / 10_000, 0.0) == price).all()
        assert (np.where(filled, after[:, : LEVELS - 1, place, 1], 0) == quantity).all()
    assert not (before == after).all(axis=(1, 2, 3))[message["Type"].is_between(1, 4).to_numpy()].any()
