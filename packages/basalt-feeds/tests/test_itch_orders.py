"""Orders of ITCH against a plain dictionary: any stream of messages, clean or not."""

from __future__ import annotations

import struct
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.feeds.itch.importing import import_itch

STOCKS = ("AAA", "BBB")
OPEN = 34_200 * 10**9

ADD = st.tuples(st.just("A"), st.integers(1, 9), st.sampled_from("BS"), st.integers(1, 50), st.integers(1, 14))
TAKE = st.tuples(st.sampled_from("ECX"), st.integers(1, 9), st.integers(1, 60), st.sampled_from("YN"), st.integers(1, 14))
DELETE = st.tuples(st.just("D"), st.integers(1, 9))
REPLACE = st.tuples(st.just("U"), st.integers(1, 9), st.integers(1, 9), st.integers(1, 50), st.integers(1, 14))
MESSAGE = st.tuples(st.integers(0, 1), st.integers(0, 2), ADD | ADD | TAKE | DELETE | REPLACE)
MESSAGES = st.lists(MESSAGE, min_size=30, max_size=80) | st.lists(MESSAGE, min_size=1, max_size=4)
"""Nine identifiers, so that they are given to two orders at once again and again."""


def encoded(stock: int, nanos: int, message: tuple, match: int) -> bytes:
    """One message; order numbers of the two securities do not overlap."""
    kind, order = message[0], message[1] + 100 * stock
    head = kind.encode() + struct.pack(">HH", stock + 1, 0) + (OPEN + nanos).to_bytes(6, "big") + struct.pack(">Q", order)
    if kind == "A":
        return head + struct.pack(">cI8sI", message[2].encode(), message[3], STOCKS[stock].ljust(8).encode(), message[4] * 100)
    if kind == "D":
        return head
    if kind == "U":
        return head + struct.pack(">QII", message[2] + 100 * stock, message[3], message[4] * 100)
    tail = {"X": b"", "E": struct.pack(">Q", match), "C": struct.pack(">QcI", match, message[3].encode(), message[4] * 100)}
    return head + struct.pack(">I", message[2]) + tail[kind]


def followed(stream: list) -> Iterator[tuple]:
    """What happened, a message after the other: kind, stock, first id, old and new (id, side, price, size), executed size and price."""
    orders: dict[tuple[int, int], tuple[str, int, int, int]] = {}
    for number, (stock, _, message) in enumerate(stream, 1):
        kind, key = message[0], (stock, message[1])
        evicted = orders.pop((stock, message[2]), None) if kind == "U" and message[2] != message[1] else None
        if evicted:
            yield number, kind, stock, (message[2], *evicted), None, 0, None
        old = orders.get(key)
        if kind == "A":
            orders[key] = (message[2], message[4], message[3], message[1])
        elif old is None:
            continue
        elif kind == "U":
            del orders[key]
            key = (stock, message[2])
            orders[key] = (old[0], message[4], message[3], old[3])
        else:
            left = old[2] - (old[2] if kind == "D" else message[2])
            orders[key] = (old[0], old[1], max(left, 0), old[3])
            if left <= 0:
                del orders[key]
        executed = message[2] if kind in "EC" else 0
        price = None if not executed else message[4] if kind == "C" else old[1]
        yield number, kind, stock, (message[1], *old) if old else None, (key[1], *orders[key]) if key in orders else None, executed, price


def rows_of(lake: Path, folder: str) -> pl.DataFrame:
    found = list((lake / folder).rglob("*.parquet"))
    return pl.read_parquet(found[0]).sort("BMLLSequenceNo", maintain_order=True) if found else pl.DataFrame()


def imported(stream: list, folder: Path) -> Path:
    nanos, parts = 0, []
    for number, (stock, step, message) in enumerate(stream, 1):
        nanos += step
        body = encoded(stock, nanos, message, number)
        parts.append(struct.pack(">H", len(body)) + body)
    names = [
        b"R" + struct.pack(">HH", stock + 1, 0) + bytes(6) + name.ljust(8).encode() + b"Q" + bytes(19) for stock, name in enumerate(STOCKS)
    ]
    path = folder / "01302019.NASDAQ_ITCH50"
    path.write_bytes(b"".join(struct.pack(">H", len(name)) + name for name in names) + b"".join(parts))
    import_itch([path], folder / "lake", piece_bytes=300)
    return folder / "lake"


@settings(max_examples=8, deadline=None)
@given(MESSAGES)
def test_orders_and_books_are_those_of_a_slow_replay(stream: list) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = imported(stream, Path(folder))
        orders, books, trades = rows_of(lake, "Equity-L3"), rows_of(lake, "Equity"), rows_of(lake, "Trades-Plus")
    events = list(followed(stream))
    assert [found_order(row) for row in orders.iter_rows(named=True)] == [expected_order(event) for event in events]
    assert [found_book(row) for row in books.iter_rows(named=True)] == list(expected_books(events))
    printed = [event for event in events if event[5] and (event[1] == "E" or stream[event[0] - 1][2][3] == "Y")]
    found = [(row["BMLLSequenceNo"] - 2, row["Size"], row["Price"], row["AggressorSide"]) for row in trades.iter_rows(named=True)]
    assert found == [(event[0], event[5], event[6] / 100, {"B": 2, "S": 1}[event[3][1]]) for event in printed]


def found_order(row: dict) -> tuple:
    old = (row["OldOrderId"], row["OldPrice"], row["OldSize"]) if row["OldSize"] else None
    new = (row["OrderId"], row["Price"], row["Size"]) if row["Size"] else None
    return row["BMLLSequenceNo"] - 2, row["OriginalExchangeMessage"], row["Side"], row["OriginalOrderId"], old, new, row["ExecutionSize"]


def expected_order(event: tuple) -> tuple:
    number, kind, stock, old, new, executed, _ = event
    side, root = (new or old)[1], (new or old)[4]
    shown = [(str(each[0] + 100 * stock), each[2] / 100, each[3]) if each else None for each in (old, new)]
    return number, kind, {"B": 1, "S": 2}[side], str(root + 100 * stock), *shown, executed


def found_book(row: dict) -> tuple:
    sides = [
        [(row[f"{side}Price{level}"], row[f"{side}Quantity{level}"], row[f"{side}NumOrders{level}"]) for level in range(1, 11)]
        for side in ("Bid", "Ask")
    ]
    return row["BMLLSequenceNo"] - 2, row["Ticker"], *([level for level in side if level[0] is not None] for side in sides)


def expected_books(events: list) -> Iterator[tuple]:
    """The ten best levels after each message that changes them."""
    resting: dict[tuple[int, int], tuple] = {}
    shown: defaultdict[int, tuple] = defaultdict(lambda: ([], []))
    numbers = [event[0] for event in events]
    for (number, _, stock, old, new, _, _), following in zip(events, [*numbers, None][1:], strict=True):
        if old:
            resting.pop((stock, old[0]), None)
        if new:
            resting[stock, new[0]] = new
        levels: dict[str, defaultdict[int, list[int]]] = {"B": defaultdict(list), "S": defaultdict(list)}
        for (of, _), order in resting.items():
            if of == stock:
                levels[order[1]][order[2]].append(order[3])
        best = [sorted(levels["B"], reverse=True)[:10], sorted(levels["S"])[:10]]
        rows = tuple(
            [(price / 100, sum(levels[side][price]), len(levels[side][price])) for price in prices]
            for side, prices in zip("BS", best, strict=True)
        )
        if rows != shown[stock] and number != following:
            shown[stock] = rows
            yield number, STOCKS[stock], *rows
