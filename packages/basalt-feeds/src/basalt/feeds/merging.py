"""Replace the rows of some listings in one market's day of a lake; the rows of others stay."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import date
from itertools import pairwise
from pathlib import Path

import polars as pl

from basalt.core.errors import ConflictingSettings, CorruptInput, TargetFailed
from basalt.core.lake import LakeFile, LakeWriter, lake_path, order_columns
from basalt.core.tables import Table
from basalt.feeds.covering import Coverage, refuse_loss
from basalt.feeds.identifiers import refuse_shared_numbers
from basalt.market.tables import REFERENCE

ROWS_IN_MEMORY = 400_000
"""Rows that are sorted and written at once."""

FILES_AT_ONCE = 2
"""Files that are encoded at the same time."""

_SAMPLE = 1_000


def replace_listings(
    root: Path,
    mic: str,
    day: date,
    rows: Mapping[Table, Sequence[pl.LazyFrame]],
    listings: Collection[int],
    *,
    coverage: Coverage | None = None,
    replace: bool = False,
    rows_in_memory: int = ROWS_IN_MEMORY,
) -> tuple[LakeFile, ...]:
    """Write the files of one market and day, all tables or none.

    This is the one place where rows of a lake give way to others.

    Args:
        root: The lake.
        rows: New rows of each table; each frame is in order of events, frames may overlap in time.
        listings: `ListingId` of the new rows: what the lake has of them in tables that files tell of is dropped.
        coverage: The times that the files tell of; where it says nothing, those from the first to the last new row.
        replace: Drop rows of these listings from other times too, and columns that the tables do not have.
        rows_in_memory: Rows that are sorted at once.

    Raises:
        ConflictingSettings: The lake has rows of these listings from times that the files do not tell of, or columns that the tables do not
            have, and *replace* is not set.
        DataError: Two listings of the day share a `ListingId`.
        CorruptInput: A file of the lake cannot be read.
        TargetFailed: The lake cannot be written.
    """
    _refuse_shared([*stored_frames(root, REFERENCE, mic, day), *rows.get(REFERENCE, ())], mic)
    told = coverage or Coverage()
    sources = {table: _together(root, table, (mic, day), frames, listings, told, replace=replace) for table, frames in rows.items()}
    with ExitStack() as undo:
        writers = [LakeWriter(root, table, mic, day) for table in sources]
        for writer in writers:
            undo.callback(writer.discard)
        with ThreadPoolExecutor(FILES_AT_ONCE) as threads:
            list(threads.map(lambda writer: _fill(writer, sources[writer.table], rows_in_memory), writers))
        files = tuple(_put(writer) for writer in writers)
        undo.pop_all()
    return files


def _together(
    root: Path,
    table: Table,
    place: tuple[str, date],
    made: Sequence[pl.LazyFrame],
    listings: Collection[int],
    coverage: Coverage,
    *,
    replace: bool,
) -> list[pl.LazyFrame]:
    """The new rows of *table*, and those of the lake that stay."""
    typed = [_typed(frame, table) for frame in made]
    stored = stored_frames(root, table, *place)
    if not stored:
        return typed
    told = {*coverage.listings(table.name), *_listings(made)} & set(listings)
    if not replace:
        _refuse_foreign(Path(lake_path(str(root), table, *place)), table)
        refuse_loss(stored, made, table, told, coverage, where=place)
    others = ~pl.col("ListingId").is_in(list(told))
    return [*_kept(stored, others.fill_null(value=True)), *typed]


def _refuse_foreign(path: Path, table: Table) -> None:
    """Files are written with the columns of their table: others would be gone, for listings too that the import has nothing of."""
    foreign = [name for name in pl.read_parquet_schema(path) if name not in table.stored_names]
    if foreign:
        raise ConflictingSettings(
            f"the lake's file has columns that {table.name} has not, and that an import would drop: {', '.join(foreign)}",
            where=str(path),
            hint="import into another lake, or drop them: --replace",
        )


def _listings(frames: Sequence[pl.LazyFrame]) -> set[int]:
    return {each for frame in frames for each in frame.select(pl.col("ListingId").unique()).collect(engine="streaming").to_series()}


def _fill(writer: LakeWriter, frames: Sequence[pl.LazyFrame], rows_in_memory: int) -> None:
    with writing(writer.path):
        for piece in _pieces(frames, writer.table, rows_in_memory):
            writer.append(piece)
        writer.seal()


def _put(writer: LakeWriter) -> LakeFile:
    with writing(writer.path):
        return writer.close()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say which file of the lake could not be written: the disk is full, a folder is in its place."""
    try:
        yield
    except OSError as problem:
        raise TargetFailed(
            f"cannot write the lake: {problem}", where=str(path), hint="check the lake's folders and free space"
        ) from problem


def stored_frames(root: Path, table: Table, mic: str, day: date) -> list[pl.LazyFrame]:
    """What the lake has for that market and day, in the contract's types: none or one frame."""
    path = Path(lake_path(str(root), table, mic, day))
    if not path.exists():
        return []
    stored = pl.scan_parquet(path)
    try:
        names = stored.collect_schema().names()
        stored.select(pl.len(), pl.col("ListingId").last()).collect()
    except (pl.exceptions.PolarsError, OSError) as problem:
        raise CorruptInput(
            f"the lake's file cannot be read: {str(problem).splitlines()[0]}",
            where=str(path),
            hint="remove the file, then import the other listings of that day again",
        ) from problem
    return [_typed(stored.select(name for name in names if name in table.stored_names), table)]


def _typed(frame: pl.LazyFrame, table: Table) -> pl.LazyFrame:
    """*frame* in the contract's types, so that frames of one table go together."""
    schema = frame.collect_schema()
    return frame.with_columns(
        pl.col(name).cast(table[name].dtype) for name, dtype in schema.items() if name in table.stored_names and dtype != table[name].dtype
    )


def _kept(stored: list[pl.LazyFrame], others: pl.Expr) -> list[pl.LazyFrame]:
    """The rows of *others*, if there are any."""
    kept = [frame.filter(others) for frame in stored]
    return [frame for frame in kept if frame.select(pl.len()).collect().item()]


def _refuse_shared(references: Sequence[pl.LazyFrame], mic: str) -> None:
    named = [frame.select("ListingId", "Ticker") for frame in references if "Ticker" in frame.collect_schema()]
    refuse_shared_numbers((row for frame in named for row in frame.drop_nulls().collect().iter_rows()), mic)


def _pieces(frames: Sequence[pl.LazyFrame], table: Table, rows_in_memory: int) -> Iterator[pl.DataFrame]:
    """The rows of all *frames* in the table's order, a slice of time after the other."""
    if _follow_each_other(frames, table):
        yield from (piece for frame in frames for piece in in_rows(frame, rows_in_memory))
        return
    clock = table.time_from[0] if table.time_from else None
    for piece in _slices(frames, clock, rows_in_memory):
        rows = pl.concat([frame if piece is None else frame.filter(piece) for frame in frames], how="diagonal").collect()
        names = [name for name in order_columns(table) if name in rows.columns]
        yield rows.sort(*names, "ListingId", maintain_order=True)


def in_rows(frame: pl.LazyFrame, rows_in_memory: int) -> Iterator[pl.DataFrame]:
    """*frame* piece by piece; one piece where it has no rows."""
    total = frame.select(pl.len()).collect().item()
    return (frame.slice(start, rows_in_memory).collect() for start in range(0, max(total, 1), rows_in_memory))


def _follow_each_other(frames: Sequence[pl.LazyFrame], table: Table) -> bool:
    """Whether each frame ends before the next begins, so that they need no sorting."""
    if len(frames) < 2:
        return True
    schemas = [frame.collect_schema() for frame in frames]
    names = [name for name in order_columns(table) if name in schemas[0]]
    if not names or any(schema != schemas[0] for schema in schemas[1:]):
        return False
    keys = [frame.select(names) for frame in frames]
    edges = [(key.head(1).collect().rows(), key.tail(1).collect().rows()) for key in keys]
    ends = [row for first, last in edges for row in (*first, *last)]
    return all(None not in row for row in ends) and all(one <= other for one, other in pairwise(ends))


def _slices(frames: Sequence[pl.LazyFrame], clock: str | None, rows_in_memory: int) -> list[pl.Expr | None]:
    """Conditions that split time so that each slice has about *rows_in_memory* rows."""
    total = sum(frame.select(pl.len()).collect().item() for frame in frames)
    parts = -(-total // rows_in_memory)
    if clock is None or parts < 2:
        return [None]
    sample = pl.concat([frame.select(pl.col(clock).gather_every(_SAMPLE)).collect() for frame in frames])[clock].sort()
    edges = sorted({sample[len(sample) * part // parts] for part in range(1, parts)})
    time = pl.col(clock)
    inner = [(time >= low) & (time < high) for low, high in pairwise(edges)]
    return [time < edges[0], *inner, time >= edges[-1]]
