"""How columns of tables are made from entries: kinds of columns, and the layout of a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pyarrow as pa

from basalt.core.tables import Table
from basalt.synthetic.market import Listing

TYPES: dict[pl.DataType, pa.DataType] = {
    pl.Int64(): pa.int64(),
    pl.Int32(): pa.int32(),
    pl.Float64(): pa.float64(),
    pl.Boolean(): pa.bool_(),
    pl.String(): pa.string(),
    **{pl.Datetime(unit): pa.timestamp(unit) for unit in ("ns", "us", "ms")},
}
"""What columns of a contract are in memory."""


@dataclass(frozen=True)
class Price:
    """Units as a price in the currency of the listing; null for none."""

    of: str


@dataclass(frozen=True)
class Whole:
    """A whole number; where it *may_miss*, -1 is null."""

    of: str
    may_miss: bool = False


@dataclass(frozen=True)
class Flag:
    """1 is true, 0 false; where it *may_miss*, -1 is null."""

    of: str
    may_miss: bool = False


@dataclass(frozen=True)
class Word:
    """The word that a code stands for; where it *may_miss*, -1 is null."""

    of: str
    words: tuple[str, ...]
    may_miss: bool = False


@dataclass(frozen=True)
class Name:
    """The name of an order or a trade; -1 is empty."""

    of: str


@dataclass(frozen=True)
class Exact:
    """A float; NaN is null."""

    of: str


@dataclass(frozen=True)
class Fact:
    """What is the same for all rows of a listing."""

    of: Callable[[Listing], Any]


@dataclass(frozen=True)
class Same:
    """What is the same for all rows; of a clock, midnight of the day."""

    value: Any = None


@dataclass(frozen=True)
class Clock:
    """When it happened, *later* by a float of the entries and by *plus* nanoseconds, on the venue's own clock if *local*."""

    later: str = ""
    plus: int = 0
    local: bool = False


@dataclass(frozen=True)
class Ahead:
    """Seconds that the clock of the listing's venue is ahead of UTC."""


@dataclass(frozen=True)
class Sequence:
    """The sequence number."""


def may_miss(kind: Kind) -> bool:
    """Whether a column of this kind may have nulls."""
    return isinstance(kind, Price | Exact) or (isinstance(kind, Whole | Flag | Word) and kind.may_miss)


Kind = Price | Whole | Flag | Word | Name | Exact | Fact | Same | Clock | Ahead | Sequence


@dataclass(frozen=True)
class Layout:
    """How entries of a table lie, and what becomes of them.

    Attributes:
        table: The contract.
        whole, exact: Names of the columns of entries; those of *whole* come after the listing.
        kinds: How each column of the table is made.
        tie: Which of *whole* orders rows of one key, before the listing does.
    """

    table: Table
    kinds: Mapping[str, Kind]
    whole: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()
    tie: str = ""
    _places: dict[str, int] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        places = {name: place + 1 for place, name in enumerate(self.whole)} | {name: place for place, name in enumerate(self.exact)}
        object.__setattr__(self, "_places", places)

    def place(self, name: str) -> int:
        """Column of the entries' arrays that *name* is."""
        return self._places[name]

    @property
    def tie_place(self) -> int:
        """Column of whole numbers that is the *tie*: the listing, without one."""
        return self.place(self.tie) if self.tie else 0

    def named(self, kind: type[Kind]) -> dict[pa.DataType, list[str]]:
        """Names of all columns of a *kind* in the table's order, by type."""
        found: dict[pa.DataType, list[str]] = {}
        for column in self.table.columns:
            if isinstance(self.kinds.get(column.name), kind):
                found.setdefault(TYPES[column.dtype], []).append(column.name)
        return found
