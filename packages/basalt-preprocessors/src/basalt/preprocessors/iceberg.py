"""Preprocessor `iceberg`: executions that show hidden quantity, tagged trades, analytics by bucket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import Field, model_validator

from basalt.core import Clock, Input, ModuleConfig, Produced, Scope
from basalt.core.bucketing import DATE, TIME_BUCKET
from basalt.core.datasets import Dataset, PlannedColumn
from basalt.core.declaring.modules import Entry
from basalt.core.errors import ConflictingSettings, MissingColumn, nearest
from basalt.preprocessors.iceberg_events import COLUMNS, EVENT, KNOWN, NANOS_PER_SECOND, NEEDED, Detection
from basalt.preprocessors.iceberg_measures import Measure, Side, Sources, measured, planned_measures
from basalt.preprocessors.iceberg_trades import CARRIED, FLAGS, Matching


class IcebergMetric(Entry):
    """Measures of some sides."""

    measures: Measure | Annotated[list[Measure], Field(min_length=1)] = Field(..., description="Which measures.")
    sides: Side | Annotated[list[Side], Field(min_length=1)] = Field("Total", description="Side that the iceberg rested on.")


class IcebergConfig(ModuleConfig):
    """Section `iceberg_analytics` of a pass."""

    metrics: list[IcebergMetric] = Field(default_factory=list, description="Columns of iceberg_analytics; all measures of Total if empty.")
    tag_trades: bool = Field(True, description="Make the table iceberg_trades.")
    trade_tag_context_key: str = Field("trades_iceberg", description="Name of the table of tagged trades.")
    match_tolerance_seconds: float = Field(
        5e-4, gt=0, description="Longest time between a trade and an iceberg event without a common TradeId."
    )
    price_match: bool = Field(True, description="Such a trade must have the price of the event.")
    min_revealed_qty: float = Field(0.0, ge=0, description="Hidden size that an event must exceed.")
    avg_size_source: Literal["RevealedQty", "ExecutionSize", "OldSize"] = Field("RevealedQty", description="Column of AverageSize.")
    imbalance_source: Literal["ExecutionSize", "RevealedQty"] = Field("ExecutionSize", description="Column of OrderImbalance.")
    trade_match_enabled: bool = Field(True, description="Also tag trades whose size differs from the execution at their time.")
    trade_match_tolerance_seconds: float = Field(5e-4, gt=0, description="Longest time between the two.")
    trade_match_price_match: bool = Field(True, description="They must have one price.")
    trade_match_exclude_exact: bool = Field(True, description="Their sizes must differ; false tags every match.")
    trade_match_size_tolerance: float = Field(0.0, ge=0, description="By more than this.")
    trade_match_trade_types: list[str] = Field(["LIT", "DARK"], description="BMLLTradeType of the trades; empty: all.")
    trade_match_classifications: list[str] = Field(default_factory=list, description="Classification of the trades; empty: all.")
    trade_match_require_side: bool = Field(True, description="The execution is on the side that the trade took from.")
    enable_peak_linking: bool = Field(True, description="Find next peaks, and number icebergs by them.")
    peak_link_tolerance_seconds: float = Field(5e-4, gt=0, description="Longest time from the end of a peak to the next.")
    peak_link_price_match: bool = Field(True, description="The next peak has the price of the one before.")

    @model_validator(mode="after")
    def _check(self) -> Any:
        if not self.enable_peak_linking and any("AveragePeakCount" in _list(entry.measures) for entry in self.metrics):
            raise ConflictingSettings(
                "AveragePeakCount counts linked peaks",
                where="iceberg_analytics.enable_peak_linking",
                hint="enable_peak_linking: true, or leave the measure out",
            )
        return self

    @property
    def detection(self) -> Detection:
        """How icebergs are found."""
        return Detection(
            self.min_revealed_qty, self.enable_peak_linking, _nanos(self.peak_link_tolerance_seconds), self.peak_link_price_match
        )

    @property
    def matching(self) -> Matching:
        """How trades find executions."""
        return Matching(
            tolerance=_nanos(self.match_tolerance_seconds),
            price_match=self.price_match,
            by_size=self.trade_match_enabled,
            size_tolerance_nanos=_nanos(self.trade_match_tolerance_seconds),
            size_price_match=self.trade_match_price_match,
            exclude_exact=self.trade_match_exclude_exact,
            size_tolerance=self.trade_match_size_tolerance,
            trade_types=tuple(self.trade_match_trade_types),
            classifications=tuple(self.trade_match_classifications),
            require_side=self.trade_match_require_side,
        )

    @property
    def sources(self) -> Sources:
        """Columns that measures read."""
        return Sources(self.avg_size_source, self.imbalance_source, self.enable_peak_linking)

    @property
    def asked(self) -> tuple[tuple[Measure, Side], ...]:
        """Measures and sides, in order, each once; without any, all measures of Total."""
        pairs = [(measure, side) for entry in self.metrics for measure in _list(entry.measures) for side in _list(entry.sides)]
        return tuple(dict.fromkeys(pairs))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _nanos(seconds: float) -> int:
    return round(seconds * NANOS_PER_SECOND)


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
        """Order events, and trades if they are tagged."""
        return (Input("l3", "l3"), *((Input("trades", "trades"),) if config.tag_trades else ()))

    def plan(self, config: IcebergConfig, inputs: Mapping[str, Dataset], clock: Clock, *, where: str) -> Mapping[str, Produced]:
        """The tables `iceberg_events`, `iceberg_analytics` (in passes with buckets) and the tagged trades.

        Raises:
            MissingColumn: A column is not there.
        """
        known = inputs["l3"].schema()
        _need(inputs["l3"], NEEDED, where)
        daily = ("TradeDate",) if clock.is_daily else ()
        reads = {"l3": (*NEEDED, *(name for name in ("TradeId",) if name in known), *daily)}
        made = {"iceberg_events": Produced((*COLUMNS, *_bucket(clock)), ("ListingId", KNOWN, EVENT), Scope(), reads=reads)}
        if not clock.is_event:
            _need(inputs["l3"], daily, where)
            columns = planned_measures(config.asked, config.sources, config.metric_prefix or "")
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
        l3 = inputs["l3"]
        events = config.detection.events(l3)
        named = events if "TradeDate" not in l3.collect_schema() else _dated(events, l3)
        labelled = events if clock.is_event else named.with_columns(clock.label(pl.col(KNOWN)).alias(TIME_BUCKET))
        made = {"iceberg_events": labelled}
        if not clock.is_event:
            made["iceberg_analytics"] = measured(labelled, config.asked, config.sources, config.metric_prefix or "")
        if config.tag_trades:
            executions = l3.filter(pl.col("ExecutionSize") > 0, pl.col("OldSize") > 0)
            made[config.trade_tag_context_key] = config.matching.tagged(inputs["trades"], events, executions)
        return made


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
