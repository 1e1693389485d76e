"""A whole real day against plain loops over the vendor's CSV files."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from basalt.feeds.lobster.importing import import_lobster

pytestmark = pytest.mark.real

OPEN_UTC_NANOS = 1_340_285_400 * 10**9
"""2012-06-21 09:30 in New York."""


@pytest.fixture(scope="module")
def lake(real_lobster: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    imported = import_lobster([real_lobster], tmp_path_factory.mktemp("lake"))
    return {each.table: pl.read_parquet(each.path) for each in imported.files}


def vendor_rows(archive: Path, half: str) -> Iterator[list[str]]:
    with zipfile.ZipFile(archive) as files:
        (name,) = [name for name in files.namelist() if f"_{half}_" in name]
        with files.open(name) as lines:
            yield from csv.reader(io.TextIOWrapper(lines, "ascii"))


def test_every_row_of_the_book_is_the_vendors(lake: dict[str, pl.DataFrame], real_lobster: Path) -> None:
    columns = [f"{side}{what}{level}" for level in range(1, 11) for side in ("Ask", "Bid") for what in ("Price", "Quantity")]
    ours = lake["l2"].select(columns).iter_rows()
    for number, (row, theirs) in enumerate(zip(ours, vendor_rows(real_lobster, "orderbook"), strict=True), start=1):
        expected = [int(value) / 10_000 if place % 2 == 0 else int(value) for place, value in enumerate(theirs)]
        assert list(row) == expected, f"row {number}"


def test_every_time_is_the_vendors(lake: dict[str, pl.DataFrame], real_lobster: Path) -> None:
    ours = lake["l2"]["TimestampNanoseconds"].dt.epoch("ns").to_list()
    theirs = []
    for row in vendor_rows(real_lobster, "message"):
        seconds, _, fraction = row[0].partition(".")
        theirs.append(OPEN_UTC_NANOS + (int(seconds) - 34_200) * 10**9 + int(fraction.ljust(9, "0")))
    assert ours == theirs


def test_volume_of_the_day(lake: dict[str, pl.DataFrame]) -> None:
    volume = dict(lake["trades"].group_by("Classification").agg(pl.col("Size").sum()).rows())
    assert volume == {"LIT_CONTINUOUS": 492_509.0, "LIT_HIDDEN": 213_616.0}


def test_events_of_the_day(lake: dict[str, pl.DataFrame], real_lobster: Path) -> None:
    theirs = Counter(row[1] for row in vendor_rows(real_lobster, "message"))
    assert theirs == {"1": 71_258, "2": 19, "3": 64_961, "4": 7_765, "5": 3_913}
    assert Counter(lake["l3"]["OriginalExchangeMessage"]) == theirs
    actions = Counter(lake["l3"]["LobAction"])
    assert actions[2] == theirs["1"]
    assert actions[1] == theirs["5"]
    assert actions[3] + actions[4] == theirs["2"] + theirs["3"] + theirs["4"]
    assert actions[4] == 19 + 2_048 + 532, "partial cancels, executions that leave something, executions of orders unknown"


def test_every_event_moves_its_level_by_its_size(lake: dict[str, pl.DataFrame]) -> None:
    """Wherever the level of an event is visible before and after, its quantity moves by OldSize - Size."""
    book = {row["L2EventNo"]: row for row in lake["l2"].iter_rows(named=True)}
    moved = 0
    for event in lake["l3"].filter(pl.col("LobAction") != 1).iter_rows(named=True):
        number = event["EventNo"]
        if number - 1 not in book:
            continue
        side = {1: "Bid", 2: "Ask"}[event["Side"]]
        price = event["Price"] if event["Price"] is not None else event["OldPrice"]
        before, after = (_quantity_at(book[row], side, price) for row in (number - 1, number))
        if _is_visible(book[number - 1], side, price):
            assert after - before == event["Size"] - event["OldSize"], f"event {number}"
            moved += 1
    assert moved > 143_000


def _quantity_at(row: dict[str, float], side: str, price: float) -> int:
    return next((int(row[f"{side}Quantity{level}"]) for level in range(1, 11) if row[f"{side}Price{level}"] == price), 0)


def _is_visible(row: dict[str, float], side: str, price: float) -> bool:
    """Whether *price* lies within the ten levels, so that its quantity is known to be as shown."""
    last = row[f"{side}Price10"]
    return last is None or (price >= last if side == "Bid" else price <= last)


def test_trades_are_executions_of_the_orders(lake: dict[str, pl.DataFrame]) -> None:
    executions = (
        lake["l3"].filter("OrderExecuted").select("TradeId", "ExecutionPrice", pl.col("ExecutionSize").cast(pl.Float64), "BMLLSequenceNo")
    )
    trades = lake["trades"].select(
        "TradeId", pl.col("Price").alias("ExecutionPrice"), pl.col("Size").alias("ExecutionSize"), "BMLLSequenceNo"
    )
    assert trades.equals(executions)


def test_visible_trades_are_at_the_best_quote(lake: dict[str, pl.DataFrame]) -> None:
    visible = lake["trades"].filter(pl.col("Classification") == "LIT_CONTINUOUS").slice(1)
    bought, sold = (visible.filter(pl.col("AggressorSide") == side) for side in (1, 2))
    assert bought.height + sold.height == 7_764
    assert (bought["Price"] == bought["BestAskPrice"]).all()
    assert (sold["Price"] == sold["BestBidPrice"]).all()
