"""Import LOBSTER: from paths to the files of a lake."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import count, groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from basalt.core.errors import TargetFailed
from basalt.core.lake import LakeFile
from basalt.core.tables import Table
from basalt.feeds.feed import Imported
from basalt.feeds.identifiers import Listing, ListingDay
from basalt.feeds.lobster.finding import Pair, find_pairs
from basalt.feeds.lobster.reading import CONTRACT_LEVELS, read_pair
from basalt.feeds.lobster.tables import make_tables
from basalt.feeds.merging import replace_listings
from basalt.market.tables import L2, L3, MARKETSTATE, REFERENCE, TRADES

ROWS_READ_AT_ONCE = 25_000
"""Rows that a listing waiting for others is read by, so that a slice of time reads little more than itself."""

TABLES = (TRADES, L2, L3, MARKETSTATE, REFERENCE)

Observer = Callable[[int, int, Pair], None]
"""Told before each pair: how many are done, how many there are, and the next one."""


def import_lobster(
    paths: Sequence[Path],
    lake: Path,
    *,
    mic: str = "XNAS",
    currency: str = "USD",
    observe: Observer | None = None,
) -> Imported:
    """Import all LOBSTER pairs under *paths* into *lake*, one day after the other.

    A day's files appear when all its pairs are read: for one market and day all tables are
    written, or none. Rows of other listings that the lake has for that day stay; the same listing
    and day is replaced, so importing twice changes nothing.

    Args:
        paths: CSV files, zip archives, and folders of them.
        lake: Root of the lake; made if missing.
        mic: Venue of all listings.
        currency: Currency of all prices.
        observe: Told about progress, if given.

    Raises:
        DataError: Files that are missing, cut short, or hold lines that LOBSTER does not write.
        ConflictingSettings: A ticker and day is given twice.
        TargetFailed: The lake cannot be written.
    """
    pairs = find_pairs(paths)
    announce = _announcer(observe, len(pairs))
    days = (tuple(group) for _, group in groupby(pairs, key=lambda pair: pair.day))
    files = [file for of_day in days for file in _import_day(of_day, lake, mic, currency, announce)]
    return Imported(tuple(files), tuple(_notices(pairs)))


def _announcer(observe: Observer | None, total: int) -> Callable[[Pair], None]:
    done = count()

    def announce(pair: Pair) -> None:
        if observe is not None:
            observe(next(done), total, pair)

    return announce


def _import_day(pairs: Sequence[Pair], lake: Path, mic: str, currency: str, announce: Callable[[Pair], None]) -> tuple[LakeFile, ...]:
    rows: dict[Table, list[pl.LazyFrame]] = {table: [] for table in TABLES}
    listings: set[int] = set()
    with _staging(lake) if len(pairs) > 1 else nullcontext() as staging:
        for pair in pairs:
            announce(pair)
            of = ListingDay(Listing(mic, pair.ticker, currency), pair.day)
            made = make_tables(read_pair(pair), of)
            for table in TABLES:
                rows[table].append(_set_aside(made[table.name], staging, f"{table.name}-{len(rows[table])}"))
            listings.add(of.listing.listing_id)
        return replace_listings(lake, mic, pairs[0].day, rows, listings)


def _set_aside(frame: pl.DataFrame, staging: Path | None, name: str) -> pl.LazyFrame:
    """The frame itself, or its copy on disk when there is a place for it."""
    if staging is None:
        return frame.lazy()
    path = staging / f"{name}.parquet"
    frame.write_parquet(path, compression="lz4", row_group_size=ROWS_READ_AT_ONCE)
    return pl.scan_parquet(path)


@contextmanager
def _staging(lake: Path) -> Iterator[Path]:
    """A folder for the listings of a day that wait for each other."""
    try:
        lake.mkdir(parents=True, exist_ok=True)
        folder = TemporaryDirectory(prefix=".import-", dir=lake)
    except OSError as problem:
        raise TargetFailed(
            f"cannot write the lake: {problem.strerror}", where=str(lake), hint="give --lake a folder that you may write to"
        ) from problem
    with folder as name:
        yield Path(name)


def _notices(pairs: Iterable[Pair]) -> Iterator[str]:
    for pair in pairs:
        if pair.levels > CONTRACT_LEVELS:
            yield f"{pair.ticker} {pair.day}: kept the best {CONTRACT_LEVELS} of {pair.levels} levels"
