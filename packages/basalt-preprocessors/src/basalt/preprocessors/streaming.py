"""Frames that are made chunk by chunk, by something that remembers what came before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import polars as pl
from polars.io.plugins import register_io_source

ROWS_AT_ONCE = 1 << 15
"""Rows of a chunk: a book of ten levels takes half a kilobyte a row."""


class Stepper(Protocol):
    """What turns chunks into chunks."""

    def feed(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows that are known once *rows* are."""
        ...

    def finish(self) -> pl.DataFrame:
        """Rows that waited for others to come; without columns when there are none."""
        ...


def streamed(frame: pl.LazyFrame, schema: Mapping[str, pl.DataType], make: Callable[[], Stepper]) -> pl.LazyFrame:
    """The rows that a stepper makes of *frame*, in its order and in memory that does not grow with it.

    Args:
        frame: What is read, in chunks.
        schema: Columns of the result and their types; a chunk may have more columns, and other numbers.
        make: Makes the stepper of one reading.
    """
    return sourced(schema, lambda: stepped(chunks(frame), make()))


def sourced(schema: Mapping[str, pl.DataType], made: Callable[[], Iterator[pl.DataFrame]]) -> pl.LazyFrame:
    """The rows of the frames that *made* gives, anew for each reading, with the columns of *schema*."""

    def batches(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, _rows_wanted_at_once: int | None
    ) -> Iterator[pl.DataFrame]:
        left = n_rows
        for each in made():
            rows = each.select(pl.col(name).cast(schema[name]) for name in with_columns or schema)
            rows = rows if left is None else rows.head(left)
            left = None if left is None else left - rows.height
            yield rows if predicate is None else rows.filter(predicate)
            if left == 0:
                return

    return register_io_source(batches, schema=dict(schema), is_pure=True)


def chunks(frame: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """The rows of *frame*, some at a time."""
    return frame.collect_batches(chunk_size=ROWS_AT_ONCE, maintain_order=True)


def stepped(rows: Iterator[pl.DataFrame], stepper: Stepper) -> Iterator[pl.DataFrame]:
    """What *stepper* makes of all *rows*."""
    for each in rows:
        yield stepper.feed(each)
    last = stepper.finish()
    if last.width:
        yield last


def groups(instruments: Mapping[int, Sequence[int]], heights: Mapping[int, int]) -> Iterator[list[int]]:
    """Listings to work on in one go: whole instruments, as many as have the rows of a chunk together, or one that alone has more.

    Args:
        instruments: Listings by instrument.
        heights: Rows by listing; a listing without any is left out.
    """
    group: list[int] = []
    count = 0
    for listings in instruments.values():
        present = [listing for listing in listings if listing in heights]
        more = sum(heights[listing] for listing in present)
        if group and count + more > ROWS_AT_ONCE:
            yield group
            group, count = [], 0
        group, count = group + present, count + more
    if group:
        yield group
