"""Files of a market's day that the lake does not have yet, from pieces in order: encoded beside the reading, in flat memory."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from pathlib import Path

import polars as pl

from basalt.core.lake import LakeFile, LakeWriter, lake_path
from basalt.core.tables import Table
from basalt.feeds.merging import FILES_AT_ONCE, writing
from basalt.feeds.streaming import NONE_COMPLETE, Complete


class FreshDay:
    """The tables of one market and day, in the making; nothing is in the lake before `put`.

    Args:
        folder: Where files grow: in the lake, so that they need not be copied.
        lake: Root of the lake.
        tables: All tables of the day.
        piecewise: Those of them that surely come in more than one piece, so that the first need not wait for the second.
        complete: Columns that no row leaves null, by the name of their table: they are written faster.
    """

    def __init__(
        self,
        folder: Path,
        lake: Path,
        mic: str,
        day: date,
        tables: Collection[Table],
        piecewise: Collection[Table] = (),
        complete: Complete = NONE_COMPLETE,
    ) -> None:
        self._writers = {
            table: LakeWriter(folder, table, mic, day, is_piecewise=table in piecewise, complete=complete.get(table.name, ()))
            for table in tables
        }
        self._places = {table: Path(lake_path(str(lake), table, mic, day)) for table in tables}
        self._threads = ThreadPoolExecutor(FILES_AT_ONCE)
        self._turns: dict[Table, Future[None]] = {}

    def add(self, table: Table, frame: pl.DataFrame) -> None:
        """Take the next rows of *table*; waits for those before them.

        Raises:
            TargetFailed: The lake cannot be written.
        """
        self._wait(table)
        self._turns[table] = self._threads.submit(self._append, table, frame)

    def put(self) -> tuple[LakeFile, ...]:
        """Put all files into their places.

        Raises:
            TargetFailed: The lake cannot be written.
        """
        for table in self._writers:
            self._wait(table)
        list(self._threads.map(self._seal, self._writers))
        for place in self._places.values():
            with writing(place):
                place.parent.mkdir(parents=True, exist_ok=True)
        return tuple(self._put(table) for table in self._writers)

    def stop(self) -> None:
        """Forget what was not put."""
        self._threads.shutdown(wait=True)
        for writer in self._writers.values():
            writer.discard()

    def _wait(self, table: Table) -> None:
        turn = self._turns.pop(table, None)
        if turn is not None:
            turn.result()

    def _append(self, table: Table, frame: pl.DataFrame) -> None:
        with writing(self._places[table]):
            self._writers[table].append(frame)

    def _seal(self, table: Table) -> None:
        with writing(self._places[table]):
            self._writers[table].seal()

    def _put(self, table: Table) -> LakeFile:
        writer, place = self._writers[table], self._places[table]
        with writing(place):
            writer.close().path.replace(place)
        return LakeFile(table.name, writer.mic, writer.day, place, writer.rows)
