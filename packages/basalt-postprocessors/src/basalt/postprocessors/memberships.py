"""Memberships: which listings belong to which group, from a table or from the config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from basalt.core.bucketing import DATE
from basalt.core.datasets import Dataset, key_dtype
from basalt.core.errors import InvalidValue, MissingColumn, nearest

Members = Mapping[str, Sequence[int | str]]


def check_members(members: Members, group_column: str, join_dtype: pl.DataType, *, where: str) -> None:
    """Refuse members that cannot be matched.

    Raises:
        InvalidValue: A member has another type than the join column, or a group's name does not
            fit the type of the group column.
    """
    wanted: type = int if join_dtype.is_integer() else str
    for group, listed in members.items():
        for each in listed:
            if not isinstance(each, wanted):
                raise InvalidValue(
                    f"member {each!r} is no {wanted.__name__}", where=f"{where}.{group}", hint="write it as the join column has it"
                )
        if key_dtype(group_column).is_integer() and not group.lstrip("-").isdigit():
            raise InvalidValue(
                f"{group!r} is no number, as ids are",
                where=where,
                hint=f"name the group_column otherwise: {group_column!r} is taken for an id",
            )


def listed_members(members: Members, group_column: str, join_column: str, join_dtype: pl.DataType) -> pl.LazyFrame:
    """The pairs of *members*: group and member, each once."""
    pairs = [(group, each) for group, listed in members.items() for each in listed]
    frame = pl.LazyFrame(pairs, schema={group_column: pl.String(), join_column: join_dtype}, orient="row")
    return frame.select(pl.col(group_column).cast(key_dtype(group_column)), join_column).unique()


def check_table(table: Dataset, join_column: str, group_column: str, *, where: str) -> None:
    """Refuse a table of memberships without the two columns.

    Raises:
        MissingColumn: With the nearest name.
    """
    for setting, name in (("join_column", join_column), ("group_column", group_column)):
        if name not in table.schema():
            raise MissingColumn(f"{table.name!r} has no column {name!r}", where=f"{where}.{setting}", hint=nearest(name, table.names()))


def columns_of(table: Dataset, group_column: str, join_column: str) -> tuple[str, ...]:
    """Columns of a table of memberships that are read."""
    return tuple(dict.fromkeys((group_column, join_column, *([DATE] if DATE in table.schema() else []))))


def tabled_members(frame: pl.LazyFrame, table: Dataset, group_column: str, join_column: str, join_dtype: pl.DataType) -> pl.LazyFrame:
    """The pairs of a table, each once, with their date where the table has one.

    Pairs without a group or a member are left out. The date of a raw table may be an instant, at midnight.
    """
    dates = [pl.col(DATE).cast(pl.Date())] if DATE in table.schema() else []
    pairs = frame.select(pl.col(group_column).cast(key_dtype(group_column)), pl.col(join_column).cast(join_dtype), *dates)
    return pairs.drop_nulls([group_column, join_column]).unique()
