"""Changes of orders to places in queues."""

from __future__ import annotations

import numpy as np
import polars as pl

from basalt.books.arrays import Bytes, Long, Longs
from basalt.books.columns import PriceCode, constant, identifiers, integers, require
from basalt.books.level_kernel import NEAR, NO_KEY, START
from basalt.books.messages import BookMessage
from basalt.books.order_kernel import ID, LISTING_BITS, OWNER, SIDE_BITS, seek
from basalt.books.queue_kernel import FREE, NODES_USED, POOL_USED, TABLE_USED, UNKNOWN, follow_queues
from basalt.books.storage import Listings, frozen, lengthened

COLUMNS = ("PriceLevel", "OldPriceLevel", "SizeAhead", "OrdersAhead", "DelOrderIndex", "AddOrderIndex")


class QueueTracker:
    """The queues of any number of listings: where each order stands, and where it stood.

    Args:
        price_scale: What integer prices are in units of; None for prices that are floats.
    """

    def __init__(self, *, price_scale: int | None = None) -> None:
        self._listings, self._prices = Listings(), PriceCode(price_scale)
        self._heads, self._epochs = np.zeros((0, 3), np.int64), np.zeros(0, np.int64)
        self._keys, self._levels = np.full(1024, NO_KEY, np.int64), np.zeros((1024, 4), np.int64)
        self._nodes, self._table = np.zeros((512, 5), np.int64), np.zeros((1024, 4), np.int64)
        self._used = np.zeros(4, np.int64)
        self._used[POOL_USED], self._used[FREE] = NEAR, -1

    def feed(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Say where the order of each row stands.

        Args:
            rows: Rows of `l3` (`OldOrderId` and `OrderId` name the order before and after), or what `OrderTracker.feed` gives (`OrderId`,
                and `NewOrderId` where it changes). Ids are 64-bit integers, or text of them. In order of events within a listing.

        Returns:
            The input with `PriceLevel`, `OldPriceLevel`, `SizeAhead`, `OrdersAhead`, `DelOrderIndex`, `AddOrderIndex` as the
            contract of `l3` says; null where an order is not known from its entry.

        Raises:
            MissingColumn: A column is not there.
        """
        return _frame(rows, self.follow(rows))

    def follow(self, rows: pl.DataFrame) -> Longs:
        """What `feed` says, as numbers: a row of the array for each of `COLUMNS`, `UNKNOWN` for null."""
        require(rows, ("ListingId", "OrderId", "Side", "Price", "Size", "OldSize"))
        listings = frozen(self._listings.number(integers(rows, "ListingId")))
        self._hold()
        price = self._prices.encode(rows, "Price")
        new = (integers(rows, "Side", pl.Int8), price, integers(rows, "Size"))
        message: Bytes = (
            integers(rows, "BookMessage", pl.Int8) if "BookMessage" in rows.columns else constant(rows.height, BookMessage.CHANGE, np.int8)
        )
        out = np.empty((len(COLUMNS), rows.height), np.int64)
        row: Long = 0
        while True:
            row = follow_queues(row, listings, message, _ids(rows), new, integers(rows, "OldSize"), self._prices.limits, self._arrays, out)
            if row == rows.height:
                return out
            self._grow()

    @property
    def _arrays(self) -> tuple[Longs, ...]:
        return self._heads, self._keys, self._levels, self._nodes, self._table, self._epochs, self._used

    def _hold(self) -> None:
        count = self._listings.count
        first = len(self._epochs)
        if count > first:
            room = max(2 * first, count, 16)
            self._epochs = lengthened(self._epochs, room, 1)
            self._heads = lengthened(self._heads, 2 * room)
            self._heads[2 * first :, START] = NEAR

    def _grow(self) -> None:
        """Twice the room of everything that is nearly full."""
        if self._used[POOL_USED] * 2 > len(self._keys):
            self._levels = lengthened(self._levels, 2 * len(self._keys))
            self._keys = lengthened(self._keys, 2 * len(self._keys))
        if self._used[NODES_USED] == len(self._nodes):
            self._nodes = lengthened(self._nodes, 2 * len(self._nodes))
        if 2 * (self._used[TABLE_USED] + 1) > len(self._table):
            self._table = self._larger_table()

    def _larger_table(self) -> Longs:
        """The orders that still count, in a table with room."""
        listing = (self._table[:, OWNER] >> SIDE_BITS) & ((1 << LISTING_BITS) - 1)
        counts = (self._table[:, OWNER] != 0) & (self._table[:, OWNER] >> (SIDE_BITS + LISTING_BITS) == self._epochs[listing])
        kept = self._table[counts]
        slots = 1024
        while slots < 4 * len(kept):
            slots *= 2
        table = np.zeros((slots, 4), np.int64)
        for each in kept:
            table[seek(table, each[ID], each[OWNER])] = each
        self._used[TABLE_USED] = len(kept)
        return table


def _ids(rows: pl.DataFrame) -> tuple[Longs, Longs]:
    """Ids before and after the change."""
    order = identifiers(rows, "OrderId")
    if "OldOrderId" in rows.columns:
        return identifiers(rows, "OldOrderId"), order
    if "NewOrderId" not in rows.columns:
        return order, order
    named = identifiers(rows, "NewOrderId")
    return order, frozen(np.where(named == 0, order, named))


def _frame(rows: pl.DataFrame, out: Longs) -> pl.DataFrame:
    columns = [pl.Series(name, out[place]) for place, name in enumerate(COLUMNS)]
    return rows.with_columns(column.set(column == UNKNOWN, None) for column in columns)
