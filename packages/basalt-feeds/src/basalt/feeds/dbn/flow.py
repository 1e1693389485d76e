"""Order events of a market's day to its tables l3, l2 and trades.

Sizes: in `l3`, `OldSize - Size` is what a row takes from its order. An order that the file does not show from its entry, nor in a snapshot, is unknown: its removal
is kept with what the message says, its fills do not change the book, and both are counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from basalt.books import BookBuilder, BookMessage, OrderTracker
from basalt.books.storage import Listings
from basalt.core.tables import Table
from basalt.feeds.dbn.events import as_messages, is_report, split_complete, with_snapshots_cleared
from basalt.feeds.dbn.fields import CLEAR, LAST, PRICE_SCALE, STREAM, Clock, has_flag, listings_of
from basalt.feeds.dbn.naming import identity
from basalt.feeds.dbn.order_rows import CARRIED, FAULTS, OrderRows
from basalt.feeds.dbn.prints import QUOTES, trade_rows
from basalt.feeds.identifiers import Listing
from basalt.market.tables import L2, L3, TRADES

LEVELS = 10
_CHANGE = ("ListingId", "BookMessage", "Side", "Price", "Size", "OldSide", "OldPrice", "OldSize", "EndOfEvent")

Made = list[tuple[Table, pl.DataFrame]]
"""Rows of tables."""


@dataclass
class OrderFlow:
    """The orders and books of one market, from record to record and day to day; a thread of its own builds the books.

    Attributes:
        has_books: Whether to make `l2`.
        has_queues: Whether `l3` says where orders stand in their queues.
        day: Day of the rows that come now.
    """

    has_books: bool = True
    has_queues: bool = True
    day: date = date.min
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self._tracker = OrderTracker(keeps_codes=True)
        self._builder = BookBuilder(levels=LEVELS if self.has_books else 1, price_scale=PRICE_SCALE, carry=CARRIED)
        self._held: pl.DataFrame | None = None
        self._last_quotes: pl.DataFrame | None = None
        self._in_snapshot: set[int] = set()
        self._seen_today: set[int] = set()
        self._incomplete = 0
        self._order_rows, self._known = OrderRows(has_queues=self.has_queues), Listings()
        self._thread = ThreadPoolExecutor(1)
        self._building: Future[Made] | None = None

    @property
    def counts(self) -> dict[str, int]:
        """How often what was met, by a sentence's end."""
        faults = dict(zip(FAULTS, self._order_rows.faults.tolist(), strict=True))
        return {"records after the last complete event": self._incomplete, **faults}

    def start_day(self, day: date) -> None:
        """Begin another day; what is incomplete was asked for with `finish` before."""
        self.day = day
        self._in_snapshot, self._seen_today, self._last_quotes = set(), set(), None
        self._order_rows.start_day()

    def feed(self, records: pl.DataFrame, listings: tuple[Listing, ...]) -> Iterator[tuple[Table, pl.DataFrame]]:
        """Rows of the events that *records* complete; those of `l2` and `trades` come a call later, or with `finish`.

        Args:
            records: Records of kind `mbo` of one day with `ListingId`, in order of the file; `position` counts within the day.
            listings: All listings of the day so far.
        """
        if self._held is not None:
            records = pl.concat([self._held, records], rechunk=True)
        complete, self._held = split_complete(records)
        if not complete.is_empty():
            yield from self._tables(complete, listings)

    def finish(self, listings: tuple[Listing, ...]) -> Iterator[tuple[Table, pl.DataFrame]]:
        """The rows of events that never ended, and all that is still to come."""
        held, self._held = self._held, None
        if held is not None and not held.is_empty():
            self._incomplete += held.height
            yield from self._tables(held, listings)
        yield from self._built()

    def close(self) -> None:
        """End the thread that builds books."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    # ---------------------------------------------------------------- one block

    def _tables(self, records: pl.DataFrame, listings: tuple[Listing, ...]) -> Iterator[tuple[Table, pl.DataFrame]]:
        told = self.clock.told(with_snapshots_cleared(records, self._in_snapshot)).with_columns(
            pl.col("flags").cast(pl.Int64).alias("FeedFlags"),
            pl.col("sequence").cast(pl.Int64).alias("ExchangeSequenceNo"),
            (pl.col("position") + 1).alias("BMLLSequenceNo"),
        )
        messages = as_messages(told, self._known)
        tracked = self._tracked(messages)
        yield from self._built()
        self._building = self._thread.submit(self._books_and_trades, tracked, messages.filter(is_report()), listings)
        yield L3, self._order_rows.of(tracked, listings, self.day)

    def _built(self) -> Made:
        """What the thread that builds books made of the block before."""
        building, self._building = self._building, None
        return [] if building is None else building.result()

    def _books_and_trades(self, tracked: pl.DataFrame, reports: pl.DataFrame, listings: tuple[Listing, ...]) -> Made:
        books = self._books(tracked)
        made = [(L2, book_columns(books, listings, self.day))] if self.has_books else []
        if not reports.is_empty():
            made.append((TRADES, trade_rows(reports, self._quotes_with(books), listings, self.day)))
        self._remember(books)
        return made

    def _tracked(self, messages: pl.DataFrame) -> pl.DataFrame:
        """Messages with what they did; a cleared book shows the removal of each of its orders."""
        clears = messages.with_row_index("row").filter(pl.col("action") == CLEAR)
        parts, start = [], 0
        for row, listing in clears.select("row", "ListingId").iter_rows():
            if listing in self._seen_today or (messages["ListingId"].head(row) == listing).any():
                parts.append(self._tracker.feed(messages[start:row]))
                parts.append(self._tracker.feed(self._removals(messages[row : row + 1], listing)))
                start = row
        parts.append(self._tracker.feed(messages[start:]))
        self._seen_today |= set(listings_of(messages))
        return pl.concat(parts)

    def _removals(self, clear: pl.DataFrame, listing: int) -> pl.DataFrame:
        """A message for each order of *listing*, at the time of the record that clears them."""
        orders = self._tracker.orders().filter(pl.col("ListingId") == listing)
        delete, unended = pl.lit(int(BookMessage.DELETE), pl.Int8), pl.col("flags") & (255 - LAST)
        same = {"BookMessage": delete, "flags": unended, "order_id": pl.col("OrderId")}
        rows = clear.drop("OrderId").join(orders.select("ListingId", pl.col("OrderId").cast(pl.UInt64)), on="ListingId")
        return rows.with_columns(expression.alias(name) for name, expression in same.items()).select(clear.columns)

    def _books(self, tracked: pl.DataFrame) -> pl.DataFrame:
        return self._builder.feed(tracked.with_columns(has_flag(LAST).alias("EndOfEvent")).select(*_CHANGE, *CARRIED))

    def _quotes_with(self, books: pl.DataFrame) -> pl.DataFrame:
        quotes = books.select("ListingId", "BMLLSequenceNo", *QUOTES)
        return quotes if self._last_quotes is None else pl.concat([self._last_quotes, quotes])

    def _remember(self, books: pl.DataFrame) -> None:
        quotes = self._quotes_with(books)
        self._last_quotes = quotes.unique("ListingId", keep="last", maintain_order=True)


def book_columns(books: pl.DataFrame, listings: tuple[Listing, ...], day: date) -> pl.DataFrame:
    """Rows of `l2` with whose they are."""
    return books.with_columns(
        *identity(listings, day, "Ticker", "MIC", "CurrencyCode", "TradeDate"), pl.lit(STREAM, pl.Int64).alias("BMLLSequenceSource")
    )
