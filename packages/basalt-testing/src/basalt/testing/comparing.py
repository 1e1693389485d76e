"""Comparing two results that must be equal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Tolerance:
    """How far two floats may lie apart; everything else must be equal.

    Attributes:
        relative: Share of the larger one.
        absolute: In the unit of the column.
    """

    relative: float = 1e-12
    absolute: float = 1e-12


def differences(found: pl.DataFrame, wanted: pl.DataFrame, keys: Sequence[str], columns: Iterable[str], tolerance: Tolerance) -> list[str]:
    """What is different, one sentence a column; nothing when the two are equal.

    Args:
        found, wanted: Two results; the order of rows does not matter.
        keys: Columns that tell one row from another.
        columns: Columns to compare.
        tolerance: For floats.
    """
    ours, theirs = found.select(keys).sort(keys), wanted.select(keys).sort(keys)
    if not ours.equals(theirs):
        lacking, extra = theirs.join(ours, on=keys, how="anti", nulls_equal=True), ours.join(theirs, on=keys, how="anti", nulls_equal=True)
        return [f"rows differ: {lacking.height} are missing {lacking.rows()[:3]}, {extra.height} are too many {extra.rows()[:3]}"]
    left, right = found.sort(keys), wanted.sort(keys)
    return [text for name in columns if (text := _difference(left, right, keys, name, tolerance))]


def _difference(left: pl.DataFrame, right: pl.DataFrame, keys: Sequence[str], name: str, tolerance: Tolerance) -> str:
    if left.schema[name] != right.schema[name]:
        return f"{name} is {left.schema[name]} and {right.schema[name]}"
    pair = left.select(*keys, pl.col(name).alias("found")).with_columns(right[name].alias("wanted"))
    wrong = pair.filter(~_is_same(left.schema[name], tolerance))
    if wrong.is_empty():
        return ""
    first = wrong.row(0, named=True)
    place = ", ".join(f"{key} {first[key]}" for key in keys)
    return f"{name} differs in {wrong.height} rows, first {place}: {first['found']!r} and {first['wanted']!r}"


def _is_same(dtype: pl.DataType, tolerance: Tolerance) -> pl.Expr:
    one, other = pl.col("found"), pl.col("wanted")
    same = one.eq_missing(other)
    if not dtype.is_float():
        return same
    allowed = tolerance.absolute + tolerance.relative * pl.max_horizontal(one.abs(), other.abs())
    return same | ((one - other).abs() <= allowed).fill_null(value=False)
