"""Rows that wait on disk until a day is complete."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from basalt.core.errors import TargetFailed
from basalt.core.tables import Table
from basalt.feeds.identifiers import ListingDay

ROWS_READ_AT_ONCE = 25_000
"""Rows that a waiting frame is read by, so that a slice of time reads little more than itself."""


class Staging:
    """Frames by listing, day and table, in the order they came."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts: defaultdict[tuple[ListingDay, str], list[Path]] = defaultdict(list)

    def append(self, of: ListingDay, table: Table | str, frame: pl.DataFrame) -> None:
        """Set *frame* aside; nothing happens for an empty one.

        Raises:
            TargetFailed: There is no room.
        """
        if frame.is_empty():
            return
        parts = self._parts[of, _name(table)]
        path = self._folder / f"{of.listing.mic}-{of.listing.listing_id}-{of.day}-{_name(table)}-{len(parts)}.parquet"
        try:
            frame.write_parquet(path, compression="lz4", row_group_size=ROWS_READ_AT_ONCE)
        except OSError as problem:
            raise _cannot_write(self._folder, problem) from problem
        parts.append(path)

    def frames(self, of: ListingDay, table: Table | str) -> list[pl.LazyFrame]:
        """The frames of *table* for one listing and day."""
        return [pl.scan_parquet(path) for path in self._parts.get((of, _name(table)), ())]


def _name(table: Table | str) -> str:
    return table if isinstance(table, str) else table.name


@contextmanager
def staging_in(lake: Path) -> Iterator[Staging]:
    """A place beside the lake's files, gone at the end of the block.

    Raises:
        TargetFailed: The lake cannot be written.
    """
    try:
        lake.mkdir(parents=True, exist_ok=True)
        folder = TemporaryDirectory(prefix=".import-", dir=lake)
    except OSError as problem:
        raise _cannot_write(lake, problem) from problem
    with folder as name:
        yield Staging(Path(name))


def _cannot_write(place: Path, problem: OSError) -> TargetFailed:
    what = f"cannot write the lake: {problem.strerror or problem}"
    return TargetFailed(what, where=str(place), hint="give --lake a folder that you may write to, with room")
