"""Carrying: values of rows that are followed from piece to piece of a day.

rows → `windows` → inputs of each row → each value's `follow`, one behind the other → a LazyFrame
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl
from polars.io.plugins import register_io_source

from basalt.core.cells import KEY
from basalt.core.declaring.carried import Carried, Pieces
from basalt.core.errors import UnsortedInput
from basalt.core.facts import Piece
from basalt.core.gathering import SEEN, Gathering
from basalt.core.holding.windows import read_ahead, window_size, windows

_PLACE = "carried:place"


@dataclass(frozen=True)
class Carrier:
    """Where carried values are added.

    Attributes:
        time: The clock column.
        values: Values by column.
        types: Their types.
        parts: The pieces that the files consist of, where they are known.
        size: About how many rows are followed at once.
    """

    time: str
    values: Mapping[str, Carried]
    types: Mapping[str, pl.DataType]
    parts: Sequence[Piece] = ()
    size: int = field(default_factory=window_size)

    def piecewise(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """*rows* with the values, read window by window; late values come with their rows out of order.

        Args:
            rows: `ListingId`, the clock column and what the values read; a scan, or columns of each row by itself on top of one.

        Raises:
            UnsortedInput: While it is computed, when a listing's rows go back in time.
        """
        return self._source(rows, at_once=False)

    def at_once(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """*rows* with the values, in memory and in their own order; for rows that cannot be read window by window."""
        return self._source(rows, at_once=True)

    def reduced(self, rows: pl.LazyFrame, reduce: Callable[[pl.LazyFrame], pl.LazyFrame], names: Collection[str]) -> pl.LazyFrame:
        """What *reduce* makes of each window of *rows* with the values, one below the other.

        Args:
            rows: As for `piecewise`.
            reduce: From the rows of a window to what is kept of them.
            names: Columns that it reads.
        """
        schema = reduce(pl.LazyFrame(schema={**rows.collect_schema(), **self.types})).collect_schema()

        def pieces(columns: list[str] | None, predicate: pl.Expr | None, limit: int | None, _: int | None) -> Pieces:
            kept = (reduce(piece.lazy()).collect(engine="in-memory") for piece in self._added(rows, set(names), at_once=False))
            yield from _asked(kept, list(schema) if columns is None else columns, predicate, limit)

        return register_io_source(pieces, schema=schema)

    def gathered(
        self, rows: pl.LazyFrame, reduce: Callable[[pl.LazyFrame], pl.LazyFrame], names: Collection[str], gathering: Callable[[], Gathering]
    ) -> pl.LazyFrame:
        """What a *gathering* makes of what *reduce* makes of each window of *rows* with the values; arguments are those of `reduced`."""
        schema = reduce(pl.LazyFrame(schema={**rows.collect_schema(), **self.types})).collect_schema()

        def pieces(columns: list[str] | None, predicate: pl.Expr | None, limit: int | None, _: int | None) -> Pieces:
            gathers = gathering()
            for piece in self._added(rows, set(names), at_once=False):
                gathers.add(reduce(piece.lazy()).collect(engine="in-memory"), piece.group_by(KEY).agg(pl.col(self.time).max().alias(SEEN)))
            yield from _asked(iter([gathers.finished()]), list(schema) if columns is None else columns, predicate, limit)

        return register_io_source(pieces, schema=schema)

    def _source(self, rows: pl.LazyFrame, *, at_once: bool) -> pl.LazyFrame:
        schema = {**rows.collect_schema(), **self.types}

        def pieces(columns: list[str] | None, predicate: pl.Expr | None, limit: int | None, _: int | None) -> Pieces:
            kept = list(schema) if columns is None else columns
            told = {*kept, *(predicate.meta.root_names() if predicate is not None else ())}
            yield from _asked(self._added(rows, told, at_once=at_once), kept, predicate, limit)

        return register_io_source(pieces, schema=schema)

    def _added(self, rows: pl.LazyFrame, told: Collection[str], *, at_once: bool) -> Pieces:
        """*rows* in pieces, with those of the values that are *told* of."""
        wanted = {name: value for name, value in self.values.items() if name in told}
        read = rows.select(self._read(rows.collect_schema().names(), told, wanted))
        return (
            self._whole(read, wanted)
            if at_once
            else self._followed(read_ahead(windows(read, self.time, self.parts, self.size)), read, wanted)
        )

    def _read(self, stored: list[str], told: Collection[str], wanted: Mapping[str, Carried]) -> list[pl.Expr]:
        """Columns to read: stored ones that somebody wants, and the inputs of the values."""
        inputs = {name: expr for value in wanted.values() for name, expr in value.inputs.items()}
        return [pl.col(name) for name in stored if name in {*told, KEY, self.time}] + [expr.alias(name) for name, expr in inputs.items()]

    def _followed(self, pieces: Pieces, rows: pl.LazyFrame, wanted: Mapping[str, Carried]) -> Pieces:
        """The pieces with the wanted values, late ones last."""
        found: Pieces = (_in_order(piece, self.time) for piece in pieces)
        for value in sorted(wanted.values(), key=lambda value: value.is_late):
            found = value.follow(found, rows)
        for piece in found:
            yield piece.cast({name: self.types[name] for name in wanted})

    def _whole(self, rows: pl.LazyFrame, wanted: Mapping[str, Carried]) -> Pieces:
        frame = rows.collect(engine="streaming").with_row_index(_PLACE)
        yield pl.concat(self._followed(iter([frame]), frame.lazy(), wanted)).sort(_PLACE)


def _asked(pieces: Pieces, columns: list[str], predicate: pl.Expr | None, limit: int | None) -> Pieces:
    """What the engine asks of *pieces*."""
    for piece in pieces:
        asked = (piece if predicate is None else piece.filter(predicate)).select(columns)
        yield asked if limit is None else asked.head(limit)
        limit = None if limit is None else max(0, limit - asked.height)


def _in_order(piece: pl.DataFrame, time: str) -> pl.DataFrame:
    """*piece*, looked at.

    Raises:
        UnsortedInput: A listing's rows go back in time.
    """
    if not piece[time].is_sorted():
        back = piece.filter((pl.col(time) < pl.col(time).shift().over(KEY)).fill_null(value=False))
        if back.height:
            raise UnsortedInput(
                f"the rows of listing {back[KEY][0]} go back in time", where=time, hint="sort the file, or UNSORTED_INPUT: sort"
            )
    return piece


__all__ = ["Carrier"]
