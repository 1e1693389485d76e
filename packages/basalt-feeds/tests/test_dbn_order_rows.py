"""Databento: which messages become rows of `l3`, and what they say, against a slow twin."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.feeds.dbn.order_rows import FAULTS, OrderRows
from basalt.feeds.identifiers import Listing

NO_PRICE = 2**63 - 1
UNKNOWN_MODIFIED, DUPLICATE = 2, 3
EXECUTE, REMOVE = 1, 3
LISTINGS = tuple(Listing("XNAS", ticker, "USD") for ticker in ("ABC", "DEF"))
CARRIED = ("TimestampNanoseconds", "ReceiveTimestamp", "FeedTimestamp", "FeedFlags", "ExchangeSequenceNo", "BMLLSequenceNo")

prices, sizes = st.sampled_from([NO_PRICE, 10 * 10**9, 11 * 10**9]), st.integers(0, 2)
messages = st.lists(
    st.fixed_dictionaries(
        {
            "action": st.sampled_from("ACMRTF"),
            "side": st.sampled_from("ABN"),
            "price": prices,
            "size": st.integers(0, 3),
            "order_id": st.integers(0, 2),
            "BookMessage": st.sampled_from([0, 8]),
            "LobAction": st.sampled_from([0, 0, 2, 3, 4]),
            "OrderFault": st.integers(0, 4),
            "is_after_fill": st.booleans(),
            "Side": st.integers(0, 2),
            "Price": prices,
            "Size": sizes,
            "OldPrice": prices,
            "OldSize": sizes,
            "listing": st.integers(0, 1),
            "event": st.integers(0, 4),
            "trade": st.integers(0, 2),
        }
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=100, deadline=None)
@given(messages, messages)
def test_rows_are_those_of_a_slow_twin(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> None:
    rows, counts, faults = OrderRows(has_queues=False), {0: 0, 1: 0}, dict.fromkeys(FAULTS, 0)
    for block in (first, second):
        found = rows.of(tracked(block), LISTINGS, date(2024, 1, 3))
        expected = slow_rows(block, counts, faults)
        assert found.height == len(expected)
        assert found.select(list(expected[0]) if expected else []).to_dicts() == expected
    assert dict(zip(FAULTS, rows.faults.tolist(), strict=True)) == faults


def tracked(block: list[dict[str, Any]]) -> pl.DataFrame:
    """Messages as a tracker gives them."""
    types = {
        "action": pl.UInt8,
        "side": pl.UInt8,
        "size": pl.UInt32,
        "order_id": pl.UInt64,
        "BookMessage": pl.Int8,
        "OrderFault": pl.Int8,
        "listing": pl.Int32,
    }
    coded = [{**each, "action": ord(each["action"]), "side": ord(each["side"]), "flags": 0} for each in block]
    frame = pl.DataFrame(coded, schema_overrides={**types, "flags": pl.UInt8})
    ids = pl.Series("ListingId", [LISTINGS[each["listing"]].listing_id for each in block])
    return frame.with_columns(ids, *(pl.int_range(pl.len(), dtype=pl.Int64).alias(name) for name in CARRIED))


def slow_rows(block: list[dict[str, Any]], counts: dict[int, int], faults: dict[str, int]) -> list[dict[str, Any]]:
    """The rows of one block, one message after the other; *counts* and *faults* go on."""
    made: list[tuple[int, dict[str, Any]]] = []
    for each in block:
        fault = fault_of(each)
        if fault:
            faults[fault] += 1
        if is_row(each):
            counts[each["listing"]] += 1
            made.append((each["event"], {"EventNo": counts[each["listing"]], **values(each)}))
    last = {event: place for place, (event, _) in enumerate(made)}
    return [{**row, "EndOfEvent": last[event] == place} for place, (event, row) in enumerate(made)]


def fault_of(each: dict[str, Any]) -> str | None:
    """What does not fit the orders that are known."""
    action, is_known, fault = each["action"], each["LobAction"] > 0, each["OrderFault"]
    found = {
        "cancels of unknown orders": action == "C" and not is_known and fault > 0,
        "changes of unknown orders": action == "M" and fault == UNKNOWN_MODIFIED and not each["is_after_fill"],
        "fills of unknown orders": action == "F" and not is_known and each["order_id"] != 0,
        "entries of known orders": action == "A" and fault == DUPLICATE,
    }
    return next((name for name, is_so in found.items() if is_so), None)


def is_unknown_removal(each: dict[str, Any]) -> bool:
    """A cancel of an order that nobody knows."""
    return bool(each["action"] == "C" and each["LobAction"] == 0 and each["BookMessage"] == 0 and each["OrderFault"] > 0)


def is_row(each: dict[str, Any]) -> bool:
    """Fills, changes, and removals of unknown orders; not a change with nothing left to do after a fill."""
    if each["action"] == "F" or is_unknown_removal(each):
        return True
    has_changed = (each["Size"], each["Price"]) != (each["OldSize"], each["OldPrice"])
    return bool(each["LobAction"] > 0 and (has_changed or not each["is_after_fill"]))


def values(each: dict[str, Any]) -> dict[str, Any]:
    """What a row says."""
    is_removal, is_fill = is_unknown_removal(each), each["action"] == "F"
    said = {"B": 1, "A": 2, "N": None}[each["side"]]
    action = EXECUTE if is_fill and each["LobAction"] == 0 else REMOVE if is_removal else each["LobAction"]
    old_price, old_size = (each["price"], each["size"]) if is_removal else (each["OldPrice"], each["OldSize"])
    order = str(each["order_id"])
    return {
        "Side": each["Side"] or said,
        "LobAction": action,
        "Price": dollars(each["Price"]) if each["Size"] > 0 else None,
        "Size": max(each["Size"], 0),
        "OldPrice": dollars(old_price),
        "OldSize": old_size,
        "ExecutionPrice": dollars(each["price"]) if is_fill else None,
        "ExecutionSize": each["size"] if is_fill else 0,
        "OrderExecuted": is_fill,
        "Printable": is_fill,
        "OriginalOrderId": order,
        "OrderId": order if each["Size"] > 0 else "",
        "OldOrderId": order if is_removal or each["OldSize"] > 0 else "",
        "TradeId": "" if not is_fill else str(each["trade"]) if each["trade"] else None,
        "OriginalExchangeMessage": each["action"],
    }


def dollars(units: int) -> float | None:
    """A price; None where there is none."""
    return None if units == NO_PRICE else units / 10**9
