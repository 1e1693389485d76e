"""Putting parts together in one order without having them all in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np

from basalt.synthetic.entries import Entries, Rows

ROWS_A_BATCH = 2_048
"""Rows of a part between keys that are remembered."""
ROWS_A_PIECE = 65_536
"""Rows, more or less, of what is handed on at once; few large row groups are written faster than many small ones."""
Place = tuple[str, str]


@dataclass
class _Parts:
    """What one file is made of: the only part so far in memory, or the sizes of all that are on disk.

    `lasts` are the keys of the last rows of all batches on disk, and `counts` their rows.
    """

    tie: int
    empty: Entries
    first: Entries | None
    sizes: list[int] = field(default_factory=list)
    lasts: list[np.ndarray] = field(default_factory=list)
    counts: list[np.ndarray] = field(default_factory=list)

    def limits(self) -> np.ndarray:
        """Keys between which there are `ROWS_A_PIECE` rows, and of each part a batch more or less."""
        lasts, counts = np.concatenate(self.lasts), np.concatenate(self.counts)
        order = np.argsort(lasts, kind="stable")
        pieces = np.cumsum(counts[order]) // ROWS_A_PIECE
        return np.unique(lasts[order][1:][pieces[1:] > pieces[:-1]])


class Spill:
    """Parts of files; from the second part of a file on they wait in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts: dict[Place, _Parts] = {}

    def add(self, place: Place, entries: Entries, tie: int) -> None:
        """Add rows, in order of key, to the file *place*; those of one key will be in order of the whole number *tie*, then of listing."""
        parts = self._parts.get(place)
        if parts is None:
            self._parts[place] = _Parts(tie, entries.take(np.empty(0, np.int64)), entries)
            return
        for each in ([] if parts.first is None else [parts.first]) + [entries]:
            if each.size:
                self._store(place, parts, each)
        parts.first = None

    def merged(self, place: Place) -> Iterator[Rows]:
        """All rows of a file in their order, piece by piece; one piece at least."""
        parts = self._parts[place]
        if parts.first is not None or not parts.sizes:
            yield Rows.of([parts.first or parts.empty], parts.tie)
            return
        with ExitStack() as open_files:
            files = [open_files.enter_context(path.open("rb")) for path in self._files(place)]
            cuts = self._cuts(parts, files[0])
            for piece in range(cuts.shape[1] - 1):
                some = [_read(files, parts.empty, first, last) for first, last in cuts[:, piece : piece + 2] if last > first]
                if some:
                    yield Rows.of(some, parts.tie)

    def _cuts(self, parts: _Parts, keys: IO[bytes]) -> np.ndarray:
        """Where each part is cut into pieces, a row for each: places in the files."""
        limits, cuts, start = parts.limits(), [], 0
        for size in parts.sizes:
            mine = np.fromfile(keys, np.int64, size)
            cuts.append(start + np.concatenate([[0], np.searchsorted(mine, limits), [size]]))
            start += size
        return np.array(cuts)

    def _store(self, place: Place, parts: _Parts, entries: Entries) -> None:
        for path, array in zip(self._files(place), entries.arrays, strict=True):
            with path.open("ab") as file:
                array.tofile(file)
        ends = np.minimum(np.arange(0, entries.size, ROWS_A_BATCH) + ROWS_A_BATCH, entries.size)
        parts.sizes.append(entries.size)
        parts.lasts.append(entries.keys[ends - 1])
        parts.counts.append(np.diff(ends, prepend=0))

    def _files(self, place: Place) -> list[Path]:
        return [self._folder / f"{'-'.join(place)}.{array}" for array in ("keys", "whole", "exact")]


def _read(files: Sequence[IO[bytes]], like: Entries, first: int, last: int) -> Entries:
    """Rows from *first* up to *last* of the parts on disk."""
    arrays = []
    for file, array in zip(files, like.arrays, strict=True):
        width = array.shape[1] if array.ndim == 2 else 1
        file.seek(first * width * array.itemsize)
        values = np.fromfile(file, array.dtype, (last - first) * width)
        arrays.append(values.reshape(last - first, *array.shape[1:]))
    return Entries(*arrays)
