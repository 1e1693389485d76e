"""Tables: what can be scanned under a name, and the contract its rows keep.

A raw table's contract names its columns, its clock and its order of events; plugins offer
contracts through `basalt_tables`. Outputs of passes and preprocessors become tables by the same
type, so a later pass does not care where its rows came from.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import polars as pl

from basalt.core.facts import Facts


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: PascalCase name.
        dtype: Polars type that a scan delivers.
        unit: Unit of the values, empty for names and codes; `{currency}` stands for the
            listing's currency.
        doc: What a value says.
        required: A file without it breaks the contract; otherwise it may be missing.
    """

    name: str
    dtype: pl.DataType
    unit: str = ""
    doc: str = ""
    required: bool = False


@dataclass(frozen=True)
class DerivedColumn:
    """A column that a scan computes from the stored ones.

    Attributes:
        column: What is computed.
        is_total: A value is null only where a column that it reads is.
        needs: Alternatives, best first: each names the stored columns it reads and the function
            that makes the expression, one of a module, since tables travel to workers. The first whose columns are all stored is used; with none
            the column is missing.
    """

    column: Column
    needs: tuple[tuple[tuple[str, ...], Callable[[], pl.Expr]], ...]
    is_total: bool = False

    def choose(self, stored: Collection[str]) -> tuple[tuple[str, ...], pl.Expr] | None:
        """The stored columns read and the expression, or None when no alternative fits."""
        for names, build in self.needs:
            if all(name in stored for name in names):
                return names, build().alias(self.column.name)
        return None


@dataclass(frozen=True)
class Table:
    """The contract of a table.

    Attributes:
        name: Name in configs: `trades`, `l2`, …
        columns: Stored columns.
        derived: Columns that a scan adds.
        time: Name of the clock column, Datetime ns in UTC after scanning; empty for tables
            without a clock (reference).
        time_from: Stored columns that hold the clock, most precise first.
        order: Tie-breaks after the clock, before file position.
        identity: Columns that together tell one row from another; two rows equal in all of them
            are one row delivered twice. Empty: rows have no identity.
        key: Column that names the security.
        folder, prefix: Place in a lake: `{root}/{folder}/{MIC}/…/{prefix}{MIC}-{YYYYMMDD}.parquet`.
        vendor_name: Name of the data set at BMLL.
        doc: One sentence.
    """

    name: str
    columns: tuple[Column, ...]
    derived: tuple[DerivedColumn, ...] = ()
    time: str = ""
    time_from: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()
    key: str = "ListingId"
    folder: str = ""
    prefix: str = ""
    vendor_name: str = ""
    doc: str = ""
    _stored: dict[str, Column] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_stored", {column.name: column for column in self.columns})

    def __getitem__(self, name: str) -> Column:
        """The column *name*, stored or derived."""
        if name in self._stored:
            return self._stored[name]
        for derived in self.derived:
            if derived.column.name == name:
                return derived.column
        if name == self.time:
            return Column(name, pl.Datetime("ns"), doc="Time of the event, UTC.", required=True)
        raise KeyError(name)

    @property
    def stored_names(self) -> frozenset[str]:
        """Names of the stored columns."""
        return frozenset(self._stored)

    @property
    def required_names(self) -> frozenset[str]:
        """Names of the stored columns that every file has."""
        return frozenset(column.name for column in self.columns if column.required)

    def clock(self, stored: Collection[str]) -> str | None:
        """The column of *stored* that a scan takes the clock from; None when there is none."""
        return next((name for name in self.time_from if name in stored), None)

    def scanned(self, stored: Collection[str], facts: Facts) -> Facts:
        """What is known of the columns of a scan, when *facts* are those of the columns *stored*, the clock among them."""
        derived = [
            each.column.name
            for each in self.derived
            if each.is_total and (chosen := each.choose(stored)) and facts.complete.issuperset(chosen[0])
        ]
        shadowed = {each.column.name for each in self.derived}
        plain = facts.without(shadowed)
        return Facts(plain.complete | frozenset(derived), plain.ranges, plain.pieces)

    def available(self, stored: Collection[str] | None = None) -> tuple[Column, ...]:
        """Columns that a scan can deliver when files hold *stored* (all of the contract if None)."""
        names = self.stored_names if stored is None else frozenset(stored)
        derived = [each.column for each in self.derived if each.choose(names) is not None]
        replaced = {self.time, *(column.name for column in derived)}
        plain = [column for column in self.columns if column.name in names and column.name not in replaced]
        has_clock = self.time and self.clock(names)
        clock = [Column(self.time, pl.Datetime("ns"), "", "Time of the event, UTC.", True)] if has_clock else []
        return (*clock, *plain, *derived)
