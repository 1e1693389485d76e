"""Captures of Binance against a slow reader that follows the documentation message by message, and the rules by hand."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from heapq import nlargest, nsmallest
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from basalt.core.errors import CorruptInput, InvalidValue, MissingData
from basalt.core.pipelines import load_module
from basalt.feeds.binance.feed import BinanceFeed
from basalt.feeds.binance.importing import import_binance
from basalt.feeds.continuous import quote_asset
from basalt.testing import FeedContract

kit: Any = load_module(Path(__file__).with_name("captures.py"))
EPOCH_MS, FIRST_ARRIVAL = kit.EPOCH_MS, kit.FIRST_ARRIVAL
depth, snapshot, trade, ticker, write_capture, table = kit.depth, kit.snapshot, kit.trade, kit.ticker, kit.write_capture, kit.table

Levels = Sequence[tuple[str, str]]


# ---------------------------------------------------------------- the slow reader


Row = tuple[int, int, tuple[tuple[float, float], ...], tuple[tuple[float, float], ...]]
"""Time in ms, line, bids and asks, best first."""


class SlowBook:
    """A book kept as Binance's documentation says, one message at a time."""

    def __init__(self) -> None:
        self.bids: dict[float, float] = {}
        self.asks: dict[float, float] = {}
        self.waiting: list[tuple[int, dict[str, Any]]] = []
        self.held: dict[str, Any] | None = None
        self.last: int | None = None

    def snapshot(self, message: dict[str, Any]) -> Iterator[Row]:
        if self.last is None:
            todo, self.waiting, self.held = self.waiting, [], message
            for number, each in todo:
                yield from self.depth(number, each)

    def depth(self, number: int, message: dict[str, Any]) -> Iterator[Row]:
        if self.last is not None and message["u"] <= self.last:
            return
        if self.last is not None and not _follows(message, self.last):
            yield (message.get("T", message["E"]), number, (), ())
            self.last = None
        if self.last is None and not self._started(number, message):
            return
        _apply(self.bids, message["b"])
        _apply(self.asks, message["a"])
        self.last = message["u"]
        yield (message.get("T", message["E"]), number, tuple(nlargest(10, self.bids.items())), tuple(nsmallest(10, self.asks.items())))

    def _started(self, number: int, message: dict[str, Any]) -> bool:
        if self.held is not None and message["u"] <= self.held["lastUpdateId"]:
            return False
        if self.held is None or not _joins(message, self.held["lastUpdateId"]):
            self.held = None
            self.waiting.append((number, message))
            return False
        self.bids = {float(price): float(size) for price, size in self.held["bids"]}
        self.asks = {float(price): float(size) for price, size in self.held["asks"]}
        self.held = None
        return True


def books_of(files: Sequence[Path]) -> Iterator[Row]:
    """The book after every applied message; a book that is lost comes once, without levels."""
    book = SlowBook()
    for number, message in enumerate(_messages(files), start=1):
        if "lastUpdateId" in message:
            yield from book.snapshot(message)
        elif message.get("e") == "depthUpdate":
            yield from book.depth(number, message)


def rows_of(files: Sequence[Path], *, at_most: int | None = None) -> list[Row]:
    """The rows of `l2`: books that differ from the one before, and the first of every day; times never go back."""
    rows: list[Row] = []
    shown: tuple[Any, ...] = ((), ())
    clock, day = 0, -1
    for ms, number, bids, asks in islice(books_of(files), at_most):
        clock = max(clock, ms)
        if (bids, asks) != shown or clock // 86_400_000 != day:
            rows.append((clock, number, bids, asks))
        shown, day = (bids, asks), clock // 86_400_000
    return rows


def _messages(files: Sequence[Path]) -> Iterator[dict[str, Any]]:
    for file in files:
        content = file.read_bytes()
        text = (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).decode()
        for each in text.splitlines():
            message = json.loads(each.partition(" ")[2])
            yield message.get("data", message)


def _follows(message: dict[str, Any], last: int) -> bool:
    return message["pu"] == last if "pu" in message else message["U"] == last + 1


def _joins(message: dict[str, Any], last: int) -> bool:
    return message["pu"] <= last if "pu" in message else message["U"] <= last + 1


def _apply(side: dict[float, float], levels: Levels) -> None:
    for price, size in levels:
        side.pop(float(price), None)
        if float(size):
            side[float(price)] = float(size)


# ---------------------------------------------------------------- books

BID, ASK = ("10.1", "1.5"), ("10.2", "0.25")


def l2_rows(lake: Path, mic: str = "*") -> list[Row]:
    """Rows of every `l2` file of the lake, in order of days."""
    rows: list[Row] = []
    for path in sorted(lake.glob(f"Equity/{mic}/*/*/*/*.parquet")):
        for row in pl.read_parquet(path).iter_rows(named=True):
            sides = [
                tuple(
                    (row[f"{side}Price{level}"], row[f"{side}Quantity{level}"])
                    for level in range(1, 11)
                    if row[f"{side}Price{level}"] is not None
                )
                for side in ("Bid", "Ask")
            ]
            rows.append((round(row["TimestampNanoseconds"].replace(tzinfo=UTC).timestamp() * 1000), row["BMLLSequenceNo"], *sides))
    return rows


def by_place(rows: Sequence[Row]) -> list[Row]:
    """*rows* with the place of their message in a capture of `write_capture` instead of its time of arrival."""
    return [(ms, (number - FIRST_ARRIVAL) // 1_000_000 + 1, bids, asks) for ms, number, bids, asks in rows]


def imported(folder: Path, messages: list[dict[str, Any]], **options: Any) -> tuple[list[Row], tuple[str, ...]]:
    file = write_capture(folder / "capture.gz", messages)
    done = import_binance([file], folder / "lake", **options)
    return by_place(l2_rows(folder / "lake")), done.notices


def lines_and_best(rows: list[Row]) -> list[tuple[int, Any, Any]]:
    return [(number, bids[0] if bids else None, asks[0] if asks else None) for _, number, bids, asks in rows]


def test_messages_before_the_snapshot_wait_for_it(tmp_path: Path) -> None:
    """The snapshot arrives last, though it contains the first message and half of the second."""
    messages = [
        depth(1, 3, [("9.9", "9")]),
        depth(4, 6, [("10.1", "2")]),
        depth(7, 8, [], [("10.2", "0")]),
        snapshot(5, [BID], [ASK, ("10.3", "4")]),
    ]
    rows, notices = imported(tmp_path, messages)
    assert lines_and_best(rows) == [(2, (10.1, 2.0), (10.2, 0.25)), (3, (10.1, 2.0), (10.3, 4.0))]
    assert notices == ()


def test_futures_join_by_the_update_before(tmp_path: Path) -> None:
    """Ids of futures are not dense: `U` may lie far behind the snapshot, what counts is `pu`."""
    messages = [depth(90, 99, [("10.1", "3")], before=50), snapshot(60, [BID], [ASK]), depth(200, 210, [("10.1", "4")], before=99)]
    rows, _ = imported(tmp_path, messages)
    assert lines_and_best(rows) == [(1, (10.1, 3.0), (10.2, 0.25)), (3, (10.1, 4.0), (10.2, 0.25))]


@pytest.mark.parametrize("is_futures", [False, True], ids=["spot", "futures"])
def test_after_a_gap_nothing_is_known_until_the_next_snapshot(tmp_path: Path, is_futures: bool) -> None:
    def message(first: int, last: int, size: str) -> dict[str, Any]:
        return depth(first, last, [("10.1", size)], before=first - 1 if is_futures else None)

    messages = [
        snapshot(10, [BID], [ASK]),
        message(11, 12, "1"),
        message(14, 15, "2"),
        message(16, 17, "3"),
        snapshot(15, [("10.0", "7")], [ASK]),
        message(18, 19, "4"),
    ]
    rows, notices = imported(tmp_path, messages)
    assert lines_and_best(rows) == [
        (2, (10.1, 1.0), (10.2, 0.25)),
        (3, None, None),
        (4, (10.1, 3.0), (10.2, 0.25)),
        (6, (10.1, 4.0), (10.2, 0.25)),
    ]
    assert [each for each in notices if "gaps" in each] == [
        f"BTCUSDT ({'futures' if is_futures else 'spot'}): 1 gaps in the update ids: the book is empty from each to the next snapshot"
    ]


def test_a_snapshot_that_no_message_joins_is_not_used(tmp_path: Path) -> None:
    messages = [snapshot(5, [BID], [ASK]), depth(8, 9, [("10.1", "3")]), snapshot(8, [BID], []), depth(10, 11, [], [("10.4", "1")])]
    rows, _ = imported(tmp_path, messages)
    assert lines_and_best(rows) == [(2, (10.1, 3.0), None), (4, (10.1, 3.0), (10.4, 1.0))]


def test_messages_that_come_again_change_nothing(tmp_path: Path) -> None:
    once = depth(6, 7, [("10.1", "3")])
    rows, notices = imported(tmp_path, [snapshot(5, [BID], [ASK]), once, depth(8, 9, [("10.1", "4")]), once])
    assert lines_and_best(rows) == [(2, (10.1, 3.0), (10.2, 0.25)), (3, (10.1, 4.0), (10.2, 0.25))]
    assert notices == ("BTCUSDT (spot): 1 depth messages that came again, left out",)


def test_without_a_snapshot_there_is_no_book(tmp_path: Path) -> None:
    rows, notices = imported(tmp_path, [depth(1, 2, [BID], [ASK]), depth(3, 4, [BID])])
    assert rows == []
    assert "2 depth messages that no snapshot makes a book of" in notices[0]


def test_a_day_starts_with_the_book_of_the_day_before(tmp_path: Path) -> None:
    """Midnight in UTC by the venue's clock; the first message of the day changes nothing near the touch."""
    deep = [(f"{9 - place / 10:.1f}", "1") for place in range(12)]
    messages = [
        snapshot(5, [BID, *deep], [ASK]),
        depth(6, 7, [("10.1", "3")], ms=EPOCH_MS + 999),
        depth(8, 9, [("1.0", "3")], ms=EPOCH_MS + 1000),
    ]
    rows, _ = imported(tmp_path, messages)
    (before, _, *first), (after, _, *second) = rows
    assert (before, after) == (EPOCH_MS + 999, EPOCH_MS + 1000)
    assert first == second
    assert sorted(path.name for path in (tmp_path / "lake" / "Equity").rglob("*.parquet")) == [
        "BINS-20240808.parquet",
        "BINS-20240809.parquet",
    ]


def test_files_of_a_symbol_follow_each_other(tmp_path: Path) -> None:
    """The file with the later messages has no snapshot and comes first by name."""
    write_capture(tmp_path / "in" / "b.gz", [snapshot(5, [BID], [ASK]), depth(6, 7, [("10.1", "3")])], first=10**18)
    write_capture(tmp_path / "in" / "a.gz", [depth(8, 9, [("10.1", "4")])], first=2 * 10**18)
    import_binance([tmp_path / "in"], tmp_path / "lake")
    arrivals = [10**18 + 1_000_000, 2 * 10**18]
    assert lines_and_best(l2_rows(tmp_path / "lake")) == [
        (arrivals[0], (10.1, 3.0), (10.2, 0.25)),
        (arrivals[1], (10.1, 4.0), (10.2, 0.25)),
    ]


def test_a_clock_that_goes_back_is_held(tmp_path: Path) -> None:
    messages = [snapshot(5, [BID], [ASK]), depth(6, 7, [("10.1", "3")], ms=EPOCH_MS + 5), depth(8, 9, [("10.1", "4")], ms=EPOCH_MS)]
    rows, notices = imported(tmp_path, messages)
    assert [ms for ms, *_ in rows] == [EPOCH_MS + 5, EPOCH_MS + 5]
    assert notices == ("BTCUSDT (spot): 1 events whose clock was behind, moved to the clock of the event before",)


prices = st.integers(995, 1005).map(lambda ticks: f"{ticks / 10:.2f}")
sizes = st.sampled_from(["0", "0.001", "0.00000001", "3", "123456789.12345678"])
sides = st.lists(st.tuples(prices, sizes), max_size=4)


@st.composite
def captures(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Messages of one stream of which some are lost or come twice, snapshots that are late, clocks that step back."""
    is_futures = draw(st.booleans())
    messages: list[dict[str, Any]] = []
    last, ms = 100, EPOCH_MS
    for _ in range(draw(st.integers(1, 25))):
        first = last + 1 + (draw(st.integers(0, 3)) if is_futures else 0)
        before, last = last, first + draw(st.integers(0, 3))
        ms += draw(st.sampled_from([0, 1, 300, -2]))
        message = depth(first, last, draw(sides), draw(sides), before=before if is_futures else None, ms=ms)
        what = draw(st.sampled_from(["arrive"] * 8 + ["lost", "twice", "snapshot", "snapshot"]))
        messages += [message] * {"arrive": 1, "lost": 0}.get(what, 2 if what == "twice" else 1)
        if what == "snapshot":
            book = [(price, size) for price, size in draw(sides) if float(size)]
            messages.append(snapshot(last - draw(st.integers(-2, 8)), dict(book).items(), [("101.1", "1"), ("101.2", "2")]))
    return messages


@settings(max_examples=18, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=captures(), piece=st.sampled_from([400, 2000, 1 << 20]))
def test_books_are_those_of_the_slow_reader(tmp_path_factory: pytest.TempPathFactory, messages: list[dict[str, Any]], piece: int) -> None:
    folder = tmp_path_factory.mktemp("capture")
    if not any("e" in message for message in messages):
        return
    rows, _ = imported(folder, messages, bytes_at_once=piece)
    assert rows == rows_of([folder / "capture.gz"])


# ---------------------------------------------------------------- trades, prices, names


def test_trades(tmp_path: Path) -> None:
    """The buyer was the maker in the first, so a seller took; the quotes are those of an earlier millisecond."""
    messages = [
        snapshot(5, [BID], [ASK]),
        depth(6, 7, [("10.1", "3")], ms=EPOCH_MS),
        trade(41, "10.1", "0.001", buyer_is_maker=True, ms=EPOCH_MS),
        trade(42, "10.20", "123456.00000001", buyer_is_maker=False, ms=EPOCH_MS + 1),
        trade(42, "10.20", "123456.00000001", buyer_is_maker=False, ms=EPOCH_MS + 1),
    ]
    _, notices = imported(tmp_path, messages)
    trades = table(tmp_path / "lake", "Trades-Plus")
    columns = ("TradeId", "Price", "Size", "AggressorSide", "BestBidPrice", "BestBidSize", "BestAskPrice", "PricePoint", "BMLLSequenceNo")
    assert trades.select(columns).rows() == [
        ("41", 10.1, 0.001, 2, None, None, None, None, 10**18 + 2_000_000),
        ("42", 10.2, 123456.00000001, 1, 10.1, 3.0, 10.2, 1.0, 10**18 + 3_000_000),
    ]
    assert trades["TradeTimestampNanoseconds"].dt.epoch("ms").to_list() == [EPOCH_MS, EPOCH_MS + 1]
    assert trades["PublicationTimestampNanoseconds"].dt.epoch("ms").to_list() == [EPOCH_MS + 1, EPOCH_MS + 2]
    assert trades["ReceiveTimestamp"].to_list() == [10**18 + 2_000_000, 10**18 + 3_000_000]
    assert trades["TradeNotional"].to_list() == [10.1 * 0.001, 10.2 * 123456.00000001]
    assert notices == ("BTCUSDT (spot): 1 trades that came again, left out",)


def test_fills_outside_the_market_are_no_trades(tmp_path: Path) -> None:
    messages = [
        trade(1, "10", "1", buyer_is_maker=True, kind="MARKET"),
        trade(2, "10", "1", buyer_is_maker=True, kind="INSURANCE_FUND"),
        trade(3, "0", "0", buyer_is_maker=True, kind="NA"),
    ]
    _, notices = imported(tmp_path, messages)
    assert table(tmp_path / "lake", "Trades-Plus")["TradeId"].to_list() == ["1"]
    assert "BTCUSDT (futures): 2 trades outside the market (insurance fund, deleveraging), left out" in notices


def test_quantities_and_prices_are_the_nearest_floats(tmp_path: Path) -> None:
    bids = [("61800.29", "0.00000001"), ("0.00000823", "98765432109.12345678")]
    rows, _ = imported(tmp_path, [snapshot(5, bids, [ASK]), depth(6, 7)])
    assert rows[0][2] == tuple((float(price), float(size)) for price, size in bids)


def test_books_that_differ_from_the_venues_quotes_are_reported(tmp_path: Path) -> None:
    """The quote as of 9 is that of 8; what holds as of 11 nobody knows, since no later quote came."""
    quotes = [ticker(7, ("10.1", "3"), ASK), ticker(8, ("10.1", "5"), ASK), ticker(10, BID, ASK)]
    depths = [depth(6, 7, [("10.1", "3")]), depth(8, 9, [("10.1", "4")]), depth(10, 11, [("10.1", "4")])]
    messages = [snapshot(5, [BID], [ASK]), quotes[0], *depths, *quotes[1:]]
    for piece in (100, 1 << 20):
        _, notices = imported(tmp_path, messages, bytes_at_once=piece)
        assert notices == ("BTCUSDT (spot): best quotes of the book are those of bookTicker after 1 of 2 depth messages",)


def test_a_capture_that_is_given_twice_counts_once(tmp_path: Path) -> None:
    """As it is and packed: no message of the copy is applied, and its quotes have no new book to be compared with."""
    messages = [snapshot(5, [BID], [ASK]), depth(6, 7), ticker(7, BID, ASK), trade(1, "10.1", "1", buyer_is_maker=True)]
    files = [write_capture(tmp_path / name, messages) for name in ("a.gz", "b.txt")]
    notices = import_binance(files, tmp_path / "lake").notices
    assert [each.partition(": ")[2] for each in notices] == [
        "1 depth messages that came again, left out",
        "1 trades that came again, left out",
        "best quotes of the book are those of bookTicker after 1 of 1 depth messages",
    ]
    assert table(tmp_path / "lake", "Trades-Plus").height == 1


def test_best_quotes_without_a_book_are_told(tmp_path: Path) -> None:
    _, notices = imported(tmp_path, [ticker(7, BID, ASK), trade(1, "10", "1", buyer_is_maker=True)])
    assert notices == ("BTCUSDT (spot): 1 bookTicker messages and no book to compare them with, left out",)


def test_reference_and_phase(tmp_path: Path) -> None:
    imported(tmp_path, [snapshot(5, [("10.15", "1")], [ASK]), depth(6, 7, ms=EPOCH_MS)])
    (row,) = table(tmp_path / "lake", "Reference").to_dicts()
    assert {name: row[name] for name in ("Ticker", "MIC", "CurrencyCode", "InstrumentType", "TickSize")} == {
        "Ticker": "BTCUSDT",
        "MIC": "BINS",
        "CurrencyCode": "USDT",
        "InstrumentType": "SPOT",
        "TickSize": 0.05,
    }
    (phase,) = table(tmp_path / "lake", "MarketState").to_dicts()
    assert (phase["MarketState"], phase["TimestampNanoseconds"]) == ("CONTINUOUS_TRADING", datetime(2024, 8, 8, 23, 59, 59))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("symbol", "asset"),
    [("BTCUSDT", "USDT"), ("ETHBTC", "BTC"), ("BTCUSDT_240927", "USDT"), ("1000PEPEFDUSD", "FDUSD"), ("BTC-USDT-SWAP", "USDT")],
)
def test_prices_are_in_the_asset_that_ends_the_symbol(symbol: str, asset: str) -> None:
    assert quote_asset(symbol) == asset


def test_an_unknown_currency_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="XYZ"):
        quote_asset("BTCXYZ")
    imported(tmp_path, [snapshot(5, [BID], [ASK]), depth(6, 7)], currency="XYZ", mic="XXXX")
    assert table(tmp_path / "lake", "Reference").select("CurrencyCode", "MIC").rows() == [("XYZ", "XXXX")]


# ---------------------------------------------------------------- files that are none


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("nonsense\n", "a line that is no message"),
        ("12 [1]\n", "a line that is no message"),
        ('12 {"e":"depthUpdate"\n', "no JSON"),
        ('12 {"e":"kline","s":"BTCUSDT"}\n', "no message of a book, a trade or a quote"),
    ],
)
def test_lines_that_are_no_messages_are_refused(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "capture.txt"
    path.write_text(text)
    with pytest.raises(CorruptInput, match=what) as caught:
        import_binance([path], tmp_path / "lake")
    assert str(path) in str(caught.value)


def test_a_file_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    path = write_capture(tmp_path / "capture.gz", [snapshot(5, [BID], [ASK]), depth(6, 7)])
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(CorruptInput, match="to its end"):
        import_binance([path], tmp_path / "lake")
    assert not list(tmp_path.rglob("*.parquet"))


def test_several_symbols_in_a_file_are_refused(tmp_path: Path) -> None:
    path = write_capture(tmp_path / "capture.gz", [depth(6, 7), depth(8, 9) | {"s": "ETHUSDT"}])
    with pytest.raises(CorruptInput, match="BTCUSDT, ETHUSDT"):
        import_binance([path], tmp_path / "lake")


def test_a_path_without_captures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingData):
        import_binance([tmp_path], tmp_path / "lake")


def test_messages_may_be_wrapped_or_not(tmp_path: Path) -> None:
    messages = [snapshot(5, [BID], [ASK]), depth(6, 7, [("10.1", "3")]), ticker(7, ("10.1", "3"), ASK)]
    for name, wrapped in (("a", True), ("b", False)):
        import_binance([write_capture(tmp_path / f"{name}.jsonl", messages, wrapped=wrapped)], tmp_path / name)
    assert l2_rows(tmp_path / "a") == l2_rows(tmp_path / "b") != []


# ---------------------------------------------------------------- the contract, and real captures


class TestBinance(FeedContract):
    feed = BinanceFeed()

    @pytest.fixture
    def paths(self, tmp_path: Path) -> list[Path]:
        messages = [
            snapshot(5, [BID], [ASK]),
            depth(6, 7, [("10.1", "3")]),
            trade(1, "10.1", "0.5", buyer_is_maker=True, ms=EPOCH_MS + 1),
            depth(9, 10),
            trade(2, "10.1", "0.5", buyer_is_maker=True, ms=EPOCH_MS + 1000),
        ]
        return [write_capture(tmp_path / "capture.gz", messages)]


@pytest.fixture(scope="module")
def real_captures() -> Path:
    """Captures of BTCUSDT, perpetual and spot, around midnight of 2024-08-08."""
    places = [Path(os.environ["BASALT_SHARED_DATA"])] if "BASALT_SHARED_DATA" in os.environ else []
    places += [folder.parent / "shared" / "data" for folder in Path(__file__).resolve().parents]
    found = next((place / "native" / "binance" for place in places if (place / "native" / "binance").is_dir()), None)
    if found is None:
        pytest.skip("no real market data here: set BASALT_SHARED_DATA to the folder that holds native/binance")
    return found


@pytest.fixture(scope="module")
def real_lake(real_captures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    lake = tmp_path_factory.mktemp("lake")
    import_binance([real_captures], lake)
    return lake


@pytest.mark.real
class TestRealBinance(FeedContract):
    feed = BinanceFeed()
    # small files hold the feed to these
    test_rows_of_other_times_are_not_dropped_unasked = None
    test_rows_of_other_times_are_dropped_when_asked = None
    test_importing_the_feed_imports_nothing_heavy = None

    @pytest.fixture
    def paths(self, real_captures: Path) -> list[Path]:
        return [real_captures]

    @pytest.fixture
    def lake(self, real_lake: Path) -> Path:
        return real_lake

    @pytest.mark.parametrize(("name", "messages", "tenths"), [("usdm", 6546, 654), ("spot", 3449, 344)])
    def test_the_book_is_that_of_every_quote(self, real_captures: Path, tmp_path: Path, name: str, messages: int, tenths: int) -> None:
        """After every depth message that has a book and a later quote; every tenth of them is one of the 654 and 344 checkpoints of the data's own notes."""
        done = import_binance(sorted(real_captures.glob(f"{name}_*.gz")), tmp_path / "lake")
        assert done.notices[-1].endswith(f"best quotes of the book are those of bookTicker after {messages} of {messages} depth messages")
        assert messages // 10 == tenths

    @pytest.mark.parametrize(("name", "mic"), [("usdm", "BINF"), ("spot", "BINS")])
    def test_the_whole_book_is_that_of_the_slow_reader(self, real_captures: Path, lake: Path, name: str, mic: str) -> None:
        theirs = rows_of(sorted(real_captures.glob(f"{name}_*.gz")), at_most=1500)
        ours = l2_rows(lake, mic)[: len(theirs)]
        assert [(row[0], *row[2:]) for row in ours] == [(row[0], *row[2:]) for row in theirs]
        assert len(theirs) > 1000

    @pytest.mark.parametrize(("name", "mic"), [("usdm", "BINF"), ("spot", "BINS")])
    def test_best_quotes_are_those_of_the_venue(self, real_captures: Path, lake: Path, name: str, mic: str) -> None:
        """Wherever a bookTicker message is as of the same update as a row of the book."""
        rows = l2_columns(lake, mic, "ExchangeSequenceNo")
        checked = 0
        for message in _messages(sorted(real_captures.glob(f"{name}_*.gz"))):
            if "B" in message and message["u"] in rows:
                assert rows[message["u"]] == tuple(float(message[field]) for field in "bBaA")
                checked += 1
        assert checked > 300

    def test_trades_of_the_captures(self, lake: Path) -> None:
        trades = table(lake, "Trades-Plus")
        assert dict(trades.group_by("MIC").len().rows()) == {"BINF": 21_313, "BINS": 9_757}
        at_quotes = trades.filter(pl.col("MIC") == "BINF", pl.col("BestBidPrice").is_not_null())
        assert at_quotes.select(((pl.col("AggressorSide") == 1) == (pl.col("PricePoint") > 0.5)).mean()).item() > 0.85


def l2_columns(lake: Path, mic: str, key: str) -> dict[int, tuple[float, ...]]:
    names = ("BidPrice1", "BidQuantity1", "AskPrice1", "AskQuantity1")
    frames = [pl.read_parquet(path, columns=[key, *names]) for path in sorted(lake.glob(f"Equity/{mic}/*/*/*/*.parquet"))]
    return {row[0]: row[1:] for frame in frames for row in frame.iter_rows()}
