"""What the kernel itself offers, through the same door as everybody else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from basalt.core import hookimpl
from basalt.core.offers import Offer


@hookimpl
def basalt_sources() -> Iterable[Offer[Any]]:
    return (Offer("lake", "Parquet files by table, market and day, in a folder or an object store", "basalt.core.sources.lake:LakeSource"),)


@hookimpl
def basalt_universes() -> Iterable[Offer[Any]]:
    return (
        Offer("mic", "listings of a market: mic=XLON", "basalt.core.universes:MIC"),
        Offer("opol", "listings by official place of listing: opol=XLON", "basalt.core.universes:OPOL"),
        Offer("index", "listings of an index of the reference table: index=NAME", "basalt.core.universes:INDEX"),
    )


@hookimpl
def basalt_timelines() -> Iterable[Offer[Any]]:
    return (
        Offer("sparse_digitised", "buckets in which something happened", "basalt.core.timelines:SparseTimeline"),
        Offer("sparse_original", "one row for each time at which something happened", "basalt.core.timelines:OriginalTimeline"),
        Offer("daily_analytics", "one bucket a trade date", "basalt.core.timelines:DailyTimeline"),
        Offer("dense", "all buckets of open markets", "basalt.core.timelines:DenseTimeline", config_key="dense_analytics"),
    )


@hookimpl
def basalt_checks() -> Iterable[Offer[Any]]:
    return (
        Offer("null_rate", "columns with too many nulls", "basalt.core.checks:NullRateCheck"),
        Offer("ranges", "values outside of their range", "basalt.core.checks:RangeCheck"),
    )


@hookimpl
def basalt_executors() -> Iterable[Offer[Any]]:
    return (Offer("direct", "this machine, a fresh process a task", "basalt.core.executors.direct:DirectExecutor"),)


@hookimpl
def basalt_output_targets() -> Iterable[Offer[Any]]:
    return (Offer("parquet", "one Parquet file for each pass and span of days", "basalt.core.targets.parquet:ParquetTarget"),)


@hookimpl
def basalt_commands() -> Iterable[Offer[Any]]:
    return (
        Offer("pipeline", "Run, plan and describe pipelines.", "basalt.core.cli.pipeline:app"),
        Offer("analytics", "List and explain columns.", "basalt.core.cli.analytics:app"),
        Offer("plugins", "List plugins, or start a new one.", "basalt.core.cli.plugins:app"),
        Offer("runs", "What was run, and how it went.", "basalt.core.cli.runs:app"),
    )
