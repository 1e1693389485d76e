"""ITCH messages, byte by byte as the specification lays them out, and the rows that they become."""

from __future__ import annotations

import gzip
import struct
from datetime import date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from basalt.core.errors import ConflictingSettings, CorruptInput, DataError, InvalidValue, MissingData, UnsortedInput
from basalt.feeds.feed import Imported, LakeDay
from basalt.feeds.itch.exporting import export_itch
from basalt.feeds.itch.feed import ItchFeed
from basalt.feeds.itch.importing import import_itch
from basalt.feeds.itch.layouts import gather, message_lengths, nanos_of
from basalt.testing import FeedContract

LENGTHS = {
    "S": 12,
    "R": 39,
    "H": 25,
    "Y": 20,
    "L": 26,
    "V": 35,
    "W": 12,
    "K": 28,
    "J": 35,
    "h": 21,
    "A": 36,
    "F": 40,
    "E": 31,
    "C": 36,
    "X": 23,
    "D": 19,
    "U": 35,
    "P": 44,
    "Q": 40,
    "B": 19,
    "I": 50,
    "N": 20,
    "O": 48,
}
"""Lengths of the messages in the specification's tables."""

SECOND = 10**9
OPEN = 34_200 * SECOND
NAME = "01302019.NASDAQ_ITCH50"


def head(kind: str, locate: int, nanos: int) -> bytes:
    return kind.encode() + struct.pack(">HH", locate, 0) + nanos.to_bytes(6, "big")


def system(nanos: int, event: str) -> bytes:
    return head("S", 0, nanos) + event.encode()


def directory(locate: int, name: str, nanos: int = 3, category: str = "Q", test: str = "P") -> bytes:
    tail = category.encode() + b"N" + struct.pack(">I", 100) + b"NCZ " + test.encode() + b"N 1N" + struct.pack(">I", 0) + b"N"
    return head("R", locate, nanos) + name.ljust(8).encode() + tail


def action(locate: int, name: str, nanos: int, state: str) -> bytes:
    return head("H", locate, nanos) + name.ljust(8).encode() + state.encode() + b" LUDP"


def add(nanos: int, order: int, side: str, shares: int, price: int, *, locate: int = 1, name: str = "ABC", mpid: str = "") -> bytes:
    body = struct.pack(">QcI", order, side.encode(), shares) + name.ljust(8).encode() + struct.pack(">I", price)
    return head("F" if mpid else "A", locate, nanos) + body + mpid.encode()


def execute(nanos: int, order: int, shares: int, match: int) -> bytes:
    return head("E", 1, nanos) + struct.pack(">QIQ", order, shares, match)


def execute_at(nanos: int, order: int, shares: int, match: int, printable: str, price: int) -> bytes:
    return head("C", 1, nanos) + struct.pack(">QIQcI", order, shares, match, printable.encode(), price)


def cancel(nanos: int, order: int, shares: int) -> bytes:
    return head("X", 1, nanos) + struct.pack(">QI", order, shares)


def delete(nanos: int, order: int) -> bytes:
    return head("D", 1, nanos) + struct.pack(">Q", order)


def replace(nanos: int, old: int, new: int, shares: int, price: int) -> bytes:
    return head("U", 1, nanos) + struct.pack(">QQII", old, new, shares, price)


def hidden(nanos: int, side: str, shares: int, price: int, match: int) -> bytes:
    return head("P", 1, nanos) + struct.pack(">QcI", 0, side.encode(), shares) + b"ABC     " + struct.pack(">IQ", price, match)


def cross(nanos: int, shares: int, price: int, match: int, kind: str) -> bytes:
    return head("Q", 1, nanos) + struct.pack(">Q", shares) + b"ABC     " + struct.pack(">IQ", price, match) + kind.encode()


def broken(nanos: int, match: int) -> bytes:
    return head("B", 1, nanos) + struct.pack(">Q", match)


def imbalance(nanos: int, paired: int, left: int, side: str, prices: tuple[int, int, int], kind: str) -> bytes:
    return (
        head("I", 1, nanos)
        + struct.pack(">QQ", paired, left)
        + side.encode()
        + b"ABC     "
        + struct.pack(">III", *prices)
        + kind.encode()
        + b"L"
    )


def framed(*messages: bytes) -> bytes:
    return b"".join(struct.pack(">H", len(message)) + message for message in messages)


DAY = (
    system(1, "O"),
    directory(1, "ABC"),
    directory(2, "ZVZZT", category="N", test="T"),
    system(4 * 3600 * SECOND, "S"),
    add(OPEN - 5, 11, "B", 100, 500_000),
    system(OPEN, "Q"),
    add(OPEN + 1, 12, "S", 50, 501_000, mpid="GSCO"),
    cancel(OPEN + 2, 11, 30),
    execute(OPEN + 3, 12, 20, 901),
    execute_at(OPEN + 3, 12, 30, 902, "N", 500_500),
    replace(OPEN + 4, 11, 13, 80, 500_500),
    replace(OPEN + 4, 13, 14, 80, 500_600),
    delete(OPEN + 5, 14),
    hidden(OPEN + 6, "B", 10, 500_512, 903),
    cross(OPEN + 7, 1_000, 500_500, 904, "O"),
    broken(OPEN + 8, 901),
    imbalance(OPEN + 9, 100, 50, "B", (0, 500_000, 500_100), "C"),
    action(1, "ABC", OPEN + 10, "H"),
    action(1, "ABC", OPEN + 11, "Q"),
    action(1, "ABC", OPEN + 12, "T"),
    system(57_600 * SECOND, "M"),
    system(72_000 * SECOND, "E"),
)


@pytest.fixture
def itch(tmp_path: Path):
    """A function that imports messages and gives what was imported and the tables."""

    def run(*messages: bytes, name: str = NAME, **options) -> tuple[Imported, dict[str, pl.DataFrame]]:
        path = tmp_path / name
        path.write_bytes(framed(*messages))
        imported = import_itch([path], tmp_path / "lake", **options)
        return imported, {each.table: pl.read_parquet(each.path) for each in imported.files}

    return run


class TestItch(FeedContract):
    feed = ItchFeed()

    @pytest.fixture
    def paths(self, tmp_path: Path) -> list[Path]:
        (tmp_path / NAME).write_bytes(framed(*DAY))
        return [tmp_path / NAME]


def test_lengths_are_those_of_the_specification() -> None:
    lengths = message_lengths()
    assert {chr(kind): int(lengths[kind]) for kind in np.flatnonzero(lengths)} == LENGTHS


def test_every_message_here_has_its_length() -> None:
    assert {chr(message[0]): len(message) for message in DAY} == {kind: LENGTHS[kind] for kind in "SRAFECXUDPQBIH"}


def test_a_message_from_the_wire() -> None:
    """An order to buy 200 AAPL at 150.25, at 10:00:00.123456789."""
    wire = bytes.fromhex("41 000d 0002 20bdee920d15 0000000000004a3f 42 000000c8 4141504c20202020 0016ed24".replace(" ", ""))
    (message,) = gather(np.frombuffer(b"\x00\x24" + wire, np.uint8), np.array([2]), "A")
    assert (message["locate"], message["order"], message["side"], message["shares"]) == (13, 0x4A3F, b"B", 200)
    assert (message["stock"], message["price"]) == (b"AAPL    ", 1_502_500)
    assert nanos_of(message.reshape(1)).tolist() == [36_000 * SECOND + 123_456_789]


def test_orders_become_l3(itch) -> None:
    _, tables = itch(*DAY)
    columns = [
        "OriginalExchangeMessage",
        "LobAction",
        "Side",
        "Price",
        "Size",
        "OldPrice",
        "OldSize",
        "OrderId",
        "OldOrderId",
        "OriginalOrderId",
    ]
    assert tables["l3"].select(columns).rows() == [
        ("A", 2, 1, 50.0, 100, None, 0, "11", "", "11"),
        ("F", 2, 2, 50.1, 50, None, 0, "12", "", "12"),
        ("X", 4, 1, 50.0, 70, 50.0, 100, "11", "11", "11"),
        ("E", 4, 2, 50.1, 30, 50.1, 50, "12", "12", "12"),
        ("C", 3, 2, None, 0, 50.1, 30, "", "12", "12"),
        ("U", 4, 1, 50.05, 80, 50.0, 70, "13", "11", "11"),
        ("U", 4, 1, 50.06, 80, 50.05, 80, "14", "13", "11"),
        ("D", 3, 1, None, 0, 50.06, 80, "", "14", "11"),
        ("P", 1, None, None, 0, None, 0, "", "", ""),
        ("Q", 1, None, None, 0, None, 0, "", "", ""),
    ]
    assert tables["l3"]["EventNo"].to_list() == list(range(1, 11))
    assert tables["l3"]["MPIDAttribution"].to_list() == ["", "GSCO"] + [""] * 8


def test_executions_in_l3(itch) -> None:
    _, tables = itch(*DAY)
    executed = tables["l3"].filter("OrderExecuted").select("ExecutionPrice", "ExecutionSize", "TradeId", "Printable")
    assert executed.rows() == [(50.1, 20, "901", True), (50.05, 30, "902", False), (50.0512, 10, "903", True), (50.05, 1_000, "904", True)]


def test_printable_executions_become_trades(itch) -> None:
    _, tables = itch(*DAY)
    columns = ["TradeId", "Price", "Size", "AggressorSide", "Classification", "ModificationIndicator", "MarketState", "LotType"]
    assert tables["trades"].select(columns).rows() == [
        ("901", 50.1, 20.0, 1, "LIT_CONTINUOUS", "C", "CONTINUOUS_TRADING", "ODD"),
        ("903", 50.0512, 10.0, 0, "LIT_HIDDEN", "-", "CONTINUOUS_TRADING", "ODD"),
        ("904", 50.05, 1_000.0, 0, "LIT_AUCTION", "-", "OPENING_AUCTION", "ROUND"),
    ]


def test_quotes_of_a_trade_stood_before_it(itch) -> None:
    _, tables = itch(*DAY)
    first = tables["trades"].row(0, named=True)
    assert [first[name] for name in ("BestBidPrice", "BestBidSize", "BestAskPrice", "BestAskSize", "PricePoint")] == [
        50.0,
        70.0,
        50.1,
        50.0,
        1.0,
    ]
    assert first["OrderRemainingQty"] == 30.0
    assert tables["trades"]["BestBidPrice"].to_list() == [50.0, None, None]


def test_side_of_hidden_orders_was_told_until_july_2014(itch) -> None:
    _, before = itch(*DAY, name="07112014.NASDAQ_ITCH50")
    _, after = itch(*DAY, name="07142014.NASDAQ_ITCH50")
    sides = [tables["trades"].filter(Classification="LIT_HIDDEN")["AggressorSide"].item() for tables in (before, after)]
    assert sides == [2, 0]


def test_books_are_those_after_each_message(itch) -> None:
    _, tables = itch(*DAY)
    assert tables["l2"].select("BidPrice1", "BidQuantity1", "BidNumOrders1", "AskPrice1", "AskQuantity1").rows() == [
        (50.0, 100, 1, None, 0),
        (50.0, 100, 1, 50.1, 50),
        (50.0, 70, 1, 50.1, 50),
        (50.0, 70, 1, 50.1, 30),
        (50.0, 70, 1, None, 0),
        (50.05, 80, 1, None, 0),
        (50.06, 80, 1, None, 0),
        (None, 0, 0, None, 0),
    ]
    assert tables["l2"]["BMLLSequenceNo"].to_list() == [5, 7, 8, 9, 10, 11, 12, 13]


def test_times_are_new_york(itch) -> None:
    winter, summer = (itch(*DAY, name=name)[1]["l3"]["TimestampNanoseconds"][1] for name in (NAME, "07302019.NASDAQ_ITCH50"))
    assert (winter, summer) == (datetime(2019, 1, 30, 14, 30), datetime(2019, 7, 30, 13, 30))  # noqa: DTZ001


def test_phases(itch) -> None:
    _, tables = itch(*DAY)
    number = dict(tables["reference"].select("Ticker", "ListingId").iter_rows())
    states = tables["marketstate"].filter(ListingId=number["ABC"]).select("MarketState", "ExchangeMarketState")
    assert states.rows() == [
        ("CLOSED", None),
        ("PRE_OPEN", "S"),
        ("CONTINUOUS_TRADING", "Q"),
        ("HALTED", "H"),
        ("UNSCHEDULED_AUCTION", "Q"),
        ("CONTINUOUS_TRADING", "T"),
        ("POST_TRADE", "M"),
        ("CLOSED", "E"),
    ]
    assert tables["l3"]["MarketState"].to_list() == ["PRE_OPEN"] + ["CONTINUOUS_TRADING"] * 9


def test_imbalances(itch) -> None:
    _, tables = itch(*DAY)
    row = tables["imbalance"].row(0, named=True)
    assert (row["PairedQuantity"], row["ImbalanceQuantity"], row["ImbalanceSide"], row["ExchangeAuctionType"]) == (100.0, 50.0, 1, "C")
    assert (row["ReferencePrice"], row["IndicativeUncrossingPrice"], row["AuctionOnlyIndicativePrice"]) == (50.01, 50.0, None)


def test_reference(itch) -> None:
    _, tables = itch(*DAY)
    assert tables["reference"].sort("Ticker").select("Ticker", "InstrumentType", "OPOL", "IsPrimary", "SegmentCode").rows() == [
        ("ABC", "Common Stock", "XNAS", True, "Q"),
        ("ZVZZT", "Test Security", "XNYS", False, "N"),
    ]


def test_executions_in_a_quotation_only_period_are_of_an_auction(itch) -> None:
    _, tables = itch(directory(1, "ABC"), system(4, "Q"), add(5, 1, "B", 10, 100), action(1, "ABC", 6, "Q"), execute(7, 1, 10, 1))
    assert tables["trades"].select("Classification", "AggressorSide", "BestBidPrice").row(0) == ("LIT_AUCTION", 0, None)


def test_prices_are_the_nearest_floats(itch) -> None:
    prices = [1, 3, 7, 123_457, 1_502_500, 4_294_967_295]
    _, tables = itch(directory(1, "ABC"), *(add(5, order, "S", 1, price) for order, price in enumerate(prices, 1)))
    assert tables["l3"]["Price"].to_list() == [price / 10_000 for price in prices]


def test_only_wanted_securities(itch) -> None:
    other = add(OPEN + 20, 21, "B", 5, 100, locate=2, name="ZVZZT")
    _, tables = itch(*DAY[:-2], other, tickers=["ABC"])
    assert {table: set(rows["ListingId"]) for table, rows in tables.items()} == {table: {tables["l3"]["ListingId"][0]} for table in tables}


def test_securities_without_directory_message(itch) -> None:
    _, tables = itch(add(5, 1, "B", 10, 100), add(6, 2, "S", 10, 200, locate=9, name="XYZ"))
    assert tables["l3"]["Ticker"].to_list() == ["ABC", "XYZ"]
    assert tables["marketstate"]["MarketState"].to_list() == ["CLOSED", "CLOSED"]


@pytest.mark.parametrize("piece_bytes", [61, 400])
def test_size_of_pieces_changes_nothing(itch, tmp_path: Path, piece_bytes: int) -> None:
    _, whole = itch(*DAY)
    path = tmp_path / NAME
    pieces = import_itch([path], tmp_path / "other", piece_bytes=piece_bytes)
    for each in pieces.files:
        assert pl.read_parquet(each.path).equals(whole[each.table]), each.table


def test_gzip_is_recognised(itch, tmp_path: Path) -> None:
    _, plain = itch(*DAY)
    path = tmp_path / "S013019-v50.txt.gz"
    path.write_bytes(gzip.compress(framed(*DAY)))
    for each in import_itch([path], tmp_path / "other").files:
        assert pl.read_parquet(each.path).equals(plain[each.table])


def test_venue_and_day_of_names(itch) -> None:
    for name, mic, day in (
        ("01302019.NASDAQ_ITCH50.gz", "XNAS", date(2019, 1, 30)),
        ("S013019-v50.txt", "XNAS", date(2019, 1, 30)),
        ("20190130.BX_ITCH_50", "XBOS", date(2019, 1, 30)),
        ("2019-01-30.PSX_ITCH_50", "XPSX", date(2019, 1, 30)),
        ("20190130.XLON_ITCH_50", "XLON", date(2019, 1, 30)),
    ):
        imported, _ = itch(*DAY, name=name)
        assert {(each.mic, each.day) for each in imported.files} == {(mic, day)}, name


def test_day_of_a_file_without_name(itch) -> None:
    with pytest.raises(InvalidValue, match="does not say its day"):
        itch(*DAY, name="feed.bin")
    imported, _ = itch(*DAY, name="feed.bin", day=date(2020, 5, 4), mic="XBOS")
    assert {(each.mic, each.day) for each in imported.files} == {("XBOS", date(2020, 5, 4))}


def test_one_venue_and_day_twice(itch, tmp_path: Path) -> None:
    itch(*DAY)
    (tmp_path / "S013019-v50.txt").write_bytes(framed(*DAY))
    with pytest.raises(ConflictingSettings, match="XNAS 2019-01-30 is given twice"):
        import_itch([tmp_path / NAME, tmp_path / "S013019-v50.txt"], tmp_path / "lake")


def test_what_no_table_has_a_place_for_is_said(itch) -> None:
    short_sale = head("Y", 1, 5) + b"ABC     0"
    unknown = head("z", 1, 6) + b"what a future version may send"
    imported, _ = itch(directory(1, "ABC"), short_sale, unknown, add(7, 1, "B", 10, 100), action(1, "ABC", 8, "H"))
    assert imported.notices == (
        f"{NAME}: 1 messages of the unknown type z, left out",
        f"{NAME}: no table has a place for 1 short-sale price test (Y)",
        f"{NAME}: still halted when the file ends: ABC",
    )


# ---------------------------------------------------------------- what is wrong with files

START = (directory(1, "ABC"), add(5, 1, "B", 10, 100))
SIZE_OF_START = len(framed(*START))


@pytest.mark.parametrize(
    ("message", "error", "what"),
    [
        (add(4, 2, "B", 10, 100), UnsortedInput, "time goes backwards in a message A"),
        (add(86_400 * SECOND, 2, "B", 10, 100), CorruptInput, "a time after the end of the day"),
        (add(6, 2, "X", 10, 100), CorruptInput, "a side that is neither B nor S"),
        (add(6, 2, "B", 0, 100), CorruptInput, "a size of 0"),
        (add(6, 2, "B", 2**32 - 100, 100), CorruptInput, "a size of 0, or one beyond"),
        (add(6, 2, "B", 10, 0), CorruptInput, "a price of 0"),
        (cancel(6, 1, 0), CorruptInput, "a size of 0"),
        (head("A", 1, 6), CorruptInput, "a message A of 11 bytes, where ITCH 5.0 has 36"),
        (b"!bang", CorruptInput, "'!' is no type of message"),
    ],
)
def test_impossible_message(itch, message: bytes, error: type[DataError], what: str) -> None:
    with pytest.raises(error, match=what) as caught:
        itch(*START, message)
    assert caught.value.where.endswith(f"{NAME}, message 3 at byte {SIZE_OF_START}")


@pytest.mark.parametrize("lost", [1, 10, 37])
def test_file_that_ends_within_a_message(tmp_path: Path, lost: int) -> None:
    path = tmp_path / NAME
    path.write_bytes(framed(*START, add(6, 2, "B", 10, 100))[:-lost])
    with pytest.raises(CorruptInput, match="the file ends within a message") as caught:
        import_itch([path], tmp_path / "lake")
    assert caught.value.where == f"{path}, message 3 at byte {SIZE_OF_START}"
    assert not list((tmp_path / "lake").rglob("*.parquet"))


def test_archive_that_is_cut_short(tmp_path: Path) -> None:
    path = tmp_path / f"{NAME}.gz"
    path.write_bytes(gzip.compress(framed(*DAY))[:-30])
    with pytest.raises(CorruptInput, match="cut short or damaged"):
        import_itch([path], tmp_path / "lake")


def test_empty_file(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"")
    with pytest.raises(CorruptInput, match="no messages"):
        import_itch([tmp_path / NAME], tmp_path / "lake")


def test_bytes_after_the_end_of_the_session(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(framed(*START) + b"\0\0")
    assert import_itch([path], tmp_path / "lake").files
    path.write_bytes(framed(*START) + b"\0\0" + framed(*START))
    with pytest.raises(CorruptInput, match="bytes after the end of the session"):
        import_itch([path], tmp_path / "lake")


def test_unknown_ticker(itch) -> None:
    with pytest.raises(MissingData, match="the file has no XYZ"):
        itch(*DAY, tickers=["XYZ"])


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="no such file"):
        import_itch([tmp_path / "nothing"], tmp_path / "lake")
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingData, match="no ITCH files"):
        import_itch([tmp_path / "empty"], tmp_path / "lake")


def test_an_order_whose_identifier_is_given_again_leaves_first(itch) -> None:
    """The message that ended order 12 is missing: the newest message counts, one row of l2 shows both changes, and it is told."""
    imported, made = itch(
        directory(1, "ABC"),
        add(OPEN, 11, "B", 100, 500_000),
        add(OPEN + 1, 12, "B", 50, 500_000),
        replace(OPEN + 2, 11, 12, 80, 499_000),
        replace(OPEN + 3, 99, 12, 10, 499_000),
    )
    columns = ("BMLLSequenceNo", "LobAction", "OldOrderId", "OldSize", "OrderId", "Size", "EndOfEvent")
    assert made["l3"].select(columns).rows()[2:] == [
        (4, 3, "12", 50, "", 0, False),
        (4, 4, "11", 100, "12", 80, True),
        (5, 3, "12", 80, "", 0, True),
    ]
    assert made["l2"].select("BMLLSequenceNo", "BidPrice1", "BidQuantity1", "BidPrice2").rows()[2:] == [
        (4, 49.9, 80, None),
        (5, None, 0, None),
    ]
    told = "2 messages that give an order an identifier which another has still, which they remove; the first is message 4"
    assert f"{NAME}: {told}" in imported.notices


def test_places_in_queues(itch) -> None:
    """Order 12 stands behind 11 and, after that was cut, behind what is left; 13 has a better price; 12 loses its place by growing."""
    messages = (
        directory(1, "ABC"),
        add(OPEN, 11, "B", 100, 500_000),
        add(OPEN + 1, 12, "B", 50, 500_000),
        cancel(OPEN + 2, 11, 30),
        add(OPEN + 3, 13, "B", 10, 501_000),
        hidden(OPEN + 4, "B", 5, 500_500, 7),
        cancel(OPEN + 5, 12, 20),
        replace(OPEN + 6, 11, 14, 90, 500_000),
        delete(OPEN + 7, 12),
    )
    columns = ("PriceLevel", "OldPriceLevel", "SizeAhead", "OrdersAhead", "DelOrderIndex", "AddOrderIndex")
    assert itch(*messages)[1]["l3"].select(columns).rows() == [
        (1, 0, 0, 0, -1, 0),
        (1, 1, 100, 1, -1, 1),
        (1, 1, 0, 0, 0, 0),
        (1, 0, 0, 0, -1, 0),
        (None,) * 6,
        (2, 2, 80, 2, 2, 2),
        (2, 2, 40, 2, 1, 2),
        (2, 2, 10, 1, 1, -1),
    ]


def test_places_in_queues_are_left_out_when_asked(itch) -> None:
    assert "SizeAhead" not in itch(*DAY, queues=False)[1]["l3"].columns


@pytest.mark.parametrize("rows_at_once", [1, 2, 5])
def test_spans_of_time_make_no_difference_to_exported_messages(itch, tmp_path: Path, rows_at_once: int) -> None:
    """Numbers of orders, also of one that is entered again, phases between spans and the broken trade go on from span to span."""
    again = (add(OPEN + 20, 14, "B", 5, 500_000), add(OPEN + 21, 15, "S", 7, 502_000), cancel(OPEN + 22, 14, 2), delete(OPEN + 23, 15))
    imported, _ = itch(*DAY[:-2], *again, *DAY[-2:])
    source = LakeDay(tmp_path / "lake", "XNAS", imported.files[0].day)
    whole, spans = (export_itch(source, tmp_path / name, rows_at_once=rows) for name, rows in (("whole", 1_000), ("spans", rows_at_once)))
    assert gzip.decompress(spans.files[0].path.read_bytes()) == gzip.decompress(whole.files[0].path.read_bytes())
    assert spans.files[0].rows == whole.files[0].rows > 20
