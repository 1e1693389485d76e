"""Tasking: a stage into tasks, days by batches, each with a key that names its work and inputs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from functools import partial
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


def listings_of(prepared: Prepared, span: Sequence[date]) -> tuple[int, ...]:
    """All listings that count on any day of *span*."""
    known = _known_listings(prepared, span)["ListingId"].to_list()
    return (*known, *_unknown_listings(prepared, span))


def _batches(stage: Stage, prepared: Prepared, span: Sequence[date]) -> list[tuple[int, ...] | None]:
    return batches(
        stage,
        prepared.plan.config,
        _known_listings(prepared, span),
        _loads(stage, prepared, span),
        worker_budget(prepared),
        unknown=partial(_unknown_listings, prepared, span),
    )


def _known_listings(prepared: Prepared, span: Sequence[date]) -> pl.DataFrame:
    return (
        pl.concat([prepared.listings(day) for day in span], how="vertical")
        .unique("ListingId", keep="first", maintain_order=True)
        .sort("ListingId")
    )


def _unknown_listings(prepared: Prepared, span: Sequence[date]) -> list[int]:
    """Listings that only the raw tables of the run know, where nobody chose the listings."""
    scans = [scan for name in prepared.inputs if (scan := _scan_of_listings(prepared, name, span)) is not None]
    if not prepared.is_open or not scans:
        return []
    found = pl.concat([scan.unique() for scan in scans]).unique().drop_nulls().sort("ListingId").collect()
    return found.join(_known_listings(prepared, span), on="ListingId", how="anti", maintain_order="left")["ListingId"].to_list()


def _scan_of_listings(prepared: Prepared, name: str, span: Sequence[date]) -> pl.LazyFrame | None:
    """The `ListingId` of each row of a raw table; None where its rows have no listing, or there are none."""
    given = prepared.inputs[name]
    files = [file for file in given.files if file.day in set(span)]
    if not files or "ListingId" not in prepared.plan.raw[name].schema():
        return None
    return given.source.scan(given.table, files, ["ListingId"])


def _loads(stage: Stage, prepared: Prepared, span: Sequence[date]) -> list[Load]:
    """Rows that a task over *span* reads of raw tables, with a scan of their listings."""
    loads = []
    for name, columns in stage.raw_reads.items():
        given = prepared.inputs.get(name)
        if given is None:
            continue
        files = [file for file in given.files if file.day in set(span)]
        width = row_bytes(prepared.plan.raw[name].schema(), columns)
        loads.append(Load(name, sum(file.rows for file in files), width, _scan_of_listings(prepared, name, span)))
    return loads
