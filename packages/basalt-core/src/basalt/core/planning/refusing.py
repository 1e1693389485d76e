"""What the measures of a pass may not be, said before data are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from basalt.core.declaring.analytics import Measure
from basalt.core.errors import BadOffer, ColumnClash, InvalidValue
from basalt.core.offers import Produced


def refuse_clashes(measures: Sequence[Measure], taken: Iterable[str], where: str) -> None:
    """Refuse measures that want one column, or one of the names already *taken*.

    Raises:
        ColumnClash: With both places.
    """
    reserved = set(taken)
    first: dict[str, Measure] = {}
    for measure in measures:
        other = first.setdefault(measure.column, measure)
        if other != measure or measure.column in reserved:
            owner = "every pass has" if measure.column in reserved else "two measures want"
            raise ColumnClash(
                f"{owner} the column {measure.column!r}",
                where=f"{other.origin or where} and {measure.origin or where}" if other != measure else measure.origin or where,
                hint="set output_name_pattern or metric_prefix in one of them",
            )


def refuse_misfit_filters(measures: Iterable[Measure], schema: Mapping[str, pl.DataType]) -> None:
    """Refuse filters whose values can never equal what their column holds.

    Raises:
        InvalidValue: With the value and the column's type.
    """
    for measure in measures:
        for column, values in measure.rows.attributes:
            for value in values:
                if column in schema and not _compares(value, schema[column]):
                    raise InvalidValue(
                        f"{value!r} is compared with {column!r}, which is {schema[column]}",
                        where=f"{measure.origin}.attribute_filters.{column}",
                        hint="write a value of the column's type",
                    )


def _compares(value: object, dtype: pl.DataType) -> bool:
    if isinstance(value, bool):
        return dtype == pl.Boolean
    if isinstance(value, int | float):
        return dtype.is_numeric()
    return dtype == pl.String or isinstance(dtype, pl.Categorical | pl.Enum)


def refuse_ignored_prefix(module: str, prefix: str | None, produced: Produced, *, where: str) -> None:
    """Refuse a table module that does not put the user's prefix before its columns.

    Raises:
        BadOffer: With the first column that lacks it.
    """
    plain = [column.name for column in produced.columns if not column.name.startswith(prefix or "")]
    if plain:
        raise BadOffer(
            f"module {module!r} names the column {plain[0]!r} without the prefix {prefix!r}",
            where=f"{where}.metric_prefix",
            hint="leave metric_prefix out: the module has no use for it",
        )


def refuse_unreduced(measures: Iterable[Measure], schema: Mapping[str, pl.DataType]) -> None:
    """Refuse bucket formulas that give a list of their rows' values where one value was declared.

    Raises:
        BadOffer: With the formula.
    """
    for measure in measures:
        is_list = isinstance(schema[measure.column], pl.List)
        if measure.analytic.grain == "bucket" and is_list and measure.analytic.dtype is None:
            raise BadOffer(
                f"{measure.column!r} does not reduce the rows of a bucket to one value",
                where=measure.analytic.reference,
                hint="end the formula with sum(), mean(), first() …, or declare grain='row', or dtype=pl.List(…)",
            )
