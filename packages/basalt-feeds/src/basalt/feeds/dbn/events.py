"""Records of orders to messages of a book: which rows belong together, and what each does.

A trade comes as several records of one event: T tells the aggressor's side of it, F each resting order that was filled, and only the C or M that follows changes the
order. In a lake an execution is one row that says both, so the F takes its size from the order here, and the C takes what is left of it. An event ends with the flag LAST.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from basalt.books import BookMessage
from basalt.books.storage import Listings, frozen
from basalt.feeds.dbn.event_kernel import SLOT, number_events, number_trades, take_fills
from basalt.feeds.dbn.fields import ADD, ASK, BID, CANCEL, CLEAR, LAST, MODIFY, NO_SIZE, SNAPSHOT, TRADE, has_flag, listings_of
from basalt.market.sides import RestingSide

HELD_AT_MOST = 100_000
"""Records of an event that never ends; files of some venues lack the flag."""

_MESSAGES = {ADD: BookMessage.ADD, CANCEL: BookMessage.REDUCE, MODIFY: BookMessage.MODIFY, CLEAR: BookMessage.CLEAR}


def _by_code(meanings: Mapping[int, int]) -> NDArray[np.int8]:
    """Meaning of each of the 256 codes that a byte can be; 0 of those without one."""
    found = np.zeros(256, np.int8)
    found[list(meanings)] = list(meanings.values())
    return found


_KINDS = _by_code(_MESSAGES)
_SIDES = _by_code({BID: RestingSide.BID, ASK: RestingSide.ASK})


def split_complete(records: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Records of events that are over, and those of events that go on."""
    over = records.select(_within_listing(records, has_flag(LAST).cum_max(reverse=True))).to_series().to_numpy()
    complete = int(np.count_nonzero(over))
    if over.size - complete > HELD_AT_MOST:
        return records, records.clear()
    if over[:complete].all():
        return records.head(complete), records.filter(pl.int_range(pl.len()) >= complete)
    return records.filter(over), records.filter(~over)


def _within_listing(records: pl.DataFrame, expression: pl.Expr) -> pl.Expr:
    return expression if len(listings_of(records)) < 2 else expression.over("ListingId")


def with_snapshots_cleared(records: pl.DataFrame, in_snapshot: set[int]) -> pl.DataFrame:
    """*records* with a record R before each snapshot that lacks one; files of version 1 do.

    Args:
        records: Records in order of the file.
        in_snapshot: Listings whose last record belonged to a snapshot; changed in place.
    """
    is_snapshot = has_flag(SNAPSHOT)
    if not in_snapshot and not records.select(is_snapshot.any()).item():
        return records
    before = _within_listing(records, is_snapshot.shift(1))
    marked = records.with_columns(is_snapshot.alias("is_snapshot"), before.alias("before"))
    carried = pl.col("ListingId").is_in(list(in_snapshot))
    starts = marked.filter(pl.col("is_snapshot") & ~pl.col("before").fill_null(carried) & (pl.col("action") != CLEAR))
    last = marked.group_by("ListingId").agg(pl.col("is_snapshot").last())
    in_snapshot -= set(last["ListingId"])
    in_snapshot |= set(last.filter("is_snapshot")["ListingId"])
    if starts.is_empty():
        return records
    clears = starts.select(records.columns).with_columns(
        pl.lit(CLEAR, pl.UInt8).alias("action"), (pl.col("flags") & (255 - LAST)).alias("flags"), pl.lit(0, pl.UInt64).alias("order_id")
    )
    return pl.concat([clears, records]).sort("position", maintain_order=True)


def as_messages(records: pl.DataFrame, known: Listings) -> pl.DataFrame:
    """What each record says to the book.

    Args:
        records: Whole events, with `ListingId` and `BMLLSequenceNo`.
        known: Numbers of listings, which new ones are added to.

    Returns:
        The records in their order, with `listing` (its number), `event` (number within this frame), `before` and `after` (number before that of the event's first record, and that
        of its last one); `BookMessage`, `OrderId`, `Side`, `Price` (billionths) and `Size` as `basalt.books.OrderTracker` reads them; `trade`, for reports and fills the
        sequence number of the report that they belong to, 0 for none; `is_after_fill`, whether the record changes an order that was filled in its event.
    """
    listings = frozen(known.number(_read_only(records["ListingId"])))
    flags, actions, numbers = (_read_only(records[name]) for name in ("flags", "action", "BMLLSequenceNo"))
    events, trades = np.empty((3, records.height), np.int64), np.empty(records.height, np.int64)
    number_events(listings, flags, numbers, _no_numbers(known.count), events)
    fills = number_trades(listings, actions, numbers, events[0], _no_numbers(known.count), trades)
    sizes, kinds = _sizes(records["size"].to_numpy()), _KINDS[actions]
    is_after = np.zeros(records.height, np.bool_)
    if fills:
        orders = _read_only(records["order_id"]).view(np.int64)
        take_fills(actions, orders, events[0], _empty_slots(fills), sizes, kinds, is_after)
    return records.with_columns(
        pl.Series("listing", listings),
        *(pl.Series(name, row) for name, row in zip(("event", "before", "after"), events, strict=True)),
        pl.Series("BookMessage", kinds),
        pl.col("order_id").alias("OrderId"),
        pl.Series("Side", _SIDES[records["side"].to_numpy()]),
        pl.col("price").alias("Price"),
        pl.Series("Size", sizes),
        pl.Series("trade", trades),
        pl.Series("is_after_fill", is_after),
    )


def _read_only(column: pl.Series) -> NDArray[Any]:
    return frozen(column.to_numpy())


def _no_numbers(listings: int) -> NDArray[np.int64]:
    return np.full((2, listings), -1, np.int64)


def _sizes(said: NDArray[np.uint32]) -> NDArray[np.int64]:
    sizes = said.astype(np.int64)
    sizes[sizes == NO_SIZE] = 0
    return sizes


def _empty_slots(fills: int) -> NDArray[np.int64]:
    return np.zeros((1 << (2 * fills).bit_length(), SLOT), np.int64)


def is_report() -> pl.Expr:
    """Whether a record reports a trade."""
    return pl.col("action") == TRADE
