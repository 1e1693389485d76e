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

from basalt.books import BookBuilder, BookMessage, OrderFault, OrderTracker
from basalt.core.tables import Table
from basalt.feeds.dbn.events import as_messages, is_report, split_complete, with_snapshots_cleared
from basalt.feeds.dbn.fields import ADD, CANCEL, CLEAR, FILL, LAST, MODIFY, PRICE_SCALE, SNAPSHOT, STREAM, Clock, has_flag, with_decimals
from basalt.feeds.dbn.naming import identity
from basalt.feeds.dbn.prints import QUOTES, trade_rows
from basalt.feeds.identifiers import Listing
from basalt.market.sides import LobAction
from basalt.market.tables import L2, L3, TRADES

LEVELS = 10
_CARRIED = ("TimestampNanoseconds", "ReceiveTimestamp", "FeedTimestamp", "FeedFlags", "ExchangeSequenceNo", "BMLLSequenceNo")
_CHANGE = ("ListingId", "BookMessage", "Side", "Price", "Size", "OldSide", "OldPrice", "OldSize", "EndOfEvent")

Made = list[tuple[Table, pl.DataFrame]]
"""Rows of tables."""


@dataclass
class OrderFlow:
    """The orders and books of one market, from record to record and day to day; a thread of its own builds the books.

    Attributes:
        has_books: Whether to make `l2`.
        day: Day of the rows that come now.
        counts: How often what was met, by a sentence's end.
    """

    has_books: bool = True
    day: date = date.min
    clock: Clock = field(default_factory=Clock)
    counts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._tracker = OrderTracker()
        self._builder = BookBuilder(levels=LEVELS if self.has_books else 1, price_scale=PRICE_SCALE, carry=_CARRIED)
        self._held: pl.DataFrame | None = None
        self._last_quotes: pl.DataFrame | None = None
        self._in_snapshot: set[int] = set()
        self._seen_today: set[int] = set()
        self._rows: dict[int, int] = {}
        self._thread = ThreadPoolExecutor(1)
        self._building: Future[Made] | None = None

    def start_day(self, day: date) -> None:
        """Begin another day; what is incomplete was asked for with `finish` before."""
        self.day = day
        self._in_snapshot, self._seen_today, self._rows, self._last_quotes = set(), set(), {}, None

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
            self._count("records after the last complete event", held.height)
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
        messages = as_messages(told)
        tracked = self._tracked(messages)
        yield from self._built()
        self._building = self._thread.submit(self._books_and_trades, tracked, messages.filter(is_report()), listings)
        yield L3, self._l3(tracked, listings)

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
        self._seen_today |= set(messages["ListingId"].unique())
        return pl.concat(parts)

    def _removals(self, clear: pl.DataFrame, listing: int) -> pl.DataFrame:
        """A message for each order of *listing*, at the time of the record that clears them."""
        orders = self._tracker.orders().filter(pl.col("ListingId") == listing)
        delete, unended = pl.lit(int(BookMessage.DELETE), pl.Int8), pl.col("flags") & (255 - LAST)
        same = {"BookMessage": delete, "flags": unended, "order_id": pl.col("OrderId")}
        rows = clear.drop("OrderId").join(orders.select("ListingId", pl.col("OrderId").cast(pl.UInt64)), on="ListingId")
        return rows.with_columns(expression.alias(name) for name, expression in same.items()).select(clear.columns)

    def _books(self, tracked: pl.DataFrame) -> pl.DataFrame:
        return self._builder.feed(tracked.with_columns(has_flag(LAST).alias("EndOfEvent")).select(*_CHANGE, *_CARRIED))

    def _quotes_with(self, books: pl.DataFrame) -> pl.DataFrame:
        quotes = books.select("ListingId", "BMLLSequenceNo", *QUOTES)
        return quotes if self._last_quotes is None else pl.concat([self._last_quotes, quotes])

    def _remember(self, books: pl.DataFrame) -> None:
        quotes = self._quotes_with(books)
        self._last_quotes = quotes.unique("ListingId", keep="last", maintain_order=True)

    # ---------------------------------------------------------------- l3

    def _l3(self, tracked: pl.DataFrame, listings: tuple[Listing, ...]) -> pl.DataFrame:
        """Rows of `l3`: what changed an order, and fills of orders that nobody knows."""
        is_fill, is_known = pl.col("action") == FILL, pl.col("LobAction").is_not_null()
        is_unknown = ~is_known & (pl.col("action") == CANCEL) & (pl.col("BookMessage") == 0) & (pl.col("OrderFault") > 0)
        is_idle = is_known & ~is_fill & (pl.col("Size") == pl.col("OldSize")) & (pl.col("Price") == pl.col("OldPrice"))
        rows = tracked.filter(is_fill | is_unknown | (is_known & ~(is_idle & pl.col("is_after_fill"))))
        self._count_faults(tracked)
        rows = rows.with_columns(
            has_flag(SNAPSHOT).alias("is_snapshot"),
            is_unknown.alias("is_unknown"),
            (is_fill & is_known).alias("is_taken"),
            self._ends(rows),
        )
        rows = with_decimals(rows.with_columns(pl.col("price").alias("said")), "Price", "OldPrice", "said")
        return rows.select(*self._numbered(rows), *_order_columns(), *identity(listings, self.day, "Ticker", "InstrumentId", "TradeDate"))

    def _ends(self, rows: pl.DataFrame) -> pl.Expr:
        """The last row of its event that is told ends it, if its event has ended."""
        event = pl.col("event")
        changed = (event != event.shift(-1)).fill_null(value=True)
        if rows["ListingId"].n_unique() > 1:
            changed = changed.over("ListingId")
        return changed.alias("EndOfEvent")

    def _numbered(self, rows: pl.DataFrame) -> list[pl.Expr]:
        place = pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
        is_single = rows["ListingId"].n_unique() < 2
        before = {each: self._rows.get(each, 0) for each in rows["ListingId"].unique()}
        self._rows |= {each: before[each] + count for each, count in rows.group_by("ListingId").len().iter_rows()}
        offset = pl.lit(next(iter(before.values()), 0)) if is_single else pl.col("ListingId").replace_strict(before, return_dtype=pl.Int64)
        return [pl.col("ListingId"), ((place if is_single else place.over("ListingId")) + offset).alias("EventNo")]

    def _count_faults(self, tracked: pl.DataFrame) -> None:
        is_known = pl.col("LobAction").is_not_null()
        faults = tracked.select(
            (~is_known & (pl.col("action") == CANCEL) & (pl.col("OrderFault") > 0)).sum().alias("cancels of unknown orders"),
            ((pl.col("action") == MODIFY) & (pl.col("OrderFault") == int(OrderFault.UNKNOWN_MODIFIED)) & ~pl.col("is_after_fill"))
            .sum()
            .alias("changes of unknown orders"),
            (~is_known & (pl.col("action") == FILL) & (pl.col("order_id") != 0)).sum().alias("fills of unknown orders"),
            ((pl.col("action") == ADD) & (pl.col("OrderFault") == int(OrderFault.DUPLICATE))).sum().alias("entries of known orders"),
        )
        for what, count in faults.row(0, named=True).items():
            self._count(what, count)

    def _count(self, what: str, count: int) -> None:
        self.counts[what] = self.counts.get(what, 0) + count


def _order_columns() -> list[pl.Expr]:
    """Columns of `l3` besides those that say whose a row is."""
    is_unknown, is_taken, is_fill = pl.col("is_unknown"), pl.col("is_taken"), pl.col("action") == FILL
    is_idle_fill = is_fill & ~is_taken
    order = pl.col("order_id").cast(pl.String)
    existed = is_unknown | (pl.col("OldSize") > 0)
    remains = pl.col("Size") > 0
    action = pl.when(is_idle_fill).then(LobAction.EXECUTE.value).when(is_unknown).then(LobAction.REMOVE.value).otherwise("LobAction")
    said_side = pl.col("side").replace_strict({ord("B"): 1, ord("A"): 2}, default=None, return_dtype=pl.Int64)
    return [
        *(pl.col(name) for name in _CARRIED),
        pl.lit(STREAM, pl.Int64).alias("BMLLSequenceSource"),
        pl.when(pl.col("Side") > 0).then(pl.col("Side").cast(pl.Int64)).otherwise(said_side).alias("Side"),
        action.cast(pl.Int64).alias("LobAction"),
        order.alias("OriginalOrderId"),
        pl.when(remains).then("Price").alias("Price"),
        pl.when(remains).then("Size").otherwise(0).alias("Size"),
        pl.when(remains).then(order).otherwise(pl.lit("")).alias("OrderId"),
        pl.when(is_unknown).then("said").otherwise("OldPrice").alias("OldPrice"),
        pl.when(is_unknown).then(pl.col("size").cast(pl.Int64)).otherwise("OldSize").alias("OldSize"),
        pl.when(existed).then(order).otherwise(pl.lit("")).alias("OldOrderId"),
        is_fill.alias("OrderExecuted"),
        pl.when(is_fill).then("said").alias("ExecutionPrice"),
        pl.when(is_fill).then(pl.col("size").cast(pl.Int64)).otherwise(0).alias("ExecutionSize"),
        pl.when(is_fill).then(pl.col("trade").cast(pl.String)).otherwise(pl.lit("")).alias("TradeId"),
        pl.col("EndOfEvent"),
        is_fill.alias("Printable"),
        _exchange_message().alias("OriginalExchangeMessage"),
    ]


def _exchange_message() -> pl.Expr:
    letters = {ord(letter): letter for letter in "ACMRTF"}
    letter = pl.col("action").replace_strict(letters, default="", return_dtype=pl.String)
    return pl.when("is_snapshot").then(pl.lit("SNAPSHOT")).otherwise(letter)


def book_columns(books: pl.DataFrame, listings: tuple[Listing, ...], day: date) -> pl.DataFrame:
    """Rows of `l2` with whose they are."""
    return books.with_columns(
        *identity(listings, day, "Ticker", "MIC", "CurrencyCode", "TradeDate"), pl.lit(STREAM, pl.Int64).alias("BMLLSequenceSource")
    )
