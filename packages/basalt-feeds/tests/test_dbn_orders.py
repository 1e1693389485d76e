"""Databento: what order events become, against literal values and a slow replay by the vendor's rules."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.core.pipelines import load_module
from basalt.feeds.dbn.feed import DbnFeed
from basalt.feeds.dbn.importing import import_dbn
from basalt.testing import FeedContract

kit: Any = load_module(Path(__file__).with_name("databento.py"))
EVENTS, LAST, MIDNIGHT, SNAPSHOT = kit.EVENTS, kit.LAST, kit.MIDNIGHT, kit.SNAPSHOT
apply, imported, record, replayed, shown, write_records = kit.apply, kit.imported, kit.record, kit.replayed, kit.shown, kit.write_records


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, pl.DataFrame]:
    return imported(tmp_path, write_records(tmp_path / "a.dbn", "mbo", EVENTS))


def test_fills_and_what_follows_them_are_one_execution(tables: dict[str, pl.DataFrame]) -> None:
    names = ("OriginalOrderId", "LobAction", "OldSize", "Size", "OrderExecuted", "ExecutionSize", "TradeId", "EndOfEvent")
    assert tables["l3"].select(names).rows() == [
        ("1", 2, 0, 100, False, 0, "", False),
        ("2", 2, 0, 50, False, 0, "", True),
        ("3", 2, 0, 30, False, 0, "", True),
        ("3", 3, 30, 0, True, 30, "5", False),
        ("1", 4, 100, 90, True, 10, "5", True),
        ("2", 4, 50, 30, False, 0, "", True),
        ("77", 3, 5, 0, False, 0, "", True),
    ]


def test_orders_carry_prices_sides_and_clocks(tables: dict[str, pl.DataFrame]) -> None:
    names = (
        "Side",
        "Price",
        "OldPrice",
        "ExecutionPrice",
        "ReceiveTimestamp",
        "FeedTimestamp",
        "FeedFlags",
        "ExchangeSequenceNo",
        "BMLLSequenceNo",
    )
    rows = tables["l3"].select(names).rows()
    assert rows[0] == (1, 10.0, None, None, MIDNIGHT + 51, MIDNIGHT + 1, SNAPSHOT, 1, 2)
    assert rows[3] == (1, None, 11.0, 11.0, MIDNIGHT + 53, MIDNIGHT + 3, 0, 3, 6)
    assert tables["l3"]["TimestampNanoseconds"].dt.epoch("ns").to_list() == [MIDNIGHT + at for at in (51, 51, 51, 51, 51, 51, 51)]


QUEUES = ("PriceLevel", "OldPriceLevel", "SizeAhead", "OrdersAhead", "DelOrderIndex", "AddOrderIndex")


def test_places_in_queues(tmp_path: Path) -> None:
    """Order 2 is behind 1; 3 is better; 1 is filled in part and keeps its place; 2 grows and goes behind 4; nobody knows 77, nor the hidden fill; then all are cleared."""
    events = [
        record("A", 1, "B", 10, 100, at=1),
        record("A", 2, "B", 10, 50, at=2),
        record("A", 3, "B", 11, 10, at=3),
        record("A", 4, "B", 10, 5, at=4),
        record("T", 9, "A", 10, 30, at=5, flags=0),
        record("F", 1, "B", 10, 30, at=5, flags=0),
        record("C", 1, "B", 10, 30, at=5),
        record("M", 2, "B", 10, 60, at=6),
        record("C", 3, "B", 11, 10, at=7),
        record("C", 77, "B", 11, 10, at=8),
        record("F", 78, "B", 11, 10, at=9),
        record("R", 0, "N", None, 0, at=10),
        record("A", 5, "B", 9, 1, at=11),
    ]
    found = imported(tmp_path, write_records(tmp_path / "a.dbn", "mbo", events))["l3"]
    assert found.select("OriginalOrderId", *QUEUES).rows() == [
        ("1", 1, 0, 0, 0, -1, 0),
        ("2", 1, 1, 100, 1, -1, 1),
        ("3", 1, 0, 0, 0, -1, 0),
        ("4", 2, 2, 160, 3, -1, 3),
        ("1", 2, 2, 10, 1, 1, 1),
        ("2", 2, 2, 85, 3, 2, 3),
        ("3", 0, 1, 0, 0, 0, -1),
        ("77", *(None,) * 6),
        ("78", *(None,) * 6),
        ("1", 1, 1, 0, 0, 0, -1),
        ("2", 1, 1, 5, 1, 1, -1),
        ("4", 0, 1, 0, 0, 0, -1),
        ("5", 1, 0, 0, 0, -1, 0),
    ]


def test_places_in_queues_are_left_out_when_asked(tmp_path: Path) -> None:
    assert not set(QUEUES) & set(imported(tmp_path, write_records(tmp_path / "a.dbn", "mbo", EVENTS), queues=False)["l3"].columns)


def test_books_are_shown_where_events_end(tables: dict[str, pl.DataFrame]) -> None:
    rows = [(row["BMLLSequenceNo"], shown(row, "Bid"), shown(row, "Ask")) for row in tables["l2"].iter_rows(named=True)]
    ten, eleven, twelve = (price * 10**9 for price in (10, 11, 12))
    assert rows == [
        (3, [(ten, 100, 1)], [(twelve, 50, 1)]),
        (4, [(eleven, 30, 1), (ten, 100, 1)], [(twelve, 50, 1)]),
        (9, [(ten, 90, 1)], [(twelve, 50, 1)]),
        (10, [(ten, 90, 1)], [(twelve, 30, 1)]),
    ]


def test_trades_have_the_quotes_around_their_event(tables: dict[str, pl.DataFrame]) -> None:
    names = (
        "TradeId",
        "Price",
        "Size",
        "AggressorSide",
        "BestBidPrice",
        "BestBidSize",
        "BestAskPrice",
        "PostTradeMid",
        "PricePoint",
        "Classification",
    )
    assert tables["trades"].select(names).rows() == [("5", 11.0, 40.0, 2, 11.0, 30.0, 12.0, 11.0, 0.0, "LIT_CONTINUOUS")]


def test_the_reference_names_listing_and_step(tables: dict[str, pl.DataFrame]) -> None:
    assert tables["reference"].select("Ticker", "MIC", "CurrencyCode", "TickSize", "MarketDataLevel").rows() == [
        ("ABC", "XNAS", "USD", 1.0, "L3")
    ]


def test_what_does_not_fit_is_counted(tmp_path: Path) -> None:
    events = [*EVENTS, record("F", 88, "B", 9, 1, at=6), record("M", 89, "B", 9, 1, at=7), record("A", 89, "B", 9, 2, at=8)]
    done = import_dbn([write_records(tmp_path / "a.dbn", "mbo", events)], tmp_path / "lake")
    assert done.notices[:4] == (
        "XNAS: 1 cancels of unknown orders",
        "XNAS: 1 changes of unknown orders",
        "XNAS: 1 fills of unknown orders",
        "XNAS: 1 entries of known orders",
    )


def test_a_book_that_is_cleared_removes_its_orders(tmp_path: Path) -> None:
    events = [record("A", 1, "B", 10, 100, at=1), record("R", 0, "N", None, 0, at=2, flags=0), record("A", 5, "B", 9, 1, at=2)]
    found = imported(tmp_path, write_records(tmp_path / "a.dbn", "mbo", events))
    assert found["l3"].select("OriginalOrderId", "LobAction", "OldSize", "Size").rows() == [
        ("1", 2, 0, 100),
        ("1", 3, 100, 0),
        ("5", 2, 0, 1),
    ]
    assert [shown(row, "Bid") for row in found["l2"].iter_rows(named=True)] == [[(10 * 10**9, 100, 1)], [(9 * 10**9, 1, 1)]]


def test_a_snapshot_without_its_first_record_clears_too(tmp_path: Path) -> None:
    snapshot = [record("A", 1, "B", 10, 100, at=1, flags=SNAPSHOT | LAST)]
    events = [*snapshot, record("A", 2, "B", 9, 5, at=2), record("A", 1, "B", 10, 70, at=3, flags=SNAPSHOT | LAST)]
    found = imported(tmp_path, write_records(tmp_path / "a.dbn", "mbo", events))
    assert shown(found["l2"].row(-1, named=True), "Bid") == [(10 * 10**9, 70, 1)]


def test_books_and_no_books_have_the_same_orders(tmp_path: Path) -> None:
    file = write_records(tmp_path / "a.dbn", "mbo", EVENTS)
    without = imported(tmp_path / "one", file, books=False)
    assert "l2" not in without
    both = imported(tmp_path / "two", file)
    assert all(without[name].equals(both[name]) for name in without)


messages = st.lists(
    st.tuples(
        st.sampled_from("AAACMTFR"),
        st.integers(1, 6),
        st.sampled_from("AB"),
        st.integers(1, 12),
        st.integers(1, 4),
        st.booleans(),
        st.sampled_from([7, 7, 8]),
    ),
    max_size=60,
)


@settings(max_examples=35, deadline=None)
@given(messages, st.sampled_from([1, 3, 7, 20, 60]))
def test_books_are_those_of_a_slow_replay(drawn: list[tuple[str, int, str, int, int, bool, int]], at_once: int) -> None:
    """Whatever comes of two instruments, in blocks of any size: the book at the end of an event is the replayed one."""
    known: dict[int, dict[int, tuple[str, int, int]]] = {7: {}, 8: {}}
    records = []
    for number, (action, order, side, price, size, ends, instrument) in enumerate(drawn, start=1):
        orders = known[instrument]
        if (action in "CMF" and order not in orders) or (action == "A" and order in orders):
            continue
        entry = record(action, order, orders.get(order, (side,))[0], price, size, at=number, flags=LAST * ends, instrument_id=instrument)
        if action == "C":
            entry["size"] = min(size, orders[order][2])
        if action != "F":  # a fill is followed by what takes it from the order; alone it changes nothing
            records.append(entry)
            apply(orders, entry)
    if not records:
        return
    with TemporaryDirectory() as folder:
        place = Path(folder)
        found = imported(place, write_records(place / "a.dbn", "mbo", records, symbols={7: "ABC", 8: "XYZ"}), records_at_once=at_once)
    for instrument, ticker in ((7, "ABC"), (8, "XYZ")):
        books = found["l2"].filter(pl.col("Ticker") == ticker) if "l2" in found else pl.DataFrame()
        ours = [(row["BMLLSequenceNo"], shown(row, "Bid"), shown(row, "Ask")) for row in books.iter_rows(named=True)]
        assert ours == states_of(records, instrument)
        check_orders(found, ticker)


def states_of(records: list[dict[str, Any]], instrument: int) -> list[tuple[int, Any, Any]]:
    """The books of one instrument after its events, those that differ from the one before."""
    numbered = [(number, each) for number, each in enumerate(records, start=1) if each["instrument_id"] == instrument]
    expected = [(numbered[place - 1][0], bids[:10], asks[:10]) for place, bids, asks in replayed(each for _, each in numbered)]
    return [each for each, before in zip(expected, [(0, None, None), *expected], strict=False) if each[1:] != before[1:]]


def check_orders(found: dict[str, pl.DataFrame], ticker: str) -> None:
    """Each row of `l3` says of its order what the row before it left."""
    if "l3" not in found:
        return
    left: dict[str, tuple[float | None, int]] = {}
    for row in found["l3"].filter(pl.col("Ticker") == ticker).iter_rows(named=True):
        assert left.get(row["OriginalOrderId"], (None, 0)) == (row["OldPrice"], row["OldSize"])
        left[row["OriginalOrderId"]] = (row["Price"], row["Size"])


class TestDatabento(FeedContract):
    feed = DbnFeed()

    @pytest.fixture
    def paths(self, tmp_path: Path) -> list[Path]:
        return [write_records(tmp_path / "a.dbn", "mbo", EVENTS)]
