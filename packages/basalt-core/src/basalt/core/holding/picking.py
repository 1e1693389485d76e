"""Picking: values at single events of cells."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from basalt.core.holding.cells import Cells, nullable
from basalt.core.holding.events import Ints


class Picks:
    """Values at single events of cells, each column of rows taken once.

    What stood before a cell is what stood after the cell before, and what stood last after all events that count is what
    stands at the end.
    """

    def __init__(self, values: pl.DataFrame, cells: Cells) -> None:
        self.values, self.cells = values, cells
        self._rows: dict[int, Ints] = {}
        self._names: dict[int, dict[str, str]] = {}
        self._asked: dict[str, tuple[str, bool]] = {}

    def ask(self, column: str, value: str, rows: Ints, *, of_cell_before: bool) -> None:
        """Take *value* as *column*.

        Args:
            column: Name of what is taken.
            value: Name of the value.
            rows: Row of each cell at which it is taken, -1 where there is none; values that share the array are taken together.
            of_cell_before: Take it at the row of the listing's cell before, null for the first one.
        """
        self._rows[id(rows)] = rows
        alias = self._names.setdefault(id(rows), {}).setdefault(value, f"{value}:{id(rows)}")
        self._asked[column] = (alias, of_cell_before)

    def taken(self) -> dict[str, pl.Series]:
        """The columns asked for."""
        found = {series.name: series for key, rows in self._rows.items() for series in self._at(rows, self._names[key])}
        entries = dict.fromkeys(name for name, is_entry in self._asked.values() if is_entry)
        before = self.cells.before
        earlier = np.where(before >= 0, self.cells.events.of[before], -1)
        entered = {series.name: series for series in _taken(pl.DataFrame([found[name] for name in entries]), earlier, 0)}
        return {column: (entered if is_entry else found)[name] for column, (name, is_entry) in self._asked.items()}

    def _at(self, rows: Ints, names: Mapping[str, str]) -> list[pl.Series]:
        """The values of some columns in *rows*; those of carried rows, which lie in memory of their own, put between the others."""
        kept = self.values.select(pl.col(name).alias(alias) for name, alias in names.items())
        return _taken(kept, rows, self.cells.carried if kept.height > self.cells.carried else 0)


def _taken(frame: pl.DataFrame, rows: Ints, first: int) -> list[pl.Series]:
    """The columns of *frame* in *rows*, null at -1; most of them lie from *first* on, in memory of their own."""
    if not frame.width:
        return []
    taken = frame.slice(first)[np.maximum(rows - first, 0)]
    others = np.flatnonzero(rows < first)
    if not others.size:
        return taken.get_columns()
    known = frame.head(max(first, 1)).select(pl.all().gather(pl.lit(nullable(rows[others]))))
    return [one.scatter(others, other) for one, other in zip(taken, known, strict=True)]
