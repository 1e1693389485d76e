"""Databento: statuses to phases, the kind of an auction, and phases of trades and orders."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from basalt.core.lake import write_lake_file
from basalt.core.pipelines import load_module
from basalt.feeds.dbn.exporting import export_dbn
from basalt.feeds.dbn.importing import import_dbn
from basalt.feeds.dbn.phases import Status, states_of
from basalt.feeds.feed import LakeDay
from basalt.market.tables import L3, MARKETSTATE, REFERENCE

kit: Any = load_module(Path(__file__).with_name("databento.py"))
EVENTS, MIDNIGHT = kit.EVENTS, kit.MIDNIGHT
imported, record, write_records = kit.imported, kit.record, kit.write_records

OPEN, OPENING, CLOSING = "CONTINUOUS_TRADING", "OPENING_AUCTION", "CLOSING_AUCTION"
INTRADAY, UNSCHEDULED = "INTRADAY_AUCTION", "UNSCHEDULED_AUCTION"


@pytest.mark.parametrize(
    ("said", "states"),
    [
        (
            "PRE_OPEN PRE_CROSS CROSS TRADING PRE_CLOSE CLOSE POST_CLOSE",
            ["PRE_OPEN", OPENING, OPENING, OPEN, CLOSING, "CLOSED", "POST_TRADE"],
        ),
        ("ROTATION TRADING", [OPENING, OPEN]),
        ("TRADING PRE_CROSS CROSS TRADING CROSS CLOSE", [OPEN, INTRADAY, INTRADAY, OPEN, CLOSING, "CLOSED"]),
        ("TRADING PRE_CLOSE CROSS CLOSE", [OPEN, CLOSING, CLOSING, "CLOSED"]),
        ("TRADING CROSS", [OPEN, CLOSING]),
        ("TRADING CROSS SSR_CHANGE HALT", [OPEN, INTRADAY, None, "HALTED"]),
        ("TRADING HALT QUOTING CROSS TRADING", [OPEN, "HALTED", UNSCHEDULED, UNSCHEDULED, OPEN]),
        ("TRADING PAUSE ROTATION TRADING", [OPEN, "HALTED", UNSCHEDULED, OPEN]),
        ("PRE_OPEN PRE_CROSS:LULD_PAUSE TRADING", ["PRE_OPEN", UNSCHEDULED, OPEN]),
        ("TRADING CROSS:ORDER_IMBALANCE TRADING", [OPEN, UNSCHEDULED, OPEN]),
        ("TRADING PRE_OPEN:MARKET_EVENT TRADING", [OPEN, UNSCHEDULED, OPEN]),
        ("TRADING PRE_OPEN:SCHEDULED CROSS TRADING", [OPEN, "PRE_OPEN", OPENING, OPEN]),
        ("TRADING CLOSE CROSS TRADING", [OPEN, "CLOSED", OPENING, OPEN]),
        ("NEW_PRICE_INDICATION:NONE:Y CROSS NEW_PRICE_INDICATION:NONE:Y", [OPEN, INTRADAY, OPEN]),
        ("HALT NEW_PRICE_INDICATION:NONE:N NONE SUSPEND NOT_AVAILABLE_FOR_TRADING", ["HALTED", None, None, "HALTED", "CLOSED"]),
    ],
)
def test_the_kind_of_an_auction_follows_from_its_place(said: str, states: list[str | None]) -> None:
    assert states_of([status(each) for each in said.split()]) == states


def status(said: str) -> Status:
    action, reason, trading = (*said.split(":"), "", "")[:3]
    return Status(action, reason or "NONE", {"Y": True, "N": False}.get(trading))


def statuses(*actions: tuple[int, int], instrument: int = 7) -> list[dict[str, Any]]:
    """Records of statuses: time after midnight in ns, and action."""
    times = [{"ts_event": MIDNIGHT + at, "ts_recv": MIDNIGHT + at + 50} for at, _ in actions]
    return [{"instrument_id": instrument, "action": action, **when} for when, (_, action) in zip(times, actions, strict=True)]


def test_rows_have_the_phase_of_their_time(tmp_path: Path) -> None:
    """The cross begins at 2 and trading at 3; nothing was said at 1. The names of the files put orders before statuses."""
    files = [
        write_records(tmp_path / "a.mbo.dbn", "mbo", [{**each, "flags": each["flags"] & kit.LAST} for each in EVENTS]),
        write_records(tmp_path / "b.status.dbn", "status", statuses((2, 4), (3, 7))),
    ]
    found = imported(tmp_path, *files)
    assert found["marketstate"].select("MarketState", "ExchangeMarketState").rows() == [(OPENING, "CROSS"), (OPEN, "TRADING")]
    assert found["trades"]["MarketState"].to_list() == [OPEN]
    by_time = found["l3"].group_by("TimestampNanoseconds", maintain_order=True).agg(pl.col("MarketState").unique())
    assert by_time["MarketState"].to_list() == [[None], [OPENING], [OPEN], [OPEN], [OPEN]]
    assert found["l2"]["MarketState"].to_list() == [None, OPENING, OPEN, OPEN]


def test_listings_have_phases_of_their_own(tmp_path: Path) -> None:
    trades = [
        {
            name: value
            for name, value in record("T", 0, "B", 20, 3, at=at, instrument_id=number).items()
            if name not in {"order_id", "channel_id"}
        }
        for at, number in ((1, 8), (4, 7), (5, 8), (6, 9))
    ]
    names = {7: "ABC", 8: "XYZ", 9: "NEW"}
    said = [*statuses((4, 7), instrument=7), *statuses((4, 8), instrument=8)]
    files = [
        write_records(tmp_path / "a.status.dbn", "status", said, symbols=names),
        write_records(tmp_path / "b.trades.dbn", "trades", trades, symbols=names),
    ]
    found = imported(tmp_path, *files)
    assert found["trades"].select("Ticker", "MarketState").rows() == [("XYZ", None), ("ABC", OPEN), ("XYZ", "HALTED"), ("NEW", None)]


def test_without_statuses_there_are_no_phases(tmp_path: Path) -> None:
    found = imported(tmp_path, write_records(tmp_path / "a.mbo.dbn", "mbo", EVENTS))
    assert "marketstate" not in found
    assert "MarketState" not in found["trades"].columns


def test_text_says_whether_it_trades(tmp_path: Path) -> None:
    rows = [
        "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,reason,trading_event,is_trading,is_quoting,is_short_sell_restricted,symbol",
        f"{MIDNIGHT + 1},{MIDNIGHT + 1},18,1,7,1,1,1,N,Y,~,ABC",
        f"{MIDNIGHT + 2},{MIDNIGHT + 2},18,1,7,6,1,0,Y,Y,~,ABC",
    ]
    (tmp_path / "xnas-itch-20240103.status.csv").write_text("\n".join(rows) + "\n")
    found = imported(tmp_path, tmp_path / "xnas-itch-20240103.status.csv")
    assert found["marketstate"].select("MarketState", "ExchangeMarketState").rows() == [
        ("PRE_OPEN", "PRE_OPEN SCHEDULED NO_CANCEL"),
        (OPEN, "NEW_PRICE_INDICATION SCHEDULED"),
    ]


def test_a_day_with_all_auctions_comes_back(tmp_path: Path) -> None:
    day, states = (
        date(2024, 1, 3),
        ["PRE_OPEN", OPENING, OPEN, "HALTED", UNSCHEDULED, OPEN, INTRADAY, OPEN, CLOSING, "POST_TRADE", "CLOSED"],
    )
    clock = pl.Series("TimestampNanoseconds", [MIDNIGHT + place for place in range(len(states))]).cast(pl.Datetime("ns"))
    phases = pl.DataFrame({"ListingId": [7] * len(states), "MarketState": states}).with_columns(clock)
    write_lake_file(tmp_path / "lake", MARKETSTATE, "XNAS", day, phases)
    write_lake_file(tmp_path / "lake", REFERENCE, "XNAS", day, pl.DataFrame({"ListingId": [7], "MIC": ["XNAS"], "Ticker": ["ABC"]}))
    order = {
        "ListingId": [7],
        "LobAction": [2],
        "Side": [1],
        "OrderId": ["1"],
        "OldOrderId": [""],
        "Price": [10.0],
        "Size": [1],
        "OldSize": [0],
    }
    more = {"OldPrice": [None], "OrderExecuted": [False], "ExecutionPrice": [None], "ExecutionSize": [0], "TradeId": [""]}
    orders = pl.DataFrame({**order, **more, "BMLLSequenceNo": [1]}).with_columns(clock.head(1))
    write_lake_file(tmp_path / "lake", L3, "XNAS", day, orders.with_columns(pl.col("OldPrice", "ExecutionPrice").cast(pl.Float64)))
    export_dbn(LakeDay(tmp_path / "lake", "XNAS", day), tmp_path / "files")
    done = import_dbn([tmp_path / "files"], tmp_path / "back")
    (path,) = (each.path for each in done.files if each.table == "marketstate")
    assert pl.read_parquet(path)["MarketState"].to_list() == states
