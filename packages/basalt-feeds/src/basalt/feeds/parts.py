"""Rows of a whole market's day on disk, until the day is complete: memory as large as a part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from basalt.core.errors import TargetFailed
from basalt.core.tables import Table

ROWS_READ_AT_ONCE = 25_000
"""Rows of a row group, so that a slice of time reads little more than itself."""


class Parts:
    """Rows by table, in the order they came."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._paths: defaultdict[str, list[Path]] = defaultdict(list)

    def append(self, table: Table, rows: pl.DataFrame) -> None:
        """Set *rows* aside; nothing happens without any."""
        if rows.is_empty():
            return
        paths = self._paths[table.name]
        path = self._folder / f"{table.name}-{len(paths)}.parquet"
        try:
            rows.write_parquet(path, compression="lz4", row_group_size=ROWS_READ_AT_ONCE)
        except OSError as problem:
            raise _cannot_write(self._folder, problem) from problem
        paths.append(path)

    def frames(self, table: Table) -> list[pl.LazyFrame]:
        """The rows of *table*, a frame a part."""
        return [pl.scan_parquet(path) for path in self._paths.get(table.name, ())]


@contextmanager
def parts_in(lake: Path) -> Iterator[Parts]:
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
        yield Parts(Path(name))


def _cannot_write(lake: Path, problem: OSError) -> TargetFailed:
    what = f"cannot write the lake: {problem.strerror or problem}"
    return TargetFailed(what, where=str(lake), hint="give --lake a folder that you may write to")
