"""Messages that name orders by id to what they change."""

from __future__ import annotations

import numpy as np
import polars as pl

from basalt.books.arrays import Long, Longs
from basalt.books.columns import PriceCode, identifiers, integers, require
from basalt.books.messages import BookMessage
from basalt.books.order_kernel import ID, LISTING_BITS, OWNER, PRICE, SIDE_BITS, SIZE, track_orders
from basalt.books.reporting import OrderReport
from basalt.books.storage import Listings, Orders, frozen

_CODES = {"BookMessage": pl.Int8, "LobAction": pl.Int64, "OrderFault": pl.Int8, "Side": pl.Int64, "OldSide": pl.Int64}


class OrderTracker:
    """The orders of any number of listings, by 64-bit id.

    Args:
        keeps_codes: Give back integer prices that are none as 2^63 - 1 and actions that are none as 0 instead of null: `BookBuilder` reads both.
    """

    def __init__(self, *, keeps_codes: bool = False) -> None:
        self._listings, self._orders, self._prices = Listings(), Orders(), PriceCode(scale=1)
        self._keeps_codes = keeps_codes

    def feed(self, messages: pl.DataFrame) -> pl.DataFrame:
        """Say what each message does to its order.

        Args:
            messages: `ListingId`, `BookMessage`, `OrderId` (any 64-bit integers, or text of them), `Side`, `Price` and `Size` as
                the messages say them (null or 0 where they do not), and `NewOrderId` if a MODIFY may give another id (null or 0:
                the same). In order of events within a listing.

        Returns:
            The input row by row, with `Price` and `Size` after the message, `OldPrice` and `OldSize` before it, `Side` (that of before
            when the order is gone; 0 when nothing is known), `OldSide`, `NewOrderId` only where a MODIFY said it, `LobAction` (null when
            nothing happened), `OrderFault` and a `BookMessage` that `BookBuilder` understands. Prices have the type that they came in.

        Raises:
            MissingColumn: A column is not there.
            InvalidValue: Values are no integers, or prices no numbers.
        """
        require(messages, ("ListingId", "BookMessage", "OrderId", "Side", "Price", "Size"))
        order = identifiers(messages, "OrderId")
        new_order = order
        if "NewOrderId" in messages.columns:
            named = identifiers(messages, "NewOrderId")
            new_order = frozen(np.where(named == 0, order, named))
        said = (integers(messages, "Side", pl.Int8), self._prices.encode(messages, "Price"), integers(messages, "Size"))
        numbers = frozen(self._listings.number(integers(messages, "ListingId")))
        self._orders.hold(self._listings.count)
        out, codes = np.empty((4, messages.height), np.int64), np.empty((5, messages.height), np.int8)
        row: Long = 0
        kinds, no_price = integers(messages, "BookMessage", pl.Int8), self._prices.limits[2]
        while True:
            row = track_orders(row, numbers, kinds, (order, new_order), said, no_price, self._orders.arrays, out, codes)
            if row == messages.height:
                return self._frame(messages, out, codes)
            self._orders.grow()

    @property
    def report(self) -> OrderReport:
        """What was met so far."""
        return OrderReport.of(self._listings.ids, self._orders.counters)

    @property
    def resting(self) -> int:
        """Number of orders that rest now."""
        return int(self._orders.resting.sum())

    def orders(self) -> pl.DataFrame:
        """Orders that rest now: `ListingId`, `OrderId`, `Side`, `Price` (of the type that came in), `Size`, sorted by the first two."""
        table, epochs = self._orders.table, self._orders.epochs
        owner = table[:, OWNER]
        place = (owner >> SIDE_BITS) & ((1 << LISTING_BITS) - 1)
        rests = np.flatnonzero(owner)
        rests = rests[(owner[rests] >> (SIDE_BITS + LISTING_BITS)) == epochs[place[rests]]]
        prices = np.ascontiguousarray(table[rests, PRICE])
        return pl.DataFrame(
            [
                pl.Series("ListingId", self._listings.ids[place[rests]]),
                pl.Series("OrderId", table[rests, ID]),
                pl.Series("Side", owner[rests] & 3),
                (self._prices.decode(prices, "Price") if self._prices.is_float else _integer_prices(prices)).alias("Price"),
                pl.Series("Size", table[rests, SIZE]),
            ]
        ).sort("ListingId", "OrderId")

    def _frame(self, messages: pl.DataFrame, out: Longs, codes: np.ndarray) -> pl.DataFrame:
        columns = [pl.Series(name, codes[place]).cast(dtype) for place, (name, dtype) in enumerate(_CODES.items())]
        columns += [pl.Series("Size", out[1]), pl.Series("OldSize", out[3])]
        columns += [self._price(out[row], messages["Price"].dtype).alias(name) for row, name in ((0, "Price"), (2, "OldPrice"))]
        if "NewOrderId" in messages.columns:
            renamed = pl.when(pl.col("BookMessage") == BookMessage.MODIFY.value).then("NewOrderId")
            columns.append(messages.select(renamed).to_series())
        kept = [name for name in messages.columns if name not in {column.name for column in columns}]
        frame = messages[kept].hstack(columns)[
            [*messages.columns, *(column.name for column in columns if column.name not in messages.columns)]
        ]
        return frame if self._keeps_codes else frame.with_columns(pl.when(pl.col("LobAction") > 0).then("LobAction"))

    def _price(self, codes: Longs, dtype: pl.DataType) -> pl.Series:
        if dtype.is_float():
            return self._prices.decode(codes, "")
        return pl.Series("", codes) if self._keeps_codes else _integer_prices(codes)


def _integer_prices(codes: Longs) -> pl.Series:
    prices = pl.Series("", codes)
    return prices.set(prices == np.iinfo(np.int64).max, None)
