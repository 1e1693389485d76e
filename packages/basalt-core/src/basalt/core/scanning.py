"""Scanning: files of a table as one lazy frame with the contract's names and types."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from basalt.core.errors import CorruptInput, MissingColumn, SchemaMismatch
from basalt.core.offers import SourceFile
from basalt.core.tables import Table


def scan_files(table: Table, files: Sequence[SourceFile], columns: Sequence[str], storage_options: Mapping[str, str]) -> pl.LazyFrame:
    """Rows of *files*, one file after the other, with *columns* only.

    Columns are cast to the contract's types; the clock is Datetime ns from the most precise stored
    column; derived columns are computed.

    Raises:
        MissingColumn: A file has neither the column nor what it is derived from.
    """
    frames = [_scan_file(table, file, columns, storage_options) for file in files]
    if not frames:
        schema = {column.name: column.dtype for column in table.available()}
        return pl.LazyFrame(schema={name: schema[name] for name in columns})
    return frames[0] if len(frames) == 1 else pl.concat(frames, how="vertical")


def _scan_file(table: Table, file: SourceFile, columns: Sequence[str], storage_options: Mapping[str, str]) -> pl.LazyFrame:
    frame = pl.scan_parquet(file.path, storage_options=dict(storage_options) or None)
    stored = frame.collect_schema()
    return frame.select(_column(table, name, stored, file.path) for name in columns)


def _column(table: Table, name: str, stored: pl.Schema, path: str) -> pl.Expr:
    if name == table.time:
        clock = table.clock(stored)
        if clock is None:
            raise MissingColumn(f"{table.name} has no clock", where=path, hint=f"one of {', '.join(table.time_from)}")
        return pl.col(clock).cast(pl.Datetime("ns")).alias(name)
    for derived in table.derived:
        if derived.column.name == name:
            chosen = derived.choose(stored.names())
            if chosen is not None:
                return chosen[1].cast(derived.column.dtype).alias(name)
    if name not in stored:
        raise MissingColumn(f"{table.name} has no column {name!r}", where=path, hint="the file was written without it")
    wanted = table[name].dtype
    return pl.col(name) if stored[name] == wanted else pl.col(name).cast(wanted)


# ---------------------------------------------------------------- the state of files


@dataclass(frozen=True)
class Survey:
    """What reading a file once tells of its rows.

    Attributes:
        path: The file.
        stamp: Its state when it was read.
        is_sorted: Rows are in the table's order.
        unsorted_at: First row that is not, from 0.
        duplicates: Rows that repeat an earlier one.
        duplicate_at: First of them.
    """

    path: str
    stamp: str
    is_sorted: bool
    unsorted_at: int | None
    duplicates: int
    duplicate_at: int | None


@dataclass(frozen=True)
class SurveyTask:
    """A file to survey, as a worker needs it."""

    table: Table
    file: SourceFile
    storage_options: tuple[tuple[str, str], ...] = ()


def survey(task: SurveyTask) -> Survey | CorruptInput | SchemaMismatch:
    """Read the order and identity columns of a file once.

    Returns:
        The survey, or the error that reading gave.
    """
    table, file = task.table, task.file
    frame = pl.scan_parquet(file.path, storage_options=dict(task.storage_options) or None)
    try:
        stored = frame.collect_schema().names()
        order = [name for name in (*table.time_from[:1], *table.order) if name in stored] or [
            name for name in table.time_from if name in stored
        ][:1]
        identity = identity_columns(table, stored)
        unsorted_at = _first_unsorted(frame, order) if order else None
        duplicates, duplicate_at = _duplicates(frame, order, identity, is_sorted=unsorted_at is None) if identity else (0, None)
    except (pl.exceptions.PolarsError, OSError) as problem:
        return CorruptInput(
            f"cannot read the file: {str(problem).splitlines()[0]}", where=file.path, hint="the file is damaged: write it again"
        )
    return Survey(file.path, file.stamp, unsorted_at is None, unsorted_at, duplicates, duplicate_at)


def identity_columns(table: Table, stored: Collection[str]) -> list[str]:
    """Stored columns that tell one row from another; none where the sequence numbers are missing.

    Without them two equal rows may well be two events.
    """
    if not all(name in stored for name in table.order):
        return []
    return [name for name in table.identity if name in stored]


def _first_unsorted(frame: pl.LazyFrame, order: Sequence[str]) -> int | None:
    later, tied = pl.lit(False), pl.lit(True)
    for name in order:
        now, before = pl.col(name), pl.col(name).shift(1)
        later = later | (tied & (now < before)).fill_null(False)
        tied = tied & (now == before).fill_null(True)
    found = (
        frame.select(order).select(later.alias("breaks")).with_row_index().filter("breaks").select(pl.col("index").min()).collect().item()
    )
    return None if found is None else int(found)


def _duplicates(frame: pl.LazyFrame, order: Sequence[str], identity: Sequence[str], *, is_sorted: bool) -> tuple[int, int | None]:
    rows = frame.select(list(dict.fromkeys([*order, *identity]))).with_row_index("row:index")
    if is_sorted and order:
        same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in order)
        rows = rows.with_columns(same.fill_null(False).alias("row:same")).filter(
            pl.col("row:same") | pl.col("row:same").shift(-1).fill_null(False)
        )
    repeated = (
        rows.filter(~pl.struct(identity).is_first_distinct())
        .select(pl.len().alias("count"), pl.col("row:index").min().alias("at"))
        .collect()
    )
    count, at = repeated.row(0)
    return int(count), None if at is None else int(at)


def put_in_order(frame: pl.LazyFrame, table: Table, columns: Sequence[str]) -> pl.LazyFrame:
    """Sort rows into event order; ties that the order columns leave keep the file's order."""
    names = [name for name in (table.time, *table.order) if name in columns]
    return frame.sort(names, maintain_order=True)


def drop_repeated(frame: pl.LazyFrame, table: Table, columns: Sequence[str]) -> pl.LazyFrame:
    """Keep the first of rows that are one row delivered twice."""
    names = [name for name in (table.time, *table.identity) if name in columns]
    return frame.unique(subset=list(dict.fromkeys(names)), keep="first", maintain_order=True)
