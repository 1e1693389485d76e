"""What every importer does about faults in its files, as the package's page says."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from basalt.core.errors import DataError
from basalt.feeds.binance.feed import BinanceFeed
from basalt.feeds.dbn.feed import DbnFeed
from basalt.feeds.dbn.writing import encoded_header, encoded_records
from basalt.feeds.feed import Imported
from basalt.feeds.iex.feed import IexFeed
from basalt.feeds.itch.feed import ItchFeed
from basalt.feeds.lean.feed import LeanFeed
from basalt.feeds.lobster.feed import LobsterFeed
from basalt.feeds.tardis.feed import TardisFeed

README = Path(__file__).resolve().parents[1] / "README.md"
FAULTS = (
    "drop",
    "duplicate",
    "reorder",
    "wrong side",
    "negative size",
    "clock jump",
    "unknown id",
    "halt without resume",
    "truncated file",
)
OPEN = 34_200 * 10**9
JUMP = 1_800
"""Seconds."""


@dataclass(frozen=True)
class Day:
    """A small sound day of a vendor, in units that can be dropped, repeated and swapped.

    Attributes:
        feed: The importer.
        units: What the file is made of.
        write: Writes units as a file or files of a folder.
        dropped: Unit to drop.
        repeated: Unit to repeat.
        swapped: Unit to swap with the one behind.
        wrong_side, negative, jumped, unknown, unresumed: Units that are broken so; empty where the dialect has no such thing.
    """

    feed: Any
    units: Sequence[Any]
    write: Callable[[Path, Sequence[Any]], None]
    dropped: int
    repeated: int
    swapped: int
    wrong_side: Sequence[Any] = ()
    negative: Sequence[Any] = ()
    jumped: Sequence[Any] = ()
    unknown: Sequence[Any] = ()
    unresumed: Sequence[Any] = ()

    def broken(self, fault: str) -> Sequence[Any]:
        """The units with one fault; none where there cannot be one."""
        units = list(self.units)
        if fault == "drop":
            return units[: self.dropped] + units[self.dropped + 1 :]
        if fault == "duplicate":
            return units[: self.repeated + 1] + units[self.repeated :]
        if fault == "reorder":
            return [*units[: self.swapped], units[self.swapped + 1], units[self.swapped], *units[self.swapped + 2 :]]
        named = {
            "wrong side": self.wrong_side,
            "negative size": self.negative,
            "clock jump": self.jumped,
            "unknown id": self.unknown,
            "halt without resume": self.unresumed,
            "truncated file": units,
        }
        return named[fault]


def changed(units: Sequence[Any], place: int, unit: Any) -> list[Any]:
    return [*units[:place], unit, *units[place + 1 :]]


# ---------------------------------------------------------------- ITCH


def itch_head(kind: str, nanos: int, locate: int = 1) -> bytes:
    return kind.encode() + struct.pack(">HH", locate, 0) + nanos.to_bytes(6, "big")


def itch_add(nanos: int, order: int, side: str, size: int, price: int) -> bytes:
    return itch_head("A", nanos) + struct.pack(">QcI8sI", order, side.encode(), size % 2**32, b"ABC     ", price)


def itch_action(nanos: int, state: str) -> bytes:
    return itch_head("H", nanos) + b"ABC     " + state.encode() + b"     "


def write_itch(folder: Path, units: Sequence[bytes]) -> None:
    (folder / "01302019.NASDAQ_ITCH50").write_bytes(b"".join(struct.pack(">H", len(unit)) + unit for unit in units))


def itch() -> Day:
    second = 10**9
    units = [
        itch_head("R", 1) + b"ABC     Q" + bytes(19),
        itch_head("S", OPEN, 0) + b"Q",
        itch_add(OPEN + 1 * second, 1, "B", 100, 500_000),
        itch_add(OPEN + 2 * second, 2, "S", 100, 501_000),
        itch_add(OPEN + 3 * second, 3, "B", 100, 499_000),
        itch_head("X", OPEN + 4 * second) + struct.pack(">QI", 1, 50),
        itch_action(OPEN + 5 * second, "H"),
        itch_action(OPEN + 6 * second, "T"),
    ]
    stranger = itch_head("D", OPEN + 4 * second) + struct.pack(">Q", 99)
    return Day(
        ItchFeed(),
        units,
        write_itch,
        dropped=2,
        repeated=2,
        swapped=3,
        wrong_side=changed(units, 4, itch_add(OPEN + 3 * second, 3, "S", 100, 499_000)),
        negative=changed(units, 4, itch_add(OPEN + 3 * second, 3, "B", -100, 499_000)),
        jumped=changed(units, 4, itch_add(OPEN + JUMP * second, 3, "B", 100, 499_000)),
        unknown=changed(units, 5, stranger),
        unresumed=units[:-1],
    )


# ---------------------------------------------------------------- IEX

NOON = 1_546_880_400 * 10**9


def iex_level(side: str, at: int, price: int, size: int) -> bytes:
    return side.encode() + struct.pack("<Bq8sIq", 1, NOON + at, b"ABC     ", size % 2**32, price)


def iex_status(code: str, at: int) -> bytes:
    return b"H" + code.encode() + struct.pack("<q8s4s", NOON + at, b"ABC     ", b"    ")


def write_iex(folder: Path, units: Sequence[tuple[int, bytes]]) -> None:
    packets = []
    for number, message in units:
        payload = struct.pack("<H", len(message)) + message
        segment = struct.pack("<BBHIIHHqqq", 1, 0, 0x8004, 1, 7, len(payload), 1, 0, number, NOON) + payload
        frame = bytes(12) + b"\x08\x00\x45" + bytes(8) + b"\x11" + bytes(18) + segment
        packets.append(struct.pack("<IIII", NOON // 10**9, 0, len(frame), len(frame)) + frame)
    (folder / "deep.pcap").write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1) + b"".join(packets))


def iex() -> Day:
    messages = [
        b"SR" + struct.pack("<q", NOON),
        iex_level("8", 1, 500_000, 100),
        iex_level("5", 2, 501_000, 100),
        iex_level("8", 3, 499_000, 100),
        iex_level("8", 4, 499_000, 0),
        iex_status("H", 5),
        iex_status("T", 6),
    ]
    units = list(enumerate(messages, 1))
    return Day(
        IexFeed(),
        units,
        write_iex,
        dropped=2,
        repeated=2,
        swapped=2,
        wrong_side=changed(units, 3, (4, iex_level("5", 3, 499_000, 100))),
        negative=changed(units, 3, (4, iex_level("8", 3, 499_000, -100))),
        jumped=changed(units, 3, (4, iex_level("8", JUMP * 10**9, 499_000, 100))),
        unknown=changed(units, 4, (5, iex_level("8", 4, 490_000, 0))),
        unresumed=units[:-1],
    )


# ---------------------------------------------------------------- text files


def write_lean(folder: Path, units: Sequence[str]) -> None:
    (folder / "20131007_aig_Quote_Tick.csv").write_text("".join(f"{unit}\n" for unit in units))


def lean() -> Day:
    units = [
        "34200000,494000,200,0,0,P,1,0",
        "34200001,0,0,494100,300,Q,1,0",
        "34200002,493900,200,0,0,N,1,0",
        "34200003,493900,100,0,0,N,1,0",
    ]
    return Day(
        LeanFeed(),
        units,
        write_lean,
        dropped=1,
        repeated=1,
        swapped=1,
        wrong_side=changed(units, 2, "34200002,0,0,493900,200,N,1,0"),
        negative=changed(units, 2, "34200002,493900,-200,0,0,N,1,0"),
        jumped=changed(units, 2, "36000002,493900,200,0,0,N,1,0"),
    )


def write_lobster(folder: Path, units: Sequence[tuple[str, str]]) -> None:
    for half, place in (("message", 0), ("orderbook", 1)):
        (folder / f"ABC_2024-01-03_34200000_57600000_{half}_1.csv").write_text("".join(f"{unit[place]}\n" for unit in units if unit[place]))


def lobster() -> Day:
    empty = "9999999999,0"
    units = [
        ("34200.1,1,11,100,5000000,1", f"{empty},5000000,100"),
        ("34200.2,1,12,50,5010000,-1", "5010000,50,5000000,100"),
        ("34200.3,2,11,30,5000000,1", "5010000,50,5000000,70"),
        ("34200.4,3,12,50,5010000,-1", f"{empty},5000000,70"),
        ("34300,7,0,0,-1,-1", f"{empty},5000000,70"),
        ("34400,7,0,0,1,-1", f"{empty},5000000,70"),
    ]
    return Day(
        LobsterFeed(),
        units,
        write_lobster,
        dropped=0,
        repeated=1,
        swapped=1,
        wrong_side=changed(units, 1, ("34200.2,1,12,50,5010000,1", units[1][1])),
        negative=changed(units, 1, ("34200.2,1,12,-50,5010000,-1", units[1][1])),
        jumped=changed(units, 1, ("36000.2,1,12,50,5010000,-1", units[1][1])),
        unknown=changed(units, 3, ("34200.4,3,99,50,5010000,-1", units[3][1])),
        unresumed=units[:-1],
    )


def write_binance(folder: Path, units: Sequence[dict[str, Any]]) -> None:
    lines = [f"{1_723_104_000_000_000_000 + number * 10**6} {json.dumps(unit)}\n" for number, unit in enumerate(units)]
    (folder / "btcusdt_20240808.txt").write_text("".join(lines))


def binance() -> Day:
    eight = 1_723_104_000_000

    def depth(number: int, bids: list[list[str]], asks: list[list[str]], at: int | None = None) -> dict[str, Any]:
        return {"e": "depthUpdate", "E": eight + (at or number), "s": "BTCUSDT", "U": number, "u": number, "b": bids, "a": asks}

    units = [
        {"lastUpdateId": 5, "bids": [["100.0", "1"]], "asks": [["101.0", "1"]]},
        depth(6, [["100.0", "2"]], []),
        depth(7, [["99.0", "2"]], []),
        depth(8, [], [["101.0", "3"]]),
        depth(9, [["99.0", "1"]], []),
    ]
    return Day(
        BinanceFeed(),
        units,
        write_binance,
        dropped=2,
        repeated=2,
        swapped=2,
        wrong_side=changed(units, 2, depth(7, [], [["99.0", "2"]])),
        negative=changed(units, 2, depth(7, [["99.0", "-2"]], [])),
        jumped=changed(units, 2, depth(7, [["99.0", "2"]], [], at=JUMP * 1_000)),
    )


def write_tardis(folder: Path, units: Sequence[str]) -> None:
    header = "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount"
    rows = [
        f"binance,BTCUSDT,{1_598_961_600_000_000 + int(at)},{1_598_961_600_000_000 + int(at)},{rest}"
        for at, rest in (unit.split(",", 1) for unit in units)
    ]
    (folder / "binance_incremental_book_L2_2020-09-01_BTCUSDT.csv").write_text("\n".join([header, *rows]) + "\n")


def tardis() -> Day:
    units = ["0,true,bid,100,1", "0,true,ask,101,1", "1,false,bid,99,2", "2,false,ask,102,3", "3,false,bid,99,1"]
    return Day(
        TardisFeed(),
        units,
        write_tardis,
        dropped=2,
        repeated=2,
        swapped=2,
        wrong_side=changed(units, 2, "1,false,ask,99,2"),
        negative=changed(units, 2, "1,false,bid,99,-2"),
        jumped=changed(units, 2, f"{JUMP * 10**6},false,bid,99,2"),
    )


# ---------------------------------------------------------------- Databento


def dbn_record(action: str, order: int, side: str, price: int, size: int, at: int) -> dict[str, Any]:
    nanos = 1_704_240_000 * 10**9 + at
    clocks = {"ts_event": nanos, "ts_recv": nanos + 50, "sequence": at % 10**9, "flags": 128, "instrument_id": 7, "channel_id": 0}
    return {"action": ord(action), "side": ord(side), "order_id": order, "price": price * 10**9, "size": size % 2**32, **clocks}


def write_dbn(folder: Path, units: Sequence[dict[str, Any]]) -> None:
    header = encoded_header("XNAS.ITCH", "mbo", date(2024, 1, 3), {7: "ABC"})
    (folder / "a.dbn").write_bytes(header + encoded_records("mbo", pl.DataFrame(list(units))))


def dbn() -> Day:
    units = [
        dbn_record("A", 1, "B", 100, 10, 1),
        dbn_record("A", 2, "A", 101, 10, 2),
        dbn_record("A", 3, "B", 99, 10, 3),
        dbn_record("C", 3, "B", 99, 5, 4),
        dbn_record("C", 2, "A", 101, 5, 5),
    ]
    return Day(
        DbnFeed(),
        units,
        write_dbn,
        dropped=2,
        repeated=2,
        swapped=1,
        wrong_side=changed(units, 2, dbn_record("A", 3, "A", 99, 10, 3)),
        negative=changed(units, 2, dbn_record("A", 3, "B", 99, -10, 3)),
        jumped=changed(units, 2, dbn_record("A", 3, "B", 99, 10, JUMP * 10**9)),
        unknown=changed(units, 3, dbn_record("C", 77, "B", 99, 5, 4)),
    )


DAYS = {"LOBSTER": lobster, "DBN": dbn, "ITCH": itch, "IEX": iex, "LEAN": lean, "Binance": binance, "Tardis": tardis}


def outcome(day: Day, folder: Path, fault: str) -> str:
    """What the importer does: `error` with its name, `told`, `unseen`, or `—` where the dialect has no such fault."""
    sound = run(day, folder / "sound", day.units, cut=False)
    units = day.broken(fault)
    if not units:
        return "—"
    try:
        broken = run(day, folder / "broken", units, cut=fault == "truncated file")
    except DataError as error:
        refusal = error
    else:
        return "told" if set(broken.notices) - set(sound.notices) else "unseen"
    assert refusal.where, "an error says where"
    assert not list((folder / "broken").rglob("*.parquet")), "a refused file leaves the lake as it was"
    return f"`{type(refusal).__name__}`"


def run(day: Day, folder: Path, units: Sequence[Any], *, cut: bool) -> Imported:
    native = folder / "native"
    native.mkdir(parents=True)
    day.write(native, units)
    if cut:
        path = min(native.iterdir())
        path.write_bytes(path.read_bytes()[:-12])
    return day.feed.import_files([native], folder / "lake", day.feed.Options(), lambda what, done, total: None)


def documented() -> dict[tuple[str, str], str]:
    """Outcomes by feed and fault, as the table of the package's page has them."""
    text = README.read_text(encoding="utf-8")
    header, _, *rows = re.findall(r"^\|.*\|$", text[text.index("## Faults") :], flags=re.MULTILINE)
    feeds = [cell.strip() for cell in header.split("|")[2:-1]]
    cells = [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows[: len(FAULTS)]]
    return {(feed, row[0]): cell for row in cells for feed, cell in zip(feeds, row[1:], strict=True)}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("feed", DAYS)
def test_importers_do_what_their_page_says(feed: str, fault: str, tmp_path: Path) -> None:
    assert outcome(DAYS[feed](), tmp_path, fault) == documented()[feed, fault]
