"""Roll-up rules: how values of fine buckets make the value of a coarse one.

A rule is a promise that tests keep: rolling up equals computing the coarse bucket directly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from basalt.core.declaring.axes import token


@dataclass(frozen=True)
class Rollup:
    """A rule; subclasses say which.

    Attributes:
        name: The rule in words.
        along_time: It only holds for the buckets of one listing: there is no order, or no path,
            across listings.
    """

    name: ClassVar[str] = ""
    along_time: ClassVar[bool] = False

    @property
    def through_parts(self) -> bool:
        """Whether the value rolls up through its supporting columns."""
        return type(self).combine is Rollup.combine

    def combine(self, column: pl.Expr) -> pl.Expr:
        """The reduction over fine buckets in order of time; nulls are skipped."""
        raise TypeError(f"{type(self).__name__} is rolled up through its parts")


@dataclass(frozen=True)
class Sum(Rollup):
    """Values add up; null only when all are null."""

    name = "sum"

    def combine(self, column: pl.Expr) -> pl.Expr:
        """The reduction over fine buckets in order of time."""
        return pl.when(column.count() > 0).then(column.sum())


@dataclass(frozen=True)
class First(Rollup):
    """The first value that is not null."""

    name = "first"
    along_time = True

    def combine(self, column: pl.Expr) -> pl.Expr:
        """The reduction over fine buckets in order of time."""
        return column.first(ignore_nulls=True)


@dataclass(frozen=True)
class Last(Rollup):
    """The last value that is not null."""

    name = "last"
    along_time = True

    def combine(self, column: pl.Expr) -> pl.Expr:
        """The reduction over fine buckets in order of time."""
        return column.last(ignore_nulls=True)


@dataclass(frozen=True)
class Min(Rollup):
    """The smallest value."""

    name = "min"

    def combine(self, column: pl.Expr) -> pl.Expr:
        """The reduction over fine buckets in order of time."""
        return column.min()


@dataclass(frozen=True)
class Max(Rollup):
    """The largest value."""

    name = "max"

    def combine(self, column: pl.Expr) -> pl.Expr:
        """The reduction over fine buckets in order of time."""
        return column.max()


@dataclass(frozen=True)
class Gathered(Rollup):
    """Lists one after another, in order of time; null only when all are null."""

    name = "gathered"
    along_time = True

    def combine(self, column: pl.Expr) -> pl.Expr:
        """The reduction over fine buckets in order of time."""
        return pl.when(column.count() > 0).then(column.drop_nulls().explode(empty_as_null=False).implode())


@dataclass(frozen=True)
class RatioOfSums(Rollup):
    """Numerators and denominators add up, then divide."""

    name = "ratio of sums"


@dataclass(frozen=True)
class RootOfSums(Rollup):
    """What stands under the root adds up, then the root is taken."""

    name = "root of sums"
    along_time = True


@dataclass(frozen=True)
class FromParts(Rollup):
    """Each part rolls up by its own rule, then the value is finished again."""

    name = "from parts"


@dataclass(frozen=True)
class ByAxis:
    """A rule for each value of one axis: `ByAxis("ohlc", {"Open": First(), …})`.

    A value that is not listed has no rule.
    """

    axis: str
    rules: Mapping[str, Rollup]

    def at(self, axes: Mapping[str, object]) -> Rollup | None:
        """The rule at the point *axes*."""
        return self.rules.get(token(axes[self.axis]))

    def __hash__(self) -> int:
        return hash((self.axis, tuple(sorted(self.rules))))
