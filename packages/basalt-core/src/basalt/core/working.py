"""The worker: one task, from files to parts, in a process of its own."""

from __future__ import annotations

import os
import pickle
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import polars as pl
from polars.exceptions import PanicException

from basalt.core.bucketing import DATE
from basalt.core.catalog import Catalog, using_catalog
from basalt.core.checking import check_rows, quality_findings
from basalt.core.computing import compute_pass
from basalt.core.errors import BasaltError, CheckFailed
from basalt.core.inputs import TableInput, scan_input
from basalt.core.isolation import peak_bytes
from basalt.core.plans import PassPlan, Plan
from basalt.core.tasks import LESS_MEMORY, OUT_OF_MEMORY, PART_COMPRESSION, PART_LEVEL, TRANSIENT, Failure, PartFile, Task, TaskReport

NO_THREAD = "Resource temporarily unavailable"


@dataclass(frozen=True)
class RunContext:
    """Everything that the tasks of one stage share.

    Attributes:
        plan: The plan.
        run_id: Id of the run.
        inputs: Raw tables by name.
        parts: Parts of earlier stages by dataset.
        universes: Frame of listings by day, as files.
        work_dir: Folder of the parts.
        pipeline: Pipeline file that offers plugins of its own.
        metadata: Text kept in each written file, by dataset.
        is_open: Listings that no reference row describes count too.
    """

    plan: Plan
    run_id: str
    inputs: Mapping[str, TableInput]
    parts: Mapping[str, tuple[PartFile, ...]]
    universes: Mapping[date, Path]
    work_dir: Path
    pipeline: Path | None
    metadata: Mapping[str, Mapping[str, str]]
    is_open: bool = False


@dataclass(frozen=True)
class Envelope:
    """A pickled context, with what must happen before it can be unpickled."""

    pipeline: Path | None
    payload: bytes


def seal(context: RunContext, path: Path) -> None:
    """Write *context* where workers find it."""
    path.write_bytes(pickle.dumps(Envelope(context.pipeline, pickle.dumps(context))))


def unseal(path: Path) -> tuple[RunContext, Catalog | None]:
    """Read a context; a pipeline file with plugins of its own is loaded first."""
    envelope: Envelope = pickle.loads(path.read_bytes())  # noqa: S301 - written by this run, for its workers
    shelf = None
    if envelope.pipeline is not None:
        from basalt.core.pipelines import load_module

        shelf = Catalog([load_module(envelope.pipeline)])
    context: RunContext = pickle.loads(envelope.payload)  # noqa: S301 - the same
    return context, shelf


def work(task: Task) -> TaskReport:
    """Do *task*; whatever happens, say how it ended."""
    started = time.perf_counter()
    try:
        parts, notices = _work(task)
        return TaskReport(task, 0, parts, time.perf_counter() - started, peak_bytes(), tuple(notices))
    except (Exception, PanicException) as problem:  # noqa: BLE001 - the worker's border: nothing may leave it but a report
        return TaskReport(
            task, _exit_code(problem), seconds=time.perf_counter() - started, peak_bytes=peak_bytes(), failure=_failure(problem)
        )


def _exit_code(problem: BaseException) -> int:
    if isinstance(problem, BasaltError):
        return problem.exit_code
    if _is_want_of_memory(problem):
        return OUT_OF_MEMORY
    if isinstance(problem, ConnectionError | TimeoutError):
        return TRANSIENT
    return 65 if isinstance(problem, pl.exceptions.PolarsError) else 70


def _is_want_of_memory(problem: BaseException) -> bool:
    """Whether *problem* is that of a process without memory: the engine panics when it gets no thread, which is what it asks for first."""
    return isinstance(problem, MemoryError) or (isinstance(problem, PanicException) and NO_THREAD in str(problem))


def _failure(problem: BaseException) -> Failure:
    trace = "".join(traceback.format_exception(problem))
    if isinstance(problem, BasaltError):
        return Failure(type(problem).__name__, problem.what, problem.where, problem.hint, trace)
    if _is_want_of_memory(problem):
        return Failure("OutOfMemory", "a worker got no more memory", hint=LESS_MEMORY, trace=trace)
    return Failure(type(problem).__name__, str(problem) or type(problem).__name__, trace=trace)


def _work(task: Task) -> tuple[tuple[PartFile, ...], list[str]]:
    context, shelf = unseal(task.context)
    if shelf is None:
        return _do(task, context)
    with using_catalog(shelf):
        return _do(task, context)


def _do(task: Task, context: RunContext) -> tuple[tuple[PartFile, ...], list[str]]:
    listings = {day: _listings(context, day, task.listings) for day in task.days}
    made: dict[str, tuple[PartFile, ...]] = dict(context.parts)
    parts: list[PartFile] = []
    notices: list[str] = []
    facts = {name: given.facts for name, given in context.inputs.items()}
    for planned in context.plan.stages[task.stage].passes:
        computed = compute_pass(
            planned,
            _tables(task, context, made, planned, listings),
            listings,
            context.plan.datasets(),
            keep_unknown=context.is_open,
            facts=facts,
        )
        frames = {table.key: computed.side_tables[table.key] for table in planned.side_tables if table.is_kept}
        if planned.queries or planned.steps:
            rows = computed.rows.collect(engine=_engine(context))
            notices += _check(planned, rows)
            frames[planned.name] = rows.lazy()
        for name, frame in frames.items():
            part = _write(task, context, name, frame)
            made[name] = (part,)
            parts.append(part)
    return tuple(parts), notices


def _tables(
    task: Task, context: RunContext, made: Mapping[str, Sequence[PartFile]], planned: PassPlan, listings: Mapping[date, pl.LazyFrame]
) -> dict[date, dict[str, pl.LazyFrame]]:
    """What *planned* reads, by day; rows of all days together, which tell no day, are one frame that the days share."""
    names = [name for name in planned.reads if name not in _own(planned)]
    together = [name for name in names if name not in context.inputs and any(part.first_day < part.last_day for part in made.get(name, ()))]
    everyone = pl.concat(list(listings.values()))
    shared = {
        name: _scan(context, made, planned, name, task.days[0], everyone, task)
        for name in together
        if DATE not in context.plan.dataset(name).schema()
    }
    return {
        day: {**shared, **{name: _scan(context, made, planned, name, day, listings[day], task) for name in names if name not in shared}}
        for day in task.days
    }


def _markets(listings: pl.LazyFrame) -> list[str] | None:
    """Markets of *listings*; None, which is all of them, when the market of one is not known."""
    found = listings.select("MIC").collect().to_series().unique().to_list()
    return None if None in found else found


def _own(planned: PassPlan) -> set[str]:
    return {table.key for table in planned.side_tables}


def _listings(context: RunContext, day: date, wanted: Sequence[int] | None) -> pl.LazyFrame:
    frame = pl.read_parquet(context.universes[day])
    return (frame if wanted is None else frame.filter(pl.col("ListingId").is_in(list(wanted)))).lazy()


def _scan(
    context: RunContext, made: Mapping[str, Sequence[PartFile]], planned: PassPlan, name: str, day: date, listings: pl.LazyFrame, task: Task
) -> pl.LazyFrame:
    """The rows of one dataset on one day for the task's listings."""
    columns = planned.reads[name]
    if name in context.inputs:
        wanted: Sequence[int] | None = task.listings
        if wanted is None and not context.is_open and not _drops_others(planned, name):
            wanted = listings.select("ListingId").collect().to_series().to_list()
        markets = None if wanted is None or context.is_open else _markets(listings)
        return scan_input(context.inputs[name], columns, day, markets, wanted)
    parts = [part.path for part in made.get(name, ()) if part.first_day <= day <= part.last_day]
    schema = context.plan.dataset(name).schema()
    if not parts:
        return pl.LazyFrame(schema={column: schema[column] for column in columns})
    frame = pl.scan_parquet(parts)
    if DATE in schema:
        frame = frame.filter(pl.col(DATE) == day)
    return _of_listings(frame, schema, listings, task.listings).select(columns)


def _drops_others(planned: PassPlan, name: str) -> bool:
    """Whether listings outside of the universe fall away after aggregation, so rows need no filter; carried values cost more than one."""
    read_by_steps = {table for step in (*planned.steps, *planned.preprocessing) for _, table in step.inputs}
    return planned.is_foldable and name not in read_by_steps and not any(query.rows for query in planned.queries)


def _of_listings(frame: pl.LazyFrame, schema: Mapping[str, Any], listings: pl.LazyFrame, wanted: Sequence[int] | None) -> pl.LazyFrame:
    if wanted is None:
        return frame
    if "ListingId" in schema:
        return frame.filter(pl.col("ListingId").is_in(list(wanted)))
    if "InstrumentId" in schema:
        instruments = listings.select("InstrumentId").collect().to_series().drop_nulls().unique().to_list()
        return frame.filter(pl.col("InstrumentId").is_in(instruments))
    return frame


def _write(task: Task, context: RunContext, name: str, frame: pl.LazyFrame) -> PartFile:
    """Compute *frame* into a part; it takes its name only when whole."""
    folder = context.work_dir / name.replace(":", "__").replace("/", "_")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{task.key}-{task.attempt}-{os.getpid()}.parquet"
    temporary = path.with_suffix(".tmp")
    frame.sink_parquet(
        temporary,
        compression=PART_COMPRESSION,
        compression_level=PART_LEVEL,
        metadata=dict(context.metadata.get(name, {})),
        engine=_engine(context),
    )
    temporary.replace(path)
    rows = int(pl.scan_parquet(path).select(pl.len()).collect().item())
    return PartFile(name, path, rows, path.stat().st_size, task.days[0], task.days[-1])


def _engine(context: RunContext) -> Literal["in-memory", "streaming"]:
    return "in-memory" if context.plan.config.eager_execution else "streaming"


def _check(planned: PassPlan, rows: pl.DataFrame) -> list[str]:
    check_rows(rows, planned.dataset, where=f"pass {planned.name}", sorted_by=planned.sort_keys)
    findings = quality_findings(rows.lazy(), planned.checks)
    if findings and planned.checks.action == "raise":
        raise CheckFailed(
            f"pass {planned.name!r} fails its quality checks: {'; '.join(findings)}",
            where=f"pass {planned.name}",
            hint="see quality_checks; action: warn lets it pass",
        )
    return [f"pass {planned.name}: {finding}" for finding in findings]
