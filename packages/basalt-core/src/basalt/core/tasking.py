"""Tasking: a stage into tasks, days by batches, each with a key that names its work and inputs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl

from basalt.core.batching import Load, batches, row_bytes
from basalt.core.isolation import usable_cores, usable_memory
from basalt.core.plans import Stage
from basalt.core.preparing import Prepared
from basalt.core.tasks import Task

SHARE_OF_MEMORY = 0.8
"""Share of the machine's memory that workers may use together."""


def tasks_of(stage: Stage, prepared: Prepared, context: Path, config_hash: str, earlier: Sequence[str]) -> list[Task]:
    """The tasks of *stage*.

    Args:
        stage: The stage.
        prepared: The run.
        context: File with what workers need besides the task.
        config_hash: Identifies the config.
        earlier: Keys of the tasks of earlier stages, whose results the stage may read.
    """
    days = prepared.plan.days
    spans = [tuple(days)] if stage.scope.all_dates else [(day,) for day in days]
    before = hashlib.sha256("".join(earlier).encode()).hexdigest()
    tasks = []
    for span in spans:
        inputs = prepared.fingerprint(span)
        for listings in _batches(stage, prepared, span):
            named = f"{config_hash} {stage.index} {span[0]} {span[-1]} {len(span)} {listings} {inputs} {before}"
            tasks.append(Task(hashlib.sha256(named.encode()).hexdigest()[:24], stage.index, span, listings, context))
    return tasks


def worker_budget(prepared: Prepared) -> int:
    """Bytes that one worker may use."""
    config = prepared.plan.config
    if config.memory_per_worker is not None:
        return int(config.memory_per_worker * 1e9)
    workers = usable_cores() if config.num_workers <= 0 else config.num_workers
    return int(usable_memory() * SHARE_OF_MEMORY / workers)


def _batches(stage: Stage, prepared: Prepared, span: Sequence[date]) -> list[tuple[int, ...] | None]:
    listings = _listings_of(prepared, span)
    return batches(
        stage, prepared.plan.config, listings, _loads(stage, prepared, span), worker_budget(prepared), keep_unknown=prepared.is_open
    )


def _listings_of(prepared: Prepared, span: Sequence[date]) -> pl.DataFrame:
    return (
        pl.concat([prepared.listings(day) for day in span], how="vertical")
        .unique("ListingId", keep="first", maintain_order=True)
        .sort("ListingId")
    )


def _loads(stage: Stage, prepared: Prepared, span: Sequence[date]) -> list[Load]:
    """Rows that a task over *span* reads of raw tables, with a scan of their listings."""
    loads = []
    for name, columns in stage.raw_reads.items():
        given = prepared.inputs.get(name)
        if given is None:
            continue
        files = [file for file in given.files if file.day in set(span)]
        schema = prepared.plan.raw[name].schema()
        scan = given.source.scan(given.table, files, ["ListingId"]) if "ListingId" in schema and files else None
        loads.append(Load(name, sum(file.rows for file in files), row_bytes(schema, columns), scan))
    return loads
