"""Checking: rows against what the plan promised, before they go anywhere."""

from __future__ import annotations

import polars as pl

from basalt.configuration.models import QualityCheckConfig
from basalt.core.catalog import catalog
from basalt.core.datasets import Dataset
from basalt.core.errors import CheckFailed


def check_rows(frame: pl.LazyFrame, dataset: Dataset, *, where: str) -> None:
    """Refuse rows whose columns or types differ from the plan, that share a key, or where undefined is not null.

    Raises:
        CheckFailed: With the column, or a key that occurs twice.
    """
    planned, found = dataset.schema(), frame.collect_schema()
    for name, dtype in planned.items():
        if name not in found:
            raise CheckFailed(f"the column {name!r} was planned and not made", where=where, hint="the module does not keep its plan")
        if found[name] != dtype:
            raise CheckFailed(
                f"the column {name!r} is {found[name]}, planned was {dtype}", where=where, hint="the module does not keep its plan"
            )
    if dataset.keys:
        _check_keys(frame, dataset, where)
    _check_numbers(frame, where)


def _check_keys(frame: pl.LazyFrame, dataset: Dataset, where: str) -> None:
    keys = list(dataset.keys)
    lacking = [name for name in ("ListingId", "TimeBucket") if name in keys]
    nulls = frame.select(pl.col(lacking).null_count()).collect().row(0, named=True) if lacking else {}
    for name, count in nulls.items():
        if count:
            raise CheckFailed(f"{count} rows have no {name}", where=where, hint="events without a time or a listing: repair the input")
    repeated = frame.group_by(keys).len().filter(pl.col("len") > 1).head(1).collect()
    if repeated.height:
        row = repeated.row(0, named=True)
        shown = ", ".join(f"{name}={row[name]}" for name in keys)
        raise CheckFailed(f"{row['len']} rows have one key: {shown}", where=where, hint="a module or an input repeats rows")


def _check_numbers(frame: pl.LazyFrame, where: str) -> None:
    floats = [name for name, dtype in frame.collect_schema().items() if dtype.is_float()]
    counts = frame.select(pl.col(floats).is_nan().sum()).collect().row(0, named=True) if floats else {}
    for name, count in counts.items():
        if count:
            raise CheckFailed(
                f"the column {name!r} is NaN in {count} rows",
                where=where,
                hint="undefined is null: divide with ratio() or safe_divide(), and keep NaN out of the input",
            )


def quality_findings(frame: pl.LazyFrame, options: QualityCheckConfig) -> list[str]:
    """What the quality checks find; nothing when they are off."""
    if not options.ENABLED:
        return []
    return [finding for offer in catalog().checks.values() for finding in offer.make().findings(frame, options)]
