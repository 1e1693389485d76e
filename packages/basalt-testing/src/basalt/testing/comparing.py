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
    names = list(columns)
    unlike = [f"{name} is {left.schema[name]} and {right.schema[name]}" for name in names if left.schema[name] != right.schema[name]]
    if unlike or left.is_empty() or not names or left.select(names).equals(right.select(names)):
        return unlike
    pair = left.select(*keys, *(pl.col(name).alias(f"found:{name}") for name in names)).hstack(
        right.select(pl.col(names).name.prefix("wanted:"))
    )
    same = pair.select(_is_same(name, left.schema[name], tolerance).all().alias(name) for name in names).row(0, named=True)
    return [_described(pair, keys, name, left.schema[name], tolerance) for name in names if not same[name]]


def _described(pair: pl.DataFrame, keys: Sequence[str], name: str, dtype: pl.DataType, tolerance: Tolerance) -> str:
    wrong = pair.filter(~_is_same(name, dtype, tolerance))
    first = wrong.row(0, named=True)
    place = ", ".join(f"{key} {first[key]}" for key in keys)
    return f"{name} differs in {wrong.height} rows, first {place}: {first[f'found:{name}']!r} and {first[f'wanted:{name}']!r}"


def _is_same(name: str, dtype: pl.DataType, tolerance: Tolerance) -> pl.Expr:
    one, other = pl.col(f"found:{name}"), pl.col(f"wanted:{name}")
    same = one.eq_missing(other)
    if not dtype.is_float():
        return same
    allowed = tolerance.absolute + tolerance.relative * pl.max_horizontal(one.abs(), other.abs())
    return same | ((one - other).abs() <= allowed).fill_null(value=False)
