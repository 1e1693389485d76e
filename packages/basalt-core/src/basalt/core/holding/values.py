"""Values that stand: what is followed of each row, in which phases, and what is kept of it in a bucket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

SINCE, BEGIN, UNTIL = "held:event.since", "held:event.begin", "held:event.until"
"""Time (ns) of the event before the bucket's first one, of its first and of its last event; null where there is none."""

PHASE_COLUMN = "MarketState"
BEFORE = "before:"
"""Prefix of the columns of the row before."""


def before(column: str) -> pl.Expr:
    """*column* in the row before of the same listing and day; null in its first row."""
    return pl.col(BEFORE + column)


@dataclass(frozen=True)
class Standing:
    """A value of each row that stands until the next row of its listing.

    Attributes:
        name: Prefix of the columns that say what it did in a bucket.
        expr: Elementwise over the columns of a row and, with `before`, of the row before it.
        only: Phases in which it counts; empty: all but *never*.
        never: Phases in which it does not count unless *only* names them. A phase that nobody told counts.
    """

    name: str
    expr: pl.Expr
    only: tuple[str, ...] = ()
    never: tuple[str, ...] = ()

    def column(self, kind: str) -> str:
        """The column that says *kind* of the value."""
        return f"{self.name}.{kind}"

    @property
    def is_phase(self) -> bool:
        """Whether the value is the phase itself."""
        return self.expr.meta.eq(pl.col(PHASE_COLUMN))


KINDS: Mapping[str, str] = {
    "area": "integral of the value over the time from the event before the bucket's first event to its last event, value times ns",
    "held": "time in that span in which the value stood, ns",
    "entry": "value that stood before the bucket's first event",
    "exit": "value that stands after its last event",
    "first": "value after the first event after which one stood",
    "last": "value after the last event after which one stood",
    "stands": "whether one stands after the last event whose phase counts; null without such an event",
    "min": "smallest value after an event",
    "max": "largest value after an event",
    "total": "sum of the values of rows",
    "count": "number of rows with a value",
    "moves": "sum of squared changes between samples",
    "samples": "number of changes between samples",
    "sigmas": "of each window with a change to measure, and of each run of windows without an event: root of the sum of squared changes",
    "times": "of the same, time in which the value stood, ns",
    "windows": "of the same, number of windows",
    "spells": "each value that stood from one event to the next, and for how long, ns",
}


SPELLS = pl.List(pl.Struct({"value": pl.Float64(), "time": pl.Int64()}))
"""Type of `spells`."""

_TYPES: Mapping[str, pl.DataType] = {
    **dict.fromkeys(("held", "count", "samples"), pl.Int64()),
    **dict.fromkeys(("area", "moves"), pl.Float64()),
    **dict.fromkeys(("times", "windows"), pl.List(pl.Int64())),
    "sigmas": pl.List(pl.Float64()),
    "spells": SPELLS,
    "stands": pl.Boolean(),
}


def kind_of(column: str) -> str:
    """The kind that a column says: `exit` of `x.exit`, `moves` of `x.moves:1000`."""
    return column.rpartition(".")[2].partition(":")[0]


def dtype_of(kind: str, value: pl.DataType) -> pl.DataType:
    """Type of the column that says *kind* of a value of type *value*."""
    if kind in _TYPES:
        return _TYPES[kind]
    if kind == "total":
        return pl.Int64() if value.is_integer() or value == pl.Boolean else pl.Float64()
    return value
