"""Windows: a long table read span by span in time, the next span while one is worked on.

The streaming engine reads ahead as far as memory goes when its consumer is slower. Spans of time with
about as many rows each keep memory flat; files in order of time are read once, row group by row group.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import polars as pl

from basalt.core.bucketing import BUCKET_DTYPE

ROWS_AT_ONCE = 100_000
"""About so many rows are in a window."""

CELL_NANOS = 1_000_000_000
"""Windows begin at whole seconds."""


def windows(rows: pl.LazyFrame, time: str) -> Iterator[pl.LazyFrame]:
    """*rows*, window by window in order of time; within a window in their own order.

    Args:
        rows: Any frame; each listing's rows in order of time.
        time: Its clock column, Datetime ns. Windows are filters on it, so that files are skipped over.
    """
    cuts = _cuts(rows, time)
    if not cuts:
        yield rows
    for start, end in itertools.pairwise(cuts):
        edges = [pl.col(time) >= start] if start is not None else []
        edges += [pl.col(time) < end] if end is not None else []
        yield rows.filter(*edges)


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
    return query.collect(engine="streaming")


def _cuts(rows: pl.LazyFrame, time: str) -> list[pl.Expr | None]:
    """Edges of the windows; None is open. No edges at all where one window is enough."""
    cells = rows.select(pl.col(time).cast(pl.Int64).floordiv(CELL_NANOS).alias("cell")).group_by("cell").len().sort("cell")
    counted = cells.with_columns(pl.col("len").cum_sum().floordiv(ROWS_AT_ONCE).alias("window")).collect(engine="streaming")
    starts = counted.group_by("window", maintain_order=True).agg(pl.col("cell").first())["cell"].to_list()
    edges = [pl.lit(cell * CELL_NANOS).cast(BUCKET_DTYPE) for cell in starts[1:]]
    return [None, *edges, None] if edges else []
