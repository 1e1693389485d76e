"""A real capture against plain loops over its bytes, and against the rows that others made of it."""

from __future__ import annotations

import gzip
import struct
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from basalt.feeds.iex.captures import read_pieces
from basalt.feeds.iex.decoding import Decoder
from basalt.feeds.iex.feed import IexFeed
from basalt.feeds.iex.importing import import_iex
from basalt.feeds.iex.securities import Securities
from basalt.feeds.iex.segments import GAPS, MISSING, REPEATED
from basalt.testing import FeedContract

pytestmark = pytest.mark.real

COUNTS = {"S": 2, "D": 3, "T": 37, "5": 1_226, "8": 1_526, "I": 11_309, "H": 11_311, "O": 11_317, "P": 11_594}


@pytest.fixture(scope="module")
def capture(real_data: Path) -> Path:
    path = real_data / "native" / "iex" / "iex_deep_20231002.pcap.gz"
    if not path.exists():
        pytest.skip(f"no {path}")
    return path


@pytest.fixture(scope="module")
def real_lake(capture: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    lake = tmp_path_factory.mktemp("lake")
    import_iex([capture], lake)
    return lake


def read(lake: Path, folder: str) -> pl.DataFrame:
    (path,) = (lake / folder).rglob("*.parquet")
    return pl.read_parquet(path)


class TestRealIex(FeedContract):
    feed = IexFeed()
    # small files hold the feed to these
    test_rows_of_other_times_are_not_dropped_unasked = None
    test_rows_of_other_times_are_dropped_when_asked = None
    test_importing_the_feed_imports_nothing_heavy = None

    @pytest.fixture
    def paths(self, capture: Path) -> list[Path]:
        return [capture]

    @pytest.fixture
    def lake(self, real_lake: Path) -> Path:
        return real_lake


def messages_of(capture: Path) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of every message, by the layout of the file alone."""
    data, place = gzip.decompress(capture.read_bytes()), 24
    while place < len(data):
        (length,) = struct.unpack_from("<I", data, place + 8)
        header = place + 16 + 14 + 20 + 8
        count, first = struct.unpack_from("<H", data, header + 14)[0], struct.unpack_from("<q", data, header + 24)[0]
        at = header + 40
        for number in range(first, first + count):
            (size,) = struct.unpack_from("<H", data, at)
            yield number, data[at + 2 : at + 2 + size]
            at += 2 + size
        place += 16 + length


def test_counts_by_message_type(capture: Path) -> None:
    decoder = Decoder(capture, Securities("IEXG", "USD"))
    for piece in read_pieces(capture):
        decoder.decode(piece)
    assert dict(decoder.counts) == COUNTS
    assert Counter(chr(message[0]) for _, message in messages_of(capture)) == COUNTS
    assert sum(COUNTS.values()) == 48_325
    assert decoder.transport[[GAPS, MISSING, REPEATED]].tolist() == [0, 0, 0]


def test_every_message_is_that_of_the_prepared_rows(capture: Path, real_data: Path) -> None:
    decoder = Decoder(capture, Securities("IEXG", "USD"))
    ours = pl.concat([decoder.decode(piece).messages for piece in read_pieces(capture, 100_000)])
    theirs = pl.read_parquet(real_data / "parquet" / "iex_deep" / "iex_deep_20231002.parquet")
    assert ours["Sequence"].equals(theirs["seq"].rename("Sequence"))
    assert ours["Sent"].to_list() == theirs["send_time"].to_list()
    assert [chr(kind) for kind in ours["Kind"]] == theirs["msg_type"].to_list()
    assert ours["FeedTimestamp"].to_list() == theirs["timestamp"].to_list()
    assert ours["Flags"].to_list() == theirs["flags"].to_list()
    names = [decoder.securities.names[number] if number >= 0 else None for number in ours["Security"]]
    assert names == theirs["symbol"].to_list()
    assert ours.filter(pl.col("Kind").is_in([ord(kind) for kind in "85T"]))["Size"].to_list() == theirs["size"].drop_nulls().to_list()


def test_reference_names_every_security(real_lake: Path) -> None:
    assert read(real_lake, "Reference").height == 11_309


def test_books_are_those_of_a_plain_replay(capture: Path, real_lake: Path) -> None:
    books: defaultdict[str, tuple[dict[int, int], dict[int, int]]] = defaultdict(lambda: ({}, {}))
    expected, shown = [], {}
    for number, message in messages_of(capture):
        if message[0:1] not in {b"8", b"5"}:
            continue
        flags, _, symbol, size, price = struct.unpack_from("<Bq8sIq", message, 1)
        name = symbol.decode().rstrip()
        side = books[name][message[0:1] == b"5"]
        side[price] = size
        if size == 0:
            del side[price]
        bids, asks = sorted(books[name][0].items(), reverse=True)[:10], sorted(books[name][1].items())[:10]
        if flags & 1 and shown.get(name) != (bids, asks):
            shown[name] = (bids, asks)
            expected.append((number, name, bids, asks))
    rows = read(real_lake, "Equity").sort("BMLLSequenceNo")
    assert rows.select("BMLLSequenceNo", "Ticker").rows() == [(number, name) for number, name, _, _ in expected]
    for place, side in enumerate(("Bid", "Ask")):
        for level in range(10):
            prices = [each[2 + place][level][0] / 10_000 if level < len(each[2 + place]) else None for each in expected]
            sizes = [each[2 + place][level][1] if level < len(each[2 + place]) else 0 for each in expected]
            assert rows[f"{side}Price{level + 1}"].to_list() == prices
            assert rows[f"{side}Quantity{level + 1}"].to_list() == sizes


def test_trades_are_the_reports(capture: Path, real_lake: Path) -> None:
    expected = [struct.unpack_from("<Bq8sIqq", message, 1) for _, message in messages_of(capture) if message[0:1] == b"T"]
    rows = read(real_lake, "Trades-Plus").sort("BMLLSequenceNo")
    assert rows.select("Ticker", "Size", "Price", "TradeId", "FeedFlags").rows() == [
        (symbol.decode().rstrip(), size, price / 10_000, str(trade), flags) for flags, _, symbol, size, price, trade in expected
    ]
    assert np.array_equal(rows["FeedTimestamp"].to_numpy(), [each[1] for each in expected])
