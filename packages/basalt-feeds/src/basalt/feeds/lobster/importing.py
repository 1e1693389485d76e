"""Import LOBSTER: from paths to the files of a lake."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count, groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from basalt.core.errors import TargetFailed
from basalt.core.lake import LakeFile, lake_path
from basalt.core.tables import Table
from basalt.feeds.blocks import read_ahead
from basalt.feeds.covering import WHOLE, Coverage, extents
from basalt.feeds.feed import Imported
from basalt.feeds.fresh import FreshDay
from basalt.feeds.identifiers import Listing, ListingDay
from basalt.feeds.lobster.finding import Pair, find_pairs
from basalt.feeds.lobster.reading import BLOCK_BYTES, CONTRACT_LEVELS, read_pair
from basalt.feeds.lobster.tables import TableMaker, complete_columns
from basalt.feeds.merging import replace_listings, writing
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
    replace: bool = False,
    observe: Observer | None = None,
) -> Imported:
    """Import all LOBSTER pairs under *paths* into *lake*, one day after the other.

    A day's files appear when all its pairs are read: for one market and day all tables are
    written, or none. Rows of other listings that the lake has for that day stay; those of the same listing and the
    time of its messages are replaced, so importing twice changes nothing.

    Args:
        paths: CSV files, zip archives, and folders of them.
        lake: Root of the lake; made if missing.
        mic: Venue of all listings.
        currency: Currency of all prices.
        replace: Drop what the lake has of the tickers' day beyond the time of the files.
        observe: Told about progress, if given.

    Raises:
        DataError: Files that are missing, cut short, or hold lines that LOBSTER does not write.
        ConflictingSettings: A ticker and day is given twice; or the lake has rows of it from times that the files do not cover.
        TargetFailed: The lake cannot be written.
    """
    pairs = find_pairs(paths)
    announce = _announcer(observe, len(pairs))
    days = (tuple(group) for _, group in groupby(pairs, key=lambda pair: pair.day))
    files = [file for of_day in days for file in _import_day(of_day, lake, (mic, currency), announce, replace=replace)]
    return Imported(tuple(files), tuple(_notices(pairs)))


def _announcer(observe: Observer | None, total: int) -> Callable[[Pair], None]:
    done = count()

    def announce(pair: Pair) -> None:
        if observe is not None:
            observe(next(done), total, pair)

    return announce


def _import_day(
    pairs: Sequence[Pair], lake: Path, market: tuple[str, str], announce: Callable[[Pair], None], *, replace: bool
) -> tuple[LakeFile, ...]:
    day, (mic, currency) = pairs[0].day, market
    has_others = len(pairs) > 1 or any(Path(lake_path(str(lake), table, mic, day)).exists() for table in TABLES)
    with _staging(lake) as staging:
        listings = [ListingDay(Listing(mic, pair.ticker, currency), day) for pair in pairs]
        if not has_others:
            announce(pairs[0])
            return _import_fresh(pairs[0], listings[0], lake, staging)
        rows: dict[Table, list[pl.LazyFrame]] = {table: [] for table in TABLES}
        coverage = Coverage()
        for number, (pair, of) in enumerate(zip(pairs, listings, strict=True)):
            announce(pair)
            for table, frame in _set_aside(_pieces(pair, of), staging / str(number)).items():
                rows[table].append(frame)
            _cover(coverage, of.listing.listing_id, rows[L2][-1])
        return replace_listings(lake, mic, day, rows, {of.listing.listing_id for of in listings}, coverage=coverage, replace=replace)


def _cover(coverage: Coverage, listing: int, books: pl.LazyFrame) -> None:
    """Files tell of the time of their messages, each of which is a row of `l2`; the session's phases are those of the day."""
    for span in extents([books], L2, [listing]).values():
        for table in (TRADES, L2, L3):
            coverage.add(table.name, listing, span)
    coverage.add(MARKETSTATE.name, listing, WHOLE)


def _pieces(pair: Pair, of: ListingDay) -> Iterator[tuple[Table, pl.DataFrame]]:
    """Rows of all tables, in order; each table comes at least once, later pieces have rows."""
    maker, seen = TableMaker(of), set[Table]()
    empty: dict[Table, pl.DataFrame] = {}
    for recording in read_ahead(read_pair(pair)):
        for table, frame in maker.events_of(recording).items():
            if frame.height:
                seen.add(table)
                yield table, frame
            empty[table] = frame.clear()
    yield from ((table, frame) for table, frame in empty.items() if table not in seen)
    yield from maker.day().items()


def _import_fresh(pair: Pair, of: ListingDay, lake: Path, staging: Path) -> tuple[LakeFile, ...]:
    """Import the only listing of its day, straight into files."""
    is_long = pair.book.member is None and pair.book.path.stat().st_size > BLOCK_BYTES
    made = FreshDay(staging, lake, of.listing.mic, of.day, TABLES, (TRADES, L2, L3) if is_long else (), complete_columns(pair.levels))
    with ExitStack() as undo:
        undo.callback(made.stop)
        for table, frame in _pieces(pair, of):
            made.add(table, frame)
        return made.put()


def _set_aside(pieces: Iterable[tuple[Table, pl.DataFrame]], folder: Path) -> dict[Table, pl.LazyFrame]:
    """The rows of each table as a file on disk."""
    import pyarrow.parquet as pq

    paths = {table: folder / f"{table.name}.parquet" for table in TABLES}
    with ExitStack() as files, writing(folder):
        folder.mkdir()
        writers: dict[Table, pq.ParquetWriter] = {}
        for table, frame in pieces:
            rows = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
            if table not in writers:
                writers[table] = files.enter_context(pq.ParquetWriter(paths[table], rows.schema, compression="lz4"))
            writers[table].write_table(rows, row_group_size=ROWS_READ_AT_ONCE)
    return {table: pl.scan_parquet(path) for table, path in paths.items()}


@contextmanager
def _staging(lake: Path) -> Iterator[Path]:
    """A folder for rows of a day that is not complete."""
    is_new = not lake.exists()
    try:
        lake.mkdir(parents=True, exist_ok=True)
        folder = TemporaryDirectory(prefix=".import-", dir=lake)
    except OSError as problem:
        raise TargetFailed(
            f"cannot write the lake: {problem.strerror}", where=str(lake), hint="give --lake a folder that you may write to"
        ) from problem
    with ExitStack() as undo:
        if is_new:
            undo.callback(_remove_if_empty, lake)
        yield Path(undo.enter_context(folder))


def _remove_if_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()


def _notices(pairs: Iterable[Pair]) -> Iterator[str]:
    for pair in pairs:
        if pair.levels > CONTRACT_LEVELS:
            yield f"{pair.ticker} {pair.day}: kept the best {CONTRACT_LEVELS} of {pair.levels} levels"
