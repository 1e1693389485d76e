"""Claims about the rows of a bucket.

A claim about rows of which none tells is neither true nor false: it is null. So a claim is null in a bucket without
rows, and where its columns are null throughout. Columns that are empty on purpose (an id, a time of capture) count as
telling: their claims say so by filling them first.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from basalt.core.declaring import Example, Max, Min, analytic, where

FAMILY = "characteristics"


def any_where(claim: pl.Expr, rows: pl.Expr | None) -> pl.Expr:
    """Whether *claim* is true of a row among *rows*; null where none tells."""
    return where(claim, rows).max()


def all_where(claim: pl.Expr, rows: pl.Expr | None) -> pl.Expr:
    """Whether *claim* is true of all *rows* that tell; null where none does."""
    return where(claim, rows).min()


def any_claim(measure: str, column: str, math: str, *examples: Example, unit: str = "", source: str = "") -> Any:
    """Declare a claim that is true when it is true of one row: one fine bucket makes a coarse one true."""
    return analytic(
        family=FAMILY,
        measure=measure,
        column=column,
        unit=unit,
        dtype=pl.Boolean(),
        math=math,
        rollup=Max(),
        examples=examples,
        source=source,
    )


def all_claim(measure: str, column: str, math: str, *examples: Example, source: str = "") -> Any:
    """Declare a claim that is true when it is true of all rows: one fine bucket makes a coarse one false."""
    return analytic(
        family=FAMILY,
        measure=measure,
        column=column,
        unit="",
        dtype=pl.Boolean(),
        math=math,
        rollup=Min(),
        examples=examples,
        source=source,
    )
