"""Windows: a long table read span by span in time, the next span while one is worked on.

The streaming engine reads ahead as far as memory goes when its consumer is slower. Spans of time with
about as many rows each keep memory flat; files in order of time are read once, row group by row group.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar

import polars as pl

from basalt.core.bucketing import BUCKET_DTYPE
from basalt.core.facts import Piece

ROWS_AT_ONCE = 150_000
"""About so many rows are in a window, at least where it is made of whole pieces of a file."""

_rows_at_once: ContextVar[int] = ContextVar("basalt_rows_at_once", default=ROWS_AT_ONCE)

LARGEST_PIECE = 400_000
"""Pieces of files with more rows are cut."""

CELL_NANOS = 1_000_000_000
"""Windows that cut pieces begin at whole seconds."""


@contextmanager
def rows_at_once(count: int) -> Iterator[None]:
    """Inside, carried values are planned to be read in windows of about *count* rows: a law holds that their size changes nothing."""
    token = _rows_at_once.set(count)
    try:
        yield
    finally:
        _rows_at_once.reset(token)


def window_size() -> int:
    """About how many rows are in a window of what is planned now."""
    return _rows_at_once.get()


def windows(rows: pl.LazyFrame, time: str, pieces: Sequence[Piece] = (), size: int | None = None) -> Iterator[pl.LazyFrame]:
    """*rows*, window by window in order of time; within a window in their own order.

    Args:
        rows: Any frame; each listing's rows in order of time.
        time: Its clock column, Datetime ns. Windows are filters on it, so that files are skipped over.
        pieces: The pieces that its files consist of, where they are known. Where they follow each other in
            time, windows are made of whole ones, and each is decoded once.
        size: About how many rows a window has, `ROWS_AT_ONCE` if None; where pieces are cut, at least those of a second.
    """
    about = ROWS_AT_ONCE if size is None else size
    cuts = _starts(pieces, about) if _follow_each_other(pieces) else _counted(rows, time, about)
    if not cuts:
        yield rows
        return
    edges = [None, *(pl.lit(cut).cast(BUCKET_DTYPE) for cut in cuts), None]
    for start, end in itertools.pairwise(edges):
        within = [pl.col(time) >= start] if start is not None else []
        within += [pl.col(time) < end] if end is not None else []
        yield rows.filter(*within)


def read_ahead(queries: Iterator[pl.LazyFrame]) -> Iterator[pl.DataFrame]:
    """The rows of each query, the next one's read while one's are worked on."""
    with ThreadPoolExecutor(1) as reader:
        ahead = reader.submit(_read, next(queries))
        for query in queries:
            frame = ahead.result()
            ahead = reader.submit(_read, query)
            yield frame
        yield ahead.result()


def _read(query: pl.LazyFrame) -> pl.DataFrame:
    """The rows in one piece of memory, which single ones are taken out of several times faster."""
    return query.collect(engine="streaming").rechunk()


def _follow_each_other(pieces: Sequence[Piece]) -> bool:
    """Whether each piece begins no earlier than the one before has ended, and none is too large."""
    is_small = all(piece.rows <= LARGEST_PIECE for piece in pieces)
    return bool(pieces) and is_small and all(one.last <= other.first for one, other in itertools.pairwise(pieces))


def _starts(pieces: Sequence[Piece], size: int) -> list[int]:
    """Instants at which windows of whole *pieces* begin, other than the first one."""
    starts, rows = [], 0
    for piece in pieces:
        if rows >= size:
            starts.append(piece.first)
            rows = 0
        rows += piece.rows
    return starts


def _counted(rows: pl.LazyFrame, time: str, size: int) -> list[int]:
    """Instants at which windows begin, other than the first one, by counting rows."""
    cells = rows.select(pl.col(time).cast(pl.Int64).floordiv(CELL_NANOS).alias("cell")).group_by("cell").len().sort("cell")
    counted = cells.with_columns(pl.col("len").cum_sum().floordiv(size).alias("window")).collect(engine="streaming")
    starts = counted.group_by("window", maintain_order=True).agg(pl.col("cell").first())["cell"].to_list()
    return [cell * CELL_NANOS for cell in starts[1:]]
