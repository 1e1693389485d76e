"""Row conditions: which rows a formula counts."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import polars as pl

EVERY_ROW: pl.Expr | None = None
"""No condition. Formulas take `rows: pl.Expr | None = EVERY_ROW` and pass it on to `where`."""


def where(value: pl.Expr, *conditions: pl.Expr | None) -> pl.Expr:
    """*value* on rows that meet all *conditions*, null elsewhere.

    Made for reductions that skip nulls (sum, mean, min, max, median, count). Positional ones do not
    of themselves: use `first_where` and `last_where`.
    """
    met = all_of(*conditions)
    return value if met is None else pl.when(met).then(value)


_complete: ContextVar[frozenset[str]] = ContextVar("basalt_complete_columns", default=frozenset())


@contextmanager
def complete_columns(names: Collection[str]) -> Iterator[None]:
    """Inside, formulas may take it that the columns *names* have no nulls."""
    token = _complete.set(frozenset(names))
    try:
        yield
    finally:
        _complete.reset(token)


def known(value: pl.Expr) -> pl.Expr | None:
    """The rows whose *value* is not null; no condition at all where the files are known to have no nulls.

    Args:
        value: A column, or arithmetic of columns that is null only where one of them is.
    """
    return None if _complete.get().issuperset(value.meta.root_names()) else value.is_not_null()


def all_of(*conditions: pl.Expr | None) -> pl.Expr | None:
    """The conjunction of those conditions that are one; None when there is none."""
    given = [condition for condition in conditions if condition is not None]
    if not given:
        return None
    met = given[0]
    for condition in given[1:]:
        met = met & condition
    return met


def count_where(*conditions: pl.Expr | None) -> pl.Expr:
    """The number of rows that meet all *conditions* (Int64)."""
    met = all_of(*conditions)
    return (pl.len() if met is None else met.sum()).cast(pl.Int64)


def first_where(value: pl.Expr, *conditions: pl.Expr | None) -> pl.Expr:
    """The first non-null *value* in event order among rows that meet all *conditions*."""
    return where(value, *conditions).first(ignore_nulls=_may_be_null(value, conditions))


def last_where(value: pl.Expr, *conditions: pl.Expr | None) -> pl.Expr:
    """The last non-null *value* in event order among rows that meet all *conditions*."""
    return where(value, *conditions).last(ignore_nulls=_may_be_null(value, conditions))


def _may_be_null(value: pl.Expr, conditions: Collection[pl.Expr | None]) -> bool:
    return all_of(*conditions) is not None or known(value) is not None


@dataclass(frozen=True)
class RowFilter:
    """The row condition of a config entry.

    Attributes:
        market_states: Accepted values of `MarketState`; empty accepts all.
        attributes: Column and accepted values, one pair a condition.
    """

    market_states: tuple[str, ...] = ()
    attributes: tuple[tuple[str, tuple[object, ...]], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether every row is accepted."""
        return not self.market_states and not self.attributes

    def expr(self) -> pl.Expr | None:
        """The condition, or None when every row is accepted."""
        conditions = [pl.col("MarketState").is_in(list(self.market_states))] if self.market_states else []
        conditions += [_equals_any(column, values) for column, values in self.attributes]
        return all_of(*conditions)

    def __str__(self) -> str:
        parts = [f"MarketState in {{{', '.join(self.market_states)}}}"] if self.market_states else []
        parts += [f"{column} in {{{', '.join(map(str, values))}}}" for column, values in self.attributes]
        return " and ".join(parts) or "every row"


ALL_ROWS = RowFilter()
"""The filter of an entry without conditions."""


def _equals_any(column: str, values: tuple[object, ...]) -> pl.Expr:
    if len(values) == 1:
        return pl.col(column) == pl.lit(values[0])
    return pl.col(column).is_in(list(values))
