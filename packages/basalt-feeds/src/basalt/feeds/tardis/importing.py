"""Import Tardis files: from paths to the files of a lake."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl

from basalt.core.errors import ConflictingSettings, InvalidValue
from basalt.core.tables import Table
from basalt.feeds.collecting import Days, collected_days
from basalt.feeds.continuous import quote_asset
from basalt.feeds.covering import Span
from basalt.feeds.depths import DepthReplay, StateStream
from basalt.feeds.feed import Imported, Progress, quietly
from basalt.feeds.identifiers import Listing
from basalt.feeds.lines import BYTES_AT_ONCE
from basalt.feeds.tardis.finding import BOOKS, NativeFile, find_files
from basalt.feeds.tardis.reading import read_file
from basalt.feeds.tardis.tables import book_states, level_changes, prints
from basalt.market.tables import L2, TRADES

NANOS = 1_000
"""Nanoseconds of a unit of Tardis's clocks."""

MICS = {
    "binance": "BINS",
    "binance-futures": "BINF",
    "binance-delivery": "BIND",
    "bitfinex": "BTFX",
    "bitmex": "BTMX",
    "bitstamp": "BTSP",
    "bybit": "BYBF",
    "bybit-spot": "BYBS",
    "coinbase": "CBSE",
    "deribit": "DRBT",
    "kraken": "KRKN",
    "okex": "OKXS",
    "okex-futures": "OKXF",
    "okex-swap": "OKXP",
}
"""Names of venues in a lake; ISO 10383 has none for most of them. Other names of four letters stand for themselves."""


def import_tardis(
    paths: Sequence[Path],
    lake: Path,
    *,
    mic: str | None = None,
    currency: str | None = None,
    replace: bool = False,
    progress: Progress = quietly,
    bytes_at_once: int = BYTES_AT_ONCE,
) -> Imported:
    """Import all Tardis files under *paths* into *lake*.

    A book is made of the best kind of file that there is for its symbol and day: incremental_book_L2, else book_snapshot,
    else quotes. Days are those of Tardis: in UTC, by the time of arrival. For one market and day all tables are
    written, or none. What the lake has of the same listing and table from the times of arrival that the files cover is replaced;
    the rest stays, and so do other listings.

    Args:
        paths: CSV files, gzipped or not, and folders of them.
        lake: Root of the lake; made if missing.
        mic: Venue of all listings; by Tardis's name of the exchange if None.
        currency: Currency of all prices; by the symbol if None.
        replace: Drop what the lake has of the same listings, days and tables beyond the times of the files.
        progress: Told about every file.
        bytes_at_once: Text that is held at once.

    Raises:
        DataError: Files that are missing, cut short, or not of Tardis.
        ConflictingSettings: Two files of one kind tell of the same listing and time; or the lake has rows of it that no capture brought.
        InvalidValue: An exchange or symbol whose market or currency is not known.
        TargetFailed: The lake cannot be written.
    """
    files = find_files(paths)
    with collected_days(lake, replace=replace) as days:
        books = Books(days, mic, currency)
        for done, file in enumerate(sorted(files, key=lambda file: (file.exchange, file.day, _rank(file), file.path))):
            progress(f"importing {file.path.name}", done, len(files))
            for rows in read_file(file, bytes_at_once=bytes_at_once):
                for (symbol,), of_symbol in rows.group_by("symbol", maintain_order=True):
                    books.add(file, str(symbol), of_symbol)
        books.cover()
        written = days.write(lake)
    return Imported(written, tuple(books.notices()))


def market_of(exchange: str) -> str:
    """The name of Tardis's *exchange* in a lake.

    Raises:
        InvalidValue: It is not known.
    """
    if exchange in MICS:
        return MICS[exchange]
    if len(exchange) == 4 and exchange.isascii() and exchange.isalnum():
        return exchange.upper()
    raise InvalidValue(f"the exchange {exchange!r} has no market code", where="--mic", hint="give it one of four letters: --mic XXXX")


def _rank(file: NativeFile) -> int:
    return BOOKS.index(file.kind) if file.kind in BOOKS else len(BOOKS)


@dataclass
class Books:
    """The books and prints of all symbols, and what did not fit so far."""

    days: Days
    mic: str | None
    currency: str | None
    _listings: dict[tuple[str, str], Listing] = field(default_factory=dict)
    _replays: dict[Listing, DepthReplay] = field(default_factory=dict)
    _states: dict[Listing, StateStream] = field(default_factory=dict)
    _in_snapshot: dict[Listing, bool] = field(default_factory=dict)
    _source: dict[tuple[Listing, date], str] = field(default_factory=dict)
    _skipped: defaultdict[Listing, int] = field(default_factory=lambda: defaultdict(int))
    _unused: set[tuple[str, date, str]] = field(default_factory=set)
    _spans: dict[tuple[Path, Listing, Table], Span] = field(default_factory=dict)

    def add(self, file: NativeFile, symbol: str, rows: pl.DataFrame) -> None:
        """Add rows of one symbol of *file*."""
        listing = self._listing(file.exchange, symbol)
        if file.kind == "trades":
            self._note(file, listing, TRADES, rows)
            self.days.add_trades(listing, _by_day(prints(rows)))
        elif self._source.setdefault((listing, file.day), file.kind) != file.kind:
            self._unused.add((listing.ticker, file.day, file.kind))
        elif file.kind == "incremental_book_L2":
            usable = self._usable(listing, rows)
            self._note(file, listing, L2, usable)
            self.days.add_books(listing, self._replayed(listing, usable))
        else:
            self._note(file, listing, L2, rows)
            depth = sum(name.startswith("bids[") and name.endswith("price") for name in rows.columns) or 1
            self.days.add_books(listing, self._states.setdefault(listing, StateStream()).feed(book_states(rows, depth)))

    def _listing(self, exchange: str, symbol: str) -> Listing:
        key = exchange, symbol
        if key not in self._listings:
            self._listings[key] = Listing(self.mic or market_of(exchange), symbol, self.currency or quote_asset(symbol))
        return self._listings[key]

    def cover(self) -> None:
        """Say what the files tell of, once all are read."""
        for (_, listing, table), span in self._spans.items():
            self.days.cover(listing, table, span)

    def _note(self, file: NativeFile, listing: Listing, table: Table, rows: pl.DataFrame) -> None:
        """Remember the time of arrival of *rows*.

        Raises:
            ConflictingSettings: Another file of the same kind has rows of the same listing and time.
        """
        if rows.is_empty():
            return
        first, last = (int(rows["local_timestamp"][at]) * NANOS for at in (0, -1))
        for (path, *whose), span in self._spans.items():
            if whose == [listing, table] and path != file.path and first <= span[1] and span[0] <= last:
                raise ConflictingSettings(
                    f"{file.kind} of {listing.ticker} at the same time are given twice",
                    where=f"{path} and {file.path}",
                    hint="leave one of the files out",
                )
        key = (file.path, listing, table)
        self._spans[key] = (self._spans.get(key, (first, last))[0], last)

    def _usable(self, listing: Listing, rows: pl.DataFrame) -> pl.DataFrame:
        """Updates before the first snapshot belong to no book."""
        usable = rows if listing in self._in_snapshot else rows.filter(pl.col("is_snapshot").cum_max())
        self._skipped[listing] += rows.height - usable.height
        return usable

    def _replayed(self, listing: Listing, usable: pl.DataFrame) -> Iterator[tuple[date, pl.DataFrame]]:
        """Rows of `l2`."""
        if usable.is_empty():
            return
        changes = level_changes(usable, follows_snapshot=self._in_snapshot.get(listing, False))
        self._in_snapshot[listing] = usable["is_snapshot"][-1]
        yield from self._replays.setdefault(listing, DepthReplay()).feed(changes)

    def notices(self) -> Iterator[str]:
        """What a reader of the import should know."""
        for ticker, day, kind in sorted(self._unused):
            yield f"{ticker} {day}: {kind} is not used, the book is made of a better file"
        for listing in self._listings.values():
            replay = self._replays.get(listing)
            streams = [each for each in (replay, self._states.get(listing)) if each is not None]
            counts = {
                "updates before the first snapshot, left out": self._skipped.get(listing, 0),
                "events whose clock was behind, moved to the clock of the event before": sum(each.late for each in streams),
                "events that cross the book": replay.crossed if replay else 0,
            }
            yield from (f"{listing.ticker}: {count} {what}" for what, count in counts.items() if count)


def _by_day(rows: pl.DataFrame) -> Iterator[tuple[date, pl.DataFrame]]:
    for (day,), of_day in rows.group_by("Day", maintain_order=True):
        assert isinstance(day, date)
        yield day, of_day.drop("Day")
