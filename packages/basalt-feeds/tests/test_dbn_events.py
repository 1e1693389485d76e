"""Databento: events, trades and fills of records, against a slow twin, and in blocks of any size."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.books.storage import Listings
from basalt.core.pipelines import load_module
from basalt.feeds.dbn.events import as_messages

kit: Any = load_module(Path(__file__).with_name("databento.py"))
EVENTS, LAST, imported, record, write_records = kit.EVENTS, kit.LAST, kit.imported, kit.record, kit.write_records
NONE, ADD, REDUCE, MODIFY, CLEAR = 0, 1, 2, 4, 5
NO_SIZE = 2**32 - 1

said = st.lists(
    st.tuples(
        st.sampled_from("AACCMTTFFFRN"),
        st.integers(0, 3),
        st.sampled_from("ABN"),
        st.sampled_from([0, 1, 2, 5, NO_SIZE]),
        st.sampled_from([LAST, 0, 0]),
        st.sampled_from([11, 12]),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(said)
def test_messages_are_those_of_a_slow_twin(drawn: list[tuple[str, int, str, int, int, int]]) -> None:
    rows: list[dict[str, Any]] = [
        {"action": action, "order_id": order, "side": side, "size": size, "flags": flags, "ListingId": listing, "BMLLSequenceNo": number}
        for number, (action, order, side, size, flags, listing) in enumerate(drawn, start=1)
    ]
    expected = slow_messages(rows)
    frame = pl.DataFrame(
        [{**row, "action": ord(row["action"]), "side": ord(row["side"]), "price": 10**9} for row in rows],
        schema_overrides={"action": pl.UInt8, "side": pl.UInt8, "flags": pl.UInt8, "size": pl.UInt32, "order_id": pl.UInt64},
    )

    found = as_messages(frame, Listings())

    assert found.select("BookMessage", "Side", "Size", "trade", "is_after_fill", "before", "after").rows() == expected
    events = found["event"].to_list()
    assert [events.index(event) for event in events] == [event_of(rows, place)[0] for place in range(len(rows))]


def event_of(rows: list[dict[str, Any]], place: int) -> list[int]:
    """Places of the rows of the same event: those of the listing between two ends."""
    mine = [each for each, row in enumerate(rows) if row["ListingId"] == rows[place]["ListingId"]]
    event: list[int] = []
    for each in mine:
        event.append(each)
        if rows[each]["flags"] & LAST:
            if place in event:
                return event
            event = []
    return event


def slow_messages(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What each row says, one event and order after the other."""
    size = [0 if row["size"] == NO_SIZE else row["size"] for row in rows]
    kind = [{"A": ADD, "C": REDUCE, "M": MODIFY, "R": CLEAR}.get(row["action"], NONE) for row in rows]
    is_after, trade, spans = [False] * len(rows), [0] * len(rows), []
    for place, row in enumerate(rows):
        event = event_of(rows, place)
        reports = [each for each in event if rows[each]["action"] == "T" and each <= place]
        if row["action"] in "TF" and reports:
            trade[place] = rows[reports[-1]]["BMLLSequenceNo"]
        ends = rows[event[-1]]["flags"] & LAST
        spans.append((rows[event[0]]["BMLLSequenceNo"] - 1, rows[event[-1]]["BMLLSequenceNo"] if ends else len(rows)))
    for places in {tuple(event_of(rows, place)) for place in range(len(rows))}:
        for order in {rows[place]["order_id"] for place in places}:
            settle(rows, [place for place in places if rows[place]["order_id"] == order], size, kind, is_after)
    sides = [{"B": 1, "A": 2}.get(row["side"], 0) for row in rows]
    return [(*each, *span) for *each, span in zip(kind, sides, size, trade, is_after, spans, strict=True)]


def settle(rows: list[dict[str, Any]], event: list[int], size: list[int], kind: list[int], is_after: list[bool]) -> None:
    """Let the fills of one order in one event take what its changes say, and its cancels the rest."""
    fills, cancels, changes = ([each for each in event if rows[each]["action"] in letters] for letters in ("F", "C", "CM"))
    if not fills:
        return
    left = NO_SIZE if len(cancels) < len(changes) else sum(size[each] for each in cancels)
    total = 0
    for each in fills:
        asked, size[each] = size[each], min(size[each], left)
        left, total, kind[each] = max(left - asked, 0), total + size[each], REDUCE if size[each] else NONE
    for each in changes:
        is_after[each] = True
    for each in cancels:
        taken = min(size[each], total)
        total, size[each] = total - taken, size[each] - taken
        kind[each] = kind[each] if size[each] else NONE


@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_quotes_before_a_trade_may_be_of_records_read_earlier(tmp_path: Path, at_once: int) -> None:
    trades = [record("T", 0, "N", 11, 1, at=6, flags=0), record("N", 0, "N", None, 0, at=6)]
    file = write_records(tmp_path / "a.dbn", "mbo", [*EVENTS, *trades])
    whole, cut = imported(tmp_path / "whole", file), imported(tmp_path / "cut", file, records_at_once=at_once)
    assert all(whole[name].equals(cut[name]) for name in whole)
    assert cut["trades"].select("BestBidPrice", "BestAskPrice").rows() == [(11.0, 12.0), (10.0, 12.0)]


@settings(max_examples=15, deadline=None)
@given(said, st.sampled_from([1, 3, 8, 20]))
def test_blocks_make_no_difference(drawn: list[tuple[str, int, str, int, int, int]], at_once: int) -> None:
    """Two listings, interleaved, read at once or in blocks."""
    records = [
        record(action, order, side, 10 + order, size, at=number, flags=flags, instrument_id=listing)
        for number, (action, order, side, size, flags, listing) in enumerate(drawn, start=1)
    ]
    with TemporaryDirectory() as folder:
        place = Path(folder)
        file = write_records(place / "a.dbn", "mbo", records, symbols={11: "ABC", 12: "XYZ"})
        whole, cut = imported(place / "whole", file), imported(place / "cut", file, records_at_once=at_once)
    assert {name: rows.to_dicts() for name, rows in whole.items()} == {name: rows.to_dicts() for name, rows in cut.items()}
