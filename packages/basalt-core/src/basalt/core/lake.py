"""A lake: one Parquet file a table, market and day, local or in an object store.

Layout: `{root}/{folder}/{MIC}/{YYYY}/{MM}/{DD}/{prefix}{MIC}-{YYYYMMDD}.parquet`. Files that
Basalt writes are sorted by (clock, tie-breaks), and say so in their metadata under `basalt:order`.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from polars import selectors

from basalt.core.encoding import COMPRESSION, LEVEL, Encoding
from basalt.core.errors import SchemaMismatch, TargetFailed, UnsortedInput
from basalt.core.tables import Table

ORDER_KEY = "basalt:order"
ROWS_OF_A_GROUP = 1 << 20


def lake_path(root: str, table: Table, mic: str, day: date) -> str:
    """Path or URL of the file of *table* for one market and day."""
    name = f"{table.prefix}{mic}-{day:%Y%m%d}.parquet"
    return f"{str(root).rstrip('/')}/{table.folder}/{mic}/{day:%Y/%m/%d}/{name}"


@dataclass(frozen=True)
class LakeFile:
    """A file that was written: its table, market, day, path and number of rows."""

    table: str
    mic: str
    day: date
    path: Path
    rows: int


def order_columns(table: Table, stored: Collection[str] | None = None) -> tuple[str, ...]:
    """Columns among *stored* (all of the contract if None) that put rows of *table* in order of events: the most precise clock, the tie-breaks."""
    present = table.stored_names if stored is None else stored
    clock = [name for name in table.time_from if name in present][:1]
    return (*clock, *(name for name in table.order if name in present))


class LakeWriter:
    """Write one file of a lake piece by piece; it appears whole when closed, or not at all.

    A file of one piece is encoded by Polars, on all cores. Polars cannot add to a file, so with a second
    piece pyarrow takes over: memory is that of two pieces at most.

    Args:
        root: Root of the lake.
        table, mic, day: Whose file it is.
        metadata: Texts to keep in the file.
        is_piecewise: More than one piece will come, so that the first need not wait for the second.
        complete: Columns that no row leaves null, as far as they are there: such are written faster.
    """

    def __init__(
        self,
        root: str | Path,
        table: Table,
        mic: str,
        day: date,
        *,
        metadata: Mapping[str, str] | None = None,
        is_piecewise: bool = False,
        complete: Collection[str] = (),
    ) -> None:
        self.table, self.mic, self.day = table, mic, day
        self.path = Path(lake_path(str(root), table, mic, day))
        self.rows = 0
        self._metadata, self._is_piecewise, self._complete = dict(metadata or {}), is_piecewise, frozenset(complete)
        self._last: tuple[object, ...] | None = None
        self._staged: Path | None = None
        self._first: pl.DataFrame | None = None
        self._writer: Any = None

    def append(self, frame: pl.DataFrame) -> None:
        """Add rows, which follow all earlier ones in the table's order.

        Raises:
            SchemaMismatch: A column is missing, unknown or of another type, or has nulls that it must not have.
            UnsortedInput: Rows out of order, within *frame* or against what was appended before.
        """
        conformed = conform(frame, self.table, where=str(self.path))
        self._check_order(conformed)
        self._check_nulls(conformed)
        self.rows += conformed.height
        if self._staged is None:
            self._staged = self._make_room()
            if not self._is_piecewise:
                self._first = conformed
                return
        self._append_to_open(conformed)

    def seal(self) -> None:
        """End the file beside its place, so that `close` has nothing left to do that can fail."""
        if self._staged is None:
            self.append(pl.DataFrame(schema={column.name: column.dtype for column in self.table.columns}))
        if self._first is not None and self._staged is not None:
            metadata = {**self._named_order(self._first), **self._metadata}
            self._first.write_parquet(
                self._staged, compression=COMPRESSION, compression_level=LEVEL, row_group_size=ROWS_OF_A_GROUP, metadata=metadata
            )
            self._first = None
        if self._writer is not None:
            self._writer.close()

    def close(self) -> LakeFile:
        """Put the file in its place."""
        self.seal()
        assert self._staged is not None
        self._staged.replace(self.path)
        return LakeFile(self.table.name, self.mic, self.day, self.path, self.rows)

    def discard(self) -> None:
        """Forget what was appended; the lake stays as it was."""
        self._first = None
        if self._writer is not None:
            self._writer.close()
        if self._staged is not None:
            self._staged.unlink(missing_ok=True)

    def _make_room(self) -> Path:
        staged = self.path.with_name(f".{self.path.name}.{uuid.uuid4().hex[:8]}.tmp")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            staged.touch()
        except OSError as problem:
            raise TargetFailed(
                f"cannot write the lake: {problem.strerror or problem}",
                where=str(self.path.parent),
                hint="give --lake a folder that you may write to",
            ) from problem
        return staged

    def _append_to_open(self, frame: pl.DataFrame) -> None:
        first, self._first = self._first, None
        if self._writer is None:
            self._writer = self._opened(frame if first is None else first)
        if first is not None:
            self._writer.write_table(self._encoding.arrow(first))
        self._writer.write_table(self._encoding.arrow(frame))

    def _opened(self, frame: pl.DataFrame) -> Any:
        import pyarrow.parquet as pq

        self._encoding = Encoding.of(frame, self._complete)
        writer = pq.ParquetWriter(self._staged, self._encoding.arrow(frame.clear()).schema, **self._encoding.options(frame))
        writer.add_key_value_metadata({**self._named_order(frame), **self._metadata})
        return writer

    def _named_order(self, frame: pl.DataFrame) -> dict[str, str]:
        return {ORDER_KEY: ",".join(order_columns(self.table, frame.columns))}

    def _check_order(self, frame: pl.DataFrame) -> None:
        names = order_columns(self.table, frame.columns)
        if not names or frame.is_empty():
            return
        keys = frame[list(names)]
        ends = (each.with_columns_seq(selectors.temporal().to_physical()) for each in (keys.head(1), keys.tail(1)))
        first, last = (each.row(0) for each in ends)  # as Python's, instants would lose their nanoseconds
        follows = self._last is None or _at_most(self._last, first)
        if not follows or not _is_sorted(keys):
            raise UnsortedInput(
                f"rows of {self.table.name} are not in order of {', '.join(names)}",
                where=str(self.path),
                hint="sort the rows before writing",
            )
        self._last = last

    def _check_nulls(self, frame: pl.DataFrame) -> None:
        bad = [name for name in self._complete.intersection(frame.columns) if frame[name].null_count()]
        if bad:
            raise SchemaMismatch(
                f"{self.table.name}: nulls in {sorted(bad)}", where=str(self.path), hint="these columns were said to have none"
            )


def _at_most(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    for left, right in zip(one, other, strict=True):
        if left is None or right is None or left == right:
            continue
        return left < right  # type: ignore[operator,no-any-return]
    return True


def _is_sorted(keys: pl.DataFrame) -> bool:
    """Whether rows are in lexicographic order, nulls taken as equal to anything."""
    if all(column.null_count() == 0 and column.is_sorted() for column in keys):
        return True
    later = pl.lit(False)
    tied = pl.lit(True)
    for name in keys.columns:
        now, before = pl.col(name), pl.col(name).shift(1)
        later = later | (tied & (now < before)).fill_null(False)
        tied = tied & ((now == before).fill_null(True))
    return not keys.select(later.any()).item()


def conform(frame: pl.DataFrame, table: Table, *, where: str) -> pl.DataFrame:
    """The columns of *frame* in the contract's order and types.

    Raises:
        SchemaMismatch: A required column is missing, a column is unknown, or a value has no place in
            its column's type. Times that are finer are cut.
    """
    stored = frame.schema
    unknown = [name for name in stored if name not in table.stored_names]
    missing = sorted(table.required_names - set(stored))
    if unknown or missing:
        parts = [f"unknown columns {unknown}"] * bool(unknown) + [f"missing columns {missing}"] * bool(missing)
        raise SchemaMismatch(f"{table.name}: {' and '.join(parts)}", where=where, hint="see the table's contract: basalt analytics tables")
    present = [column for column in table.columns if column.name in stored]
    others = [column for column in present if stored[column.name] != column.dtype]
    names = [column.name for column in present]
    try:
        return pl.DataFrame([frame[column.name].cast(column.dtype, strict=True) for column in present]) if others else frame[names]
    except pl.exceptions.PolarsError as problem:
        raise SchemaMismatch(f"{table.name}: {problem}", where=where, hint="cast the columns to the contract's types") from problem


@contextmanager
def lake_writer(root: str | Path, table: Table, mic: str, day: date, *, metadata: Mapping[str, str] | None = None) -> Iterator[LakeWriter]:
    """A writer that is closed at the end of the block and discarded when the block raises."""
    writer = LakeWriter(root, table, mic, day, metadata=metadata)
    with ExitStack() as undo:
        undo.callback(writer.discard)
        yield writer
        writer.close()
        undo.pop_all()


def write_lake_file(
    root: str | Path, table: Table, mic: str, day: date, frame: pl.DataFrame, *, metadata: Mapping[str, str] | None = None
) -> LakeFile:
    """Sort *frame* into the table's order and write it as one file of the lake, atomically.

    Times that are finer than their column are cut to it; rows that become simultaneous by that are put in order of their tie-breaks.

    Raises:
        SchemaMismatch: The columns do not keep the table's contract.
        TargetFailed: The lake cannot be written.
    """
    names = order_columns(table, frame.columns)
    ordered = frame.sort(names, maintain_order=True) if names else frame
    with lake_writer(root, table, mic, day, metadata=metadata) as writer:
        conformed = conform(ordered, table, where=str(writer.path))
        is_cut = any(conformed.schema[name] != frame.schema[name] for name in names)
        writer.append(conformed.sort(names, maintain_order=True) if is_cut else conformed)
    return LakeFile(table.name, mic, day, writer.path, writer.rows)
