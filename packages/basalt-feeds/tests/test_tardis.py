"""Tardis files against a slow reader, and a lake against its own export."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from datetime import date, datetime
from heapq import nlargest, nsmallest
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from basalt.core.errors import ConflictingSettings, CorruptInput, InvalidValue, MissingData, UnsortedInput
from basalt.core.lake import write_lake_file
from basalt.feeds.feed import LakeDay
from basalt.feeds.tardis.exporting import export_tardis
from basalt.feeds.tardis.feed import TardisFeed
from basalt.feeds.tardis.importing import import_tardis, market_of
from basalt.market.tables import L2, REFERENCE, TRADES
from basalt.testing import FeedContract

NOON = 1_598_961_600_000_000
"""2020-09-01 12:00 UTC in microseconds."""
DAY = date(2020, 9, 1)

HEADERS = {
    "incremental_book_L2": "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount",
    "quotes": "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount",
    "trades": "exchange,symbol,timestamp,local_timestamp,id,side,price,amount",
    "book_snapshot_5": "exchange,symbol,timestamp,local_timestamp,"
    + ",".join(f"{side}[{level}].{what}" for level in range(5) for side in ("asks", "bids") for what in ("price", "amount")),
}

BOOK = ["0,5,true,bid,10.1,1.5", "0,5,true,ask,10.2,0.25", "3,9,false,bid,10.1,0", "3,9,false,bid,10,7", "4,12,false,ask,10.20,0.00000001"]


def write(folder: Path, kind: str, rows: Sequence[str], *, symbol: str = "BTCUSDT", at: int = NOON) -> Path:
    """A file whose rows start with two clocks in microseconds after *at*."""
    lines = [HEADERS[kind]]
    for row in rows:
        clock, arrival, rest = row.split(",", 2)
        lines.append(f"binance,{symbol},{at + int(clock)},{at + int(arrival)},{rest}")
    path = folder / f"binance_{kind}_2020-09-01_{symbol}.csv.gz"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode()))
    return path


def table(lake: Path, folder: str) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(path) for path in sorted((lake / folder).rglob("*.parquet"))], how="diagonal")


def books(lake: Path) -> list[tuple[int, tuple[Any, ...], tuple[Any, ...]]]:
    """Arrival (µs after noon), bids and asks of every row of `l2`."""
    return [
        (
            row["ReceiveTimestamp"] // 1000 - NOON,
            *(
                tuple((row[f"{side}Price{n}"], row[f"{side}Quantity{n}"]) for n in range(1, 11) if row[f"{side}Price{n}"] is not None)
                for side in ("Bid", "Ask")
            ),
        )
        for row in table(lake, "Equity").iter_rows(named=True)
    ]


# ---------------------------------------------------------------- books


def test_rows_that_arrive_together_are_one_event(tmp_path: Path) -> None:
    import_tardis([write(tmp_path, "incremental_book_L2", BOOK)], tmp_path / "lake")
    assert books(tmp_path / "lake") == [
        (5, ((10.1, 1.5),), ((10.2, 0.25),)),
        (9, ((10.0, 7.0),), ((10.2, 0.25),)),
        (12, ((10.0, 7.0),), ((10.2, 0.00000001),)),
    ]
    clocks = table(tmp_path / "lake", "Equity")["TimestampNanoseconds"].dt.epoch("us").to_list()
    assert [clock - NOON for clock in clocks] == [0, 3, 4]


def test_updates_before_the_first_snapshot_belong_to_no_book(tmp_path: Path) -> None:
    done = import_tardis([write(tmp_path, "incremental_book_L2", ["0,1,false,bid,9,9", *BOOK])], tmp_path / "lake")
    assert books(tmp_path / "lake")[0] == (5, ((10.1, 1.5),), ((10.2, 0.25),))
    assert done.notices == ("BTCUSDT: 1 updates before the first snapshot, left out",)


def test_a_snapshot_after_updates_replaces_the_book(tmp_path: Path) -> None:
    """Rows of one snapshot go on though they arrive at two times."""
    rows = [*BOOK, "20,20,true,bid,9,1", "20,21,true,ask,11,1"]
    import_tardis([write(tmp_path, "incremental_book_L2", rows)], tmp_path / "lake")
    assert books(tmp_path / "lake")[-2:] == [(20, ((9.0, 1.0),), ()), (21, ((9.0, 1.0),), ((11.0, 1.0),))]


def test_a_book_from_before_midnight_is_dated_at_midnight(tmp_path: Path) -> None:
    midnight = NOON - 12 * 3600 * 10**6
    import_tardis([write(tmp_path, "incremental_book_L2", ["-900,5,true,bid,10,1", "6,7,false,bid,10,2"], at=midnight)], tmp_path / "lake")
    rows = table(tmp_path / "lake", "Equity")
    assert [clock - midnight for clock in rows["TimestampNanoseconds"].dt.epoch("us")] == [0, 6]
    assert set(rows["TradeDate"].cast(pl.Date)) == {DAY}


def test_a_clock_that_goes_back_is_held(tmp_path: Path) -> None:
    done = import_tardis([write(tmp_path, "incremental_book_L2", [*BOOK, "2,30,false,bid,8,1"])], tmp_path / "lake")
    last = table(tmp_path / "lake", "Equity").row(-1, named=True)
    assert (int(last["TimestampNanoseconds"].microsecond), last["FeedTimestamp"]) == (4, (NOON + 2) * 1000)
    assert done.notices == ("BTCUSDT: 1 events whose clock was behind, moved to the clock of the event before",)


def test_states_of_a_book(tmp_path: Path) -> None:
    """Asks come first in a row; a state like the one before is no row; missing levels are empty."""
    empty = "," * 15
    rows = [f"0,1,10.2,3,10.1,2,{empty}", f"1,2,10.2,3,10.1,2,{empty}", f"2,3,10.2,4,,,{empty}"]
    import_tardis([write(tmp_path, "book_snapshot_5", rows)], tmp_path / "lake")
    assert books(tmp_path / "lake") == [(1, ((10.1, 2.0),), ((10.2, 3.0),)), (3, (), ((10.2, 4.0),))]
    assert table(tmp_path / "lake", "Equity")["L2EventNo"].to_list() == [1, 2]


def test_quotes_are_a_book_of_one_level(tmp_path: Path) -> None:
    import_tardis([write(tmp_path, "quotes", ["0,1,3,10.2,10.1,2", "1,2,3,10.2,,", "1,2,5,10.2,10.1,1"])], tmp_path / "lake")
    assert books(tmp_path / "lake") == [(1, ((10.1, 2.0),), ((10.2, 3.0),)), (2, (), ((10.2, 3.0),)), (2, ((10.1, 1.0),), ((10.2, 5.0),))]


def test_the_best_kind_of_file_makes_the_book(tmp_path: Path) -> None:
    write(tmp_path / "in", "quotes", ["0,1,3,99,98,2"])
    write(tmp_path / "in", "incremental_book_L2", BOOK)
    done = import_tardis([tmp_path / "in"], tmp_path / "lake")
    assert books(tmp_path / "lake")[0][1] == ((10.1, 1.5),)
    assert done.notices == ("BTCUSDT 2020-09-01: quotes is not used, the book is made of a better file",)


updates = st.tuples(
    st.integers(0, 2), st.booleans(), st.sampled_from(["bid", "ask"]), st.integers(95, 105), st.sampled_from(["0", "1", "2.5", "0.001"])
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(updates, min_size=1, max_size=40), piece=st.sampled_from([150, 1 << 20]))
def test_books_are_those_of_the_slow_reader(tmp_path_factory: pytest.TempPathFactory, drawn: list[Any], piece: int) -> None:
    folder = tmp_path_factory.mktemp("tardis")
    rows, arrival = [], 0
    for step, is_snapshot, side, price, amount in drawn:
        arrival += step
        rows.append(f"{arrival},{arrival},{str(is_snapshot).lower()},{side},{price},{amount}")
    rows.append(f"{arrival + 1},{arrival + 1},true,bid,90,1")
    import_tardis([write(folder, "incremental_book_L2", rows)], folder / "lake", bytes_at_once=piece)
    assert books(folder / "lake") == slow_books(rows)


def slow_books(rows: Sequence[str]) -> list[tuple[int, tuple[Any, ...], tuple[Any, ...]]]:
    """The book after all rows of each arrival, if it differs from the one before."""
    sides: dict[str, dict[float, float]] = {"bid": {}, "ask": {}}
    found, was_snapshot, known = [], False, False
    shown: tuple[Any, ...] = ((), ())
    parsed = [row.split(",") for row in rows]
    for place, (_, arrival, is_snapshot, side, price, amount) in enumerate(parsed):
        known = known or is_snapshot == "true"
        if not known:
            continue
        if is_snapshot == "true" and not was_snapshot:
            sides = {"bid": {}, "ask": {}}
        was_snapshot = is_snapshot == "true"
        sides[side].pop(float(price), None)
        if float(amount):
            sides[side][float(price)] = float(amount)
        if place + 1 == len(parsed) or parsed[place + 1][1] != arrival:
            state = (tuple(nlargest(10, sides["bid"].items())), tuple(nsmallest(10, sides["ask"].items())))
            if state != shown or not found:
                found.append((int(arrival), *state))
            shown = state
    return found


# ---------------------------------------------------------------- trades and names


def test_trades(tmp_path: Path) -> None:
    rows = ["2,6,a,buy,10.2,0.001", "4,13,,sell,10,3", "4,13,,unknown,10,3"]
    write(tmp_path / "in", "trades", rows)
    write(tmp_path / "in", "incremental_book_L2", BOOK)
    import_tardis([tmp_path / "in"], tmp_path / "lake")
    columns = ("TradeId", "AggressorSide", "Price", "Size", "BestBidPrice", "BestAskPrice", "Classification")
    assert table(tmp_path / "lake", "Trades-Plus").select(columns).rows() == [
        ("a", 1, 10.2, 0.001, 10.1, 10.2, "LIT_CONTINUOUS"),
        ("", 2, 10.0, 3.0, 10.0, 10.2, "LIT_CONTINUOUS"),
        ("", 0, 10.0, 3.0, 10.0, 10.2, "LIT_CONTINUOUS"),
    ]


@pytest.mark.parametrize("order", [("trades", "incremental_book_L2"), ("incremental_book_L2", "trades")])
def test_books_and_trades_may_be_imported_apart(tmp_path: Path, order: Sequence[str]) -> None:
    """The tables that the files have nothing for stay, and trades get the quotes of the books."""
    rows = {"trades": ["2,6,a,buy,10.2,0.001", "4,13,b,sell,10,3"], "incremental_book_L2": BOOK}
    for kind in order:
        import_tardis([write(tmp_path / "in", kind, rows[kind])], tmp_path / "apart")
    import_tardis([tmp_path / "in"], tmp_path / "together")
    for folder in ("Equity", "Trades-Plus", "MarketState", "Reference"):
        assert_frame_equal(table(tmp_path / "apart", folder), table(tmp_path / "together", folder), check_column_order=False)


@pytest.mark.parametrize(("exchange", "mic"), [("binance-futures", "BINF"), ("deribit", "DRBT"), ("xlon", "XLON")])
def test_markets(exchange: str, mic: str) -> None:
    assert market_of(exchange) == mic


def test_an_unknown_market_is_asked_for() -> None:
    with pytest.raises(InvalidValue, match="gate-io"):
        market_of("gate-io")


# ---------------------------------------------------------------- files that are none


@pytest.mark.parametrize(
    ("rows", "error", "what"),
    [
        (["0,1,true,bid,ten,1"], CorruptInput, "ten"),
        (["0,1,true,bid,,1"], CorruptInput, "without a symbol, a time, a price or an amount"),
        (["0,1,true,buy,10,1"], CorruptInput, "none of bid, ask"),
        (["0,2,true,bid,10,1", "0,1,true,bid,10,1"], UnsortedInput, "goes backwards"),
        ([], MissingData, "without rows"),
    ],
)
def test_rows_that_are_none_are_refused(tmp_path: Path, rows: list[str], error: type[Exception], what: str) -> None:
    path = write(tmp_path, "incremental_book_L2", rows)
    with pytest.raises(error, match=what) as caught:
        import_tardis([path], tmp_path / "lake")
    assert path.name in str(caught.value)
    assert not (tmp_path / "lake" / "Equity").exists()


def test_another_csv_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(CorruptInput, match="not a Tardis file"):
        import_tardis([tmp_path], tmp_path / "lake")


class TestTardis(FeedContract):
    feed = TardisFeed()

    @pytest.fixture
    def paths(self, tmp_path: Path) -> list[Path]:
        write(tmp_path / "in", "trades", ["2,6,a,buy,10.2,0.001", "4,13,,sell,10,3"])
        write(tmp_path / "in", "incremental_book_L2", BOOK)
        write(tmp_path / "in", "quotes", ["0,1,3,99,98,2"], symbol="ETHUSDT")
        return [tmp_path / "in"]


# ---------------------------------------------------------------- export


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Three states of a book and two trades, two of them in one microsecond."""
    nanos = [0, 100, 5000]
    states = pl.DataFrame(
        {
            "ListingId": 7,
            "TimestampNanoseconds": pl.Series([NOON * 1000 + each for each in nanos]).cast(pl.Datetime("ns")),
            "BMLLSequenceNo": [1, 3, 4],
            "L2EventNo": [1, 2, 3],
            "MIC": "XLON",
            "BidPrice1": [10.1, 10.1, 10.0],
            "BidQuantity1": [5.0, 2.0, 4.0],
            "BidPrice2": [10.0, 10.0, None],
            "BidQuantity2": [4.0, 4.0, 0.0],
            "AskPrice1": [10.3, 10.3, 10.3],
            "AskQuantity1": [1.0, 1.0, 1.0],
        }
    )
    trades = pl.DataFrame(
        {
            "ListingId": 7,
            "TradeTimestampNanoseconds": pl.Series([NOON * 1000 + 100, NOON * 1000 + 6000]).cast(pl.Datetime("ns")),
            "BMLLSequenceNo": [3, 5],
            "MIC": "XLON",
            "TradeId": ["t1", "t2"],
            "AggressorSide": [2, 1],
            "Price": [10.1, 10.3],
            "Size": [3.0, 9.0],
            "Classification": ["LIT_CONTINUOUS", "OFF_BOOK"],
        }
    )
    reference = pl.DataFrame({"ListingId": [7], "MIC": ["XLON"], "Ticker": ["ABC"], "Date": [datetime(2020, 9, 1)]})  # noqa: DTZ001
    for contract, frame in ((L2, states), (TRADES, trades), (REFERENCE, reference)):
        write_lake_file(tmp_path / "lake", contract, "XLON", DAY, frame)
    return tmp_path / "lake"


def exported(lake: Path, out: Path, kind: str) -> list[list[str]]:
    path = out / f"xlon_{kind}_2020-09-01_ABC.csv.gz"
    with gzip.open(path, "rt") as lines:
        return list(csv.reader(lines))


def test_the_four_files(lake: Path, tmp_path: Path) -> None:
    """The trade comes before the book that it leaves; everything after moves on by a microsecond."""
    done = export_tardis(LakeDay(lake, "XLON", DAY), tmp_path / "out")
    assert {each.holds: each.rows for each in done.files} == {"incremental_book_L2": 5, "book_snapshot_25": 3, "quotes": 3, "trades": 1}
    header, *rows = exported(lake, tmp_path / "out", "incremental_book_L2")
    assert ",".join(header) == HEADERS["incremental_book_L2"]
    first, then, last = (["xlon", "ABC", str(NOON + clock), str(NOON + arrival)] for clock, arrival in ((0, 0), (0, 2), (5, 5)))
    assert rows == [
        [*first, "true", "ask", "10.3", "1.0"],
        [*first, "true", "bid", "10.0", "4.0"],
        [*first, "true", "bid", "10.1", "5.0"],
        [*then, "false", "bid", "10.1", "2.0"],
        [*last, "false", "bid", "10.1", "0.0"],
    ]
    assert exported(lake, tmp_path / "out", "trades")[1:] == [["xlon", "ABC", str(NOON), str(NOON + 1), "t1", "sell", "10.1", "3.0"]]
    assert exported(lake, tmp_path / "out", "quotes")[2] == ["xlon", "ABC", str(NOON), str(NOON + 2), "1.0", "10.3", "10.1", "2.0"]


@pytest.mark.parametrize("kind", ["incremental_book_L2", "book_snapshot_25", "quotes"])
def test_what_is_exported_comes_back(lake: Path, tmp_path: Path, kind: str) -> None:
    export_tardis(LakeDay(lake, "XLON", DAY), tmp_path / "out")
    files = [tmp_path / "out" / f"xlon_{each}_2020-09-01_ABC.csv.gz" for each in (kind, "trades")]
    import_tardis(files, tmp_path / "back", currency="GBP")
    best = ["BidPrice1", "BidQuantity1", "AskPrice1", "AskQuantity1", *(["BidPrice2", "BidQuantity2"] * (kind != "quotes"))]
    assert table(tmp_path / "back", "Equity").select(best).equals(table(lake, "Equity").select(best))
    (trade,) = table(tmp_path / "back", "Trades-Plus").to_dicts()
    assert (trade["TradeId"], trade["Price"], trade["Size"], trade["AggressorSide"]) == ("t1", 10.1, 3.0, 2)


def test_the_same_rows_give_the_same_bytes(lake: Path, tmp_path: Path) -> None:
    for out in ("one", "two"):
        export_tardis(LakeDay(lake, "XLON", DAY), tmp_path / out)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_what_the_lake_lacks_is_named(lake: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="XYZ"):
        export_tardis(LakeDay(lake, "XLON", DAY, ("XYZ",)), tmp_path / "out")
    with pytest.raises(MissingData, match="2020-09-02"):
        export_tardis(LakeDay(lake, "XLON", date(2020, 9, 2)), tmp_path / "out")


# ---------------------------------------------------------------- one import after another


MORNING = ["0,5,true,bid,10.1,1.5", "0,5,true,ask,10.2,0.25", "8,9,false,bid,10.1,2"]
EVENING = ["20,25,true,bid,10.3,1", "20,25,true,ask,10.4,1", "28,29,false,bid,10.3,2"]


def test_tardis_keeps_what_files_do_not_tell_of(tmp_path: Path) -> None:
    """Morning and evening in two imports, and in any order, are the day in one."""
    morning, evening = write(tmp_path / "a", "incremental_book_L2", MORNING), write(tmp_path / "b", "incremental_book_L2", EVENING)
    import_tardis([morning, evening], tmp_path / "together")
    for files in ((morning, evening), (evening, morning)):
        lake = tmp_path / files[0].parent.name / "lake"
        for file in files:
            import_tardis([file], lake)
        assert table(lake, "Equity").equals(table(tmp_path / "together", "Equity"))
    assert [arrival for arrival, *_ in books(lake)] == [5, 9, 25, 29]
    import_tardis([evening], lake, replace=True)
    assert [arrival for arrival, *_ in books(lake)] == [25, 29]


def test_tardis_tells_of_no_book_before_its_snapshot(tmp_path: Path) -> None:
    """A part of a day without the snapshot has no book, so the rows that the lake has stay."""
    import_tardis([write(tmp_path, "incremental_book_L2", MORNING)], tmp_path / "lake")
    done = import_tardis(
        [write(tmp_path, "incremental_book_L2", MORNING[2:]), write(tmp_path, "trades", ["8,9,7,buy,10.2,1"])], tmp_path / "lake"
    )
    assert done.notices == ("BTCUSDT: 1 updates before the first snapshot, left out",)
    assert [arrival for arrival, *_ in books(tmp_path / "lake")] == [5, 9]


def test_tardis_refuses_a_time_that_is_given_twice(tmp_path: Path) -> None:
    paths = [write(tmp_path / folder, "trades", ["8,9,7,buy,10.2,1"]) for folder in ("a", "b")]
    with pytest.raises(ConflictingSettings, match="trades of BTCUSDT at the same time are given twice"):
        import_tardis(paths, tmp_path / "lake")
    assert not list((tmp_path / "lake").rglob("*.parquet"))


def test_rows_without_a_place_among_others_are_not_dropped(tmp_path: Path) -> None:
    """Rows that no capture brought: nobody knows what they were in the order of arrival."""
    file = write(tmp_path, "trades", ["8,9,7,buy,10.2,1"])
    import_tardis([file], tmp_path / "lake")
    (path,) = (tmp_path / "lake" / "Trades-Plus").rglob("*.parquet")
    pl.read_parquet(path).drop("ReceiveTimestamp").write_parquet(path)
    with pytest.raises(ConflictingSettings, match="the lake has trades of 1 of these listings from 12:00:00 to 12:00:00"):
        import_tardis([file], tmp_path / "lake")
    import_tardis([file], tmp_path / "lake", replace=True)
    assert "ReceiveTimestamp" in pl.read_parquet_schema(path)
