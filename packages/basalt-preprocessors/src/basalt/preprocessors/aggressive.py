"""Preprocessor `aggressive_preprocess`: executions put together to the incoming orders that caused them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl
from pydantic import Field

from basalt.core import Clock, Input, ModuleConfig, Produced, Scope
from basalt.core.bucketing import TIME_BUCKET
from basalt.core.datasets import Dataset, PlannedColumn
from basalt.core.errors import InvalidValue, MissingColumn, nearest
from basalt.preprocessors.aggressive_columns import Summary, summaries
from basalt.preprocessors.aggressive_grouping import (
    EXECUTION,
    GAP,
    NUMBER,
    ORDER,
    SIDE,
    SOURCES,
    Source,
    execution_schema,
    executions_of,
    orders_of,
)
from basalt.preprocessors.streaming import sourced


class AggressiveConfig(ModuleConfig):
    """Section `aggressive_preprocess` of a pass."""

    source_table: Literal["trades", "l3"] = Field("trades", description="Table of the executions.")
    execution_size: str | None = Field(None, description="Column of the size; Size of trades, ExecutionSize of order events.")
    deltat: float = Field(1e-5, ge=0, description="Longest time in seconds between two executions of one order.")
    time_bucket_seconds: float | None = Field(None, gt=0, description="Buckets of the column TimeBucket; those of the pass if left out.")


@dataclass(frozen=True)
class AggressivePreprocess:
    """Incoming orders, as the executions show them.

    Executions of one listing belong to one incoming order when they follow each other, one side took in all of them,
    each came at most `deltat` after the one before or within the same event of the venue, and no price is better for
    the taker than the one before: an order takes the best price first. Counted are executions with a size whose
    aggressor is known, outside of auctions; of two-sided reports in `l3` those that are printable. They are numbered
    within the listing's day.
    """

    name: str = "aggressive_preprocess"
    config_key: str = "aggressive_preprocess"
    config_model: type[AggressiveConfig] = AggressiveConfig
    doc: str = "Incoming orders, put together from their executions."

    def inputs(self, config: AggressiveConfig) -> tuple[Input, ...]:
        """The table of executions."""
        return (Input(config.source_table, config.source_table),)

    def plan(self, config: AggressiveConfig, inputs: Mapping[str, Dataset], clock: Clock, *, where: str) -> Mapping[str, Produced]:
        """The tables `aggressive_orders` and `aggressive_executions`.

        Raises:
            MissingColumn: The table lacks a column.
            InvalidValue: `execution_size` names no number.
        """
        source, dataset = _source(config), inputs[config.source_table]
        _check(config, source, dataset, where)
        reads: dict[str, tuple[str, ...]] = {config.source_table: tuple(dataset.schema())}
        bucket = _bucket_columns(config, clock)
        orders = tuple(each.planned for each in _summaries(config, dataset))
        made = {column.name for column in _MADE}
        columns = [dataset.column(name) for name in dataset.schema() if name not in {"ListingId", source.clock, TIME_BUCKET, *made}]
        return {
            "aggressive_orders": Produced((*orders, *bucket), ("ListingId", source.clock, ORDER), Scope(), reads=reads),
            "aggressive_executions": Produced(
                (*columns, *_MADE, *bucket),
                ("ListingId", source.clock, EXECUTION),
                Scope(),
                reads=reads,
            ),
        }

    def compute(
        self, config: AggressiveConfig, inputs: Mapping[str, pl.LazyFrame], planned: Mapping[str, Dataset], clock: Clock
    ) -> Mapping[str, pl.LazyFrame]:
        """The rows of `plan`."""
        source, table = _source(config), inputs[config.source_table]
        schema = execution_schema(table.collect_schema())
        summarised = {each.planned.name: each for each in _summaries(config, planned[config.source_table])}
        orders = {"ListingId": schema["ListingId"], source.clock: schema[source.clock], ORDER: schema[NUMBER]}
        orders |= {name: each.planned.dtype for name, each in summarised.items()}
        expressions = {name: each.expression for name, each in summarised.items()}
        made = {
            "aggressive_orders": sourced(orders, lambda: orders_of(executions_of(table, source, config.deltat), source, expressions)),
            "aggressive_executions": sourced(schema, lambda: executions_of(table, source, config.deltat)),
        }
        return {name: _labelled(frame, config, clock, source.clock) for name, frame in made.items()}


_SIDE_COLUMN = PlannedColumn(SIDE, pl.Int64(), "", "Who took liquidity: 1 buyer, 2 seller.")
_MADE = (
    _SIDE_COLUMN,
    PlannedColumn("SameSideSequence", pl.Int64(), "", "Number of the execution among those of one side in a row."),
    PlannedColumn(GAP, pl.Int64(), "ns", "Time since the listing's execution before; null for the first."),
    PlannedColumn("IsSameGroup", pl.Boolean(), "", "Whether the execution belongs to the order of the one before."),
    PlannedColumn("SequenceNumber", pl.Int64(), "", "Number of the run of executions of one side."),
    PlannedColumn("ConsolidatedTrades", pl.Int64(), "", "Number of the incoming order: its AggressiveOrderId."),
    PlannedColumn("AggressiveExecutionSize", pl.Float64(), "shares", "Executed size."),
)


def _source(config: AggressiveConfig) -> Source:
    known = SOURCES[config.source_table]
    if config.execution_size is None:
        return known
    return Source(known.table, known.clock, config.execution_size, known.price, known.needed, known.optional)


def _check(config: AggressiveConfig, source: Source, dataset: Dataset, where: str) -> None:
    known = dataset.schema()
    for name in ("ListingId", source.clock, source.size, source.price, *source.needed):
        if name not in known:
            at = f"{where}.execution_size" if name == config.execution_size else where
            raise MissingColumn(f"{dataset.name!r} has no column {name!r}", where=at, hint=nearest(name, known))
    if not known[source.size].is_numeric():
        raise InvalidValue(
            f"{source.size!r} is {known[source.size]}, no size", where=f"{where}.execution_size", hint="name a numeric column"
        )


def _summaries(config: AggressiveConfig, dataset: Dataset) -> tuple[Summary, ...]:
    source = _source(config)
    return summaries(dataset, size=source.size, price=source.price, clock=source.clock, side=_SIDE_COLUMN)


def _bucket_columns(config: AggressiveConfig, clock: Clock) -> tuple[PlannedColumn, ...]:
    if _bucket_clock(config, clock) is None:
        return ()
    return (PlannedColumn(TIME_BUCKET, pl.Datetime("ns"), "", "Bucket of the first execution."),)


def _bucket_clock(config: AggressiveConfig, clock: Clock) -> Clock | None:
    if config.time_bucket_seconds is not None:
        return Clock.of_seconds(config.time_bucket_seconds, clock.anchor, clock.closed)
    return clock if clock.width_nanos > 0 else None


def _labelled(frame: pl.LazyFrame, config: AggressiveConfig, clock: Clock, time: str) -> pl.LazyFrame:
    own = _bucket_clock(config, clock)
    return frame if own is None else frame.with_columns(own.label(pl.col(time)).alias(TIME_BUCKET))


AGGRESSIVE_PREPROCESS = AggressivePreprocess()
