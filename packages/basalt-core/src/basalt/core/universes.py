"""Universes: which listings a run covers on a day, and how they are described.

A universe is a frame with `ListingId`, `MIC` and, where known, `Ticker`, `CurrencyCode`,
`InstrumentId`. It comes from the pipeline's `get_universe(date)`, or from the source's reference
table by `UNIVERSE: "<kind>=<value>"`, or is everything that the source has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from basalt.core.errors import InvalidValue, MissingData, SchemaMismatch, nearest

LABEL_DTYPES: dict[str, pl.DataType] = {
    "ListingId": pl.Int64(),
    "MIC": pl.String(),
    "Ticker": pl.String(),
    "CurrencyCode": pl.String(),
    "InstrumentId": pl.Int64(),
}

GetUniverse = Callable[[str], Any]


@dataclass(frozen=True)
class ColumnUniverse:
    """Listings whose reference row has a value in one column."""

    column: str

    def listings(self, value: str, day: date, reference: pl.LazyFrame) -> pl.LazyFrame:
        """Rows of *reference* with *value* in the column; several values are separated by commas."""
        names = reference.collect_schema().names()
        if self.column not in names:
            raise MissingData(
                f"the reference table has no column {self.column!r}",
                where=f"UNIVERSE {self.column.lower()}={value}",
                hint=nearest(self.column, names),
            )
        return reference.filter(pl.col(self.column).is_in([each.strip() for each in value.split(",")]))

    def markets(self, value: str) -> tuple[str, ...] | None:
        """The markets named, for a universe of markets."""
        return tuple(each.strip() for each in value.split(",")) if self.column == "MIC" else None


MIC = ColumnUniverse("MIC")
OPOL = ColumnUniverse("OPOL")


@dataclass(frozen=True)
class IndexUniverse:
    """Listings of an index: rows whose `Index` column has its name among others, separated by semicolons."""

    def listings(self, value: str, day: date, reference: pl.LazyFrame) -> pl.LazyFrame:
        """Rows of *reference* that belong to the index *value*."""
        if "Index" not in reference.collect_schema():
            raise MissingData(
                "the reference table has no column 'Index'",
                where=f"UNIVERSE index={value}",
                hint="add it to the reference files, or choose mic=… or opol=…",
            )
        return reference.filter((";" + pl.col("Index") + ";").str.contains(f";{value};", literal=True))

    def markets(self, value: str) -> tuple[str, ...] | None:
        """All markets."""
        return None


INDEX = IndexUniverse()


def parse_spec(spec: str) -> tuple[str, str]:
    """Kind and value of `mic=XLON`.

    Raises:
        InvalidValue: There is no `=`, or nothing behind it.
    """
    kind, separator, value = spec.partition("=")
    if not separator or not value.strip():
        raise InvalidValue(f"{spec!r} is no universe", where="UNIVERSE", hint="write kind=value, for example mic=XLON")
    return kind.strip().lower(), value.strip()


def conform(frame: Any, *, where: str) -> pl.DataFrame:
    """A universe with its known columns and types, one row a listing, sorted.

    Args:
        frame: A Polars or pandas frame, or anything that Polars makes one of.
        where: Who made it.

    Raises:
        SchemaMismatch: It is no frame, or has no `ListingId`.
    """
    found = _as_polars(frame, where)
    if "ListingId" not in found.columns:
        raise SchemaMismatch(
            "the universe has no column 'ListingId'",
            where=where,
            hint=nearest("ListingId", found.columns) or "return a frame with ListingId and MIC",
        )
    _refuse_fractions(found, where)
    columns = [
        pl.col(name).cast(dtype) if name in found.columns else pl.lit(None, dtype).alias(name) for name, dtype in LABEL_DTYPES.items()
    ]
    try:
        typed = found.select(columns)
    except pl.exceptions.PolarsError as problem:
        raise SchemaMismatch(
            f"a column of the universe has another type: {problem}", where=where, hint="ListingId and InstrumentId are integers"
        ) from problem
    return typed.filter(pl.col("ListingId").is_not_null()).unique("ListingId", keep="first", maintain_order=True).sort("ListingId")


def _refuse_fractions(frame: pl.DataFrame, where: str) -> None:
    """Whole numbers may come as floats, as pandas keeps them beside missing values; parts of one are no id."""
    for name in ("ListingId", "InstrumentId"):
        is_float = name in frame.columns and frame.schema[name].is_float()
        if is_float and frame.filter(pl.col(name).is_not_nan() & (pl.col(name) != pl.col(name).round())).height:
            raise SchemaMismatch(
                f"{name} has values that are no whole numbers", where=where, hint="ListingId and InstrumentId are integers"
            )


def _as_polars(frame: Any, where: str) -> pl.DataFrame:
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if isinstance(frame, pl.DataFrame):
        return frame
    try:
        return pl.DataFrame(frame)
    except (TypeError, ValueError, pl.exceptions.PolarsError) as problem:
        raise SchemaMismatch(
            f"the universe is a {type(frame).__name__}, not a frame", where=where, hint="return a frame with ListingId and MIC"
        ) from problem
