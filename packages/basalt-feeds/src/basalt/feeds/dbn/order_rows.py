"""Tracked messages to rows of `l3`."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from basalt.books.queue_kernel import UNKNOWN
from basalt.books.queueing import COLUMNS, QueueTracker
from basalt.books.storage import frozen
from basalt.feeds.dbn import order_row_kernel as kernel
from basalt.feeds.dbn.fields import PRICE_SCALE, SNAPSHOT, STREAM, price_series
from basalt.feeds.dbn.naming import identity
from basalt.feeds.identifiers import Listing

CARRIED = ("TimestampNanoseconds", "ReceiveTimestamp", "FeedTimestamp", "FeedFlags", "ExchangeSequenceNo", "BMLLSequenceNo")
FAULTS = ("cancels of unknown orders", "changes of unknown orders", "fills of unknown orders", "entries of known orders")
"""Ends of sentences, in the order that the kernel counts in."""
_LETTERS = "ACMRTF"
_MESSAGES = pl.Series(["", *_LETTERS, "SNAPSHOT"])
_PLACES = np.zeros(256, np.int64)
_PLACES[[ord(letter) for letter in _LETTERS]] = np.arange(1, len(_LETTERS) + 1)


class OrderRows:
    """Rows of `l3` of one market, from block to block.

    Args:
        has_queues: Say where orders stand in their queues.

    Attributes:
        faults: How often messages did not fit the orders that are known, in the order of `FAULTS`.
    """

    def __init__(self, *, has_queues: bool = True) -> None:
        self.faults = np.zeros(kernel.FAULTS, np.int64)
        self._queues = QueueTracker(price_scale=PRICE_SCALE) if has_queues else None
        self._counts = np.zeros(0, np.int64)

    def start_day(self) -> None:
        """Number the rows of each listing from 1 again."""
        self._counts[:] = 0

    def of(self, tracked: pl.DataFrame, listings: tuple[Listing, ...], day: date) -> pl.DataFrame:
        """What changed an order, and fills and removals of orders that nobody knows.

        Args:
            tracked: What `as_messages` and `basalt.books.OrderTracker` made of records.
            listings: Whom they belong to.
            day: Trading day.
        """
        places, values, truths = self._chosen(tracked)
        rows = tracked[["ListingId", *CARRIED, "action", "flags", "order_id", "trade"]][places]
        columns = [*_columns(values, truths), *_identifiers(rows["order_id"], rows["trade"], truths), _exchange_message(rows)]
        columns += self._standing(tracked, places)
        names = identity(listings, day, "Ticker", "InstrumentId", "TradeDate")
        return rows[["ListingId", *CARRIED]].hstack(columns).with_columns(pl.lit(STREAM, pl.Int64).alias("BMLLSequenceSource"), *names)

    def _chosen(self, tracked: pl.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """Places of the rows, their numbers and their truths, as the kernel says."""
        listings, events = _array(tracked, "listing"), _array(tracked, "event")
        if tracked.height and listings.max() >= self._counts.size:
            self._counts = np.concatenate([self._counts, np.zeros(2 * int(listings.max()) + 2 - self._counts.size, np.int64)])
        last = np.empty(int(events.max()) + 1 if events.size else 0, np.int64)
        places, values = np.empty(tracked.height, np.int64), np.empty((kernel.VALUES, tracked.height), np.int64)
        truths = np.zeros((kernel.TRUTHS, tracked.height), np.bool_)
        count = kernel.choose_rows(
            tuple(_array(tracked, name) for name in ("action", "side", "price", "size", "order_id")),
            tuple(_array(tracked, name) for name in ("BookMessage", "LobAction", "OrderFault", "is_after_fill")),
            tuple(_array(tracked, name) for name in ("Side", "Price", "Size")),
            tuple(_array(tracked, name) for name in ("OldPrice", "OldSize")),
            (listings, events),
            self._counts,
            self.faults,
            last,
            places,
            values,
            truths,
        )
        return places[:count], values[:, :count], truths[:, :count]

    def _standing(self, tracked: pl.DataFrame, places: NDArray[np.int64]) -> list[pl.Series]:
        """Where the orders of the rows stand and stood; null where a row is about an order that nobody knows."""
        if self._queues is None:
            return []
        found = self._queues.follow(tracked).take(places, axis=1)
        is_none = _array(tracked, "LobAction")[places] == 0
        columns = zip(COLUMNS, found, strict=True)
        return [pl.Series(name, pa.array(values, mask=is_none | (values == UNKNOWN))) for name, values in columns]


def _array(tracked: pl.DataFrame, name: str) -> NDArray[Any]:
    return frozen(tracked[name].to_numpy())


def _columns(values: NDArray[np.int64], truths: NDArray[np.bool_]) -> list[pl.Series]:
    side = pl.Series("Side", values[kernel.SIDE])
    prices = {"Price": kernel.PRICE, "OldPrice": kernel.OLD_PRICE, "ExecutionPrice": kernel.EXECUTED_PRICE}
    counts = {
        "EventNo": kernel.NUMBER,
        "LobAction": kernel.ACTION,
        "Size": kernel.SIZE,
        "OldSize": kernel.OLD_SIZE,
        "ExecutionSize": kernel.EXECUTED_SIZE,
    }
    said = {"OrderExecuted": kernel.EXECUTED, "Printable": kernel.EXECUTED, "EndOfEvent": kernel.ENDS}
    return [
        side.replace(0, None) if (values[kernel.SIDE] == 0).any() else side,
        *(price_series(name, values[row]) for name, row in prices.items()),
        *(pl.Series(name, values[row]) for name, row in counts.items()),
        *(pl.Series(name, truths[row]) for name, row in said.items()),
    ]


def _identifiers(orders: pl.Series, trades: pl.Series, truths: NDArray[np.bool_]) -> list[pl.Series]:
    """Ids as text: of the order when it was entered, before and after the row, and of the trade."""
    order, none = orders.cast(pl.String), pl.Series([""]).new_from_index(0, orders.len())
    remains, existed = (pl.Series(truths[row]) for row in (kernel.REMAINS, kernel.EXISTED))
    named = np.flatnonzero(truths[kernel.EXECUTED])
    trade = trades[named].cast(pl.String).set(trades[named] == 0, None)
    places = np.zeros(orders.len(), np.int64)
    places[named] = np.arange(1, named.size + 1)
    return [
        order.alias("OriginalOrderId"),
        order.zip_with(remains, none).alias("OrderId"),
        order.zip_with(existed, none).alias("OldOrderId"),
        pl.concat([none.head(1), trade])[places].alias("TradeId"),
    ]


def _exchange_message(rows: pl.DataFrame) -> pl.Series:
    is_snapshot = (rows["flags"].to_numpy() & SNAPSHOT) != 0
    places = np.where(is_snapshot, len(_LETTERS) + 1, _PLACES[rows["action"].to_numpy()])
    return _MESSAGES.gather(places).alias("OriginalExchangeMessage")
