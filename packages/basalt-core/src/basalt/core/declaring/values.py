"""Values that are more than one reduction: ratios, roots, and any finish over named parts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from basalt.core.declaring.rollups import Rollup, Sum


def identity(expr: pl.Expr) -> bytes:
    """Bytes that equal expressions share; expressions with Python functions inside are equal to themselves only."""
    try:
        return expr.meta.serialize()
    except (ImportError, pl.exceptions.PolarsError):
        return str(id(expr)).encode()


Finish = Callable[[Mapping[str, pl.Expr]], pl.Expr]


@dataclass(frozen=True)
class Row:
    """A value of each row that a reduction needs computed first: a return since the last trade.

    The expression may look along its own listing with `.over("ListingId")`; rows of one day are
    seen at a time, in event order. Reductions use `.value`.
    """

    expr: pl.Expr

    @cached_property
    def name(self) -> str:
        """A column name that equal expressions share."""
        return "row:" + hashlib.sha1(identity(self.expr), usedforsecurity=False).hexdigest()[:16]

    @property
    def value(self) -> pl.Expr:
        """The column, for use in a reduction."""
        return pl.col(self.name)


@dataclass(frozen=True)
class Settling:
    """How lists of carried values become shorter, so that they need not be kept until the last row of a day.

    Attributes:
        shorten: From lists, and ages in ascending order, to lists that `Composite.finish` reads alike. It is given the lists of buckets
            that ended longer ago than all of the ages, by the clock of their own listing; later rows may still add to them.
        ages: In ns. Parts with one expression are shortened with those of all of them.
    """

    shorten: Callable[[pl.Series, Sequence[int]], pl.Series]
    ages: frozenset[int]

    def __or__(self, other: Settling) -> Settling:
        return Settling(self.shorten, self.ages | other.ages)


@dataclass(frozen=True)
class Part:
    """One reduction that a composite value is made of, with the rule that rolls it up, and how it is shortened if it is a list."""

    expr: pl.Expr
    rollup: Rollup
    settling: Settling | None = None


@dataclass(frozen=True)
class Composite:
    """A value computed from reductions after they are made.

    Because the parts travel with the value, rolling the parts up and finishing again gives exactly
    what computing the coarse bucket directly would give.

    Attributes:
        parts: Name to reduction.
        finish: From the reduced parts to the value.
        rows: Row values that the reductions use.
    """

    parts: Mapping[str, Part]
    finish: Finish
    rows: tuple[Row, ...] = ()


def safe_divide(numerator: pl.Expr, denominator: pl.Expr) -> pl.Expr:
    """*numerator* / *denominator*; null where the denominator is zero or either is null."""
    return pl.when(denominator != 0).then(numerator / denominator)


def _finish_ratio(parts: Mapping[str, pl.Expr]) -> pl.Expr:
    return safe_divide(parts["numerator"], parts["denominator"])


def _finish_root(parts: Mapping[str, pl.Expr]) -> pl.Expr:
    return pl.when(parts["observations"] > 0).then(parts["total"].sqrt())


class Ratio(Composite):
    """numerator / denominator, both sums; null on a zero denominator."""

    def __init__(self, numerator: pl.Expr, denominator: pl.Expr, rows: tuple[Row, ...] = ()) -> None:
        super().__init__({"numerator": Part(numerator, Sum()), "denominator": Part(denominator, Sum())}, _finish_ratio, rows)


class Root(Composite):
    """Square root of a sum over *observations* terms; null without any."""

    def __init__(self, total: pl.Expr, observations: pl.Expr, rows: tuple[Row, ...] = ()) -> None:
        super().__init__({"total": Part(total, Sum()), "observations": Part(observations, Sum())}, _finish_root, rows)


def ratio(numerator: pl.Expr, denominator: pl.Expr, *, rows: tuple[Row, ...] = ()) -> Ratio:
    """A ratio that is null on a zero denominator and carries both terms for rolling up.

    Args:
        numerator: A sum over rows.
        denominator: A sum over rows.
        rows: Row values that the sums use.
    """
    return Ratio(numerator, denominator, rows)
