"""Icebergs: the preprocessor `iceberg` finds executions that show hidden quantity and tags trades, the module `iceberg` measures buckets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from basalt.core import Clock, Input, Produced, Scope
from basalt.core.bucketing import DATE, TIME_BUCKET
from basalt.core.datasets import Dataset, PlannedColumn
from basalt.core.errors import ConflictingSettings, MissingColumn, nearest
from basalt.market.intervals import attach_state
from basalt.preprocessors.iceberg_config import IcebergConfig
from basalt.preprocessors.iceberg_events import COLUMNS, EVENT, KNOWN, NEEDED
from basalt.preprocessors.iceberg_measures import FLOWS, PHASE, measured, planned_measures
from basalt.preprocessors.iceberg_trades import CARRIED, FLAGS

CLOCK, PHASES = "EventTimestamp", "marketstate"
KEYS = ("ListingId", DATE, TIME_BUCKET)


@dataclass(frozen=True)
class Iceberg:
    """Icebergs as order events show them.

    `iceberg_events` has the executions that show hidden quantity, `trade_tag_context_key` the trades with what they met,
    `iceberg_analytics` measures by bucket. An event counts in the bucket in which it could be known.
    """

    name: str = "iceberg"
    config_key: str = "iceberg_analytics"
    config_model: type[IcebergConfig] = IcebergConfig
    doc: str = "Icebergs: their executions, tagged trades, and measures by bucket."

    def inputs(self, config: IcebergConfig) -> tuple[Input, ...]:
        """Order events, trades if they are tagged, phases if columns ask for some."""
        return (Input("l3", "l3"), *((Input("trades", "trades"),) if config.tag_trades else ()), *_phase_input(config))

    def plan(self, config: IcebergConfig, inputs: Mapping[str, Dataset], clock: Clock, *, where: str) -> Mapping[str, Produced]:
        """The tables `iceberg_events`, `iceberg_analytics` (in passes with buckets) and the tagged trades.

        Raises:
            MissingColumn: A column is not there.
        """
        reads = {"l3": _event_reads(inputs["l3"], clock, where)}
        made = {"iceberg_events": Produced((*COLUMNS, *_bucket(clock)), ("ListingId", KNOWN, EVENT), Scope(), reads=reads)}
        if not clock.is_event:
            columns = planned_measures(config.asked, config.sources)
            made["iceberg_analytics"] = Produced(columns, ("ListingId", TIME_BUCKET), Scope(), clock, reads=reads)
        if config.tag_trades:
            trades = inputs["trades"]
            _need(trades, ("ListingId", "TradeTimestamp", "LocalPrice", "Size"), where)
            made[config.trade_tag_context_key] = Produced(
                (*(trades.column(name) for name in trades.schema()), *_carried(), *FLAGS),
                (),
                Scope(),
                reads={**reads, "trades": tuple(trades.schema())},
            )
        return made

    def compute(
        self, config: IcebergConfig, inputs: Mapping[str, pl.LazyFrame], planned: Mapping[str, Dataset], clock: Clock
    ) -> Mapping[str, pl.LazyFrame]:
        """The rows of `plan`."""
        events = config.detection.events(inputs["l3"])
        made = {"iceberg_events": events if clock.is_event else _labelled(events, inputs["l3"], clock)}
        if not clock.is_event:
            made["iceberg_analytics"] = _measured(made["iceberg_events"], config, inputs)
        if config.tag_trades:
            executions = inputs["l3"].filter(pl.col("ExecutionSize") > 0, pl.col("OldSize") > 0)
            made[config.trade_tag_context_key] = config.matching.tagged(inputs["trades"], events, executions)
        return made


@dataclass(frozen=True)
class IcebergAnalytics:
    """Measures of icebergs beside the other columns of a pass: those of the table `iceberg_analytics`, from the same section."""

    name: str = "iceberg"
    config_key: str = "iceberg_analytics"
    config_model: type[IcebergConfig] = IcebergConfig
    doc: str = "Measures of icebergs by bucket, beside the columns of other modules."

    def inputs(self, config: IcebergConfig) -> tuple[Input, ...]:
        """Order events, and phases if columns ask for some."""
        return (Input("l3", "l3"), *_phase_input(config))

    def plan(self, config: IcebergConfig, inputs: Mapping[str, Dataset], clock: Clock, *, where: str) -> Produced:
        """The columns of the section.

        Raises:
            ConflictingSettings: The pass has no buckets.
            MissingColumn: A column is not there.
        """
        if clock.is_event:
            raise ConflictingSettings("measures of icebergs are of buckets, and the pass has none", where=where, hint="set timeline_mode")
        reads = {"l3": (*_event_reads(inputs["l3"], clock, where), "TradeDate")}
        _need(inputs["l3"], ("TradeDate",), where)
        return Produced(planned_measures(config.asked, config.sources), KEYS, Scope(), clock, reads=reads, stands=True)

    def compute(
        self,
        config: IcebergConfig,
        inputs: Mapping[str, pl.LazyFrame],
        planned: Mapping[str, Dataset],
        clock: Clock,
        buckets: pl.LazyFrame | None = None,
    ) -> pl.LazyFrame:
        """One row a listing and bucket with an iceberg event, and of *buckets* of listings with order events: flows are 0 there."""
        l3 = inputs["l3"]
        rows = _measured(_labelled(config.detection.events(l3), l3, clock), config, inputs)
        if buckets is not None:
            rows = rows.join(buckets, on=["ListingId", TIME_BUCKET], how="full", coalesce=True)
        flows = [each.name for each in config.asked if each.measure in FLOWS]
        return _dated(rows.with_columns(pl.col(flows).fill_null(0)), l3).drop_nulls(DATE)


def _phase_input(config: IcebergConfig) -> tuple[Input, ...]:
    wanted = any(each.states for each in config.asked)
    return (Input(PHASES, PHASES, ("ListingId", CLOCK, PHASE)),) if wanted else ()


def _event_reads(l3: Dataset, clock: Clock, where: str) -> tuple[str, ...]:
    """Columns of order events that tell icebergs and their buckets."""
    daily = ("TradeDate",) if clock.is_daily else ()
    _need(l3, (*NEEDED, *daily), where)
    return (*NEEDED, *(name for name in ("TradeId",) if name in l3.schema()), *daily)


def _labelled(events: pl.LazyFrame, l3: pl.LazyFrame, clock: Clock) -> pl.LazyFrame:
    """*events* with the bucket in which each could be known."""
    named = _dated(events, l3) if clock.is_daily else events
    return named.with_columns(clock.label(pl.col(KNOWN)).alias(TIME_BUCKET))


def _measured(events: pl.LazyFrame, config: IcebergConfig, inputs: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Measures of *events*, with the phase of each execution where columns ask for some."""
    if PHASES in inputs:
        events = attach_state(events.sort("ListingId", CLOCK, maintain_order=True), inputs[PHASES])
    return measured(events, config.asked, config.sources)


def _need(dataset: Dataset, names: tuple[str, ...], where: str) -> None:
    known = dataset.schema()
    for name in names:
        if name not in known:
            raise MissingColumn(f"{dataset.name!r} has no column {name!r}", where=where, hint=nearest(name, known))


def _bucket(clock: Clock) -> tuple[PlannedColumn, ...]:
    return () if clock.is_event else (PlannedColumn(TIME_BUCKET, pl.Datetime("ns"), "", "Bucket in which the event could be known."),)


def _carried() -> tuple[PlannedColumn, ...]:
    by_name = {column.name: column for column in COLUMNS}
    return tuple(PlannedColumn(name, by_name[name].dtype, by_name[name].unit, by_name[name].doc, forward=True) for name in CARRIED)


def _dated(events: pl.LazyFrame, l3: pl.LazyFrame) -> pl.LazyFrame:
    """*events* with the trade date of their listing's rows, for days as buckets."""
    dates = l3.group_by("ListingId").agg(pl.col("TradeDate").first().cast(pl.Date).alias(DATE))
    return events.join(dates, on="ListingId", how="left", maintain_order="left")


ICEBERG = Iceberg()
ICEBERG_ANALYTICS = IcebergAnalytics()
