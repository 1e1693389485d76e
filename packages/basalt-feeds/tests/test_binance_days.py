"""Binance: aggregated trades, and captures that are imported one after the other."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from basalt.core.errors import CorruptInput
from basalt.core.pipelines import load_module
from basalt.feeds.binance.importing import import_binance
from basalt.feeds.binance.reading import read_capture

kit: Any = load_module(Path(__file__).with_name("captures.py"))
EPOCH_MS, FIRST_ARRIVAL = kit.EPOCH_MS, kit.FIRST_ARRIVAL
aggregate, depth, snapshot, trade, write_capture, table = kit.aggregate, kit.depth, kit.snapshot, kit.trade, kit.write_capture, kit.table
TABLES = ("Equity", "Trades-Plus", "MarketState", "Reference")
BID, ASK = ("10.1", "1.5"), ("10.2", "0.25")
MIDNIGHT = EPOCH_MS + 1000


def trades_of(folder: Path, messages: list[dict[str, Any]]) -> tuple[pl.DataFrame, tuple[str, ...]]:
    done = import_binance([write_capture(folder / "capture.gz", messages)], folder / "lake")
    return table(folder / "lake", "Trades-Plus"), done.notices


# ---------------------------------------------------------------- aggregated trades


@pytest.mark.parametrize(("is_futures", "mic"), [(False, "BINS"), (True, "BINF")])
def test_an_aggregated_trade_is_one_row(tmp_path: Path, is_futures: bool, mic: str) -> None:
    """The buyer was the maker, so a seller took trades 100 to 102; the second stands for one trade."""
    messages = [
        aggregate(7, 100, 102, "10.1", "0.75", buyer_is_maker=True, is_futures=is_futures),
        aggregate(8, 103, 103, "10.2", "2", buyer_is_maker=False, ms=EPOCH_MS + 5, is_futures=is_futures),
        aggregate(8, 103, 103, "10.2", "2", buyer_is_maker=False, ms=EPOCH_MS + 5, is_futures=is_futures),
    ]
    trades, notices = trades_of(tmp_path, messages)
    columns = ("MIC", "TradeId", "Price", "Size", "AggressorSide", "ExchangeSequenceNo", "OriginalTradeType", "Classification")
    assert trades.select(columns).rows() == [
        (mic, "100-102", 10.1, 0.75, 2, 102, "aggTrade", "LIT_CONTINUOUS"),
        (mic, "103-103", 10.2, 2.0, 1, 103, "aggTrade", "LIT_CONTINUOUS"),
    ]
    assert [each.partition(": ")[2] for each in notices] == ["1 aggregated trades that came again, left out"]


def test_aggregated_trades_get_the_quotes_before_them(tmp_path: Path) -> None:
    messages = [snapshot(5, [BID], [ASK]), depth(6, 7), aggregate(7, 100, 102, "10.2", "1", buyer_is_maker=False, ms=EPOCH_MS + 5)]
    trades, _ = trades_of(tmp_path, messages)
    assert trades.select("BestBidPrice", "BestAskPrice", "PricePoint").rows() == [(10.1, 10.2, 1.0)]


def test_nothing_counts_twice_where_both_streams_are_there(tmp_path: Path) -> None:
    """Trades 100 and 101 come by themselves, so their aggregate is left out, whichever came first; 102 and 105 come in aggregates only."""
    messages = [
        aggregate(7, 100, 101, "10.1", "3", buyer_is_maker=True),
        trade(100, "10.1", "1", buyer_is_maker=True),
        trade(101, "10.1", "2", buyer_is_maker=True),
        aggregate(8, 102, 102, "10.1", "4", buyer_is_maker=True, ms=EPOCH_MS + 1),
        trade(103, "10.1", "8", buyer_is_maker=True, ms=EPOCH_MS + 2),
        aggregate(9, 103, 104, "10.1", "24", buyer_is_maker=True, ms=EPOCH_MS + 2),
        aggregate(10, 105, 106, "10.1", "32", buyer_is_maker=True, ms=EPOCH_MS + 3),
    ]
    trades, notices = trades_of(tmp_path, messages)
    assert trades.select("TradeId", "Size").rows() == [("100", 1.0), ("101", 2.0), ("102-102", 4.0), ("103", 8.0), ("105-106", 32.0)]
    assert notices == ("BTCUSDT (spot): 2 aggregated trades whose trades came by themselves, left out",)


# ---------------------------------------------------------------- one after the other


def spanning() -> list[list[dict[str, Any]]]:
    """Two captures; the clock of the first runs ahead over midnight, and the second, without a snapshot, starts within its last
    millisecond with a message that changes nothing."""
    return [
        [
            snapshot(5, [BID, ("9.9", "1"), ("9.8", "2")], [ASK]),
            depth(6, 7, [("10.1", "3")]),
            trade(41, "10.1", "1", buyer_is_maker=True, ms=EPOCH_MS + 1),
            depth(8, 9, [("10.1", "4")], ms=MIDNIGHT + 2),
            trade(42, "10.1", "1", buyer_is_maker=True, ms=MIDNIGHT + 3),
            depth(10, 11, [("10.1", "5")], ms=MIDNIGHT + 4),
        ],
        [
            depth(12, 13, [("9.9", "1")], ms=MIDNIGHT + 4),
            trade(43, "10.1", "2", buyer_is_maker=True, ms=MIDNIGHT + 4),
            depth(14, 15, [("10.1", "0")], ms=MIDNIGHT + 3),
            trade(44, "9.9", "2", buyer_is_maker=True, ms=MIDNIGHT + 9),
        ],
    ]


def written(folder: Path, captures: Sequence[list[dict[str, Any]]]) -> list[Path]:
    """The captures as files that follow each other."""
    return [write_capture(folder / f"{place}.gz", messages, first=FIRST_ARRIVAL + place * 10**9) for place, messages in enumerate(captures)]


def same_lakes(one: Path, other: Path) -> None:
    for name in TABLES:
        assert_frame_equal(table(one, name), table(other, name), check_column_order=False)


@pytest.mark.parametrize("order", [(0, 1), (0, 1, 1), (0, 1, 0), (0, 0, 1, 0, 1)], ids=str)
def test_one_after_the_other_is_both_together(tmp_path: Path, order: Sequence[int]) -> None:
    """Whatever is imported again replaces itself only; the book goes on where the first capture left it."""
    files = written(tmp_path, spanning())
    import_binance(files, tmp_path / "together")
    for place in order:
        import_binance([files[place]], tmp_path / "apart")
    same_lakes(tmp_path / "apart", tmp_path / "together")
    book = table(tmp_path / "apart", "Equity")
    assert book["L2EventNo"].to_list() == [1, 1, 2, 3]
    assert book.select("BidPrice1", "BidQuantity1").rows() == [(10.1, 3.0), (10.1, 4.0), (10.1, 5.0), (9.9, 1.0)]


def test_the_second_before_the_first_has_no_book(tmp_path: Path) -> None:
    files = written(tmp_path, spanning())
    done = import_binance([files[1]], tmp_path / "lake")
    assert "2 depth messages that no snapshot makes a book of" in done.notices[0]
    import_binance([files[0]], tmp_path / "lake")
    assert table(tmp_path / "lake", "Trades-Plus")["TradeId"].to_list() == ["41", "42", "43", "44"]
    import_binance([files[1]], tmp_path / "lake")
    import_binance(files, tmp_path / "together")
    same_lakes(tmp_path / "lake", tmp_path / "together")


def test_what_lies_between_two_files_stays(tmp_path: Path) -> None:
    captures = [[trade(number, "10", "1", buyer_is_maker=True, ms=EPOCH_MS + number)] for number in (1, 2, 3)]
    files = written(tmp_path, captures)
    import_binance([files[1]], tmp_path / "lake")
    import_binance([files[0], files[2]], tmp_path / "lake")
    assert table(tmp_path / "lake", "Trades-Plus")["TradeId"].to_list() == ["1", "2", "3"]


def test_a_capture_of_trades_leaves_books_alone(tmp_path: Path) -> None:
    """They arrived at the same time, from another stream; the trades get the quotes of the books."""
    both = [snapshot(5, [BID], [ASK]), depth(6, 7), trade(1, "10.1", "1", buyer_is_maker=True, ms=EPOCH_MS + 1)]
    import_binance([write_capture(tmp_path / "all.gz", both)], tmp_path / "together")
    import_binance([write_capture(tmp_path / "books.gz", both[:2])], tmp_path / "apart")
    import_binance([write_capture(tmp_path / "trades.gz", both[2:], first=FIRST_ARRIVAL + 2_000_000)], tmp_path / "apart")
    same_lakes(tmp_path / "apart", tmp_path / "together")


def test_a_book_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    files = written(tmp_path, spanning())
    import_binance([files[0]], tmp_path / "lake")
    (end,) = (tmp_path / "lake" / ".binance-books").iterdir()
    assert end.name == "BINS-BTCUSDT-11.json"
    end.write_text("{")
    with pytest.raises(CorruptInput, match="cannot be read"):
        import_binance([files[1]], tmp_path / "lake")


def test_numbers_of_arrival_do_not_depend_on_the_split(tmp_path: Path) -> None:
    """Three messages in one nanosecond: each is one behind the one before it."""
    path = tmp_path / "capture.txt"
    path.write_text("".join(f'{at} {{"e":"trade","s":"BTCUSDT","t":{at}}}\n' for at in (100, 100, 100, 101, 200)))
    for piece in (1, 80, 10_000):
        numbers = chain.from_iterable(each.trades["Number"] for each in read_capture(path, bytes_at_once=piece))
        assert list(numbers) == [100, 101, 102, 103, 200]


@pytest.mark.real
@pytest.mark.parametrize("name", ["usdm", "spot"])
def test_real_captures_in_two_halves(tmp_path: Path, name: str) -> None:
    """The first lines of a capture, cut in two in the middle."""
    places = [Path(os.environ["BASALT_SHARED_DATA"])] if "BASALT_SHARED_DATA" in os.environ else []
    places += [folder.parent / "shared" / "data" for folder in Path(__file__).resolve().parents]
    found = next((file for place in places for file in sorted(place.glob(f"native/binance/{name}_*.gz"))), None)
    if found is None:
        pytest.skip("no real market data here: set BASALT_SHARED_DATA to the folder that holds native/binance")
    lines = kit.first_lines(found, 16_000)
    halves = [tmp_path / "a.txt", tmp_path / "b.txt"]
    for half, part in zip(halves, (lines[:8_000], lines[8_000:]), strict=True):
        half.write_bytes(b"".join(part))
    import_binance(halves, tmp_path / "together")
    for half in halves:
        import_binance([half], tmp_path / "apart")
    same_lakes(tmp_path / "apart", tmp_path / "together")
    assert table(tmp_path / "apart", "Equity").height > 1000


def test_binance_tells_of_no_book_that_it_does_not_know(tmp_path: Path) -> None:
    """A capture without a snapshot, whose book nobody kept, leaves the books of the lake alone; `replace` drops what arrived at other times."""
    bid, ask = ("10.1", "1.5"), ("10.2", "0.25")
    whole = [snapshot(5, [bid], [ask]), depth(6, 7, bids=[("10.1", "2")]), depth(8, 9, bids=[("10.1", "3")])]
    import_binance([write_capture(tmp_path / "whole.gz", whole)], tmp_path / "lake")
    before = table(tmp_path / "lake", "Equity")
    later = write_capture(tmp_path / "later.gz", whole[2:], first=FIRST_ARRIVAL + 2)
    for kept in (tmp_path / "lake" / ".binance-books").iterdir():
        kept.unlink()
    import_binance([later], tmp_path / "lake")
    assert table(tmp_path / "lake", "Equity").equals(before)
