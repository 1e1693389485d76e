"""Rows of a market's day that come in pieces, nearly in order, and go straight into files of a lake.

A vendor's file is in order of capture, a lake in order of events. Pieces are sorted, and rows of the last
moments wait for those that may still come before them. What comes later than that is set aside and merged in at the end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl

from basalt.core.errors import TargetFailed
from basalt.core.lake import LakeFile, LakeWriter, conform, lake_path, order_columns
from basalt.core.tables import Table
from basalt.feeds.covering import ARRIVAL, Coverage, Span, time_column, times_of
from basalt.feeds.merging import replace_listings

PATIENCE_NANOS = 1_000_000_000
"""Time that a row waits for rows of before it."""

Complete = Mapping[str, Collection[str]]
NONE_COMPLETE: Complete = {}


class _Stream:
    """Pieces of one table, written by a thread of its own."""

    def __init__(self, folder: Path, table: Table, mic: str, day: date, complete: Collection[str]) -> None:
        self.table, self._folder = table, folder
        self._writer = LakeWriter(folder, table, mic, day, is_piecewise=True, complete=complete)
        self._thread = ThreadPoolExecutor(1)
        self._turn: Future[None] | None = None
        self._waiting: pl.DataFrame | None = None
        self._last: tuple[object, ...] | None = None
        self.late: list[Path] = []

    def add(self, frame: pl.DataFrame) -> None:
        self._wait()
        self._turn = self._thread.submit(self._take, frame)

    def finish(self) -> None:
        """Write what waits, on the thread."""
        self._wait()
        self._turn = self._thread.submit(self._finish)

    def _finish(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self._write(waiting)
        self._writer.seal()

    def end(self) -> Path:
        self._wait()
        return self._writer.close().path

    def stop(self) -> None:
        self._thread.shutdown(wait=True)
        self._writer.discard()

    @property
    def rows(self) -> int:
        return self._writer.rows

    def _wait(self) -> None:
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.result()

    def _take(self, frame: pl.DataFrame) -> None:
        frame = conform(frame, self.table, where=self.table.name)
        names = order_columns(self.table, frame.columns)
        if self._waiting is not None:
            frame = pl.concat([self._waiting, frame], how="vertical", rechunk=False)
        if not names:
            self._write(frame)
            return
        if not _is_in_order(frame[list(names)]):
            frame = frame.sort(*names, maintain_order=True)
        instants = frame[names[0]].dt.epoch("ns").to_numpy()
        settled = int(np.searchsorted(instants, instants[-1] - PATIENCE_NANOS, side="right"))
        self._write(frame.head(settled))
        rest = frame.slice(settled)
        self._waiting = rest[np.arange(rest.height)]  # a copy, so that the others need not be held with it

    def _write(self, frame: pl.DataFrame) -> None:
        names = order_columns(self.table, frame.columns)
        if frame.is_empty():
            return
        if names and self._last is not None and _ends(frame, names)[0] < self._last:
            frame = self._set_late_aside(frame, names)
        if not frame.is_empty():
            self._last = _ends(frame, names)[1] if names else None
            self._writer.append(frame)

    def _set_late_aside(self, frame: pl.DataFrame, names: tuple[str, ...]) -> pl.DataFrame:
        """Put rows that belong before what is written into a file of their own; gives the others."""
        is_late = frame.select(_is_before(dict(zip(names, self._last or (), strict=True)))).to_series()
        path = self._folder / f"late-{len(self.late)}.parquet"
        frame.filter(is_late).write_parquet(path, compression="lz4")
        self.late.append(path)
        return frame.filter(~is_late)


def _is_in_order(keys: pl.DataFrame) -> bool:
    """Whether each column rises; that of ties within others needs a sort to tell."""
    return all(column.null_count() == 0 and column.is_sorted() for column in keys)


def _ends(frame: pl.DataFrame, names: tuple[str, ...]) -> tuple[tuple[object, ...], tuple[object, ...]]:
    """What puts the first and the last row in order; instants as numbers, since Python's lose their nanoseconds."""
    keys = frame[list(names)]
    first, last = (each.select_seq(pl.all().to_physical()).row(0) for each in (keys.head(1), keys.tail(1)))
    return first, last


def _is_before(edge: dict[str, Any]) -> pl.Expr:
    """Whether a row comes before *edge*, in the order of its columns."""
    before, tied = pl.lit(False), pl.lit(True)
    for name, limit in edge.items():
        value = pl.col(name).to_physical()
        before, tied = before | (tied & (value < limit)), tied & (value == limit)
    return before


class MarketDay:
    """The tables of one market and day, in the making."""

    def __init__(self, folder: Path, mic: str, day: date, complete: Complete) -> None:
        self.mic, self.day, self._folder, self._complete = mic, day, folder, complete
        self._streams: dict[tuple[str, frozenset[str]], _Stream] = {}
        self._times: dict[bool, Span] = {}

    def add(self, table: Table, frame: pl.DataFrame) -> None:
        """Take rows of *table*; pieces with the same columns come nearly in its order."""
        if frame.is_empty():
            return
        self._note(time_column(table, frame.columns), frame)
        kind = (table.name, frozenset(frame.columns))
        if kind not in self._streams:
            self._streams[kind] = _Stream(
                self._folder / str(len(self._streams)), table, self.mic, self.day, self._complete.get(table.name, ())
            )
        self._streams[kind].add(frame[sorted(frame.columns)])

    def put(
        self, lake: Path, listings: Collection[int], *, coverage: Coverage | None = None, replace: bool = False
    ) -> tuple[LakeFile, ...]:
        """Put the rows into the lake: all tables or none; rows of other listings stay.

        Args:
            lake: Root of the lake.
            listings: `ListingId` of the rows.
            coverage: The times that files tell of; None: all of them are one recording of all listings, from its first to its last row.
            replace: Drop what the lake has of the listings from other times too.

        Raises:
            ConflictingSettings: The lake has rows of these listings from other times, and *replace* is not set.
            DataError: Two listings of the day share a `ListingId`.
            TargetFailed: The lake cannot be written.
        """
        for stream in self._streams.values():
            stream.finish()
        made: dict[Table, list[Path]] = {}
        for stream in self._streams.values():
            made.setdefault(stream.table, []).extend((stream.end(), *stream.late))
        places = {table: Path(lake_path(str(lake), table, self.mic, self.day)) for table in made}
        if any(len(paths) > 1 for paths in made.values()) or any(place.exists() for place in places.values()):
            rows = {table: [pl.scan_parquet(path) for path in paths] for table, paths in made.items()}
            told = self._recorded(rows, listings) if coverage is None else coverage
            return replace_listings(lake, self.mic, self.day, rows, listings, coverage=told, replace=replace)
        counts = {stream.table.name: stream.rows for stream in self._streams.values()}
        return tuple(self._moved(table, paths[0], places[table], counts[table.name]) for table, paths in made.items())

    def stop(self) -> None:
        """Forget everything."""
        for stream in self._streams.values():
            stream.stop()

    def _note(self, column: str | None, frame: pl.DataFrame) -> None:
        """Remember the first and the last time so far, of arrivals and of clocks."""
        low, high = (None, None) if column is None else times_of(frame, column)
        if low is not None and high is not None:
            before = self._times.get(column == ARRIVAL, (low, high))
            self._times[column == ARRIVAL] = (min(before[0], low), max(before[1], high))

    def _recorded(self, rows: Mapping[Table, Sequence[pl.LazyFrame]], listings: Collection[int]) -> Coverage:
        """That everything is told of all listings from the first to the last row."""
        coverage = Coverage()
        for table, frames in rows.items():
            span = self._times.get(time_column(table, frames[0].collect_schema()) == ARRIVAL)
            if span is not None:
                for listing in listings:
                    coverage.add(table.name, listing, span)
        return coverage

    def _moved(self, table: Table, made: Path, place: Path, rows: int) -> LakeFile:
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            made.replace(place)
        except OSError as problem:
            raise TargetFailed(
                f"cannot write the lake: {problem}", where=str(place), hint="check the lake's folders and free space"
            ) from problem
        return LakeFile(table.name, self.mic, self.day, place, rows)


class MarketDays:
    """All markets and days of one import."""

    def __init__(self, folder: Path, complete: Complete) -> None:
        self._folder, self._complete = folder, complete
        self._days: dict[tuple[str, date], MarketDay] = {}

    def of(self, mic: str, day: date) -> MarketDay:
        """The day, begun when it is asked for first."""
        key = (mic, day)
        if key not in self._days:
            self._days[key] = MarketDay(self._folder / f"{mic}-{day}", mic, day, self._complete)
            (self._folder / f"{mic}-{day}").mkdir()
        return self._days[key]

    def __iter__(self) -> Iterator[MarketDay]:
        return iter([self._days[key] for key in sorted(self._days)])

    def stop(self) -> None:
        """Forget what was not put."""
        for each in self._days.values():
            each.stop()


@contextmanager
def market_days(lake: Path, complete: Complete = NONE_COMPLETE) -> Iterator[MarketDays]:
    """Room beside the lake's files for days in the making; gone at the end of the block.

    Args:
        lake: Root of the lake.
        complete: Columns that no row leaves null, by the name of their table: they are written faster.

    Raises:
        TargetFailed: The lake cannot be written.
    """
    is_new = not lake.exists()
    try:
        lake.mkdir(parents=True, exist_ok=True)
        folder = TemporaryDirectory(prefix=".import-", dir=lake)
    except OSError as problem:
        raise TargetFailed(
            f"cannot write the lake: {problem.strerror}", where=str(lake), hint="give --lake a folder that you may write to"
        ) from problem
    with ExitStack() as undo:
        if is_new:
            undo.callback(_remove_if_empty, lake)
        days = MarketDays(Path(undo.enter_context(folder)), complete)
        undo.callback(days.stop)
        yield days


def _remove_if_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()
