"""Putting sorted parts together without having them all in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

ROWS_A_BATCH = 2_048
"""Rows of each part that are in memory at once while parts are merged."""
ROWS_A_PIECE = 32_768
"""Rows, at least, of what is handed on at once; few large row groups are written faster than many small ones."""
Place = tuple[str, str]


@dataclass
class _Parts:
    """What one file is made of: the order of its rows, the only part so far in memory, or all of them on disk."""

    order: tuple[str, ...]
    empty: pl.DataFrame
    first: pl.DataFrame | None
    files: list[Path]
    rows: int = 0


class Spill:
    """Parts of files, each sorted here; from the second part of a file on they wait in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts: dict[Place, _Parts] = {}

    def add(self, place: Place, frame: pl.DataFrame, order: tuple[str, ...]) -> None:
        """Add rows to the file *place*; all parts of a file have the same *order*."""
        ordered = frame.sort(order)
        parts = self._parts.get(place)
        if parts is None:
            self._parts[place] = _Parts(order, ordered.clear(), ordered, [])
            return
        for each in ([] if parts.first is None else [parts.first]) + [ordered]:
            parts.files.append(self._store(each))
            parts.rows += each.height
        parts.first = None

    def merged(self, place: Place) -> Iterator[pl.DataFrame]:
        """All rows of a file in their order, piece by piece."""
        parts = self._parts[place]
        if parts.first is not None:
            yield parts.first
        elif parts.rows == 0:
            yield parts.empty
        elif len(parts.order) == 1:
            yield pl.concat([batch for file in parts.files for batch in _read(file)]).sort(parts.order)
        else:
            yield from merge([_read(file) for file in parts.files], parts.order)

    def _store(self, frame: pl.DataFrame) -> Path:
        import pyarrow as pa

        path = self._folder / f"{sum(len(parts.files) for parts in self._parts.values())}.arrow"
        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema, options=options) as writer:
            writer.write_table(table, max_chunksize=ROWS_A_BATCH)
        return path


def _read(path: Path) -> Iterator[pl.DataFrame]:
    import pyarrow as pa

    with pa.OSFile(str(path), "rb") as source, pa.ipc.open_stream(source) as reader:
        for batch in reader:
            if batch.num_rows:
                yield _frame(batch)


def _frame(batch: Any) -> pl.DataFrame:
    frame = pl.from_arrow(batch)
    assert isinstance(frame, pl.DataFrame)
    return frame


def merge(parts: Sequence[Iterator[pl.DataFrame]], order: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Rows of sorted parts in one order; of each part a batch is in memory, or as many as share an instant.

    Args:
        parts: Batches of rows that are sorted by *order*, without empty ones.
        order: Columns; the first is the clock, which has no nulls.
    """
    ready: list[pl.DataFrame] = []
    rows = 0
    for piece in _merged(parts, order):
        ready.append(piece)
        rows += piece.height
        if rows >= ROWS_A_PIECE:
            yield pl.concat(ready)
            ready, rows = [], 0
    if ready:
        yield pl.concat(ready)


def _merged(parts: Sequence[Iterator[pl.DataFrame]], order: Sequence[str]) -> Iterator[pl.DataFrame]:
    heads = {number: batch for number, part in enumerate(parts) if (batch := next(part, None)) is not None}
    unread = set(heads)
    while heads:
        lasts = {number: heads[number][order[0]][-1] for number in unread}
        limit = min(lasts.values(), default=None)
        cuts = {number: _rows_before(limit, head[order[0]]) for number, head in heads.items()}
        piece = pl.concat([heads[number][:cut] for number, cut in cuts.items()])
        if piece.height:
            yield piece.sort(order)
        heads = {number: heads[number][cut:] for number, cut in cuts.items()}
        for number in [number for number, last in lasts.items() if last == limit]:
            batch = next(parts[number], None)
            if batch is None:
                unread.remove(number)
            else:
                heads[number] = pl.concat([heads[number], batch])
        heads = {number: head for number, head in heads.items() if head.height}


def _rows_before(limit: object, clock: pl.Series) -> int:
    """How many rows come before the instant *limit*; all, without one."""
    return clock.len() if limit is None else int(clock.search_sorted(limit, side="left"))  # type: ignore[call-overload]
