"""Rows by listing, or by another number, put away until others have been read."""

from __future__ import annotations

import io
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from types import TracebackType
from typing import BinaryIO, Generic, Self, TypeVar

import numpy as np
import polars as pl

from basalt.books.arrays import Longs

MEMORY = 32 << 20
"""Bytes that stay in memory, and as many that wait for others of their number."""
PIECE = 1 << 18
"""Bytes that a piece has at least, unless too much waits."""

Rows = TypeVar("Rows")
Place = pl.DataFrame | tuple[int, int]
"""A piece of a frame, or where in the file it is: first byte and number of bytes."""


class Shelf(ABC, Generic[Rows]):
    """Rows by number, each number's in order: in memory up to some bytes, and in a file without a name beyond them.

    The file is in the system's folder for temporary files (`TMPDIR`) and is gone when the process is. Few rows of a number at a time
    wait for others, so that numbers with little do not make many pieces.

    Raises:
        OSError: The disk is full.
    """

    def __init__(self) -> None:
        self.heights: dict[int, int] = {}
        self._left = MEMORY
        self._file: BinaryIO | None = None
        self._places: dict[int, list[Rows | tuple[int, int]]] = {}
        self._waiting: dict[int, list[Rows]] = {}
        self._sizes: dict[int, int] = {}
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, number: int, rows: Rows, count: int) -> None:
        """Put so many *rows* away behind those of their number."""
        self.heights[number] = self.heights.get(number, 0) + count
        self._waiting.setdefault(number, []).append(rows)
        size = self.size(rows)
        self._sizes[number] = self._sizes.get(number, 0) + size
        self._size += size
        if self._sizes[number] >= PIECE:
            self._place(number)
        elif self._size > MEMORY:
            for each in list(self._waiting):
                self._place(each)

    def places(self, number: int) -> Sequence[Rows | tuple[int, int]]:
        """Where the rows of a number are, piece by piece."""
        if number in self._waiting:
            self._place(number)
        return self._places.get(number, ())

    def fetch(self, place: Rows | tuple[int, int]) -> Rows:
        """The piece at *place*."""
        if not isinstance(place, tuple):
            return place
        assert self._file is not None
        self._file.seek(place[0])
        return self.unpacked(self._file.read(place[1]))

    def _place(self, number: int) -> None:
        piece = self.joined(self._waiting.pop(number))
        size = self._sizes.pop(number)
        self._size -= size
        if size <= self._left:
            self._left -= size
            self._places.setdefault(number, []).append(piece)
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the shelf
        packed = self.packed(piece)
        self._places.setdefault(number, []).append((self._file.seek(0, io.SEEK_END), self._file.write(packed)))

    @abstractmethod
    def size(self, rows: Rows) -> int:
        """Bytes that *rows* take."""

    @abstractmethod
    def joined(self, pieces: Sequence[Rows]) -> Rows:
        """All rows of *pieces*, in memory of their own."""

    @abstractmethod
    def packed(self, rows: Rows) -> bytes | memoryview:
        """*rows* for a file."""

    @abstractmethod
    def unpacked(self, packed: bytes) -> Rows:
        """What was `packed`."""


class FrameShelf(Shelf[pl.DataFrame]):
    """Rows of frames."""

    def put(self, rows: pl.DataFrame, by: str = "ListingId") -> None:
        """Put *rows* away behind those with the same number in the column *by*."""
        for each in rows.partition_by(by, maintain_order=True):
            self.add(int(each[by][0]), each, each.height)

    def rows(self, numbers: Collection[int], empty: pl.DataFrame) -> pl.DataFrame:
        """The rows of *numbers*, one number after the other, with the columns of *empty*."""
        return pl.concat([empty, *(self.fetch(place).select(empty.columns) for number in numbers for place in self.places(number))])

    def size(self, rows: pl.DataFrame) -> int:
        """Bytes that *rows* take."""
        return int(rows.estimated_size())

    def joined(self, pieces: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """All rows of *pieces*; what they were cut from can go."""
        return pl.concat(pieces).rechunk()

    def packed(self, rows: pl.DataFrame) -> memoryview:
        """*rows* for a file."""
        packed = io.BytesIO()
        rows.write_ipc(packed, compression="lz4")
        return packed.getbuffer()

    def unpacked(self, packed: bytes) -> pl.DataFrame:
        """What was `packed`."""
        return pl.read_ipc(io.BytesIO(packed))


class WordShelf(Shelf[Longs]):
    """Rows that are words."""

    def size(self, rows: Longs) -> int:
        """Bytes that *rows* take."""
        return rows.nbytes

    def joined(self, pieces: Sequence[Longs]) -> Longs:
        """All words of *pieces*."""
        return np.concatenate(pieces)

    def packed(self, rows: Longs) -> memoryview:
        """*rows* for a file."""
        return rows.data

    def unpacked(self, packed: bytes) -> Longs:
        """What was `packed`."""
        return np.frombuffer(packed, np.int64)
