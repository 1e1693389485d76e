"""Lives of orders, followed from piece to piece of a day.

An order lives from the event that enters it to the event after which nothing of it is displayed: a removal, or an execution or
update that leaves size 0. Changes of price, size or id do not end it. Identity is (listing, id): an update with another `OrderId`
than `OldOrderId` goes on under the new one.

* Orders that rest when the data start have no known entry: their events have null here, and count as `UnknownOrderCount`.
* An entry with an id that rests already takes it over: the life before is lost from sight then (`DuplicateOrderCount`).
* Orders that still rest at the last event of their listing's day are censored there (`CensoredOrderCount`).

Each day is followed by itself. What is kept from piece to piece is of the orders that rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from basalt.books.arrays import Long, Longs, Truths
from basalt.l3.conditions import is_action, is_execution, shares
from basalt.market.sides import LobAction

UNKNOWN, DUPLICATE, UNNAMED = 1, 2, 3
OTHER, ENTER, CHANGE, LEAVE = 0, 1, 2, 3
"""As in `life_kernel`, which only runs that follow orders import: Numba takes most of a second to import."""
FIRST_SLOTS = 1024
KIND, BEFORE, AFTER, NANOS = "life:kind", "life:before", "life:after", "life:nanos"


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
    kind = pl.when(is_entry()).then(ENTER).when(is_hidden).then(OTHER).when(is_gone()).then(LEAVE)
    changes = is_action(LobAction.UPDATE) | is_action(LobAction.EXECUTE)
    return kind.when(changes).then(CHANGE).otherwise(OTHER).cast(pl.Int8)


def _has_text(name: str) -> pl.Expr:
    return (pl.col(name) != "").fill_null(value=False)


def nanos() -> pl.Expr:
    """The time of an event as a whole number."""
    return pl.col("EventTimestamp").cast(pl.Datetime("ns")).cast(pl.Int64)


def inputs() -> dict[str, pl.Expr]:
    """What `Lives` reads of each row besides its listing."""
    ids = {
        name: pl.col(column).map_batches(order_numbers, return_dtype=pl.Int64(), is_elementwise=True)
        for name, column in ((BEFORE, "OldOrderId"), (AFTER, "OrderId"))
    }
    return {KIND: _kind(), NANOS: nanos(), **ids}


def order_numbers(ids: pl.Series) -> pl.Series:
    """Order ids as integers, equal ones as equal integers; 0 for none.

    Ids that are whole numbers as one writes them are themselves; others are hashed to 64 bits: that two of a million
    orders of a listing then share a number has a chance below one in ten million. The number depends on the id alone.
    """
    names = ids.cast(pl.String)
    names = names.set(names == "", None)
    numbers = names.cast(pl.Int64, strict=False)
    is_odd = names.is_not_null() & (numbers.is_null() | names.str.contains(r"^(\+|-?0)"))
    if is_odd.any():
        numbers = numbers.zip_with(~is_odd, names.hash().reinterpret(signed=True))
    return numbers.fill_null(0).alias(ids.name)


def frozen(column: pl.Series) -> NDArray[Any]:
    """A column as a read-only array: one kind of array needs one compilation."""
    array = column.to_numpy().view()
    array.flags.writeable = False
    return array


@dataclass(frozen=True)
class Followed:
    """What happens to lives in one piece. A life is known by its place among those that rested before and those that enter.

    Attributes:
        of_row: Life of each row; -1 where it is not known.
        entered: The rows that enter a life, in order.
        ends: Row that ended each life; -1 while it rests.
        faults: What is wrong with each row: `UNKNOWN`, `DUPLICATE`, `UNNAMED` or 0.
    """

    of_row: Longs
    entered: Longs
    ends: Longs
    faults: NDArray[np.int8]

    @property
    def rests(self) -> Truths:
        """The lives that go on in the next piece, where they have new places from 0 on."""
        found: Truths = self.ends < 0
        return found


class Lives:
    """The orders that rest, while the pieces of a day go by."""

    def __init__(self) -> None:
        from basalt.l3.life_kernel import empty_table

        self._table = empty_table(FIRST_SLOTS)
        self._resting: Long = 0
        self._count = 0

    def follow(self, piece: pl.DataFrame) -> Followed:
        """Go on with the next rows, which have `ListingId` and `inputs`."""
        from basalt.l3.life_kernel import follow_orders

        kinds = frozen(piece[KIND])
        entries = int((kinds == ENTER).sum())
        lives, faults = np.empty(piece.height, np.int64), np.empty(piece.height, np.int8)
        ends = np.full(self._count + entries, -1, np.int64)
        self._table, self._resting = follow_orders(
            self._table,
            self._resting,
            self._count,
            frozen(piece["ListingId"].cast(pl.Int64)),
            kinds,
            frozen(piece[BEFORE]),
            frozen(piece[AFTER]),
            lives,
            ends,
            faults,
        )
        entered = np.flatnonzero((kinds == ENTER) & (lives >= 0))
        followed = Followed(lives, entered, ends[: self._count + entered.size], faults)
        self._renumber(followed.rests)
        return followed

    def _renumber(self, rests: Truths) -> None:
        from basalt.l3.life_kernel import renumber

        renumber(self._table, np.cumsum(rests) - 1)
        self._count = int(rests.sum())
