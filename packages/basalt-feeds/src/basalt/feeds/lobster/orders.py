"""Orders of a LOBSTER recording: what messages leave of them, and where they stand when they enter."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from basalt.books.order_kernel import move_orders
from basalt.books.storage import frozen
from basalt.feeds.lobster import order_kernel as kernel

FIELDS = ("Type", "OrderId", "Size", "Price", "Direction")
FIRST_ROOM = (1 << 14, 1 << 12)
"""Slots for orders and for levels, before there are more."""
_EPOCHS = np.ones(2, np.int64)
_NONE = pl.Series([""])


class Orders:
    """The orders of one listing and day, from piece to piece."""

    def __init__(self) -> None:
        self._orders, self._levels = (np.zeros((room, 4), np.int64) for room in FIRST_ROOM)
        self._used = np.zeros(2, np.int64)

    def follow(self, messages: pl.DataFrame, book: NDArray[np.float64]) -> NDArray[np.int64]:
        """What is left of the order after each message, and displayed size and orders before each that enters; `order_kernel.UNKNOWN` without.

        An order that the file does not show from its entry is unknown. What stands before one that enters is the size that the book shows at its
        price and better ones, without itself; null where its price is not among the levels. The orders of a level are counted where those
        that the file shows from their entry add up to the size of the level, so that there is no other.
        """
        out = np.empty((3, messages.height), np.int64)
        fields, row = message_fields(messages), 0
        while (row := int(kernel.follow_orders(row, fields, book, self._orders, self._levels, self._used, out))) < messages.height:
            self._orders, self._levels = (
                _with_room(table, used) for table, used in zip((self._orders, self._levels), self._used.tolist(), strict=True)
            )
        return out


def message_fields(messages: pl.DataFrame) -> tuple[NDArray[np.int64], ...]:
    """Columns of messages as kernels read them."""
    return tuple(frozen(messages[name].to_numpy()) for name in FIELDS)


def changes(messages: pl.DataFrame, left: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Places of the messages that are no halts, and what they do to their orders, as numbers and truths of `order_kernel`."""
    places, values = np.empty(messages.height, np.int64), np.empty((5, messages.height), np.int64)
    truths = np.empty((3, messages.height), np.bool_)
    count = int(kernel.say_changes(message_fields(messages), frozen(left), places, values, truths))
    return places[:count], values[:, :count], truths[:, :count]


def nulled(name: str, values: NDArray[np.int64], none: int = kernel.UNKNOWN) -> pl.Series:
    """*values* as a column, null where they are *none*."""
    return pl.Series(name, pa.array(values, mask=values == none))


def named(name: str, texts: pl.Series, where: NDArray[np.bool_]) -> pl.Series:
    """*texts* where it is so, else empty ones."""
    return texts.zip_with(pl.Series(where), _NONE.new_from_index(0, texts.len())).alias(name)


def _with_room(table: Any, used: int) -> Any:
    """*table*, or a larger one where it is half full."""
    if 2 * used < len(table):
        return table
    into = np.zeros((2 * len(table), 4), np.int64)
    move_orders(table, _EPOCHS, into)
    return into
