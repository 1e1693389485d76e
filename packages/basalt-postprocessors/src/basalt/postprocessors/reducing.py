"""Reducing: the rows of a source to one row a group, with labels, and without mixing currencies."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import polars as pl

from basalt.core.datasets import Dataset
from basalt.core.errors import CannotRollUp, CheckFailed
from basalt.postprocessors.combining import Combination, outputs_of
from basalt.postprocessors.regrouping import CURRENCY, INSTRUMENT, TIME_KEYS, Grouping

MONEY = "{currency}"
_CURRENCIES = "group:currencies"
_SHOWN = 3


def in_money(combinations: Sequence[Combination], weights: Sequence[str] = ()) -> tuple[str, ...]:
    """Columns whose values are amounts of each listing's own currency.

    Args:
        combinations: Columns of the result.
        weights: Units of weights that combine them.
    """
    if any(MONEY in unit for unit in weights):
        return tuple(each.column.name for each in combinations)
    return tuple(each.column.name for each in combinations if MONEY in each.source.unit and not each.is_counted)


def check_currencies(money: Sequence[str], source: Dataset, grouping: Grouping, *, where: str) -> None:
    """Refuse to combine amounts of listings whose currency the rows do not tell.

    Raises:
        CannotRollUp: Names the columns.
    """
    if money and grouping.mixes(CURRENCY) and CURRENCY not in source.names():
        raise CannotRollUp(
            f"{source.name!r} does not say the currency of {', '.join(money)}",
            where=f"{where}.group_by",
            hint=f"keep ListingId or {CURRENCY} in the group_by of every pass before this one",
        )


def reads_of(grouping: Grouping, combinations: Sequence[Combination], *more: str | None) -> tuple[str, ...]:
    """Columns of the source that are read: keys, times, labels, what is combined, and *more*."""
    source = grouping.source
    times = [name for name in source.keys if name in TIME_KEYS]
    wanted = [*grouping.keys, *times, *grouping.labels, *(name for each in combinations for name in each.reads), *more]
    return tuple(dict.fromkeys(name for name in wanted if name in source.schema()))


def reduce_groups(frame: pl.LazyFrame, grouping: Grouping, combinations: Sequence[Combination], money: Sequence[str]) -> pl.LazyFrame:
    """One row a group; a row without an `InstrumentId` belongs to no instrument and is left out.

    Args:
        frame: Rows of the source, with all keys of the grouping.
        grouping: How they come together.
        combinations: Columns to make.
        money: Columns that must not mix currencies.

    Returns:
        Keys, labels and the columns of *combinations*, supporting ones included; unordered.

    Raises:
        CheckFailed: While rows are computed: a group of *money* has more than one currency.
    """
    if grouping.scope.all_dates or any(each.is_positional for each in combinations):
        frame = grouping.in_time_order(frame)
    bucketed = grouping.bucketed(frame)
    if INSTRUMENT in grouping.keys:
        bucketed = bucketed.filter(pl.col(INSTRUMENT).is_not_null())
    guarded = bool(money) and grouping.mixes(CURRENCY)
    reductions = {name: expr for each in combinations for name, expr in each.reductions.items()}
    labels = {name: _label(name, grouping) for name in grouping.labels}
    if guarded:
        labels[_CURRENCIES] = pl.col(CURRENCY).unique()
    reduced = bucketed.group_by(grouping.keys).agg(expr.alias(name) for name, expr in (labels | reductions).items())
    if guarded:
        reduced = _one_currency(reduced, grouping.keys, money)
    finished = reduced.with_columns(each.finish.alias(each.column.name) for each in combinations)
    return finished.select(*grouping.keys, *grouping.labels, *(column.name for column in outputs_of(combinations)))


def _label(name: str, grouping: Grouping) -> pl.Expr:
    """The group's label: its last, or nothing when a group of several listings has several."""
    last = pl.col(name).last(ignore_nulls=True)
    if name == CURRENCY and grouping.mixes(CURRENCY):
        return pl.when(pl.col(name).n_unique() == 1).then(last)
    return last


def _one_currency(reduced: pl.LazyFrame, keys: Sequence[str], money: Sequence[str]) -> pl.LazyFrame:
    def check(groups: pl.DataFrame) -> pl.DataFrame:
        mixed = groups.filter(pl.col(_CURRENCIES).list.len() > 1)
        if mixed.height:
            first = mixed.sort(list(keys)).row(0, named=True)
            raise _mixed(first, first[_CURRENCIES], keys, money)
        return groups

    return reduced.map_batches(check, validate_output_schema=False)


def _mixed(row: dict[str, object], found: Sequence[str | None], keys: Sequence[str], money: Sequence[str]) -> CheckFailed:
    currencies = sorted(str(each or "an unknown currency") for each in found)
    group = ", ".join(f"{name}={row[name]}" for name in keys)
    columns = ", ".join(islice(money, _SHOWN)) + (f" and {len(money) - _SHOWN} more" if len(money) > _SHOWN else "")
    return CheckFailed(
        f"{columns} would mix {' and '.join(currencies)} in the group {group}",
        where=CURRENCY,
        hint=f"add {CURRENCY} to group_by, or convert the amounts before",
    )
