"""Rows of listings, put away until the rows of others have been read."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Collection
from types import TracebackType
from typing import BinaryIO, Self

import polars as pl

MEMORY = 64 << 20
"""Bytes that stay in memory."""
ROWS = 1 << 13
"""Rows of a piece."""

Place = pl.DataFrame | tuple[int, int]
"""A piece, or where in the file it is: first byte and number of bytes."""


class Shelf:
    """Pieces of the rows of listings, in order: in memory up to some bytes, and packed in a file without a name beyond them.

    The file is in the system's folder for temporary files (`TMPDIR`) and is gone when the process is.

    Raises:
        OSError: The disk is full.
    """

    def __init__(self) -> None:
        self._left = MEMORY
        self._file: BinaryIO | None = None
        self._places: dict[int, list[Place]] = {}
        self._heights: dict[int, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()

    def put(self, rows: pl.DataFrame) -> None:
        """Put *rows* away behind those of their listings."""
        for each in rows.partition_by("ListingId", maintain_order=True):
            listing = int(each["ListingId"][0])
            self._heights[listing] = self._heights.get(listing, 0) + each.height
            self._places.setdefault(listing, []).extend(self._place(piece) for piece in each.iter_slices(ROWS))

    def _place(self, piece: pl.DataFrame) -> Place:
        size = int(piece.estimated_size())
        if size <= self._left:
            self._left -= size
            return piece.rechunk()  # what it was cut from can go
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the shelf
        packed = io.BytesIO()
        piece.write_ipc(packed, compression="lz4")
        return self._file.seek(0, io.SEEK_END), self._file.write(packed.getbuffer())

    @property
    def heights(self) -> dict[int, int]:
        """Rows by listing."""
        return self._heights

    def places(self, listing: int) -> list[Place]:
        """Where the pieces of a listing are, in order."""
        return self._places[listing]

    def rows(self, listings: Collection[int], empty: pl.DataFrame) -> pl.DataFrame:
        """All rows of *listings*, one listing after the other; *empty* without any."""
        places = [place for listing in listings for place in self._places.get(listing, ())]
        return pl.concat([empty, *(self.fetch(place) for place in places)])

    def fetch(self, place: Place) -> pl.DataFrame:
        """The piece at *place*."""
        if isinstance(place, pl.DataFrame):
            return place
        assert self._file is not None
        self._file.seek(place[0])
        return pl.read_ipc(io.BytesIO(self._file.read(place[1])))
