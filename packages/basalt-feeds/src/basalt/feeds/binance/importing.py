"""Import captures of Binance: from paths to the files of a lake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from basalt.core.tables import Table
from basalt.feeds.binance.finding import Capture, find_captures, only_symbol
from basalt.feeds.binance.reading import read_capture
from basalt.feeds.binance.replaying import CaptureReplay
from basalt.feeds.binance.resuming import Ends
from basalt.feeds.collecting import Days, collected_days
from basalt.feeds.continuous import quote_asset
from basalt.feeds.covering import ARRIVAL
from basalt.feeds.feed import Imported, Progress, quietly
from basalt.feeds.identifiers import Listing
from basalt.feeds.lines import BYTES_AT_ONCE
from basalt.market.tables import L2, TRADES

MICS = {"futures": "BINF", "spot": "BINS"}
"""Names of the venues in a lake; ISO 10383 has none for them."""


def import_binance(
    paths: Sequence[Path],
    lake: Path,
    *,
    mic: str | None = None,
    currency: str | None = None,
    replace: bool = False,
    progress: Progress = quietly,
    bytes_at_once: int = BYTES_AT_ONCE,
) -> Imported:
    """Import all captures under *paths* into *lake*.

    Files of one symbol are one capture: they are read in order of time, and the book goes on from one to the next.
    Days are days in UTC by the venue's clock. For one market and day all tables are written, or none. What the lake has of the same
    listing and table from the times of arrival that the files cover is replaced; what arrived before, between or after them stays, and
    so do other listings. A capture that follows one that was imported earlier goes on with its book.

    Args:
        paths: Captures, gzipped or not, and folders of them.
        lake: Root of the lake; made if missing.
        mic: Venue of all listings; `BINF` for futures and `BINS` for spot if None.
        currency: Currency of all prices; the end of the symbol if None.
        replace: Drop what the lake has of the same listings, days and tables beyond the times of the captures.
        progress: Told about every file.
        bytes_at_once: Text that is held at once.

    Raises:
        DataError: Files that are missing, cut short, or no captures.
        InvalidValue: A symbol whose currency is not known.
        TargetFailed: The lake cannot be written.
    """
    captures = find_captures(paths)
    total = sum(len(capture.files) for capture in captures)
    done, replays, ends = 0, [], Ends(lake)
    with collected_days(lake, replace=replace) as days:
        for capture in captures:
            listing = Listing(mic or MICS[capture.market], capture.symbol, currency or quote_asset(capture.symbol))
            replays.append((capture, listing, CaptureReplay()))
            reader = _Reader(replays[-1][2], listing, days, ends, bytes_at_once, _kind(capture))
            for file in capture.files:
                progress(f"importing {file.name}", done, total)
                reader.read(file)
                done += 1
        files = days.write(lake)
        ends.write()
    told = {capture: _notices(replay, days.told_twice[listing]) for capture, listing, replay in replays}
    return Imported(files, tuple(f"{of.symbol} ({of.market}): {notice}" for of, notices in told.items() for notice in notices))


def _kind(capture: Capture) -> str:
    if capture.market == "spot":
        return "SPOT"
    return "FUTURE" if "_" in capture.symbol else "PERPETUAL"


@dataclass
class _Reader:
    """The files of one capture, one after the other; they tell of books from where the first book is known."""

    replay: CaptureReplay
    listing: Listing
    days: Days
    ends: Ends
    bytes_at_once: int
    kind: str
    _line: int = 1
    _ahead: int = 0

    def read(self, file: Path) -> None:
        """Read one file."""
        tables: set[Table] = set()
        times: list[int] = []
        shown: list[int] = []
        is_known = self.replay.following.last is not None
        for messages in read_capture(file, self._line, self._ahead, bytes_at_once=self.bytes_at_once):
            only_symbol({*messages.symbols(), self.listing.ticker}, file)
            self.ends.resume(self.replay, messages, self.listing)
            books = list(self.replay.books(messages))
            shown += [rows[ARRIVAL].item(0) for _, rows in books[:1] if rows.height]
            self.days.add_books(self.listing, books, instrument_type=self.kind)
            self.days.add_trades(self.listing, self.replay.trades(messages), instrument_type=self.kind)
            self.days.add_aggregates(self.listing, self.replay.aggregates(messages), instrument_type=self.kind)
            tables |= set(messages.tables())
            times += messages.span or ()
            self._line, self._ahead = self._line + messages.lines, messages.ahead
        first, last = min(times, default=0), max(times, default=0)
        if TRADES in tables:
            self.days.cover(self.listing, TRADES, (first, last))
        if L2 in tables and (is_known or shown):
            self.days.cover(self.listing, L2, (first if is_known else min(shown), last))
        self.ends.note(self.replay, self.listing)


def _notices(replay: CaptureReplay, told_twice: int) -> Iterator[str]:
    """What a reader of the import should know."""
    following, agreement = replay.following, replay.agreement
    counts = {
        "gaps in the update ids: the book is empty from each to the next snapshot": following.gaps,
        "depth messages that no snapshot makes a book of: import the capture from the file with the snapshot on": following.unknown,
        "depth messages that came again, left out": following.repeated,
        "events whose clock was behind, moved to the clock of the event before": replay.depths.late,
        "events that cross the book": replay.depths.crossed,
        "trades outside the market (insurance fund, deleveraging), left out": replay.off_market,
        "trades that came again, left out": replay.repeated,
        "aggregated trades that came again, left out": replay.repeated_aggregates,
        "aggregated trades whose trades came by themselves, left out": told_twice,
        "messages of other streams, left out": replay.others,
    }
    yield from (f"{count} {what}" for what, count in counts.items() if count)
    if replay.unused_quotes and not agreement.compared:
        yield f"{replay.unused_quotes} bookTicker messages and no book to compare them with, left out"
    if agreement.compared:
        yield f"best quotes of the book are those of bookTicker after {agreement.equal} of {agreement.compared} depth messages"
