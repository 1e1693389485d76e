"""Captures of IEX DEEP, byte by byte, and the rows that they become."""

from __future__ import annotations

import gzip
import struct
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from basalt.core.errors import ConflictingSettings, CorruptInput, MissingData
from basalt.feeds.feed import Imported
from basalt.feeds.iex.feed import IexFeed
from basalt.feeds.iex.importing import import_iex
from basalt.testing import FeedContract

OPEN = 1_546_871_400 * 10**9
"""2019-01-07 09:30 in New York."""


def system(code: str, at: int) -> bytes:
    return b"S" + code.encode() + struct.pack("<q", at)


def directory(name: str, at: int, flags: int = 0) -> bytes:
    return b"D" + struct.pack("<Bq8sIqB", flags, at, name.ljust(8).encode(), 100, 500_000, 1)


def status(code: str, name: str, at: int) -> bytes:
    return b"H" + code.encode() + struct.pack("<q8s4s", at, name.ljust(8).encode(), b"T1  ")


def halt(code: str, name: str, at: int) -> bytes:
    return b"O" + code.encode() + struct.pack("<q8s", at, name.ljust(8).encode())


def short_sale(code: int, name: str, at: int, detail: str) -> bytes:
    return b"P" + struct.pack("<Bq8sc", code, at, name.ljust(8).encode(), detail.encode())


def level(side: str, name: str, at: int, price: int, size: int, flags: int = 1) -> bytes:
    return side.encode() + struct.pack("<Bq8sIq", flags, at, name.ljust(8).encode(), size, price)


def trade(name: str, at: int, price: int, size: int, number: int, *, flags: int = 0, kind: str = "T") -> bytes:
    return kind.encode() + struct.pack("<Bq8sIqq", flags, at, name.ljust(8).encode(), size, price, number)


def official(name: str, at: int, price: int, kind: str) -> bytes:
    return b"X" + kind.encode() + struct.pack("<q8sq", at, name.ljust(8).encode(), price)


def auction(name: str, at: int) -> bytes:
    prices = struct.pack("<qqqq", 501_000, 500_000, 450_000, 550_000)
    return b"AC" + struct.pack("<q8sIqqIcBI", at, name.ljust(8).encode(), 300, 500_000, 500_500, 40, b"S", 0, 1_546_898_400) + prices


def segment(first: int, messages: tuple[bytes, ...], *, protocol: int = 0x8004, sent: int = OPEN + 500) -> bytes:
    payload = b"".join(struct.pack("<H", len(message)) + message for message in messages)
    header = struct.pack("<BBHIIHHqqq", 1, 0, protocol, 1, 7, len(payload), len(messages), 0, first, sent)
    return header + payload


def packet(payload: bytes, *, vlan: bool = False) -> bytes:
    ethernet = bytes(12) + (b"\x81\x00\x00\x05" if vlan else b"") + b"\x08\x00"
    ip = b"\x45\x00" + struct.pack(">H", 28 + len(payload)) + bytes(5) + b"\x11" + bytes(10)
    return ethernet + ip + struct.pack(">HHHH", 10_378, 10_378, 8 + len(payload), 0) + payload


def pcap(*packets: bytes, magic: int = 0xA1B2C3D4, order: str = "<") -> bytes:
    records = [struct.pack(order + "IIII", 1_546_871_400, 7, len(each), len(each)) + each for each in packets]
    return struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65_535, 1) + b"".join(records)


def pcapng(*packets: bytes, resolution: int | None = None) -> bytes:
    options = struct.pack("<HHB3xHH", 9, 1, resolution, 0, 0) if resolution is not None else b""
    ticks = 1_546_871_400 * 10 ** (6 if resolution is None else resolution) + 7
    section = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    interface = struct.pack("<IIHHI", 1, 20 + len(options), 1, 0, 0) + options + struct.pack("<I", 20 + len(options))
    blocks = [section, interface]
    for each in packets:
        size = 32 + len(each) + -len(each) % 4
        head = struct.pack("<IIIIIII", 6, size, 0, ticks >> 32, ticks & 0xFFFFFFFF, len(each), len(each))
        blocks.append(head + each + bytes(-len(each) % 4) + struct.pack("<I", size))
    return b"".join(blocks)


DAY = (
    system("O", OPEN - 100),
    directory("ABC", OPEN - 99),
    directory("ETF", OPEN - 98, flags=0x20),
    status("T", "ABC", OPEN - 97),
    short_sale(0, "ABC", OPEN - 96, " "),
    short_sale(1, "ETF", OPEN - 95, "A"),
    system("S", OPEN - 50),
    level("8", "ABC", OPEN - 10, 500_000, 100),
    system("R", OPEN),
    level("5", "ABC", OPEN + 1, 501_000, 300),
    level("5", "ABC", OPEN + 2, 501_000, 200, flags=0),
    level("5", "ABC", OPEN + 2, 502_000, 50, flags=1),
    trade("ABC", OPEN + 3, 500_512, 60, 901, flags=0x20),
    level("8", "ABC", OPEN + 1, 500_000, 0),
    trade("ABC", OPEN + 4, 500_500, 1_000, 902, flags=0x08),
    trade("ABC", OPEN + 5, 500_512, 60, 901, kind="B"),
    official("ABC", OPEN + 6, 500_500, "Q"),
    auction("ABC", OPEN + 7),
    halt("O", "ABC", OPEN + 8),
    halt("N", "ABC", OPEN + 9),
    status("H", "ABC", OPEN + 10),
    status("O", "ABC", OPEN + 11),
    status("T", "ABC", OPEN + 12),
    system("M", OPEN + 13),
    system("E", OPEN + 14),
)
WHOLE = packet(segment(1, DAY))
LATE = "deep.pcap: 1 messages are behind the clock of their security; they have the time of the message before"


@pytest.fixture
def iex(tmp_path: Path):
    """A function that imports the bytes of a capture and gives what was imported and the tables."""

    def run(capture: bytes, **options) -> tuple[Imported, dict[str, pl.DataFrame]]:
        path = tmp_path / "deep.pcap"
        path.write_bytes(capture)
        imported = import_iex([path], tmp_path / "lake", **options)
        return imported, {each.table: pl.read_parquet(each.path) for each in imported.files}

    return run


class TestIex(FeedContract):
    feed = IexFeed()

    @pytest.fixture
    def paths(self, tmp_path: Path) -> list[Path]:
        (tmp_path / "deep.pcap").write_bytes(pcap(WHOLE))
        return [tmp_path / "deep.pcap"]


def test_books_are_those_after_each_event(iex) -> None:
    _, tables = iex(pcap(WHOLE))
    columns = ["BMLLSequenceNo", "BidPrice1", "BidQuantity1", "AskPrice1", "AskQuantity1", "AskPrice2", "AskQuantity2", "AskLevelCount"]
    assert tables["l2"].select(columns).rows() == [
        (8, 50.0, 100, None, 0, None, 0, 0),
        (10, 50.0, 100, 50.1, 300, None, 0, 1),
        (12, 50.0, 100, 50.1, 200, 50.2, 50, 2),
        (14, None, 0, 50.1, 200, 50.2, 50, 2),
    ]


def test_clock_of_a_security_does_not_go_back(iex) -> None:
    _, tables = iex(pcap(WHOLE))
    times = tables["l2"].select("TimestampNanoseconds", "FeedTimestamp").row(3)
    assert times == (datetime.fromisoformat("2019-01-07T14:30:00"), OPEN + 1)
    assert tables["l2"]["TimestampNanoseconds"].dt.epoch("ns").to_list() == [OPEN - 10, OPEN + 1, OPEN + 2, OPEN + 3]


def test_every_clock_is_kept(iex) -> None:
    _, tables = iex(pcap(WHOLE))
    row = tables["trades"].row(0, named=True)
    assert row["FeedTimestamp"] == OPEN + 3
    assert row["ReceiveTimestamp"] == OPEN + 7_000
    assert tables["trades"]["PublicationTimestampNanoseconds"].dt.epoch("ns")[0] == OPEN + 500


def test_trades_and_their_flags(iex) -> None:
    _, tables = iex(pcap(WHOLE))
    columns = [
        "TradeId",
        "Price",
        "Size",
        "AggressorSide",
        "Classification",
        "LotType",
        "FeedFlags",
        "ModificationIndicator",
        "BestBidPrice",
    ]
    assert tables["trades"].select(columns).rows() == [
        ("901", 50.0512, 60.0, 0, "LIT_CONTINUOUS", "ODD", 0x20, "C", 50.0),
        ("902", 50.05, 1_000.0, 0, "LIT_AUCTION", "ROUND", 0x08, "-", None),
    ]


def test_phases_and_short_sale_tests(iex) -> None:
    _, tables = iex(pcap(WHOLE))
    number = dict(tables["reference"].select("Ticker", "ListingId").iter_rows())
    states = tables["marketstate"].select("ListingId", "MarketState", "ExchangeMarketState")
    assert states.filter(ListingId=number["ABC"]).drop("ListingId").rows() == [
        ("CLOSED", None),
        ("PRE_OPEN", "S"),
        ("CONTINUOUS_TRADING", "R"),
        ("HALTED", "O"),
        ("CONTINUOUS_TRADING", "N"),
        ("HALTED", "H"),
        ("UNSCHEDULED_AUCTION", "O"),
        ("CONTINUOUS_TRADING", "T"),
        ("POST_TRADE", "M"),
        ("CLOSED", "E"),
    ]
    assert states.filter(ListingId=number["ETF"]).drop("ListingId").rows()[:3] == [("CLOSED", None), ("CLOSED", "P1A"), ("PRE_OPEN", "S")]


def test_auctions_and_official_prices(iex) -> None:
    _, tables = iex(pcap(WHOLE))
    row = tables["imbalance"].row(0, named=True)
    assert (row["PairedQuantity"], row["ImbalanceQuantity"], row["ImbalanceSide"], row["ExchangeAuctionType"]) == (300.0, 40.0, 2, "C")
    assert (row["ReferencePrice"], row["IndicativeUncrossingPrice"], row["AuctionOnlyIndicativePrice"]) == (50.0, 50.05, 50.1)
    assert tables["statistics"].select("Statistic", "Price").rows() == [("OPENING_PRICE", 50.05)]


def test_reference(iex) -> None:
    _, tables = iex(pcap(WHOLE))
    assert tables["reference"].sort("Ticker").select("Ticker", "InstrumentType").rows() == [
        ("ABC", None),
        ("ETF", "Exchange Traded Product"),
    ]


@pytest.mark.parametrize(
    "capture",
    [
        pcap(WHOLE, order=">"),
        pcap(packet(segment(1, DAY), vlan=True)),
        pcapng(WHOLE),
        gzip.compress(pcap(WHOLE)),
        pcap(*(packet(segment(first, (message,))) for first, message in enumerate(DAY, 1))),
    ],
    ids=["big endian", "vlan", "pcapng", "gzip", "a segment a message"],
)
def test_other_wrappings_give_the_same_rows(iex, capture: bytes) -> None:
    _, expected = iex(pcap(WHOLE))
    _, tables = iex(capture)
    for name, rows in expected.items():
        assert tables[name].equals(rows), name


def test_capture_clocks_in_nanoseconds(iex) -> None:
    for capture in (pcap(WHOLE, magic=0xA1B23C4D), pcapng(WHOLE, resolution=9)):
        assert iex(capture)[1]["trades"]["ReceiveTimestamp"][0] == OPEN + 7


@pytest.mark.parametrize("piece_bytes", [100, 700])
def test_size_of_pieces_changes_nothing(iex, tmp_path: Path, piece_bytes: int) -> None:
    single = pcap(*(packet(segment(first, (message,))) for first, message in enumerate(DAY, 1)))
    _, whole = iex(single)
    for each in import_iex([tmp_path / "deep.pcap"], tmp_path / "other", piece_bytes=piece_bytes).files:
        assert pl.read_parquet(each.path).equals(whole[each.table]), each.table


def test_only_wanted_securities(iex) -> None:
    imported, tables = iex(pcap(WHOLE), tickers=["ETF"])
    assert {each.table for each in imported.files} == {"marketstate", "reference"}
    assert tables["reference"]["Ticker"].to_list() == ["ETF"]
    with pytest.raises(MissingData, match="the capture has no XYZ"):
        iex(pcap(WHOLE), tickers=["XYZ"])


def test_gaps_are_counted_and_the_book_goes_on(iex) -> None:
    first, second = packet(segment(1, DAY[:9])), packet(segment(12, DAY[11:]))
    imported, tables = iex(pcap(first, second))
    assert imported.notices == ("deep.pcap: 2 messages are missing in 1 gaps, the first from message 10", LATE)
    assert tables["l2"]["AskPrice1"].to_list() == [None, 50.2, 50.2]


def test_start_of_the_session_may_be_missing(iex) -> None:
    imported, _ = iex(pcap(packet(segment(8, DAY[7:]))))
    assert imported.notices == ("deep.pcap: 7 messages are missing in 1 gaps, the first from message 1", LATE)


def test_repeated_and_late_messages_are_left_out(iex) -> None:
    _, expected = iex(pcap(WHOLE))
    imported, tables = iex(pcap(WHOLE, packet(segment(3, DAY[2:5]))))
    assert imported.notices == ("deep.pcap: 3 messages came again, left out", LATE)
    assert tables["l2"].equals(expected["l2"])


def test_other_packets_are_counted(iex) -> None:
    tops, heartbeat = packet(segment(1, DAY[:1], protocol=0x8003)), packet(segment(26, ()))
    imported, _ = iex(pcap(tops, WHOLE, heartbeat, b"\0" * 60))
    assert imported.notices == (LATE, "deep.pcap: 2 packets of other protocols, left out")


def test_what_no_table_has_a_place_for_is_said(iex) -> None:
    liquidity = b"IA" + struct.pack("<q8s", OPEN, b"ABC     ")
    future = b"Z1" + struct.pack("<q8s", OPEN, b"ABC     ")
    longer = level("8", "ABC", OPEN, 500_000, 100) + b"appended later"
    imported, tables = iex(pcap(packet(segment(1, (liquidity, future, longer, level("8", "ABC", OPEN, 490_000, 0))))))
    assert imported.notices == (
        "deep.pcap: 1 messages of unknown types (Z), left out",
        "deep.pcap: no table has a place for 1 retail liquidity indicator (I)",
        "deep.pcap: 1 removals of price levels that were not there",
    )
    assert tables["l2"]["BidPrice1"].to_list() == [50.0]


# ---------------------------------------------------------------- what is wrong with files


@pytest.mark.parametrize(
    ("capture", "what", "where"),
    [
        (pcap(WHOLE)[:-5], "the file ends within a packet", "packet 1 at byte 24"),
        (pcapng(WHOLE)[:-5], "the file ends within a packet", "packet 1 at byte 48"),
        (pcap(WHOLE, WHOLE[:-40]), "a packet that was not captured whole", f"packet 2 at byte {24 + 16 + len(WHOLE) + 16}"),
        (pcap(WHOLE) + b"\xff" * 40, "no packet, or one that is too long", f"packet 2 at byte {24 + 16 + len(WHOLE)}"),
        (pcap(packet(segment(1, (b"8\1short",)))), "a message 8 that is too short", "message 1 at byte 124"),
        (pcap(packet(segment(1, (level("8", "A", OPEN, -5, 10),)))), "a price that is not positive", "message 1 at byte 124"),
        (pcap(packet(segment(1, (level("8", "A", OPEN, 5, 2**32 - 10),)))), "a size of 0, or one beyond", "message 1 at byte 124"),
        (pcap(packet(segment(1, (trade("A", OPEN, 5, 0, 1),)))), "a size of 0, or one beyond", "message 1 at byte 124"),
        (gzip.compress(pcap(WHOLE))[:-20], "cut short or damaged", "behind byte 0 of what it unpacks to"),
        (b"not a capture at all, whatever it is", "not a capture", ""),
        (pcap(packet(segment(1, DAY, protocol=0x8003))), "no DEEP messages", ""),
        (b"", "not a capture", ""),
    ],
)
def test_damaged_captures(iex, tmp_path: Path, capture: bytes, what: str, where: str) -> None:
    with pytest.raises(CorruptInput, match=what) as caught:
        iex(capture)
    assert caught.value.where == f"{tmp_path / 'deep.pcap'}{', ' * bool(where)}{where}"
    assert not list(tmp_path.rglob("*.parquet"))


def test_one_day_twice(iex, tmp_path: Path) -> None:
    iex(pcap(WHOLE))
    (tmp_path / "again.pcap").write_bytes(pcap(WHOLE))
    with pytest.raises(ConflictingSettings, match="2019-01-07 is given twice"):
        import_iex([tmp_path / "deep.pcap", tmp_path / "again.pcap"], tmp_path / "lake")


def test_another_part_of_the_day_does_not_replace_the_first(iex) -> None:
    """The same messages, captured a minute later; again is no conflict."""
    later = pcap(WHOLE).replace(struct.pack("<I", 1_546_871_400), struct.pack("<I", 1_546_871_460))
    iex(pcap(WHOLE))
    iex(pcap(WHOLE))
    with pytest.raises(ConflictingSettings, match="which the files do not cover whole") as caught:
        iex(later)
    assert caught.value.where == "l2 of IEXG on 2019-01-07"
    _, tables = iex(later, replace=True)
    assert tables["trades"]["ReceiveTimestamp"].unique().to_list() == [1_546_871_460_000_007_000]


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="no such file"):
        import_iex([tmp_path / "nothing"], tmp_path)
    with pytest.raises(MissingData, match="no captures"):
        import_iex([tmp_path], tmp_path)
