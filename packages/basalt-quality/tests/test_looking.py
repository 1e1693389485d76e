"""Each check on a few rows by hand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from basalt.core.catalog import catalog
from basalt.core.lake import lake_path
from basalt.market.tables import L2, L3, MARKETSTATE, REFERENCE, TRADES
from basalt.market.ticks import TICKSIZE
from basalt.quality.checking import check_lake
from basalt.quality.files import Wanted
from basalt.quality.reasons import REASONS

DAY = date(2026, 2, 2)
OPEN = [(1, "08:00:00", "CONTINUOUS_TRADING"), (1, "16:30:00", "CLOSED")]
Found = list[tuple[Any, ...]]


class Lake:
    """A lake of one market and day, from literal rows."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, table: Any, frame: pl.DataFrame, day: date = DAY, mic: str = "XTST") -> None:
        path = Path(lake_path(str(self.root), table, mic, day))
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(path)

    def states(self, rows: Iterable[tuple[int, str, str]] = OPEN) -> None:
        self.put(MARKETSTATE, events(rows, "MarketState"))

    def reference(self, *listings: int) -> None:
        self.put(REFERENCE, pl.DataFrame({"ListingId": listings, "MIC": ["XTST"] * len(listings)}))

    def trades(self, rows: Iterable[tuple[Any, ...]], *columns: str, **same: Any) -> None:
        frame = events(rows, "Price", "Size", *columns, clock="TradeTimestampNanoseconds")
        typed = frame.with_columns(pl.col("Price", "Size").cast(pl.Float64), MIC=pl.lit("XTST"))
        self.put(TRADES, typed.with_columns(pl.lit(value).alias(name) for name, value in same.items()))

    def quotes(self, rows: Iterable[tuple[Any, ...]], *columns: str) -> None:
        frame = events(rows, "BidPrice1", "AskPrice1", *columns)
        typed = frame.with_columns(pl.col("^(Bid|Ask)Price.*$").cast(pl.Float64))
        self.put(L2, typed.with_columns(BidQuantity1=pl.lit(100), AskQuantity1=pl.lit(100)))

    def orders(self, rows: Iterable[tuple[Any, ...]], *columns: str) -> None:
        names = ("LobAction", "Side", "OldOrderId", "OldSize", "OrderId", "Size", *columns)
        self.put(L3, events(rows, *names))

    def found(self, *tables: str, reason: str = "", **options: Any) -> Found:
        """Table, listing, reason, start, end and count of what is wrong, but that tables are missing."""
        [checked] = check_lake(self.root, catalog().tables, Wanted(tables=tables, first=DAY, last=DAY), **options)
        times = [pl.col(name).cast(pl.Datetime("ns")).dt.strftime("%H:%M:%S") for name in ("Start", "End")]
        wrong = checked.findings.filter(pl.col("Reason") == reason if reason else ~pl.col("Reason").is_in(["MISSING_TABLE"]))
        ordered = wrong.sort("CheckedTable", "ListingId", "Reason", "Start")
        return ordered.select("CheckedTable", "ListingId", "Reason", *times, "Count").rows()


def events(rows: Iterable[tuple[Any, ...]], *columns: str, clock: str = "TimestampNanoseconds") -> pl.DataFrame:
    """Rows of (listing, time of day, *columns*)."""
    frame = pl.DataFrame(list(rows), schema=["ListingId", "at", *columns], orient="row", strict=False)
    at = pl.when(pl.col("at").is_not_null()).then(pl.format(f"{DAY} {{}}", "at")).str.to_datetime(time_unit="ns")
    return frame.with_columns(at.alias(clock)).drop("at")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def test_rows_out_of_order(lake: Lake) -> None:
    lake.trades([(1, "09:00:00", 10, 1), (2, "09:00:05", 10, 1), (1, "09:00:03", 10, 1)])
    assert lake.found() == [("trades", 1, "OUT_OF_ORDER", "09:00:03", "09:00:05", 1)]


def test_repeated_rows(lake: Lake) -> None:
    row = (1, "09:00:00", 10, 1, 7)
    lake.trades([row, row, row, (1, "09:00:00", 10, 1, 8)], "BMLLSequenceNo")
    assert lake.found() == [("trades", 1, "DUPLICATE", "09:00:00", "09:00:00", 2)]


def test_without_sequence_numbers_equal_rows_may_be_two_events(lake: Lake) -> None:
    lake.trades([(1, "09:00:00", 10, 1)] * 2)
    assert lake.found() == []


def test_numbers_that_leave_some_out(lake: Lake) -> None:
    lake.quotes(
        [(1, "09:00:00", 10, 11, 1), (1, "09:00:05", 10, 11, 2), (2, "09:00:06", 10, 11, 9), (1, "09:00:09", 10, 11, 5)], "L2EventNo"
    )
    assert lake.found() == [("l2", 1, "NUMBER_GAP", "09:00:05", "09:00:09", 2)]


def test_clocks(lake: Lake) -> None:
    rows = [(1, "09:00:00", 10, 1, -1), (1, "09:00:10", 10, 1, 0), (1, "09:00:20", 10, 1, 61), (1, None, 10, 1, 0)]
    frame = events(rows, "Price", "Size", "lag", clock="TradeTimestampNanoseconds")
    received = pl.col("TradeTimestampNanoseconds").cast(pl.Int64) + pl.col("lag") * 1_000_000_000
    frame = frame.with_columns(ReceiveTimestamp=received, MIC=pl.lit("XTST")).with_columns(pl.col("Price", "Size").cast(pl.Float64))
    lake.put(TRADES, frame.drop("lag"))
    assert lake.found() == [
        ("trades", 1, "CLOCK_DELAY", "09:00:20", "09:00:20", 1),
        ("trades", 1, "CLOCK_MISSING", "00:00:00", "23:59:59", 1),
        ("trades", 1, "CLOCK_SKEW", "09:00:00", "09:00:00", 1),
    ]


def test_a_clock_of_another_day(lake: Lake) -> None:
    frame = pl.DataFrame({"ListingId": [1], "MIC": ["XTST"], "Price": [1.0], "Size": [1.0]})
    lake.put(TRADES, frame.with_columns(TradeTimestamp=pl.lit("2026-02-05").str.to_datetime(time_unit="us")))
    assert [row[2] for row in lake.found()] == ["CLOCK_OFF_DAY"]


def test_time_that_goes_backwards_along_sequence_numbers_of_one_source(lake: Lake) -> None:
    rows = [(1, "09:00:00", 10, 1, 5, 1), (1, "09:00:01", 10, 1, 4, 2), (1, "09:00:02", 10, 1, 4, 1), (1, "09:00:03", 10, 1, 6, 1)]
    lake.trades(rows, "BMLLSequenceNo", "BMLLSequenceSource")
    assert lake.found() == [("trades", 1, "CLOCK_JUMP", "09:00:00", "09:00:02", 1)]


def test_late_reports_of_trades_off_the_book_are_no_jumps(lake: Lake) -> None:
    rows = [(1, "09:00:00", 10, 1, 5, "LIT_CONTINUOUS"), (1, "09:00:02", 10, 1, 4, "OTC")]
    lake.trades(rows, "BMLLSequenceNo", "Classification")
    assert lake.found() == []


def test_sizes_and_prices(lake: Lake) -> None:
    lake.trades([(1, "09:00:00", 10, -1), (1, "09:01:00", None, 1), (1, "09:02:00", float("nan"), 1), (1, "09:03:00", 0, 1)])
    assert lake.found() == [
        ("trades", 1, "BAD_PRICE", "09:01:00", "09:01:00", 1),
        ("trades", 1, "BAD_PRICE", "09:02:00", "09:02:00", 1),
        ("trades", 1, "NEGATIVE_SIZE", "09:00:00", "09:00:00", 1),
        ("trades", 1, "PRICE_NOT_POSITIVE", "09:03:00", "09:03:00", 1),
    ]


def test_wrong_rows_within_a_second_are_one_finding(lake: Lake) -> None:
    lake.trades([(1, f"09:00:00.{tenth}", 10, -1) for tenth in range(10)] + [(1, "09:00:05", 10, -1)])
    assert lake.found() == [
        ("trades", 1, "NEGATIVE_SIZE", "09:00:00", "09:00:00", 10),
        ("trades", 1, "NEGATIVE_SIZE", "09:00:05", "09:00:05", 1),
    ]


def test_codes_and_states(lake: Lake) -> None:
    lake.trades([(1, "09:00:00", 10, 1, 3, "OPEN"), (1, "09:01:00", 10, 1, None, None)], "AggressorSide", "MarketState")
    assert [row[2] for row in lake.found()] == ["UNKNOWN_CODE", "UNKNOWN_STATE"]


def test_levels_that_get_better(lake: Lake) -> None:
    rows = [
        (1, "09:00:00", 10, 11, 9, 12),
        (1, "09:00:02", 10, 11, 10, 12),
        (1, "09:00:04", None, 11, 9, None),
        (1, "09:00:06", 10, 11, None, None),
    ]
    lake.quotes(rows, "BidPrice2", "AskPrice2")
    assert [row[2:4] for row in lake.found()] == [("LEVELS_OUT_OF_ORDER", "09:00:02"), ("LEVELS_OUT_OF_ORDER", "09:00:04")]


def test_crossed_and_locked_books_in_continuous_trading_only(lake: Lake) -> None:
    lake.states([(1, "08:00:00", "OPENING_AUCTION"), (1, "09:00:00", "CONTINUOUS_TRADING"), (1, "16:30:00", "CLOSED")])
    rows = [
        ("08:30:00", 12, 11),
        ("09:00:00", 10, 11),
        ("09:10:00", 12, 11),
        ("09:10:30", 11, 11),
        ("09:11:00", None, 11),
        ("09:12:00", 10, 11),
    ]
    lake.quotes([(1, *row) for row in rows])
    assert lake.found() == [("l2", 1, "CROSSED", "09:10:00", "09:10:30", 1), ("l2", 1, "LOCKED", "09:10:30", "09:11:00", 1)]


def test_the_time_of_one_finding_is_that_of_its_rows_without_the_gaps(lake: Lake) -> None:
    times = ["09:10:00.0", "09:10:00.2", "09:10:00.8", "09:10:00.9", "09:10:05.0"]
    lake.quotes([(1, at, bid, 11) for at, bid in zip(times, (12, 10, 12, 10, 10), strict=True)])
    [checked] = check_lake(lake.root, catalog().tables, Wanted())
    crossed = checked.findings.filter(Reason="CROSSED")
    assert crossed.select("Count", "Nanos", pl.col("End") - pl.col("Start")).rows() == [(2, 300_000_000, 900_000_000)]


def test_prices_off_the_grid(lake: Lake) -> None:
    lake.put(TICKSIZE, pl.DataFrame({"ListingId": [1, 1], "MIC": ["XTST"] * 2, "PriceFrom": [0.0, 10.0], "TickSize": [0.01, 0.05]}))
    lake.trades([(1, "09:00:00", 9.99, 1, "LIT"), (1, "09:01:00", 10.01, 1, "LIT"), (1, "09:02:00", 10.01, 1, "OTC")], "BMLLTradeType")
    lake.quotes([(1, "09:00:00", 9.99, 10.05), (1, "09:03:00", 9.995, 10.05)])
    assert [(row[0], row[3]) for row in lake.found(reason="OFF_TICK")] == [("l2", "09:03:00"), ("trades", "09:01:00")]


def test_ticks_of_the_reference_do_where_there_are_no_ladders(lake: Lake) -> None:
    lake.put(REFERENCE, pl.DataFrame({"ListingId": [1], "MIC": ["XTST"], "TickSize": [0.5]}))
    lake.trades([(1, "09:00:00", 10.5, 1), (1, "09:01:00", 10.25, 1)])
    assert [row[3] for row in lake.found(reason="OFF_TICK")] == ["09:01:00"]


def test_halts(lake: Lake) -> None:
    lake.states(
        [(1, "08:00:00", "CONTINUOUS_TRADING"), (1, "10:00:00", "HALTED"), (2, "10:00:00", "HALTED"), (1, "11:00:00", "CONTINUOUS_TRADING")]
    )
    lake.trades([(1, "09:59:59", 10, 1), (1, "10:00:00", 10, 1), (1, "11:00:00", 10, 1)])
    assert lake.found() == [
        ("marketstate", 2, "HALT_UNRESOLVED", "10:00:00", "10:00:00", 1),
        ("trades", 1, "TRADED_WHILE_HALTED", "10:00:00", "10:00:00", 1),
    ]


def test_orders_are_followed_by_their_names(lake: Lake) -> None:
    lake.orders(
        [
            (1, "09:00:00", 2, 1, "", 0, "a", 100),
            (1, "09:01:00", 4, 1, "a", 100, "a", 60),
            (1, "09:02:00", 4, 1, "a", 60, "b", 60),
            (1, "09:03:00", 3, 1, "a", 60, "", 0),
            (1, "09:04:00", 2, 2, "", 0, "b", 10),
            (1, "09:05:00", 1, 2, "b", 20, "", 0),
            (2, "09:06:00", 3, 1, "b", 10, "", 0),
        ]
    )
    assert lake.found() == [
        ("l3", 1, "REPEATED_ORDER", "09:04:00", "09:04:00", 1),
        ("l3", 1, "SIZE_MISMATCH", "09:05:00", "09:05:00", 1),
        ("l3", 1, "UNKNOWN_ORDER", "09:03:00", "09:03:00", 1),
        ("l3", 2, "UNKNOWN_ORDER", "09:06:00", "09:06:00", 1),
    ]


def test_sizes_of_orders_from_before_the_file_are_not_known(lake: Lake) -> None:
    """As in a file of LOBSTER: what an order lost is told, and not what it has left."""
    lake.orders([(1, "09:00:00", 4, 1, "a", 100, "a", 0), (1, "09:01:00", 4, 1, "a", 50, "a", 0), (1, "09:02:00", 3, 1, "a", 20, "", 0)])
    assert lake.found() == [("l3", 1, "UNKNOWN_ORDER", "09:00:00", "09:00:00", 1)]


def test_an_event_on_the_other_side(lake: Lake) -> None:
    lake.orders([(1, "09:00:00", 2, 1, "", 0, "a", 100), (1, "09:01:00", 3, 2, "a", 100, "", 0)])
    assert lake.found() == [("l3", 1, "SIDE_MISMATCH", "09:01:00", "09:01:00", 1)]


def executed(*rows: tuple[str, int, str, int]) -> list[tuple[Any, ...]]:
    """Orders that are entered and executed in one event each: (time, side, trade, size)."""
    entered = [(1, "08:59:00", 2, side, "", 0, f"{at}{side}", size, 0, "", 10.0) for at, side, _, size in rows]
    return entered + [(1, at, 1, side, f"{at}{side}", size, "", 0, size, trade, 10.0) for at, side, trade, size in rows]


def test_trades_and_executions_tell_the_same(lake: Lake) -> None:
    lake.orders(
        executed(("09:00:00", 1, "t1", 5), ("09:01:00", 1, "t2", 5), ("09:01:00", 2, "t2", 5), ("09:02:00", 2, "t3", 5)),
        "ExecutionSize",
        "TradeId",
        "ExecutionPrice",
    )
    trades = [("09:00:00", 10, 5, "t1", 2), ("09:01:00", 10, 5, "t2", 0), ("09:02:00", 10, 5, "t3", 1)]
    lake.trades([(1, *row) for row in trades], "TradeId", "AggressorSide", Classification="LIT_CONTINUOUS")
    assert lake.found() == []


@pytest.mark.parametrize(("size", "agrees"), [(5, False), (6, True), (9, True), (10, False)])
def test_executions_without_a_side_are_of_either(size: int, agrees: bool, lake: Lake) -> None:
    """An uncrossing of six at the bid, five at the ask and up to three more on either side, of orders that nobody knows."""
    known = executed(("09:00:00", 1, "t1", 6), ("09:00:00", 2, "t1", 5))
    unknown = [(1, "09:00:00", 1, None, "", 0, "", 0, lots, "t1", 10.0) for lots in (1, 2)]
    lake.orders([*known, *unknown], "ExecutionSize", "TradeId", "ExecutionPrice")
    lake.trades([(1, "09:00:00", 10, size, "t1", 0)], "TradeId", "AggressorSide", Classification="LIT_AUCTION")
    assert (lake.found(reason="TRADE_MISMATCH") == []) == agrees


@pytest.mark.parametrize(
    ("trade", "reason", "at"),
    [
        (("09:00:00", 10, 4, "t1", 2), "TRADE_MISMATCH", "09:00:00"),
        (("09:00:00", 11, 5, "t1", 2), "TRADE_MISMATCH", "09:00:00"),
        (("09:00:05", 10, 5, "t1", 2), "TRADE_MISMATCH", "09:00:00"),
        (("09:00:00", 10, 5, "t1", 1), "WRONG_SIDE", "09:00:00"),
        (("09:00:00", 10, 5, "t9", 1), "UNMATCHED_TRADE", "09:00:00"),
        (("09:00:00", 10, 5, "t9", 1), "UNMATCHED_EXECUTION", "09:00:00"),
    ],
)
def test_trades_and_executions_that_do_not_agree(trade: tuple[Any, ...], reason: str, at: str, lake: Lake) -> None:
    lake.orders(executed(("09:00:00", 1, "t1", 5), ("09:02:00", 2, "t3", 5)), "ExecutionSize", "TradeId", "ExecutionPrice")
    rows = [(1, *trade), (1, "09:02:00", 10, 5, "t3", 1), (1, "09:03:00", 10, 5, "otc", 0)]
    lake.trades(rows, "TradeId", "AggressorSide")
    frame = pl.read_parquet(lake_path(str(lake.root), TRADES, "XTST", DAY))
    lit = pl.when(pl.col("TradeId") == "otc").then(pl.lit("OTC")).otherwise(pl.lit("LIT_CONTINUOUS"))
    lake.put(TRADES, frame.with_columns(Classification=lit))
    assert [row[3] for row in lake.found(reason=reason)] == [at]


def test_names_that_never_meet_are_not_compared(lake: Lake) -> None:
    lake.orders(executed(("09:00:00", 1, "x1", 5)), "ExecutionSize", "TradeId", "ExecutionPrice")
    lake.trades([(1, "09:00:00", 10, 5, "t1")], "TradeId")
    assert lake.found() == []


def test_a_listing_that_falls_silent(lake: Lake) -> None:
    lake.states()
    seconds = [f"{8 + minute // 60:02}:{minute % 60:02}:{second:02}" for minute in range(510) for second in (0, 20, 40)]
    kept = [at for at in seconds if not "10:00:00" < at < "10:40:00"]
    lake.trades([(1, at, 10, 1) for at in kept])
    assert lake.found() == [("trades", 1, "SILENCE", "10:00:00", "10:40:00", 1)]


def test_files_that_end_too_early_are_silent_until_the_close(lake: Lake) -> None:
    lake.states()
    lake.trades([(1, f"{8 + minute // 60:02}:{minute % 60:02}:00", 10, 1) for minute in range(120)])
    assert lake.found() == [("trades", 1, "SILENCE", "09:59:00", "16:30:00", 1)]


def test_a_market_that_falls_silent(lake: Lake) -> None:
    lake.states([(1, "09:00:00", "CONTINUOUS_TRADING"), (1, "09:10:00", "CLOSED")])
    rows = [(1, f"09:{minute:02}:{second:02}", 10, 1) for minute in range(10) if minute != 5 for second in range(60)]
    lake.trades(rows)
    assert ("trades", None, "MARKET_SILENCE", "09:05:00", "09:05:59", 1) in lake.found()


def test_what_is_missing(lake: Lake) -> None:
    lake.reference(1)
    lake.trades([(1, "09:00:00", 10, 1), (2, "09:00:00", 10, 1)])
    lake.quotes([(1, "09:00:00", 10, 11), (3, "09:00:00", 10, 11)])
    lake.orders([(1, "09:00:00", 2, 1, "", 0, "a", 100)])
    found = [row[:3] for row in lake.found()]
    assert found == [("l2", 3, "UNKNOWN_LISTING"), ("l3", 3, "MISSING_ROWS"), ("trades", 2, "UNKNOWN_LISTING")]


def test_a_table_that_the_market_has_on_other_days_is_missed(lake: Lake) -> None:
    lake.trades([(1, "09:00:00", 10, 1)])
    lake.reference(1)
    frame = pl.DataFrame({"ListingId": [1], "TimestampNanoseconds": [0]})
    lake.put(MARKETSTATE, frame, day=date(2026, 2, 3))
    assert [(row[0], row[1]) for row in lake.found(reason="MISSING_TABLE")] == [("marketstate", None)]


def test_files_that_break_their_contract(lake: Lake) -> None:
    lake.put(TRADES, pl.DataFrame({"ListingId": [1], "Price": [1.0]}))
    assert [row[:3] for row in lake.found()] == [("trades", None, "BROKEN_CONTRACT")]


def test_only_the_tables_asked_for(lake: Lake) -> None:
    lake.trades([(1, "09:00:00", 10, -1)])
    lake.quotes([(1, "09:00:00", 11, 10), (1, "09:00:01", 9, 10)])
    assert {row[0] for row in lake.found("l2")} == {"l2"}


def test_coverage_is_the_share_of_open_minutes_with_an_event(lake: Lake) -> None:
    lake.states([(1, "09:00:00", "CONTINUOUS_TRADING"), (1, "09:10:00", "CLOSED")])
    lake.trades([(1, "08:59:00", 10, 1), (1, "09:00:30", 10, 1), (1, "09:00:40", 10, 1), (1, "09:07:00", 10, 1)])
    [checked] = check_lake(lake.root, catalog().tables, Wanted())
    told = checked.listings.filter(Table="trades").row(0, named=True)
    assert (told["Rows"], told["Coverage"]) == (4, 0.2)


def test_every_reason_is_tried() -> None:
    text = Path(__file__).read_text() + (Path(__file__).parent / "test_faults.py").read_text()
    assert [code for code in REASONS if f'"{code}"' not in text] == []


def test_days_of_a_range_that_the_lake_has_nothing_of(lake: Lake) -> None:
    """London trades from Thursday to Wednesday but on the weekend and on Good Friday, 3 April 2026; Easter Monday is a holiday too."""
    reference = pl.DataFrame({"ListingId": [1], "MIC": ["XLON"]})
    for day in (2, 8):
        lake.put(REFERENCE, reference, date(2026, 4, day), "XLON")
    for mic in ("XLON", "XTST"):
        lake.put(TRADES, pl.DataFrame(schema={"ListingId": pl.Int64}), date(2026, 4, 2), mic)
    wanted = Wanted(first=date(2026, 4, 2), last=date(2026, 4, 8))
    absent = {(each.mic, each.day.day) for each in check_lake(lake.root, catalog().tables, wanted) if not each.is_there}
    assert absent == {("XLON", 7)}
    found = {each.day.day: each.findings for each in check_lake(lake.root, catalog().tables, wanted) if each.mic == "XLON"}
    assert found[7].select("CheckedTable", "Reason").rows() == [("reference", "MISSING_TABLE"), ("trades", "MISSING_TABLE")]
    assert {each.day.day for each in check_lake(lake.root, catalog().tables, Wanted()) if each.mic == "XLON"} == {2, 8}
