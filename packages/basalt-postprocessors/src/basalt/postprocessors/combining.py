"""Combining: how one column of the result is made of the rows of a group.

A column rolls up by the rule that its formula declares, through its supporting columns where the
value is a ratio or a root. Nothing is inferred from a column's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import polars as pl

from basalt.core import Clock, First, Last, Sum
from basalt.core.datasets import Dataset, PlannedColumn
from basalt.core.declaring import OverTime, Rollup
from basalt.core.errors import CannotRollUp, InvalidValue

Method = Literal["sum", "mean", "first", "last", "max", "min", "count", "rollup"]
POSITIONAL = ("first", "last")
DIMENSIONLESS = "1"


@dataclass(frozen=True)
class Combination:
    """How one column of the result is made.

    Attributes:
        column: The column of the result.
        source: The source's column that it is made of.
        reductions: Name to reduction of a group's rows.
        finish: The value, from the reductions by name.
        supports: Supporting columns of the result, among the reductions.
        needs: Supporting columns of the source that the reductions read.
        is_positional: The rows' order in time matters.
        is_counted: Values are counted, whatever they are.
    """

    column: PlannedColumn
    source: PlannedColumn
    reductions: Mapping[str, pl.Expr]
    finish: pl.Expr
    supports: tuple[PlannedColumn, ...] = ()
    needs: tuple[str, ...] = ()
    is_positional: bool = False
    is_counted: bool = False

    @property
    def outputs(self) -> tuple[PlannedColumn, ...]:
        """The column and its supporting columns."""
        return (self.column, *self.supports)

    @property
    def reads(self) -> tuple[str, ...]:
        """Columns that the reductions read."""
        return tuple(name for expr in self.reductions.values() for name in expr.meta.root_names())


# ---------------------------------------------------------------- by declaration


def refusal(column: PlannedColumn, source: Dataset, *, across: bool) -> str:
    """Why *column* cannot be rolled up; empty when it can.

    Args:
        column: A column of *source*.
        source: Schema of the rows.
        across: Rows of several listings come together.
    """
    rule = column.rollup
    if rule is None:
        return "declares no roll-up"
    if across and any(each.along_time for each in _rules(column, rule)):
        return f"rolls up by {rule.name}, along the time of one listing only"
    if rule.through_parts:
        known = source.schema()
        lacking = [name for _, name, _ in column.parts if name not in known]
        if lacking:
            return f"lacks its supporting columns {', '.join(lacking)}"
        if not column.parts or column.measure is None:
            return f"rolls up by {rule.name} and says no supporting columns"
    return ""


def _rules(column: PlannedColumn, rule: Rollup) -> tuple[Rollup, ...]:
    return (rule, *(each for _, _, each in column.parts)) if rule.through_parts else (rule,)


def refuse(refused: Mapping[str, str], source: Dataset, *, where: str, hint: str) -> None:
    """Stop when columns were refused.

    Raises:
        CannotRollUp: Names every column of *refused* with its reason.
    """
    if refused:
        shown = "; ".join(f"{name} {reason}" for name, reason in refused.items())
        count = f"{len(refused)} columns" if len(refused) > 1 else "a column"
        raise CannotRollUp(f"{count} of {source.name!r} cannot be combined: {shown}", where=where, hint=hint)


def refuse_all(columns: Sequence[PlannedColumn], source: Dataset, *, across: bool, where: str, hint: str) -> None:
    """Refuse those of *columns* that cannot be rolled up, all at once.

    Args:
        columns: Columns of *source*.
        source: Schema of the rows.
        across: Rows of several listings come together.
        where: Path of the section, for messages.
        hint: What to do; `{name}` stands for the first column.

    Raises:
        CannotRollUp: Names each with its reason.
    """
    reasons = {column.name: refusal(column, source, across=across) for column in columns}
    refused = {name: reason for name, reason in reasons.items() if reason}
    refuse(refused, source, where=where, hint=hint.replace("{name}", next(iter(refused), "")))


def rolled_up(column: PlannedColumn, source: Dataset, *, prefix: str, clock: Clock | None = None) -> Combination:
    """*column* by the rule that it declares, in the buckets of *clock*.

    Raises:
        CannotRollUp: It declares none; ask `refusal` first.
    """
    if column.rollup is None:
        raise CannotRollUp(f"{column.name!r} declares no roll-up", where=column.origin or None)
    if isinstance(column.rollup, OverTime) and clock is None:
        raise CannotRollUp(
            f"{column.name!r} is {column.rollup.name}, and the result has no buckets",
            where=column.origin or None,
            hint="add TimeBucket to group_by",
        )
    planned = column.renamed(prefix + column.name)
    rules = _rules(column, column.rollup)
    positional = any(isinstance(rule, First | Last) for rule in rules)
    if not column.rollup.through_parts:
        planned = replace(planned, parts=())
        reduced = _reduced(column.rollup, column.name, column.dtype)
        return Combination(planned, column, {planned.name: reduced}, pl.col(planned.name), is_positional=positional)
    types = source.schema()
    supports = _supports(column, planned, source)
    reductions = {
        ours: _reduced(rule, theirs, types[theirs]) for (_, ours, rule), (_, theirs, _) in zip(planned.parts, column.parts, strict=True)
    }
    finish = planned.finish(clock).cast(planned.dtype).alias(planned.name)
    return Combination(planned, column, reductions, finish, supports, tuple(name for _, name, _ in column.parts), positional)


def _reduced(rule: Rollup, name: str, dtype: pl.DataType) -> pl.Expr:
    """The reduction, at full width: a sum of narrow integers fails rather than wraps."""
    value = pl.col(name)
    if isinstance(rule, Sum) and dtype.is_integer() and dtype not in (pl.Int64, pl.UInt64, pl.Int128):
        return rule.combine(value.cast(pl.Int64)).cast(dtype)
    return rule.combine(value).cast(dtype)


def _supports(column: PlannedColumn, planned: PlannedColumn, source: Dataset) -> tuple[PlannedColumn, ...]:
    known = {each.name: each for each in source.columns}
    return tuple(
        replace(known[theirs], name=ours, rollup=rule, hidden=True)
        for (_, ours, rule), (_, theirs, _) in zip(planned.parts, column.parts, strict=True)
    )


def carried(column: PlannedColumn, source: Dataset, *, prefix: str) -> Combination:
    """*column* as it is, its supporting columns along; for rows that stay single."""
    planned = column.renamed(prefix + column.name)
    if column.rollup is None or not column.rollup.through_parts or refusal(column, source, across=False):
        through_parts = column.rollup is not None and column.rollup.through_parts
        planned = replace(planned, parts=(), rollup=None if through_parts else column.rollup)
        return Combination(planned, column, {planned.name: pl.col(column.name)}, pl.col(planned.name))
    needs = tuple(theirs for _, theirs, _ in column.parts)
    parts = {ours: pl.col(theirs) for (_, ours, _), theirs in zip(planned.parts, needs, strict=True)}
    reductions = {planned.name: pl.col(column.name), **parts}
    return Combination(planned, column, reductions, pl.col(planned.name), _supports(column, planned, source), needs)


# ---------------------------------------------------------------- by demand


def aggregated(
    column: PlannedColumn, method: Method, source: Dataset, *, across: bool, prefix: str, where: str, clock: Clock | None = None
) -> Combination:
    """*column* combined by the user's *method*.

    The result has a roll-up of its own only where the method is the declared one.

    Raises:
        CannotRollUp: `rollup` of a column that declares none, or first and last across listings.
        InvalidValue: A sum or mean of what is no number.
    """
    if method == "rollup" or (column.rollup is not None and method == column.rollup.name):
        reason = refusal(column, source, across=across)
        refuse(
            {column.name: reason} if reason else {},
            source,
            where=where,
            hint="choose another method, or keep the source's own keys in group_by",
        )
        return rolled_up(column, source, prefix=prefix, clock=clock)
    if method in POSITIONAL and across:
        refuse(
            {column.name: f"has no {method} value across listings"},
            source,
            where=where,
            hint="keep the source's own keys in group_by, or choose another method",
        )
    if method in ("sum", "mean") and not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
        raise InvalidValue(
            f"{column.name!r} is {column.dtype}, no number to take a {method} of", where=where, hint="choose first, last, min, max or count"
        )
    return _plainly(column, method, prefix=prefix, where=where)


def _plainly(column: PlannedColumn, method: Method, *, prefix: str, where: str) -> Combination:
    name = prefix + column.name
    reduction = _METHODS[method](pl.col(column.name), column.dtype)
    dtype = pl.LazyFrame(schema={column.name: column.dtype}).select(reduction.alias(name)).collect_schema()[name]
    is_counted = method == "count"
    planned = PlannedColumn(
        name,
        dtype,
        DIMENSIONLESS if is_counted else column.unit,
        f"{method} over the rows of the group, nulls skipped, of: {column.doc or column.name}",
        forward=column.forward,
        origin=where,
    )
    return Combination(planned, column, {name: reduction}, pl.col(name), is_positional=method in POSITIONAL, is_counted=is_counted)


def _sum(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    exact = dtype.is_integer() or dtype == pl.Boolean
    return Sum().combine(value.cast(pl.Int64) if exact and dtype != pl.Int128 else value)


_METHODS: dict[str, Any] = {
    "sum": _sum,
    "mean": lambda value, _: value.mean(),
    "first": lambda value, _: First().combine(value),
    "last": lambda value, _: Last().combine(value),
    "max": lambda value, _: value.max(),
    "min": lambda value, _: value.min(),
    "count": lambda value, _: value.count().cast(pl.Int64),
}


def weighted_mean(column: PlannedColumn, weight: str, *, prefix: str, where: str, forward: bool) -> Combination:
    """Σ w x / Σ w over the rows where both are known; null when the weights add up to zero.

    Args:
        column: The column x.
        weight: Name of the column w.
        prefix: Put before the column's name.
        where: Path of the config entry.
        forward: The weights look past the bucket's end.

    Raises:
        InvalidValue: The column is no number.
    """
    if not column.dtype.is_numeric():
        raise InvalidValue(f"{column.name!r} is {column.dtype}, no number to take a mean of", where=where, hint="leave it out")
    name = prefix + column.name
    x, w = pl.col(column.name).cast(pl.Float64), pl.col(weight).cast(pl.Float64)
    reductions = {f"{name}:weighted": (x * w).sum(), f"{name}:weight": pl.when(x.is_not_null()).then(w).sum()}
    finish = pl.when(pl.col(f"{name}:weight") != 0).then(pl.col(f"{name}:weighted") / pl.col(f"{name}:weight")).alias(name)
    planned = PlannedColumn(
        name,
        pl.Float64(),
        column.unit,
        f"Weighted mean over the rows of the group of: {column.doc or column.name}",
        forward=forward or column.forward,
        origin=where,
    )
    return Combination(planned, column, reductions, finish)


# ---------------------------------------------------------------- together


def outputs_of(combinations: Iterable[Combination]) -> tuple[PlannedColumn, ...]:
    """All columns of the result, supporting ones included."""
    return tuple(column for each in combinations for column in each.outputs)


def needs_of(combinations: Sequence[Combination]) -> tuple[str, ...]:
    """Supporting columns of the source that are read."""
    return tuple(dict.fromkeys(name for each in combinations for name in each.needs))
