"""Records of orders to messages of a book: which rows belong together, and what each does.

A trade comes as several records of one event: T tells the aggressor's side of it, F each resting order that was filled, and only the C or M that follows changes the
order. In a lake an execution is one row that says both, so the F takes its size from the order here, and the C takes what is left of it. An event ends with the flag LAST.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from basalt.books import BookMessage
from basalt.feeds.dbn.fields import ADD, CANCEL, CLEAR, FILL, LAST, MODIFY, NO_SIZE, SNAPSHOT, TRADE, has_flag, price, resting_side

HELD_AT_MOST = 100_000
"""Records of an event that never ends; files of some venues lack the flag."""

_KEY = ("ListingId", "event", "order_id")
_MESSAGES = {ADD: BookMessage.ADD, CANCEL: BookMessage.REDUCE, MODIFY: BookMessage.MODIFY, CLEAR: BookMessage.CLEAR}


def split_complete(records: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Records of events that are over, and those of events that go on."""
    is_over = _within_listing(records, has_flag(LAST).cum_max(reverse=True))
    over = records.select(is_over).to_series()
    held = records.filter(~over)
    if held.height > HELD_AT_MOST:
        return records, held.clear()
    return records.filter(over), held


def _within_listing(records: pl.DataFrame, expression: pl.Expr) -> pl.Expr:
    return expression if records["ListingId"].n_unique() < 2 else expression.over("ListingId")


def with_snapshots_cleared(records: pl.DataFrame, in_snapshot: set[int]) -> pl.DataFrame:
    """*records* with a record R before each snapshot that lacks one; files of version 1 do.

    Args:
        records: Records in order of the file.
        in_snapshot: Listings whose last record belonged to a snapshot; changed in place.
    """
    is_snapshot = has_flag(SNAPSHOT)
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


def as_messages(records: pl.DataFrame) -> pl.DataFrame:
    """What each record says to the book.

    Args:
        records: Whole events, with `ListingId` and `BMLLSequenceNo`.

    Returns:
        The records in their order, with `event` (number within the listing and this frame), `before` and `after` (sequence number of the last record before the event, and of its
        last one); `BookMessage`, `OrderId`, `Side`, `Price` (billionths) and `Size` as `basalt.books.OrderTracker` reads them; `trade`, for reports and fills the
        sequence number of the report that they belong to; `is_fill`, whether a fill takes its size from an order here, and `is_after_fill`, whether the
        record changes an order that was filled in its event.
    """
    is_last, number = has_flag(LAST), pl.col("BMLLSequenceNo")
    ended = pl.when(is_last).then(number)
    kinds = {action: int(kind) for action, kind in _MESSAGES.items()}
    size = pl.when(pl.col("size") != NO_SIZE).then("size").otherwise(0).cast(pl.Int64)
    said = records.with_columns(
        _within_listing(records, is_last.shift(1, fill_value=False).cum_sum()).alias("event"),
        _within_listing(records, ended.shift(1).forward_fill()).fill_null(0).alias("before"),
        _within_listing(records, ended.backward_fill()).fill_null(number.max()).alias("after"),
        price("price").alias("Price"),
        resting_side().alias("Side"),
        pl.col("action").replace_strict(kinds, default=int(BookMessage.NONE), return_dtype=pl.Int8).alias("BookMessage"),
        pl.col("order_id").alias("OrderId"),
        size.alias("Size"),
        pl.when(is_report()).then(number).alias("trade"),
    )
    if not (said["action"] == FILL).any():
        return said.with_columns(pl.lit(False).alias("is_fill"), pl.lit(False).alias("is_after_fill"))
    return _with_fills(_with_trades(said).with_row_index("row"))


def _with_trades(said: pl.DataFrame) -> pl.DataFrame:
    """Give each fill the number of the last report before it in its event."""
    of_event = _within_listing(said, pl.when(is_report()).then("event").forward_fill())
    number = _within_listing(said, pl.col("trade").forward_fill())
    belongs = (pl.col("action") == FILL) & (of_event == pl.col("event"))
    return said.with_columns(pl.when(belongs).then(number).otherwise("trade").alias("trade"))


def _with_fills(said: pl.DataFrame) -> pl.DataFrame:
    """Let fills take from their orders what the changes after them would have taken."""
    told = said.filter(pl.col("action").is_in([FILL, CANCEL, MODIFY])).select("row", "action", "Size", *_KEY)
    fills = told.filter(pl.col("action") == FILL)
    changes = told.filter(pl.col("action") != FILL).join(fills.select(_KEY).unique(), on=_KEY, how="semi", maintain_order="left")
    is_modified = (pl.col("action") == MODIFY).any()
    limits = changes.group_by(_KEY).agg(pl.when(is_modified).then(NO_SIZE).otherwise(pl.col("Size").sum()).alias("limit"))
    taken = _taken(fills.join(limits, on=_KEY, how="left", maintain_order="left").with_columns(pl.col("limit").fill_null(0)))
    totals = taken.group_by(_KEY).agg(pl.col("taken").sum().alias("limit"))
    left = _taken(changes.filter(pl.col("action") == CANCEL).join(totals, on=_KEY, how="left", maintain_order="left"))
    return _written(said, taken, changes, left).drop("row")


def _taken(rows: pl.DataFrame) -> pl.DataFrame:
    """*rows* with `taken`: what each takes of the `limit` of its order in its event, the first ones first."""
    earlier = (pl.col("Size").cum_sum() - pl.col("Size")).over(_KEY)
    left = (pl.col("limit") - earlier).clip(lower_bound=0)
    return rows.with_columns(pl.min_horizontal("Size", left).cast(pl.Int64).alias("taken"))


def _written(said: pl.DataFrame, taken: pl.DataFrame, changes: pl.DataFrame, left: pl.DataFrame) -> pl.DataFrame:
    """*said* with what fills take, and what cancels take after them."""
    size, kind = said["Size"].to_numpy().copy(), said["BookMessage"].to_numpy().copy()
    is_fill, is_after = np.zeros(said.height, np.bool_), np.zeros(said.height, np.bool_)
    filled, now = taken["row"].to_numpy(), taken["taken"].to_numpy()
    size[filled], kind[filled], is_fill[filled] = now, np.where(now > 0, int(BookMessage.REDUCE), int(BookMessage.NONE)), now > 0
    cancelled, rest = left["row"].to_numpy(), (left["Size"] - left["taken"]).to_numpy()
    size[cancelled] = rest
    kind[cancelled[rest == 0]] = int(BookMessage.NONE)
    is_after[changes["row"].to_numpy()] = True
    return said.with_columns(
        pl.Series("Size", size), pl.Series("BookMessage", kind), pl.Series("is_fill", is_fill), pl.Series("is_after_fill", is_after)
    )


def is_report() -> pl.Expr:
    """Whether a record reports a trade."""
    return pl.col("action") == TRADE
