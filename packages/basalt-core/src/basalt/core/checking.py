"""Checking: rows against what the plan promised, before they go anywhere."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from basalt.configuration.models import QualityCheckConfig
from basalt.core.catalog import catalog
from basalt.core.datasets import Dataset
from basalt.core.errors import CheckFailed


def check_rows(rows: pl.DataFrame, dataset: Dataset, *, where: str, sorted_by: Sequence[str] = ()) -> None:
    """Refuse rows whose columns or types differ from the plan, that share a key, or where undefined is not null.

    Args:
        rows: What was computed.
        dataset: What was planned.
        where: Place for messages.
        sorted_by: Order of the rows, if they have one; it lets equal keys be found beside each other.

    Raises:
        CheckFailed: With the column, or a key that occurs twice.
    """
    for name, dtype in dataset.schema().items():
        if name not in rows.columns:
            raise CheckFailed(f"the column {name!r} was planned and not made", where=where, hint="the module does not keep its plan")
        if rows.schema[name] != dtype:
            raise CheckFailed(
                f"the column {name!r} is {rows.schema[name]}, planned was {dtype}", where=where, hint="the module does not keep its plan"
            )
    _check_values(rows, where)
    if dataset.keys:
        _check_keys(rows, dataset.keys, sorted_by, where)


def _check_values(rows: pl.DataFrame, where: str) -> None:
    for name in ("ListingId", "TimeBucket"):
        if name in rows.columns and (count := rows[name].null_count()):
            raise CheckFailed(f"{count} rows have no {name}", where=where, hint="events without a time or a listing: repair the input")
    floats = [name for name, dtype in rows.schema.items() if dtype.is_float()]
    counts = rows.select(pl.col(floats).is_nan().sum()).row(0, named=True) if floats else {}
    for name, count in counts.items():
        if count:
            raise CheckFailed(
                f"the column {name!r} is NaN in {count} rows",
                where=where,
                hint="undefined is null: divide with ratio() or safe_divide(), and keep NaN out of the input",
            )


def _check_keys(rows: pl.DataFrame, keys: Sequence[str], sorted_by: Sequence[str], where: str) -> None:
    if set(sorted_by) == set(keys):
        is_repeated = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in keys)
        found = rows.select(keys).with_row_index("row").filter(is_repeated & (pl.col("row") > 0)).drop("row")
    else:
        found = rows.select(keys).filter(~pl.struct(keys).is_first_distinct())
    if found.height:
        shown = ", ".join(f"{name}={value}" for name, value in found.row(0, named=True).items())
        raise CheckFailed(f"{found.height + 1} or more rows share a key: {shown}", where=where, hint="a module or an input repeats rows")


def quality_findings(frame: pl.LazyFrame, options: QualityCheckConfig) -> list[str]:
    """What the quality checks find; nothing when they are off."""
    if not options.ENABLED:
        return []
    return [finding for offer in catalog().checks.values() for finding in offer.make().findings(frame, options)]
