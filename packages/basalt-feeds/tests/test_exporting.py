"""What an export writes, record by record and line by line, and what the command says about it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from basalt.core.errors import DataError, InvalidValue, MissingData
from basalt.core.lake import write_lake_file
from basalt.feeds.commands import app
from basalt.feeds.dbn.exporting import export_dbn
from basalt.feeds.dbn.records import read_dbn
from basalt.feeds.feed import LakeDay
from basalt.feeds.lobster.exporting import export_lobster
from basalt.market.tables import L3, MARKETSTATE, REFERENCE, TRADES

DAY = date(2024, 1, 3)
MIDNIGHT = 1_704_240_000 * 10**9
OPEN = 14 * 3600 + 30 * 60
"""Seconds from midnight in UTC to 09:30 in New York."""

EVENTS = [
    # action, side, order, old order, price, old price, size, old size, executed, execution price and size, trade, end
    (2, 1, "1", "", 10.0, None, 100, 0, False, None, 0, "", True),
    (2, 2, "2", "", 10.5, None, 50, 0, False, None, 0, "", True),
    (4, 1, "1", "1", 10.0, 10.0, 70, 100, True, 10.0, 30, "t1", False),
    (3, 2, "", "2", None, 10.5, 0, 50, False, None, 0, "", True),
    (4, 1, "1", "1", 10.25, 10.0, 80, 70, False, None, 0, "", True),
    (4, 1, "1", "1", 10.25, 10.25, 60, 80, False, None, 0, "", True),
    (1, 1, "", "", None, None, 0, 0, True, 10.3, 7, "t2", True),
]
NAMES = (
    "LobAction",
    "Side",
    "OrderId",
    "OldOrderId",
    "Price",
    "OldPrice",
    "Size",
    "OldSize",
    "OrderExecuted",
    "ExecutionPrice",
    "ExecutionSize",
    "TradeId",
    "EndOfEvent",
)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """One listing, with an execution of a shown order and one of a hidden order, a halt and a print off the book."""
    root = tmp_path / "lake"
    clock = [MIDNIGHT + (OPEN + place) * 10**9 for place in range(len(EVENTS))]
    orders = pl.DataFrame(EVENTS, schema=NAMES, orient="row").with_columns(
        pl.lit(7, pl.Int64).alias("ListingId"),
        pl.Series("TimestampNanoseconds", clock).cast(pl.Datetime("ns")),
        pl.int_range(1, pl.len() + 1).alias("BMLLSequenceNo"),
    )
    write_lake_file(root, L3, "XNAS", DAY, orders)
    prints = [("t1", 2, 10.0, 30.0, "LIT_CONTINUOUS", 2), ("t2", 1, 10.3, 7.0, "LIT_HIDDEN", 6), ("t3", 0, 10.1, 500.0, "OFF_BOOK", 6)]
    trades = pl.DataFrame(prints, schema=["TradeId", "AggressorSide", "Price", "Size", "Classification", "Row"], orient="row").with_columns(
        pl.lit(7, pl.Int64).alias("ListingId"),
        pl.lit("XNAS").alias("MIC"),
        pl.Series("TradeTimestampNanoseconds", [clock[row] for *_, row in prints]).cast(pl.Datetime("ns")),
    )
    write_lake_file(root, TRADES, "XNAS", DAY, trades.drop("Row"))
    phases = pl.DataFrame(
        {"ListingId": [7, 7], "MarketState": ["HALTED", "CONTINUOUS_TRADING"], "TimestampNanoseconds": [clock[5], clock[6]]}
    )
    write_lake_file(root, MARKETSTATE, "XNAS", DAY, phases.with_columns(pl.col("TimestampNanoseconds").cast(pl.Datetime("ns"))))
    names = {"ListingId": [7], "MIC": ["XNAS"], "Ticker": ["ABC"], "CurrencyCode": ["USD"], "TickSize": [0.25]}
    write_lake_file(root, REFERENCE, "XNAS", DAY, pl.DataFrame(names))
    return root


def test_records_of_dbn(lake: Path, tmp_path: Path) -> None:
    done = export_dbn(LakeDay(lake, "XNAS", DAY), tmp_path / "out")
    assert [(each.holds, each.path.name, each.rows) for each in done.files] == [
        ("mbo", "xnas-basalt-20240103.mbo.dbn.zst", 10),
        ("definition", "xnas-basalt-20240103.definition.dbn.zst", 1),
        ("status", "xnas-basalt-20240103.status.dbn.zst", 2),
    ]
    ((header, _, records),) = read_dbn(done.files[0].path)
    assert (header.dataset, header.symbols.symbol(1, DAY)) == ("XNAS.BASALT", "ABC")
    told = [
        (chr(each["action"]), chr(each["side"]), each["order_id"], each["price"], each["size"], each["flags"])
        for each in records.iter_rows(named=True)
    ]
    ten, quarter, half, hidden = (int(price * 1000) * 10**6 for price in (10, 10.25, 10.5, 10.3))
    assert told == [
        ("A", "B", 1, ten, 100, 128),
        ("A", "A", 2, half, 50, 128),
        ("T", "A", 0, ten, 30, 0),
        ("F", "B", 1, ten, 30, 0),
        ("C", "B", 1, ten, 30, 0),
        ("C", "A", 2, half, 50, 128),
        ("M", "B", 1, quarter, 80, 128),
        ("C", "B", 1, quarter, 20, 128),
        ("T", "B", 0, hidden, 7, 0),
        ("F", "B", 0, hidden, 7, 128),
    ]


def test_lines_of_lobster(lake: Path, tmp_path: Path) -> None:
    done = export_lobster(LakeDay(lake, "XNAS", DAY), tmp_path / "out", levels=1)
    messages, book = (each.path.read_text().splitlines() for each in done.files)
    assert done.files[0].path.name == "ABC_2024-01-03_34200000_57600000_message_1.csv"
    assert list(zip(messages, book, strict=True)) == [
        ("34200.000000000,1,1,100,100000,1", "9999999999,0,100000,100"),
        ("34201.000000000,1,2,50,105000,-1", "105000,50,100000,100"),
        ("34202.000000000,4,1,30,100000,1", "105000,50,100000,70"),
        ("34203.000000000,3,2,50,105000,-1", "9999999999,0,100000,70"),
        ("34204.000000000,3,1,70,100000,1", "9999999999,0,-9999999999,0"),
        ("34204.000000000,1,1,80,102500,1", "9999999999,0,102500,80"),
        ("34205.000000000,2,1,20,102500,1", "9999999999,0,102500,60"),
        ("34205.000000000,7,0,0,-1,-1", "9999999999,0,102500,60"),
        ("34206.000000000,5,0,7,103000,1", "9999999999,0,102500,60"),
        ("34206.000000000,7,0,0,1,-1", "9999999999,0,102500,60"),
    ]


@pytest.mark.parametrize("rows_at_once", [1, 2, 3, 4])
def test_spans_of_time_make_no_difference_to_lines(lake: Path, tmp_path: Path, rows_at_once: int) -> None:
    """Books, halts between spans and behind the last order, and orders whose ids are no numbers go on from span to span."""
    path = next((lake / "Equity-L3").rglob("*.parquet"))
    letters = {"1": "b", "2": "a", "": ""}
    write_lake_file(lake, L3, "XNAS", DAY, pl.read_parquet(path).with_columns(pl.col("OrderId", "OldOrderId").replace_strict(letters)))
    phases = pl.read_parquet(next((lake / "MarketState").rglob("*.parquet")))
    late = phases.tail(1).with_columns(
        pl.lit("HALTED").alias("MarketState"), pl.col("TimestampNanoseconds") + pl.duration(seconds=100, time_unit="ns")
    )
    write_lake_file(lake, MARKETSTATE, "XNAS", DAY, pl.concat([phases, late]))
    source = LakeDay(lake, "XNAS", DAY)
    whole, spans = (
        [each.path.read_text() for each in export_lobster(source, tmp_path / name, rows_at_once=rows).files]
        for name, rows in (("whole", 100), ("spans", rows_at_once))
    )
    assert spans == whole
    assert whole[0].splitlines()[1].startswith("34201.000000000,1,1,50")
    assert whole[0].splitlines()[-1].endswith(",7,0,0,-1,-1")
    assert len(whole[1].splitlines()) == 11


def test_prices_that_lobster_cannot_hold_are_refused(lake: Path, tmp_path: Path) -> None:
    path = next((lake / "Equity-L3").rglob("*.parquet"))
    write_lake_file(lake, L3, "XNAS", DAY, pl.read_parquet(path).with_columns(pl.col("Price") + 0.00001))
    with pytest.raises(DataError, match="finer than"):
        export_lobster(LakeDay(lake, "XNAS", DAY), tmp_path / "out")


@pytest.mark.parametrize("export", [export_dbn, export_lobster])
def test_what_is_not_there_cannot_be_exported(lake: Path, tmp_path: Path, export: Any) -> None:
    with pytest.raises(MissingData, match="the lake has no XYZ"):
        export(LakeDay(lake, "XNAS", DAY, ("XYZ",)), tmp_path / "out")
    with pytest.raises(MissingData, match="the lake has no reference"):
        export(LakeDay(lake, "XNYS", DAY), tmp_path / "out")


def test_the_command_prints_files_and_losses(lake: Path, tmp_path: Path) -> None:
    arguments = ["export", "lobster", str(tmp_path / "out"), "--lake", str(lake), "--date", str(DAY), "--mic", "XNAS", "--levels", "2"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "2 files, 20 records" in result.stdout
    assert "not carried: Trades off the book" in result.stderr
    rows = json.loads(CliRunner().invoke(app, [*arguments, "--json", "--ticker", "ABC"]).stdout)
    assert [row["holds"] for row in rows] == ["message", "orderbook"]


@pytest.mark.parametrize(("option", "value"), [("--date", "yesterday"), ("--levels", "0")])
def test_options_are_checked(lake: Path, tmp_path: Path, option: str, value: str) -> None:
    given = {"--lake": str(lake), "--date": str(DAY), "--mic": "XNAS", option: value}
    result = CliRunner().invoke(app, ["export", "lobster", str(tmp_path / "out"), *(each for pair in given.items() for each in pair)])
    assert isinstance(result.exception, InvalidValue)
    assert result.exception.where == option


def written_records(lake: Path, out: Path, **options: int) -> pl.DataFrame:
    done = export_dbn(LakeDay(lake, "XNAS", DAY), out, **options)
    assert done.files[0].rows == 10
    return pl.concat([records for _, _, records in read_dbn(done.files[0].path)])


@pytest.mark.parametrize("rows_at_once", [1, 2, 3, 4])
def test_spans_of_time_make_no_difference_to_records(lake: Path, tmp_path: Path, rows_at_once: int) -> None:
    whole = written_records(lake, tmp_path / "whole")
    assert written_records(lake, tmp_path / "spans", rows_at_once=rows_at_once).equals(whole)


@pytest.mark.parametrize("rows_at_once", [1, 100])
def test_ids_that_are_no_numbers_are_numbered(lake: Path, tmp_path: Path, rows_at_once: int) -> None:
    path = next((lake / "Equity-L3").rglob("*.parquet"))
    stored = pl.read_parquet(path)
    letters = {"1": "b", "2": "a", "": ""}
    write_lake_file(lake, L3, "XNAS", DAY, stored.with_columns(pl.col("OrderId", "OldOrderId").replace_strict(letters)))
    records = written_records(lake, tmp_path / "out", rows_at_once=rows_at_once)
    assert records["order_id"].to_list() == [2, 1, 0, 2, 2, 1, 2, 2, 0, 0]


def test_trades_without_orders_are_events_of_their_own(lake: Path, tmp_path: Path) -> None:
    """Two prints behind the last order, at different times, and one before the first."""
    clock = [MIDNIGHT, MIDNIGHT + 86_000 * 10**9, MIDNIGHT + 86_001 * 10**9]
    trades = pl.DataFrame(
        {"ListingId": [7] * 3, "MIC": ["XNAS"] * 3, "TradeId": ["x", "y", "z"], "Price": [1.0, 2.0, 3.0], "Size": [1.0, 2.0, 3.0]}
    )
    clocks = pl.Series("TradeTimestampNanoseconds", clock).cast(pl.Datetime("ns"))
    write_lake_file(lake, TRADES, "XNAS", DAY, trades.with_columns(clocks, AggressorSide=pl.lit(1, pl.Int64)))
    done = export_dbn(LakeDay(lake, "XNAS", DAY), tmp_path / "out", rows_at_once=3)
    ((_, _, records),) = read_dbn(done.files[0].path)
    assert records.filter(pl.col("action") == ord("T")).select("size", "flags").rows() == [(1, 128), (2, 128), (3, 128)]
    assert records["ts_event"].is_sorted()
