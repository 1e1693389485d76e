"""Import captures of Binance: from paths to the files of a lake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from basalt.feeds.binance.finding import Capture, find_captures, only_symbol
from basalt.feeds.binance.reading import read_capture
from basalt.feeds.binance.replaying import CaptureReplay
from basalt.feeds.collecting import Days, collected_days
from basalt.feeds.continuous import quote_asset
from basalt.feeds.feed import Imported, Progress, quietly
from basalt.feeds.identifiers import Listing
from basalt.feeds.lines import BYTES_AT_ONCE

MICS = {"futures": "BINF", "spot": "BINS"}
"""Names of the venues in a lake; ISO 10383 has none for them."""


def import_binance(
    paths: Sequence[Path],
    lake: Path,
    *,
    mic: str | None = None,
    currency: str | None = None,
    progress: Progress = quietly,
    bytes_at_once: int = BYTES_AT_ONCE,
) -> Imported:
    """Import all captures under *paths* into *lake*.

    Files of one symbol are one capture: they are read in order of time, and the book goes on from one to the next.
    Days are days in UTC by the venue's clock. For one market and day all tables are written, or none; what the
    lake has of the same listing and day is replaced, other listings stay.

    Args:
        paths: Captures, gzipped or not, and folders of them.
        lake: Root of the lake; made if missing.
        mic: Venue of all listings; `BINF` for futures and `BINS` for spot if None.
        currency: Currency of all prices; the end of the symbol if None.
        progress: Told about every file.
        bytes_at_once: Text that is held at once.

    Raises:
        DataError: Files that are missing, cut short, or no captures.
        InvalidValue: A symbol whose currency is not known.
        TargetFailed: The lake cannot be written.
    """
    captures = find_captures(paths)
    total = sum(len(capture.files) for capture in captures)
    done, notices = 0, []
    with collected_days(lake) as days:
        for capture in captures:
            listing = Listing(mic or MICS[capture.market], capture.symbol, currency or quote_asset(capture.symbol))
            replay, line = CaptureReplay(), 1
            for file in capture.files:
                progress(f"importing {file.name}", done, total)
                line = _replay(file, line, replay, listing, days, bytes_at_once, _kind(capture))
                done += 1
            notices += [f"{capture.symbol} ({capture.market}): {notice}" for notice in _notices(replay)]
        files = days.write(lake)
    return Imported(files, tuple(notices))


def _kind(capture: Capture) -> str:
    if capture.market == "spot":
        return "SPOT"
    return "FUTURE" if "_" in capture.symbol else "PERPETUAL"


def _replay(file: Path, line: int, replay: CaptureReplay, listing: Listing, days: Days, bytes_at_once: int, kind: str) -> int:
    """Read one file; gives the number of the line after its last."""
    for messages in read_capture(file, line, bytes_at_once=bytes_at_once):
        only_symbol({*messages.symbols(), listing.ticker}, file)
        days.add_books(listing, replay.books(messages), instrument_type=kind)
        days.add_trades(listing, replay.trades(messages), instrument_type=kind)
        line += messages.lines
    return line


def _notices(replay: CaptureReplay) -> Iterator[str]:
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
        "messages of other streams, left out": replay.others,
    }
    yield from (f"{count} {what}" for what, count in counts.items() if count)
    if replay.unused_quotes and not agreement.compared:
        yield f"{replay.unused_quotes} bookTicker messages and no book to compare them with, left out"
    if agreement.compared:
        yield f"best quotes of the book are those of bookTicker at {agreement.equal} of {agreement.compared} updates that both have"
