"""Module `convert`: amounts of an earlier pass, in one currency."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl
from pydantic import Field, field_validator

from basalt.core import Clock, Input, ModuleConfig, Produced, Scope
from basalt.core.bucketing import DATE
from basalt.core.catalog import catalog
from basalt.core.datasets import Dataset, PlannedColumn
from basalt.core.declaring import RatioOfSums
from basalt.core.declaring.values import Composite
from basalt.core.errors import CheckFailed, InvalidValue, MissingColumn
from basalt.market.rates import Rates, rates_digest, read_rates, same_currency

SOURCE = "source"
KEY = "convert_analytics"
CURRENCY = "CurrencyCode"
MONEY = "{currency}"
NUMERATOR = "numerator"
_POWER = re.compile(r"^\{currency\}(?:\^(\d))?(?=$|[/ ·])")
_RATE, _RATE_DATE, _RATE_SOURCE = "FxRate", "FxDate", "FxSource"


class ConvertConfig(ModuleConfig):
    """Section `convert_analytics` of a pass."""

    source_pass: str = Field("pass1", description="Pass whose rows are converted.")
    currency: str = Field("EUR", description="Currency of the result; a minor unit such as GBX will do.", min_length=3, max_length=3)
    rates: str | None = Field(None, description="CSV or Parquet file of rates: Date, From, To, Rate and, if you like, Source. Needed.")
    columns: list[str] | None = Field(None, description="Columns of the result; if unset, all of the source.")
    max_age_days: int = Field(7, ge=0, le=366, description="Days for which a rate holds until the next one.")
    missing_rate: Literal["raise", "null"] = Field("raise", description="What a row does whose currency has no rate on its day.")

    @field_validator("rates")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        try:
            if value is not None:
                read_rates(value)
        except InvalidValue as problem:
            raise problem.located(f"{KEY}.rates: {problem.where}") from None
        return value

    def fingerprint(self) -> str:
        """Changes whenever the rates change."""
        return rates_digest(self.rates) if self.rates else ""

    def known_rates(self) -> Rates:
        """The rates of the file.

        Raises:
            InvalidValue: There is none.
        """
        if self.rates is None:
            raise InvalidValue("no rates are given", where=f"{KEY}.rates", hint="name a CSV or Parquet file with Date, From, To, Rate")
        return read_rates(self.rates, max_age=self.max_age_days)


@dataclass(frozen=True)
class ConvertModule:
    """The rows of an earlier pass with all amounts in one currency, at the rate of each row's date.

    A column is an amount when its unit says so: `{currency}`, `{currency}/share`. Others stay as they are. Amounts keep
    their roll-up where it holds after conversion; ratios whose parts are amounts of another unit lose it. `FxRate`,
    `FxDate` and `FxSource` say what was done, and `CurrencyCode` is the currency of the result.
    """

    name: str = "convert"
    config_key: str = KEY
    config_model: type[ConvertConfig] = ConvertConfig
    doc: str = "Converts the amounts of an earlier pass into one currency, by a dated table of rates."

    def inputs(self, config: ConvertConfig) -> tuple[Input, ...]:
        """The pass whose rows are converted."""
        return (Input(SOURCE, config.source_pass),)

    def plan(self, config: ConvertConfig, inputs: Mapping[str, Dataset], clock: Clock, *, where: str) -> Produced:
        """Keys, labels and columns of the source, amounts in the currency asked for.

        Raises:
            InvalidValue: The source is a raw table, or an amount has a unit that cannot be converted.
            MissingColumn: The source does not tell the date or the currency of its rows.
        """
        source = inputs[SOURCE]
        config.known_rates()
        _check_source(source, where)
        converted = _converted(config, source, where)
        labels = tuple(dict.fromkeys((*(name for name, _ in source.labels if name not in source.keys), CURRENCY)))
        return Produced(
            (*(column for each in converted for column in each.outputs), *_rate_columns(config)),
            source.keys,
            Scope(),
            source.clock,
            supports={SOURCE: tuple(name for each in converted for _, name, _ in each.source.parts if each.column.parts)},
            labels=tuple(name for name in labels if name not in source.keys),
            reads={SOURCE: (*source.keys, *labels, *(each.source.name for each in converted))},
        )

    def compute(
        self, config: ConvertConfig, inputs: Mapping[str, pl.LazyFrame], planned: Mapping[str, Dataset], clock: Clock
    ) -> pl.LazyFrame:
        """The rows of `plan`.

        Raises:
            CheckFailed: While rows are computed: a currency has no rate on a day.
        """
        source = planned[SOURCE]
        rated = _rated(inputs[SOURCE], config)
        if config.missing_rate == "raise":
            rated = rated.map_batches(_all_rated, validate_output_schema=False)
        values = [expr for each in _converted(config, source, KEY) for expr in each.values()]
        labels = [name for name, _ in source.labels if name not in (*source.keys, CURRENCY)]
        currency = pl.lit(config.currency).alias(CURRENCY)
        return rated.select(
            *(currency if name == CURRENCY else name for name in source.keys), *labels, *values, *_rates_used(config), currency
        )


@dataclass(frozen=True)
class Converted:
    """One column of the result.

    Attributes:
        source: Column of the source.
        column: Column of the result.
        power: Power of the currency in its unit; 0 for what is no amount.
    """

    source: PlannedColumn
    column: PlannedColumn
    power: int

    @property
    def outputs(self) -> tuple[PlannedColumn, ...]:
        """The column and its supporting columns."""
        supports = (
            PlannedColumn(name, pl.Float64(), rollup=rule, hidden=True, doc=f"{part} of {self.column.name}")
            for part, name, rule in self.column.parts
        )
        return (self.column, *supports)

    def values(self) -> Iterable[pl.Expr]:
        """The values of `outputs`, from a source with its rate."""
        yield self._scaled(self.source.name, scales=self.power != 0).alias(self.column.name)
        for (part, theirs, _), (_, ours, _) in zip(self.source.parts, self.column.parts, strict=False):
            yield self._scaled(theirs, scales=self.power != 0 and part == NUMERATOR).cast(pl.Float64()).alias(ours)

    def _scaled(self, name: str, *, scales: bool) -> pl.Expr:
        return pl.col(name) * pl.col(_RATE) ** self.power if scales else pl.col(name)


def _check_source(source: Dataset, where: str) -> None:
    if source.is_raw or not source.keys:
        raise InvalidValue(f"{source.name!r} is a raw table", where=f"{where}.source_pass", hint="name a pass that comes before this one")
    for name in (DATE, CURRENCY):
        if name not in source.schema():
            raise MissingColumn(
                f"{source.name!r} does not tell the {name} of its rows", where=f"{where}.source_pass", hint=f"keep {name} in its group_by"
            )


def _converted(config: ConvertConfig, source: Dataset, where: str) -> tuple[Converted, ...]:
    names = config.columns if config.columns is not None else [column.name for column in source.visible]
    return tuple(_column(source.column(name, where=f"{where}.columns"), source, config, where) for name in names)


def _column(column: PlannedColumn, source: Dataset, config: ConvertConfig, where: str) -> Converted:
    power = _power_of(column, where)
    named = column.renamed((config.metric_prefix or "") + column.name)
    if power:
        named = replace(
            named,
            unit=column.unit.replace(MONEY, config.currency),
            dtype=pl.Float64(),
            doc=f"In {config.currency}: {column.doc or column.name}",
        )
    if not column.rollup or not column.rollup.through_parts:
        return Converted(column, replace(named, parts=()), power)
    if _keeps_rollup(column, source, power):
        return Converted(column, named, power)
    return Converted(column, replace(named, parts=(), rollup=None), power)


def _power_of(column: PlannedColumn, where: str) -> int:
    """Power of the currency in the unit of *column*."""
    if MONEY not in column.unit:
        return 0
    found = _POWER.match(column.unit)
    if found is None or column.unit.count(MONEY) > 1:
        raise InvalidValue(
            f"{column.name!r} has the unit {column.unit!r}, which is no amount",
            where=f"{where}.columns",
            hint="name the columns to convert in `columns`, without it",
        )
    return int(found[1] or 1)


def _keeps_rollup(column: PlannedColumn, source: Dataset, power: int) -> bool:
    """Whether the supporting columns of *column* hold in the new currency: they are there, and only numerators are amounts."""
    known = source.schema()
    if not isinstance(column.rollup, RatioOfSums) or any(name not in known for _, name, _ in column.parts):
        return False
    money = {part for part, _, _ in column.parts if _reads_amounts(column, part)}
    return money <= {NUMERATOR} if power == 1 else not money


def _reads_amounts(column: PlannedColumn, part: str) -> bool:
    """Whether a part of *column* reads a column that is an amount, or one of which that is not known."""
    measure = column.measure
    built = measure.build() if measure else None
    if measure is None or not isinstance(built, Composite) or built.rows:
        return True
    module = catalog().modules.get(measure.module)
    table = catalog().tables.get(measure.analytic.table or getattr(module, "table", ""))
    if table is None:
        return True
    units = {each.name: each.unit for each in table.available()}
    return any("currency}" in units.get(name, MONEY) for name in built.parts[part].expr.meta.root_names())


def _rate_columns(config: ConvertConfig) -> tuple[PlannedColumn, ...]:
    prefix = config.metric_prefix or ""
    return (
        PlannedColumn(prefix + _RATE, pl.Float64(), f"{config.currency}/{MONEY}", "What one unit of the row's own currency was worth."),
        PlannedColumn(prefix + _RATE_DATE, pl.Date(), "", "Date of the rate; null where none was needed."),
        PlannedColumn(prefix + _RATE_SOURCE, pl.String(), "", f"Source of the rate, as {config.rates} says."),
    )


def _rates_used(config: ConvertConfig) -> Sequence[pl.Expr]:
    return [pl.col(name).alias((config.metric_prefix or "") + name) for name in (_RATE, _RATE_DATE, _RATE_SOURCE)]


def _rated(frame: pl.LazyFrame, config: ConvertConfig) -> pl.LazyFrame:
    """*frame* with the rate of each row."""
    rates = config.known_rates().frame(config.currency)
    same = same_currency(config.currency)
    factor = pl.col(CURRENCY).replace_strict(same, default=None, return_dtype=pl.Float64())
    joined = frame.join(rates.lazy(), on=[CURRENCY, DATE], how="left")
    return joined.with_columns(
        pl.coalesce(factor, _RATE).alias(_RATE),
        pl.when(factor.is_not_null()).then(pl.lit("same currency")).otherwise(pl.col(_RATE_SOURCE)).alias(_RATE_SOURCE),
    )


def _all_rated(rows: pl.DataFrame) -> pl.DataFrame:
    lacking = rows.filter(pl.col(_RATE).is_null())
    if lacking.height:
        first = lacking.sort(DATE, CURRENCY).row(0, named=True)
        raise CheckFailed(
            f"there is no rate of {first[CURRENCY] or 'an unknown currency'} on {first[DATE]}, nor in the days before it ({lacking.height} rows lack one)",
            where=f"{KEY}.rates",
            hint="add the rate, raise max_age_days, or leave such rows empty: missing_rate: null",
        )
    return rows


CONVERT = ConvertModule()
__all__ = ["CONVERT", "ConvertConfig", "ConvertModule"]
