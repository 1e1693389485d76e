"""Module `quality`: rows of an earlier pass, marked or left out where findings touch them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl
from pydantic import Field, field_validator

from basalt.core import Clock, Input, ModuleConfig, Produced, Scope
from basalt.core.bucketing import DATE, TIME_BUCKET
from basalt.core.datasets import Dataset, PlannedColumn
from basalt.core.errors import InvalidValue, MissingColumn, UnknownName
from basalt.quality.reasons import REASONS, SEVERITIES

SOURCE, FINDINGS = "source", "findings"
KEY = "quality_analytics"
LISTING = "ListingId"
IS_SUSPECT, WHY, COUNT = "IsSuspect", "SuspectReasons", "Findings"


class QualityConfig(ModuleConfig):
    """Section `quality_analytics` of a pass."""

    source_pass: str = Field("pass1", description="Pass whose rows are marked.")
    suspect: Literal["mark", "drop"] = Field("mark", description="What is done with rows that findings touch.")
    severity: Literal["error", "warning"] = Field("error", description="The mildest findings that count.")
    reasons: list[str] | None = Field(None, description="Reason codes that count, whatever their severity; if unset, all of the severity.")
    tables: list[str] | None = Field(None, description="Tables whose findings count; all if unset.")

    @field_validator("reasons")
    @classmethod
    def _known(cls, value: list[str] | None) -> list[str] | None:
        for index, code in enumerate(value or ()):
            if code not in REASONS:
                raise UnknownName.of("reason", code, REASONS, where=f"{KEY}.reasons[{index}]")
        return value


@dataclass(frozen=True)
class QualityModule:
    """Joins the findings of `basalt data check` to the rows of an earlier pass.

    A row is suspect when the span of its bucket and that of a finding of its listing overlap; a row of a day when the day has one. All columns
    of the source stay as they are, with their roll-ups.
    """

    name: str = "quality"
    config_key: str = KEY
    config_model: type[QualityConfig] = QualityConfig
    doc: str = "Marks the rows of an earlier pass that findings about the input touch, or leaves them out."

    def inputs(self, config: QualityConfig) -> tuple[Input, ...]:
        """The pass whose rows are marked, and the findings."""
        columns = (LISTING, "TradeDate", "CheckedTable", "Reason", "Severity", "Start", "End")
        return (Input(SOURCE, config.source_pass), Input(FINDINGS, "data_quality", columns))

    def plan(self, config: QualityConfig, inputs: Mapping[str, Dataset], clock: Clock, *, where: str) -> Produced:
        """Keys, labels and columns of the source, and what is said of each row.

        Raises:
            InvalidValue: The source is a raw table.
            MissingColumn: Its rows do not tell listing and date.
        """
        source = inputs[SOURCE]
        _check_source(source, where)
        prefix = config.metric_prefix or ""
        labels = tuple(name for name, _ in source.labels if name not in source.keys)
        hidden = tuple(column.name for column in source.columns if column.hidden)
        return Produced(
            (*_carried(source, prefix), *_said(prefix)),
            source.keys,
            Scope(),
            source.clock,
            supports={SOURCE: hidden},
            labels=labels,
        )

    def compute(
        self, config: QualityConfig, inputs: Mapping[str, pl.LazyFrame], planned: Mapping[str, Dataset], clock: Clock
    ) -> pl.LazyFrame:
        """The rows of `plan`."""
        source = planned[SOURCE]
        keys = list(source.keys)
        touched = _touched(inputs[SOURCE].select(keys), _counting(inputs[FINDINGS], config), source)
        joined = inputs[SOURCE].join(touched, on=keys, how="left").with_columns(pl.col(COUNT).fill_null(0))
        if config.suspect == "drop":
            joined = joined.filter(pl.col(COUNT) == 0)
        prefix = config.metric_prefix or ""
        labels = [name for name, _ in source.labels if name not in source.keys]
        values = [pl.col(old.name).alias(new.name) for old, new in zip(source.columns, _carried(source, prefix), strict=True)]
        said = {IS_SUSPECT: pl.col(COUNT) > 0, WHY: pl.col(WHY), COUNT: pl.col(COUNT)}
        return joined.select(*keys, *labels, *values, *(expr.alias(prefix + name) for name, expr in said.items()))


def _check_source(source: Dataset, where: str) -> None:
    if source.is_raw or not source.keys:
        raise InvalidValue(f"{source.name!r} is a raw table", where=f"{where}.source_pass", hint="name a pass that comes before this one")
    for name in (LISTING, DATE):
        if name not in source.keys:
            raise MissingColumn(
                f"rows of {source.name!r} do not tell their {name}",
                where=f"{where}.source_pass",
                hint="findings are about a listing and a day",
            )


def _carried(source: Dataset, prefix: str) -> tuple[PlannedColumn, ...]:
    """The columns of the source; those with supporting columns keep them under the names that go with the prefix."""
    supports = {theirs: ours for column in source.columns for (_, theirs, _), (_, ours, _) in _parts(column, prefix)}
    return tuple(
        replace(column, name=supports.get(column.name, prefix + column.name)) if column.hidden else column.renamed(prefix + column.name)
        for column in source.columns
    )


def _parts(column: PlannedColumn, prefix: str) -> zip:
    return zip(column.parts, column.renamed(prefix + column.name).parts, strict=True)


def _said(prefix: str) -> tuple[PlannedColumn, ...]:
    return (
        PlannedColumn(prefix + IS_SUSPECT, pl.Boolean(), "", "Whether a finding about the input touches the row."),
        PlannedColumn(prefix + WHY, pl.String(), "", "Reason codes of these findings, in alphabetical order; null without any."),
        PlannedColumn(prefix + COUNT, pl.Int64(), "1", "Number of these findings."),
    )


def _counting(findings: pl.LazyFrame, config: QualityConfig) -> pl.LazyFrame:
    """The findings that count, with their date."""
    milder = SEVERITIES[: SEVERITIES.index(config.severity) + 1]
    counts = pl.col("Reason").is_in(config.reasons) if config.reasons is not None else pl.col("Severity").is_in(milder)
    if config.tables is not None:
        counts = counts & pl.col("CheckedTable").is_in(config.tables)
    nanos = [pl.col(name).cast(pl.Datetime("ns")).cast(pl.Int64()) for name in ("Start", "End")]
    return findings.filter(counts).select(LISTING, pl.col("TradeDate").cast(pl.Date()).alias(DATE), "Reason", *nanos)


def _touched(rows: pl.LazyFrame, findings: pl.LazyFrame, source: Dataset) -> pl.LazyFrame:
    """Keys of the rows that findings touch, with why and how often."""
    joined = rows.join(findings, on=[LISTING, DATE], how="inner")
    clock = source.clock
    if clock is not None and not clock.is_daily and TIME_BUCKET in source.keys:
        joined = joined.filter(_overlap(clock))
    return joined.group_by(source.keys).agg(
        pl.col("Reason").unique().sort().str.join(" ").alias(WHY), pl.len().cast(pl.Int64()).alias(COUNT)
    )


def _overlap(clock: Clock) -> pl.Expr:
    """Whether a bucket and the span from `Start` to `End`, both included, have an instant in common."""
    label = pl.col(TIME_BUCKET).cast(pl.Int64())
    first, last = (label - clock.width_nanos, label) if clock.anchor == "end" else (label, label + clock.width_nanos)
    if clock.is_event:
        return (pl.col("Start") <= label) & (pl.col("End") >= label)
    if clock.closed == "right":
        return (pl.col("End") > first) & (pl.col("Start") <= last)
    return (pl.col("End") >= first) & (pl.col("Start") < last)


QUALITY = QualityModule()
