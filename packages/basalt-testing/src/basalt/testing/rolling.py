"""Rolling rows up by what their columns declare, the slow and obvious way."""

from __future__ import annotations

import polars as pl

from basalt.core.bucketing import DATE, TIME_BUCKET, Clock
from basalt.core.datasets import Dataset

KEYS = ("ListingId", DATE, TIME_BUCKET)


def roll_up(fine: pl.DataFrame, dataset: Dataset, clock: Clock) -> pl.DataFrame:
    """The rows of *clock*'s buckets, made of finer ones by each column's roll-up rule.

    Args:
        fine: Rows of *dataset*, supporting columns included.
        dataset: Their schema.
        clock: Coarser buckets.

    Returns:
        Keys and all columns that declare a roll-up.
    """
    assert dataset.clock is not None
    reductions: dict[str, pl.Expr] = {}
    values: list[pl.Expr] = []
    for column in dataset.columns:
        if column.rollup is None or column.hidden:
            continue
        if column.parts:
            reductions |= {name: rule.combine(pl.col(name)).alias(name) for _, name, rule in column.parts}
            values.append(column.finish(clock).alias(column.name))
        else:
            reductions[column.name] = column.rollup.combine(pl.col(column.name)).alias(column.name)
            values.append(pl.col(column.name))
    ordered = fine.lazy().sort(KEYS).with_columns(clock.relabel(pl.col(TIME_BUCKET), dataset.clock).alias(TIME_BUCKET))
    return ordered.group_by(KEYS, maintain_order=True).agg(reductions.values()).select(*KEYS, *values).collect()
