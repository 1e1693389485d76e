"""Tracked messages to rows of `l3`."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from basalt.books.storage import frozen
from basalt.feeds.dbn import order_row_kernel as kernel
from basalt.feeds.dbn.fields import NO_PRICE, SNAPSHOT, STREAM, price_series
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

    Attributes:
        faults: How often messages did not fit the orders that are known, in the order of `FAULTS`.
    """

    def __init__(self) -> None:
        self.faults = np.zeros(kernel.FAULTS, np.int64)
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
        rows = tracked.select("ListingId", *CARRIED, "action", "flags", "order_id", "trade")[places]
        names = identity(listings, day, "Ticker", "InstrumentId", "TradeDate")
        return (
            rows.select("ListingId", *CARRIED, "order_id", "trade")
            .with_columns(*_columns(values, truths), _exchange_message(rows), pl.lit(STREAM, pl.Int64).alias("BMLLSequenceSource"), *names)
            .select(pl.exclude("order_id", "trade"), *_identifiers(truths))
        )

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
            (_array(tracked, "Side"), _array(tracked, "Price", NO_PRICE), _array(tracked, "Size")),
            (_array(tracked, "OldPrice", NO_PRICE), _array(tracked, "OldSize")),
            (listings, events),
            self._counts,
            self.faults,
            last,
            places,
            values,
            truths,
        )
        return places[:count], values[:, :count], truths[:, :count]


def _array(tracked: pl.DataFrame, name: str, null: int = 0) -> NDArray[Any]:
    column = tracked[name]
    return frozen((column.fill_null(null) if column.null_count() else column).to_numpy())


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


def _identifiers(truths: NDArray[np.bool_]) -> list[pl.Expr]:
    """Ids as text: of the order when it was entered, before and after the row, and of the trade."""
    order, trade, none = pl.col("order_id").cast(pl.String), pl.col("trade").replace(0, None).cast(pl.String), pl.lit("")
    remains, existed, is_fill = (pl.lit(pl.Series(truths[row])) for row in (kernel.REMAINS, kernel.EXISTED, kernel.EXECUTED))
    return [
        order.alias("OriginalOrderId"),
        pl.when(remains).then(order).otherwise(none).alias("OrderId"),
        pl.when(existed).then(order).otherwise(none).alias("OldOrderId"),
        pl.when(is_fill).then(trade).otherwise(none).alias("TradeId"),
    ]


def _exchange_message(rows: pl.DataFrame) -> pl.Series:
    is_snapshot = (rows["flags"].to_numpy() & SNAPSHOT) != 0
    places = np.where(is_snapshot, len(_LETTERS) + 1, _PLACES[rows["action"].to_numpy()])
    return _MESSAGES.gather(places).alias("OriginalExchangeMessage")
