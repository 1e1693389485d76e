"""Columns of frames as arrays for the kernels, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from basalt.books.arrays import Longs
from basalt.books.storage import frozen
from basalt.core.errors import ConflictingSettings, InvalidValue, MissingColumn

NO_PRICE = np.iinfo(np.int64).max
INFINITY = int(np.array(np.inf).view(np.int64))
NOT_A_NUMBER = int(np.array(np.nan).view(np.int64))


def require(frame: pl.DataFrame, names: tuple[str, ...]) -> None:
    """Check that *frame* has the columns.

    Raises:
        MissingColumn: It has not.
    """
    for name in names:
        if name not in frame.columns:
            raise MissingColumn(f"the rows have no column {name!r}", where="order events", hint=f"columns: {', '.join(frame.columns)}")


def integers(frame: pl.DataFrame, name: str, dtype: pl.DataType | type[pl.DataType] = pl.Int64) -> NDArray[Any]:
    """An integer column; null is 0.

    Raises:
        InvalidValue: A value is no such integer.
    """
    column = frame[name]
    if column.dtype.is_float() and (column != column.round()).any():
        raise InvalidValue("fractions where whole numbers are counted", where=name, hint="count in a smaller unit")
    try:
        column = column.cast(dtype)
    except pl.exceptions.PolarsError as problem:
        raise InvalidValue(f"not an integer column: {str(problem).splitlines()[0]}", where=name) from problem
    return frozen(column.fill_null(0).to_numpy() if column.null_count() else column.to_numpy())


def identifiers(frame: pl.DataFrame, name: str) -> Longs:
    """Order ids: any 64-bit integers, or text of such; the bits are kept. Null is 0."""
    column = frame[name]
    if column.dtype == pl.String:
        column = pl.select(pl.when(column == "").then(None).otherwise(column)).to_series().cast(pl.Int64)
    if column.dtype != pl.UInt64:
        column = column.cast(pl.Int64)
    return frozen((column.fill_null(0) if column.null_count() else column).to_numpy().view(np.int64))


def flags(frame: pl.DataFrame, name: str) -> NDArray[np.bool_]:
    """A Boolean column; null is false, no column is all true."""
    if name not in frame.columns:
        return frozen(np.ones(frame.height, np.bool_))
    column = frame[name].cast(pl.Boolean)
    return frozen((column.fill_null(value=False) if column.null_count() else column).to_numpy())


def constant(length: int, value: int, dtype: type[Any]) -> NDArray[Any]:
    """The same number for every row."""
    return frozen(np.full(length, value, dtype))


@dataclass
class PriceCode:
    """Prices as integers in the order of prices, exactly: integers as they are, floats by their bits.

    The bits of two positive floats, read as integers, are in the order of the floats; those of negative ones are in
    reversed order and get flipped. So no tick size is needed and every price comes back as it went in.
    """

    scale: int | None
    is_float: bool | None = None

    def encode(self, frame: pl.DataFrame, name: str) -> Longs:
        """Prices of a column; null is no price.

        Raises:
            InvalidValue: The column holds no numbers, or integers without a scale.
            ConflictingSettings: Prices were floats before and are integers now, or the other way round.
        """
        column = frame[name]
        if not column.dtype.is_numeric() and column.dtype != pl.Null:
            raise InvalidValue(f"prices of type {column.dtype}", where=name, hint="prices are floats, or integers with price_scale")
        if column.dtype == pl.Null:
            return constant(frame.height, self.limits[2], np.int64)
        self._settle(name, is_float=column.dtype.is_float())
        return self._of_floats(column) if self.is_float else self._of_integers(column)

    def _settle(self, name: str, *, is_float: bool) -> None:
        if self.is_float is None:
            self.is_float = is_float
        if self.is_float != is_float:
            raise ConflictingSettings("prices are floats in one place and integers in another", where=name, hint="cast one of them")
        if not is_float and self.scale is None:
            raise InvalidValue("integer prices without a scale", where=name, hint="set price_scale: 10**9 for prices in billionths")

    @staticmethod
    def _of_floats(column: pl.Series) -> Longs:
        bits = column.cast(pl.Float64).to_numpy().view(np.int64)
        if bits.size and bits.min() < 0:
            zero = np.int64(np.iinfo(np.int64).min)
            bits = np.where(bits == zero, np.int64(0), np.where(bits < 0, bits ^ np.int64(NO_PRICE), bits))
        return frozen(bits)

    @staticmethod
    def _of_integers(column: pl.Series) -> Longs:
        column = column.cast(pl.Int64)
        return frozen((column.fill_null(NO_PRICE) if column.null_count() else column).to_numpy())

    @property
    def limits(self) -> tuple[int, int, int]:
        """Lowest and highest price, and what stands for none."""
        if self.is_float is False:
            return np.iinfo(np.int64).min + 1, NO_PRICE - 1, NO_PRICE
        return -INFINITY, INFINITY - 1, NOT_A_NUMBER

    def decode(self, codes: Longs, name: str) -> pl.Series:
        """Prices as floats; null for none."""
        return pl.Series(name, self._floats(codes), nan_to_null=bool(codes.size) and codes.max() >= self.limits[2])

    def _floats(self, codes: Longs) -> NDArray[np.float64]:
        if self.is_float is False:
            assert self.scale is not None
            floats = codes / float(self.scale)
            if codes.size and codes.max() == NO_PRICE:
                floats[codes == NO_PRICE] = np.nan
            return floats
        if codes.size and codes.min() < 0:
            codes = np.where(codes < 0, codes ^ np.int64(NO_PRICE), codes)
        return codes.view(np.float64)
