"""Import LEAN ticks: from paths to the files of a lake."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from pathlib import Path

import polars as pl

from basalt.core.lake import LakeFile
from basalt.core.tables import Table
from basalt.feeds.covering import WHOLE, Coverage, Span
from basalt.feeds.feed import Imported, Progress, quietly
from basalt.feeds.identifiers import Listing, ListingDay
from basalt.feeds.lean.finding import TickFile, find_files
from basalt.feeds.lean.reading import BYTES_AT_ONCE, read_ticks
from basalt.feeds.lean.tables import BestQuotes, TradingDay, official_prices, phase_rows, quotes_of, reference_rows, trade_rows, with_quotes
from basalt.feeds.merging import replace_listings, stored_frames
from basalt.feeds.staging import Staging, staging_in
from basalt.market.statistics import STATISTICS
from basalt.market.tables import L2, MARKETSTATE, REFERENCE, TRADES

QUOTES = "quotes"
"""Name under which best quotes wait for trades."""

MADE_OF: dict[str, tuple[Table, ...]] = {"quote": (L2,), "trade": (TRADES, STATISTICS)}
"""Tables that each kind of file becomes."""


@dataclass
class _Ticker:
    """One ticker's day while its files are read."""

    day: TradingDay
    first: int = 2**62
    suspicious: int = 0
    crossed: int = 0
    spans: dict[str, Span] = field(default_factory=dict)


def import_lean(
    paths: Sequence[Path],
    lake: Path,
    *,
    mic: str = "XNYS",
    currency: str = "USD",
    replace: bool = False,
    progress: Progress = quietly,
    bytes_at_once: int = BYTES_AT_ONCE,
) -> Imported:
    """Import all LEAN tick files of US equities under *paths* into *lake*, one day after the other.

    For one day all tables are written, or none. Rows of other listings that the lake has for that day stay; those of the same
    ticker, table and time are replaced, so importing twice changes nothing.

    Args:
        paths: Zip archives, CSV files, and folders of them.
        lake: Root of the lake; made if missing.
        mic: Market to file the consolidated tape under.
        currency: Currency of all prices.
        replace: Drop what the lake has of the tickers' day beyond the time of the files.
        progress: Told which file comes next.
        bytes_at_once: Text that is held at once.

    Raises:
        DataError: Files that are missing, cut short, or hold lines that LEAN does not write.
        ConflictingSettings: The quotes or trades of a ticker and day are given twice; or the lake has rows of it from times that the files
            do not cover.
        TargetFailed: The lake cannot be written.
    """
    files = find_files(paths)
    written: list[LakeFile] = []
    notices: list[str] = []
    done = 0
    for day, group in groupby(files, key=lambda file: file.day):
        of_day = tuple(group)
        with staging_in(lake) as staging:
            tickers: dict[str, _Ticker] = {}
            for file in of_day:
                progress(f"importing {file.kind}s of {file.ticker} {day}", done, len(files))
                done += 1
                of = ListingDay(Listing(mic, file.ticker, currency), day)
                if file.ticker not in tickers:
                    tickers[file.ticker] = _Ticker(TradingDay.find(of))
                _read(file, tickers[file.ticker], staging, bytes_at_once)
            written += _write(lake, mic, day, list(tickers.values()), staging, replace=replace)
            notices += [notice for ticker in tickers.values() for notice in _notices(ticker)]
    return Imported(tuple(written), tuple(notices))


def _read(file: TickFile, ticker: _Ticker, staging: Staging, bytes_at_once: int) -> None:
    quotes = BestQuotes(ticker.day)
    for ticks in read_ticks(file, bytes_at_once):
        first, last = int(ticks["Nanos"][0]), int(ticks["Nanos"][-1])
        ticker.first = min(ticker.first, first)
        ticker.spans[file.kind] = (ticker.spans.get(file.kind, (first, last))[0], last)
        ticker.suspicious += int(ticks["IsSuspicious"].sum())
        if file.kind == "quote":
            _set_aside(quotes, quotes.feed(ticks), staging)
        else:
            staging.append(ticker.day.of, TRADES, trade_rows(ticks, ticker.day))
            staging.append(ticker.day.of, STATISTICS, official_prices(ticks, ticker.day))
    _set_aside(quotes, quotes.finish(), staging)
    ticker.crossed += quotes.crossed


def _set_aside(quotes: BestQuotes, changes: pl.DataFrame, staging: Staging) -> None:
    if not changes.is_empty():
        staging.append(quotes.day.of, L2, quotes.rows(changes))
        staging.append(quotes.day.of, QUOTES, quotes_of(changes, quotes.day))


def _write(lake: Path, mic: str, day: date, tickers: Sequence[_Ticker], staging: Staging, *, replace: bool) -> tuple[LakeFile, ...]:
    rows: defaultdict[Table, list[pl.LazyFrame]] = defaultdict(list)
    coverage = Coverage()
    for ticker in tickers:
        of = ticker.day.of
        _cover(coverage, ticker)
        quotes = staging.frames(of, QUOTES)
        rows[TRADES] += [_quoted(trades, quotes) for trades in staging.frames(of, TRADES)]
        rows[L2] += staging.frames(of, L2)
        rows[STATISTICS] += staging.frames(of, STATISTICS)
        rows[MARKETSTATE].append(phase_rows(ticker.day, ticker.first).lazy())
        rows[REFERENCE].append(reference_rows(ticker.day, "L2" if "quote" in ticker.spans or _has_books(lake, of) else "L1").lazy())
    filled = {table: frames for table, frames in rows.items() if frames}
    listings = {ticker.day.of.listing.listing_id for ticker in tickers}
    return replace_listings(lake, mic, day, filled, listings, coverage=coverage, replace=replace)


def _cover(coverage: Coverage, ticker: _Ticker) -> None:
    """Files tell of the time of their ticks; phases are those of the calendar."""
    listing, midnight = ticker.day.of.listing.listing_id, ticker.day.midnight
    for kind, (first, last) in ticker.spans.items():
        for table in MADE_OF[kind]:
            coverage.add(table.name, listing, (first + midnight, last + midnight))
    coverage.add(MARKETSTATE.name, listing, WHOLE)


def _has_books(lake: Path, of: ListingDay) -> bool:
    """Whether the lake has quotes of the day."""
    stored = stored_frames(lake, L2, of.listing.mic, of.day)
    return any(not each.filter(pl.col("ListingId") == of.listing.listing_id).head(1).collect().is_empty() for each in stored)


def _quoted(trades: pl.LazyFrame, quotes: Sequence[pl.LazyFrame]) -> pl.LazyFrame:
    return with_quotes(trades.collect(), pl.concat(quotes)).lazy() if quotes else trades


def _notices(ticker: _Ticker) -> Iterator[str]:
    name = f"{ticker.day.of.listing.ticker} {ticker.day.of.day}"
    if ticker.suspicious:
        yield f"{name}: {ticker.suspicious:,} suspicious ticks are left out"
    if ticker.crossed:
        yield f"{name}: the best bid was above the best ask after {ticker.crossed:,} quotes"
