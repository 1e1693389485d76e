"""Datasets: the planned schema of a table, known before any row exists."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import polars as pl

from basalt.core.bucketing import DATE, TIME_BUCKET, Clock
from basalt.core.declaring.analytics import Measure, part_column
from basalt.core.declaring.rollups import Rollup
from basalt.core.declaring.values import Composite
from basalt.core.errors import MissingColumn, nearest


@dataclass(frozen=True)
class PlannedColumn:
    """One column of a dataset.

    Attributes:
        name: Column name.
        dtype: Polars type.
        unit: Unit.
        doc: What a value says.
        measure: The measure that defines it; None for columns made otherwise.
        rollup: How it rolls up; None: it does not.
        parts: Supporting columns of a composite value: part name to column name and rule.
        empty: Value in an open bucket without events: `null`, `zero` or `carry`.
        forward: It looks past its bucket's end.
        origin: Path of the config entry that made it.
        hidden: A supporting column: travels between passes, is not written.
    """

    name: str
    dtype: pl.DataType
    unit: str = ""
    doc: str = ""
    measure: Measure | None = None
    rollup: Rollup | None = None
    parts: tuple[tuple[str, str, Rollup], ...] = ()
    empty: str = "null"
    forward: bool = False
    origin: str = ""
    hidden: bool = False

    def finish(self, clock: Clock | None = None) -> pl.Expr:
        """The value from its supporting columns, for a composite column; *clock* is that of the rows they stand in."""
        built = self.measure.build() if self.measure else None
        if not isinstance(built, Composite):
            raise MissingColumn(f"{self.name} is not made of parts", where=self.origin)
        edges = clock.edges(pl.col(TIME_BUCKET)) if clock else {}
        return built.finish({**{part: pl.col(column) for part, column, _ in self.parts}, **edges})

    def renamed(self, name: str) -> PlannedColumn:
        """The column under another name, its supporting columns renamed along."""
        parts = tuple((part, part_column(name, part), rule) for part, _, rule in self.parts)
        return replace(self, name=name, parts=parts)


@dataclass(frozen=True)
class Dataset:
    """The schema of a table: what a pass can read under a name.

    Attributes:
        name: Table or pass name.
        columns: All columns besides keys and labels, hidden ones included.
        keys: Columns that tell one row from another.
        labels: Columns that only describe the keys (MIC, Ticker, …), with their types.
        clock: Buckets of the rows; None for raw tables.
        is_raw: Scanned from a source.
        order: Columns by which the rows of one day are sorted; empty where that is not known.
    """

    name: str
    columns: tuple[PlannedColumn, ...]
    keys: tuple[str, ...] = ()
    labels: tuple[tuple[str, pl.DataType], ...] = ()
    clock: Clock | None = None
    is_raw: bool = False
    order: tuple[str, ...] = ()

    @property
    def visible(self) -> tuple[PlannedColumn, ...]:
        """Columns that are written."""
        return tuple(column for column in self.columns if not column.hidden)

    def column(self, name: str, *, where: str = "") -> PlannedColumn:
        """The column *name*.

        Raises:
            MissingColumn: There is none, with the nearest name as the hint.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise MissingColumn(
            f"{self.name!r} has no column {name!r}", where=where or None, hint=nearest(name, (column.name for column in self.visible))
        )

    def names(self) -> tuple[str, ...]:
        """All column names: keys, labels, then columns."""
        return (*self.keys, *(name for name, _ in self.labels if name not in self.keys), *(column.name for column in self.columns))

    def schema(self) -> dict[str, pl.DataType]:
        """Name to type of every column."""
        labels = dict(self.labels)
        keys = {name: labels.get(name, key_dtype(name)) for name in self.keys}
        return {**keys, **labels, **{column.name: column.dtype for column in self.columns}}

    def with_supports(self, kept: Iterable[str]) -> Dataset:
        """The dataset with only the hidden columns of *kept*."""
        names = set(kept)
        return replace(self, columns=tuple(column for column in self.columns if not column.hidden or column.name in names))


def key_dtype(name: str) -> pl.DataType:
    """The type of a key column by its name: clocks are Datetime ns, ids Int64, other keys text."""
    if name == TIME_BUCKET or name.endswith("Timestamp"):
        return pl.Datetime("ns")
    if name == DATE:
        return pl.Date()
    return pl.Int64() if name.endswith("Id") and name != "IndexId" else pl.String()
