"""Small files of Databento, and a slow replay by the vendor's rules. Not a test: the tests of Databento load it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from basalt.feeds.dbn.importing import import_dbn
from basalt.feeds.dbn.writing import encoded_header, encoded_records

DAY = date(2024, 1, 3)
MIDNIGHT = 1_704_240_000 * 10**9
"""2024-01-03 00:00 in UTC."""
LAST, SNAPSHOT = 128, 32


def record(action: str, order: int, side: str, price: int | None, size: int, *, at: int, **more: Any) -> dict[str, Any]:
    """A record of kind `mbo`, *at* so many ns after midnight; the price in whole dollars."""
    given = {
        "instrument_id": 7,
        "flags": LAST,
        "sequence": at,
        "ts_event": MIDNIGHT + at,
        "ts_recv": MIDNIGHT + at + 50,
        "channel_id": 0,
        **more,
    }
    units = 2**63 - 1 if price is None else price * 10**9
    return {"action": ord(action), "side": ord(side), "order_id": order, "price": units, "size": size, **given}


def write_records(
    path: Path, kind: str, records: Iterable[dict[str, Any]], *, symbols: dict[int, str] | None = None, version: int = 3
) -> Path:
    """A DBN file of one kind."""
    header = encoded_header("XNAS.ITCH", kind, DAY, {7: "ABC"} if symbols is None else symbols, version=version)
    body = encoded_records("mbp-1" if kind == "tbbo" else kind, pl.DataFrame(list(records)), version=version)
    path.write_bytes(header + body)
    return path


def replayed(records: Iterable[dict[str, Any]]) -> Iterator[tuple[int, list[tuple[int, int, int]], list[tuple[int, int, int]]]]:
    """The whole book after each event by the vendor's rules: number of the event's last record; bids and asks as (price, size, orders), best first."""
    orders: dict[int, tuple[str, int, int]] = {}
    for number, each in enumerate(records, start=1):
        apply(orders, each)
        if each["flags"] & LAST:
            yield number, _levels(orders, "B"), _levels(orders, "A")


def apply(orders: dict[int, tuple[str, int, int]], each: dict[str, Any]) -> None:
    """Change *orders* as a record says."""
    action, order, side = chr(each["action"]), each["order_id"], chr(each["side"])
    if action == "R":
        orders.clear()
    elif action in "AM":
        orders[order] = (side, each["price"], each["size"])
    elif action == "C" and order in orders:
        known = orders[order]
        left = known[2] - each["size"]
        orders[order] = (known[0], known[1], left)
        if left <= 0:
            del orders[order]


def _levels(orders: dict[int, tuple[str, int, int]], side: str) -> list[tuple[int, int, int]]:
    sizes: defaultdict[int, list[int]] = defaultdict(list)
    for its_side, price, size in orders.values():
        if its_side == side:
            sizes[price].append(size)
    return [(price, sum(sizes[price]), len(sizes[price])) for price in sorted(sizes, reverse=side == "B")]


def shown(row: dict[str, Any], side: str) -> list[tuple[int, int, int]]:
    """The levels of a row of `l2`, prices in billionths."""
    names = (f"{side}Price", f"{side}Quantity", f"{side}NumOrders")
    levels = [tuple(row[f"{name}{level}"] for name in names) for level in range(1, 11)]
    return [(round(price * 10**9), int(quantity), orders) for price, quantity, orders in levels if price is not None]


def imported(folder: Path, *files: Path, **options: Any) -> dict[str, pl.DataFrame]:
    """The tables of the one market and day that *files* hold."""
    done = import_dbn(files, folder / "lake", **options)
    return {each.table: pl.read_parquet(each.path) for each in done.files}


EVENTS = [
    record("R", 0, "N", None, 0, at=1, flags=SNAPSHOT),
    record("A", 1, "B", 10, 100, at=1, flags=SNAPSHOT),
    record("A", 2, "A", 12, 50, at=1, flags=SNAPSHOT | LAST),
    record("A", 3, "B", 11, 30, at=2),
    record("T", 9, "A", 11, 40, at=3, flags=0),
    record("F", 3, "B", 11, 30, at=3, flags=0),
    record("F", 1, "B", 10, 10, at=3, flags=0),
    record("C", 3, "B", 11, 30, at=3, flags=0),
    record("M", 1, "B", 10, 90, at=3),
    record("C", 2, "A", 12, 20, at=4),
    record("C", 77, "A", 13, 5, at=5),
]
