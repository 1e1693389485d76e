"""Putting sorted parts together without having them all in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

ROWS_A_BATCH = 2_048
"""Rows of each part that are in memory at once while parts are merged."""
ROWS_A_PIECE = 32_768
"""Rows, more or less, of what is handed on at once; few large row groups are written faster than many small ones."""
Place = tuple[str, str]


@dataclass
class _Parts:
    """What one file is made of: the order of its rows, the only part so far in memory, or all of them on disk.

    `lasts` are the clocks of the last rows of all batches on disk, and `sizes` their rows.
    """

    order: tuple[str, ...]
    empty: pl.DataFrame
    first: pl.DataFrame | None
    files: list[Path]
    lasts: list[np.ndarray]
    sizes: list[np.ndarray]

    @property
    def rows(self) -> int:
        """Number of rows on disk."""
        return sum(int(each.sum()) for each in self.sizes)

    def limits(self) -> np.ndarray:
        """Instants between which there are `ROWS_A_PIECE` rows, and of each part a batch more or less."""
        lasts, sizes = np.concatenate(self.lasts), np.concatenate(self.sizes)
        order = np.argsort(lasts, kind="stable")
        pieces = np.cumsum(sizes[order]) // ROWS_A_PIECE
        return np.unique(lasts[order][1:][pieces[1:] > pieces[:-1]])


class Spill:
    """Parts of files, each sorted here; from the second part of a file on they wait in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts: dict[Place, _Parts] = {}

    def add(self, place: Place, frame: pl.DataFrame, order: tuple[str, ...]) -> None:
        """Add rows to the file *place*; all parts of a file have the same *order*."""
        rows = frame.sort(order)
        parts = self._parts.get(place)
        if parts is None:
            self._parts[place] = _Parts(order, rows.clear(), rows, [], [], [])
            return
        for each in ([] if parts.first is None else [parts.first]) + [rows]:
            parts.files.append(self._store(each))
            ends = np.minimum(np.arange(0, each.height, ROWS_A_BATCH) + ROWS_A_BATCH, each.height)
            parts.lasts.append(_clock(each, order)[ends - 1])
            parts.sizes.append(np.diff(ends, prepend=0))
        parts.first = None

    def merged(self, place: Place) -> Iterator[pl.DataFrame]:
        """All rows of a file in their order, piece by piece."""
        parts = self._parts[place]
        if parts.first is not None:
            yield parts.first
        elif parts.rows == 0:
            yield parts.empty
        else:
            yield from merge([_read(file) for file in parts.files], parts.order, parts.limits())

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


def ordered(parts: Sequence[pl.DataFrame], order: Sequence[str]) -> pl.DataFrame:
    """Rows of all parts in one order.

    Places are sorted first. Then each column is put in one chunk, which is gathered from twice as fast as
    several are, and gone before the next one is made.
    """
    keys = pl.concat([part.select(order) for part in parts])
    places = keys.select(pl.arg_sort_by(order)).to_series()
    columns = (pl.concat([part[name] for part in parts], rechunk=True) for name in parts[0].columns)
    return pl.DataFrame([column.gather(places) for column in columns])


def merge(parts: Sequence[Iterator[pl.DataFrame]], order: Sequence[str], limits: np.ndarray) -> Iterator[pl.DataFrame]:
    """Rows of sorted parts in one order, a piece for the instants from each limit up to the next.

    Args:
        parts: Batches of rows that are sorted by *order*, without empty ones.
        order: Columns; the first is the clock, which has no nulls.
        limits: Instants, as whole numbers, in order.
    """
    readers = [_Reader(part, order) for part in parts]
    for limit in (*limits, None):
        rows = [some for reader in readers for some in reader.before(limit)]
        if rows:
            yield ordered(rows, order)


class _Reader:
    """A sorted part of which one batch is in memory."""

    def __init__(self, batches: Iterator[pl.DataFrame], order: Sequence[str]) -> None:
        self._batches, self._order = batches, order
        self._head = next(batches, None)

    def before(self, limit: int | None) -> Iterator[pl.DataFrame]:
        """The rows, from where the last ones ended, that come before an instant; all, without one."""
        while self._head is not None:
            count = self._head.height if limit is None else int(np.searchsorted(_clock(self._head, self._order), limit))
            if count:
                yield self._head[:count]
            if count < self._head.height:
                self._head = self._head[count:]
                return
            self._head = next(self._batches, None)


def _clock(frame: pl.DataFrame, order: Sequence[str]) -> np.ndarray:
    return frame[order[0]].to_physical().to_numpy()
