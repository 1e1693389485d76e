"""Following orders: what each event knows of the life of its order (`lives` says what a life is)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from basalt.books.arrays import Longs, Truths
from basalt.core.declaring import Carried, Example, Pieces, analytic
from basalt.l3.lives import NANOS, Followed, Lives, frozen, inputs

TRACE, ENTRY_AHEAD = "OrderTrace", "EntrySizeAhead"
_TRACE = pl.Struct({"Age": pl.Int64(), "Fault": pl.Int8()})
_AHEAD = "life:ahead"
_NOTHING = np.iinfo(np.int64).min
_EVENTS: dict[str, list[Any]] = {
    "LobAction": [2, 4, 3, 3],
    "Side": [1, 1, 2, 1],
    "SizeAhead": [70, 10, 20, 0],
    "Size": [100, 40, 0, 0],
    "OrderId": ["a", "b", "", ""],
    "OldOrderId": ["", "a", "x", "b"],
}
"""An order enters, goes on under another id, and leaves; in between one leaves that rested from before the data."""


@analytic(grain="row", column=TRACE, unit="", dtype=_TRACE, table="l3")
def order_trace() -> Carried:
    """What is known of the order of an event.

    `Age` is how long it has been in the book (ns), null when its entry is not in the data. `Fault` is 1 for an unknown
    order, 2 for an id that rests already, 3 for an order without id, 0 otherwise. Kept from row to row: the orders that rest.
    """
    return Carried(inputs(), _traced)


def _traced(pieces: Pieces, _: pl.LazyFrame) -> Pieces:
    for piece, followed, born in _with_entries(pieces, NANOS):
        age = _nulled(frozen(piece[NANOS]) - born, followed.of_row < 0)
        yield piece.with_columns(pl.DataFrame({"Age": age, "Fault": followed.faults}).to_struct(TRACE))


@analytic(
    grain="row", column=ENTRY_AHEAD, unit="shares", dtype=pl.Int64(), table="l3", examples=[Example(_EVENTS, gives=[70, 70, None, 70])]
)
def entry_size_ahead() -> Carried:
    """Displayed size with priority over the order when it was entered; null when its entry is not in the data."""
    return Carried({**inputs(), _AHEAD: pl.col("SizeAhead").cast(pl.Int64).fill_null(_NOTHING)}, _stood)


def _stood(pieces: Pieces, _: pl.LazyFrame) -> Pieces:
    for piece, followed, ahead in _with_entries(pieces, _AHEAD):
        yield piece.with_columns(_nulled(ahead, (followed.of_row < 0) | (ahead == _NOTHING)).alias(ENTRY_AHEAD))


def _with_entries(pieces: Pieces, name: str) -> Iterator[tuple[pl.DataFrame, Followed, Longs]]:
    """Each piece, what happens in it, and by row the value of *name* in the row that entered its order; any where that is unknown."""
    lives, resting = Lives(), np.empty(0, np.int64)
    for piece in pieces:
        followed = lives.follow(piece)
        known = np.append(resting, frozen(piece[name])[followed.entered])
        yield piece, followed, np.append(known, 0)[followed.of_row]
        resting = known[followed.rests]


def _nulled(values: Longs, is_null: Truths) -> pl.Series:
    return pl.Series(values).set(pl.Series(is_null), None)


def trace(name: str) -> pl.Expr:
    """A field of `order_trace`."""
    return pl.col(TRACE).struct.field(name)
