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
MOST_WAITING = 32 << 20
"""Bytes of parts that wait in memory before they go to disk."""
Place = tuple[str, str]


@dataclass
class _Parts:
    """What one file is made of: sizes of its parts on disk, and those that wait in memory, which come after them.

    `lasts` are the keys of the last rows of all batches, and `counts` their rows.
    """

    tie: int
    empty: Entries
    sizes: list[int] = field(default_factory=list)
    waiting: list[Entries] = field(default_factory=list)
    lasts: list[np.ndarray] = field(default_factory=list)
    counts: list[np.ndarray] = field(default_factory=list)

    def add(self, entries: Entries) -> None:
        """Let a part wait."""
        ends = np.minimum(np.arange(0, entries.size, ROWS_A_BATCH) + ROWS_A_BATCH, entries.size)
        self.waiting.append(entries)
        self.lasts.append(entries.keys[ends - 1])
        self.counts.append(np.diff(ends, prepend=0))

    def limits(self) -> np.ndarray:
        """Keys between which there are `ROWS_A_PIECE` rows, and of each part a batch more or less."""
        lasts, counts = np.concatenate(self.lasts), np.concatenate(self.counts)
        order = np.argsort(lasts, kind="stable")
        pieces = np.cumsum(counts[order]) // ROWS_A_PIECE
        return np.unique(lasts[order][1:][pieces[1:] > pieces[:-1]])


class Spill:
    """Parts of files, in memory while they are few, else in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts: dict[Place, _Parts] = {}
        self._waiting = 0

    def add(self, place: Place, entries: Entries, tie: int) -> None:
        """Add rows, in order of key, to the file *place*; those of one key will be in order of the whole number *tie*, then of listing."""
        if place not in self._parts:
            self._parts[place] = _Parts(tie, entries.take(np.empty(0, np.int64)))
        if entries.size:
            self._parts[place].add(entries)
            self._waiting += sum(array.nbytes for array in entries.arrays)
        if self._waiting > MOST_WAITING:
            self._store()

    def merged(self, place: Place) -> Iterator[Rows]:
        """All rows of a file in their order, piece by piece; one piece at least."""
        parts = self._parts[place]
        if not parts.lasts:
            yield Rows.of([parts.empty], parts.tie)
            return
        with ExitStack() as open_files:
            files = [open_files.enter_context(path.open("rb")) for path in self._files(place) if parts.sizes]
            cuts = _cuts(parts, files)
            for piece in range(cuts.shape[1] - 1):
                ends = cuts[:, piece : piece + 2].tolist()
                some = [_read(files, parts.empty, *each) for each in ends[: len(parts.sizes)] if each[1] > each[0]]
                held = zip(parts.waiting, ends[len(parts.sizes) :], strict=True)
                some += [part.between(first, last) for part, (first, last) in held if last > first]
                if some:
                    yield Rows.of(some, parts.tie)

    def _store(self) -> None:
        """Write all parts that wait to the ends of their files."""
        for place, parts in self._parts.items():
            if parts.waiting:
                for path, arrays in zip(self._files(place), zip(*(part.arrays for part in parts.waiting), strict=True), strict=True):
                    with path.open("ab") as file:
                        for array in arrays:
                            array.tofile(file)
                parts.sizes += [part.size for part in parts.waiting]
                parts.waiting.clear()
        self._waiting = 0

    def _files(self, place: Place) -> list[Path]:
        return [self._folder / f"{'-'.join(place)}.{array}" for array in ("keys", "whole", "exact")]


def _cuts(parts: _Parts, files: Sequence[IO[bytes]]) -> np.ndarray:
    """Where each part is cut into pieces, a row for each: places in the files, or in the part itself."""
    limits, cuts, start = parts.limits(), [], 0
    for size in parts.sizes:
        mine = np.fromfile(files[0], np.int64, size)
        cuts.append(start + np.concatenate([[0], np.searchsorted(mine, limits), [size]]))
        start += size
    cuts += [np.concatenate([[0], np.searchsorted(part.keys, limits), [part.size]]) for part in parts.waiting]
    return np.array(cuts)


def _read(files: Sequence[IO[bytes]], like: Entries, first: int, last: int) -> Entries:
    """Rows from *first* up to *last* of the parts on disk."""
    arrays = []
    for file, array in zip(files, like.arrays, strict=True):
        width = array.shape[1] if array.ndim == 2 else 1
        file.seek(first * width * array.itemsize)
        values = np.fromfile(file, array.dtype, (last - first) * width)
        arrays.append(values.reshape(last - first, *array.shape[1:]))
    return Entries(*arrays)
