"""Prices of integers, to the last bit."""

from __future__ import annotations

import polars as pl


def exact(units: pl.Expr, scale: int) -> pl.Expr:
    """The floats nearest to *units* / *scale*, for integers up to 2^53.

    Polars divides by a constant as a multiplication with its reciprocal, which is off by one bit in
    three of ten prices; by a column it divides.
    """
    return units / (units * 0 + scale)
