"""Following orders: what each event knows of the life of its order.

An order lives from the event that enters it to the event after which nothing of it is displayed: a removal, or an execution or
update that leaves size 0. Changes of price, size or id do not end it. Identity is (listing, id): an update with another `OrderId`
than `OldOrderId` goes on under the new one.

* Orders that rest when the data start have no known entry: their events have null here, and count as `UnknownOrderCount`.
* An entry with an id that rests already takes it over: the life before is lost from sight then (`DuplicateOrderCount`).
* Orders that still rest at the last event of their listing's day are censored there (`CensoredOrderCount`).

Each day is followed by itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from basalt.core.declaring import analytic
from basalt.l3.conditions import is_action, is_execution, shares
from basalt.market.sides import LobAction

ENTRY = "OrderEntry"
AGE = "OrderAge"
_TRACE = pl.Struct({"Entry": pl.Int64(), "End": pl.Int64(), "Fault": pl.Int8()})
UNKNOWN, DUPLICATE, UNNAMED = 1, 2, 3
_OTHER, _ENTER, _CHANGE, _LEAVE = 0, 1, 2, 3


def is_entry() -> pl.Expr:
    """Whether an event enters an order."""
    return is_action(LobAction.INSERT)


def is_gone() -> pl.Expr:
    """Whether nothing of the order is displayed after the event."""
    changes = is_action(LobAction.UPDATE) | is_action(LobAction.EXECUTE)
    return is_action(LobAction.REMOVE) | (changes & (shares("Size") <= 0))


def is_filled() -> pl.Expr:
    """Whether an event executes all that was displayed of the order."""
    return is_execution() & (pl.col("ExecutionSize") >= pl.col("OldSize"))


def _kind() -> pl.Expr:
    """What an event does to an order, for the kernel; executions without an id are about no displayed order."""
    is_hidden = is_action(LobAction.EXECUTE) & ~_has_text("OldOrderId") & ~_has_text("OrderId")
    kind = pl.when(is_entry()).then(_ENTER).when(is_hidden).then(_OTHER).when(is_gone()).then(_LEAVE)
    changes = is_action(LobAction.UPDATE) | is_action(LobAction.EXECUTE)
    return kind.when(changes).then(_CHANGE).otherwise(_OTHER).cast(pl.Int8)


def _has_text(name: str) -> pl.Expr:
    return (pl.col(name) != "").fill_null(value=False)


@analytic(
    grain="row",
    column=ENTRY,
    unit="",
    dtype=_TRACE,
    table="l3",
)
def order_entry() -> pl.Expr:
    """Which rows enter and end the order of an event, and what is wrong with the event.

    `Entry` is the row that entered the order, null when it is not in the data; `End`, on rows that
    enter one, the row that ended it, null while it rests; `Fault` 1 for an unknown order, 2 for an id
    that rests already, 3 for an order without id, 0 otherwise. Rows count from 0.
    """
    return pl.struct("ListingId", _kind().alias("Kind"), "OldOrderId", "OrderId").map_batches(_follow, return_dtype=_TRACE)


def _follow(events: pl.Series) -> pl.Series:
    """The kernel's answer to `order_entry`; Numba takes most of a second to import, so only runs that follow orders do."""
    from basalt.l3.life_kernel import NO_ROW, follow_orders

    frame = events.struct.unnest()
    before, after = order_numbers(frame["OldOrderId"], frame["OrderId"])
    entries, ends, faults = np.empty(frame.height, np.int64), np.empty(frame.height, np.int64), np.empty(frame.height, np.int8)
    follow_orders(frozen(frame["ListingId"]), frozen(frame["Kind"]), before, after, entries, ends, faults)
    rows = pl.DataFrame({"Entry": entries, "End": ends, "Fault": faults})
    known = [pl.when(pl.col(name) != NO_ROW).then(name) for name in ("Entry", "End")]
    return rows.with_columns(known).to_struct(events.name)


def order_numbers(*ids: pl.Series) -> tuple[NDArray[np.int64], ...]:
    """Order ids as integers, equal ones as equal integers; 0 for none.

    Ids that are whole numbers without leading zeros are themselves. If one is not, all are hashed to 64
    bits: that two of a million orders of a listing then share a number has a chance below one in ten million.
    """
    texts = [each.cast(pl.String) for each in ids]
    named = [each.set(each == "", None) for each in texts]
    numbers = [each.cast(pl.Int64, strict=False) for each in named]
    is_plain = all(
        number.null_count() == name.null_count() and not name.str.contains("^[+0]").any()
        for number, name in zip(numbers, named, strict=True)
    )
    codes = numbers if is_plain else [each.hash().reinterpret(signed=True).set(each.is_null(), 0) for each in named]
    return tuple(frozen(each.fill_null(0)) for each in codes)


def frozen(column: pl.Series) -> NDArray[Any]:
    """A column as a read-only array: one kind of array needs one compilation."""
    array = column.to_numpy().view()
    array.flags.writeable = False
    return array


def _entry_row() -> pl.Expr:
    return pl.col(ENTRY).struct.field("Entry")


def fault() -> pl.Expr:
    """What is wrong with an event: `UNKNOWN`, `DUPLICATE`, `UNNAMED` or 0."""
    return pl.col(ENTRY).struct.field("Fault")


@analytic(grain="row", column=AGE, unit="ns", dtype=pl.Int64(), table="l3")
def order_age() -> pl.Expr:
    """How long the order has been in the book at the event; null when its entry is not in the data."""
    return _nanos() - _nanos().gather(_entry_row())


@analytic(grain="row", column="EntrySizeAhead", unit="shares", dtype=pl.Int64(), table="l3")
def entry_size_ahead() -> pl.Expr:
    """Displayed size with priority over the order when it was entered; null when its entry is not in the data."""
    return pl.col("SizeAhead").gather(_entry_row())


def _nanos() -> pl.Expr:
    return pl.col("EventTimestamp").cast(pl.Datetime("ns")).cast(pl.Int64)
