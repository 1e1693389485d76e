"""A run: from a config to outputs in their places, or to an error and outputs as they were."""

from __future__ import annotations

import hashlib
import shutil
import time
import uuid
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from basalt.configuration.models import AnalyticsConfig
from basalt.configuration.reading import read_config
from basalt.core.catalog import Catalog, catalog, using_catalog
from basalt.core.delivering import Delivery, config_hash, versions
from basalt.core.errors import BasaltError, PluginError, TaskFailed
from basalt.core.guarding import foreign, told
from basalt.core.holding import KERNELS
from basalt.core.isolation import start_server, usable_cores
from basalt.core.ledger import Ledger
from basalt.core.offers import Executor
from basalt.core.pipelines import Pipeline
from basalt.core.planning.slots import run_days
from basalt.core.plans import Plan, Stage
from basalt.core.preparing import prepare, store_listings
from basalt.core.reports import PassReport, RunReport
from basalt.core.tasking import listings_of, tasks_of
from basalt.core.tasks import INTERRUPTED, OUT_OF_MEMORY, TRANSIENT, PartFile, Task, TaskReport
from basalt.core.universes import GetUniverse
from basalt.core.working import RunContext, seal, work

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many of its tasks are done, and how many there are."""


@dataclass(frozen=True)
class Job:
    """A run that can start: everything about it that does not change.

    Attributes:
        delivery: Its outputs; with them the plan, the ledger and the catalog.
        work_dir: Folder of its parts.
        pipeline: Pipeline file, if the config came from one.
        offers: The pipeline file is a plugin that workers must load.
        executor: What runs its tasks.
        progress: Told how it goes.
        resume: It may use what an earlier run left.
    """

    delivery: Delivery
    work_dir: Path
    pipeline: Path | None
    offers: bool
    executor: Executor
    progress: Progress
    resume: bool

    @property
    def plan(self) -> Plan:
        """The plan."""
        return self.delivery.prepared.plan


@dataclass
class Tally:
    """What has been done so far."""

    notices: list[str]
    universes: dict[date, Path] = field(default_factory=dict)
    parts: dict[str, tuple[PartFile, ...]] = field(default_factory=dict)
    reports: list[PassReport] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    tasks: int = 0
    reused: int = 0
    peak_bytes: int = 0


def run(
    config: AnalyticsConfig | Mapping[str, Any] | Pipeline,
    *,
    get_universe: GetUniverse | None = None,
    resume: bool = False,
    executor: str = "direct",
    progress: Progress | None = None,
    ledger: Ledger | None = None,
) -> RunReport:
    """Run a pipeline.

    Args:
        config: A config, the mapping a user writes, or a loaded pipeline.
        get_universe: Listings of a day: a function from the ISO date to a frame with `ListingId`
            and `MIC`; instead of the config's `UNIVERSE`.
        resume: Use what an earlier, unfinished run of the same config on the same inputs has done.
        executor: Name of the executor.
        progress: Told how the run goes.
        ledger: Where it is written down; the one of the state directory if None.

    Returns:
        What was written, where, how many rows; time and peak memory.

    Raises:
        BasaltError: Anything that stopped the run. Outputs are then as before, or whole.
    """
    pipeline = config if isinstance(config, Pipeline) else None
    settings = pipeline.config if pipeline else read_config(config)  # type: ignore[arg-type]
    shelf = pipeline.shelf if pipeline else catalog()
    universe = get_universe or (pipeline.get_universe if pipeline else None)
    started = time.perf_counter()
    with using_catalog(shelf):
        shelf.require_sound()
        job, tally = _job(settings, pipeline, universe, executor, ledger or Ledger(), shelf, progress or _silent, resume=resume)
        if settings.skip_existing_output and (reports := job.delivery.in_place()):
            tally.reports += reports
            tally.notices.append("every output is in place already: nothing was run")
            return _report(job, tally, "done", time.perf_counter() - started)
        return _carry_out(job, tally, started)


def _silent(what: str, done: int, total: int) -> None:
    """No progress is shown."""


def _job(
    config: AnalyticsConfig,
    pipeline: Pipeline | None,
    universe: GetUniverse | None,
    executor: str,
    ledger: Ledger,
    shelf: Catalog,
    progress: Progress,
    *,
    resume: bool,
) -> tuple[Job, Tally]:
    workers = usable_cores() if config.num_workers <= 0 else config.num_workers
    preloads = _preloads(config, shelf)
    runner = shelf.find("executors", executor, where="--executor").make().configured(workers, preloads)
    start_server(preloads, threads=max(1, usable_cores() // min(workers, _tasks_at_least(config))))
    run_id = f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:6]}"
    work_dir = (Path(config.temp_dir) if config.temp_dir else ledger.root / "work") / run_id
    prepared = prepare(config, universe, shelf, ledger, progress)
    made_by = versions(shelf)
    path, offers = (pipeline.path, pipeline.offers) if pipeline else (None, False)
    delivery = Delivery(run_id, prepared, ledger, shelf, config_hash(config, made_by, path if offers else None), made_by)
    job = Job(delivery, work_dir, path, offers, runner, progress, resume)
    return job, Tally(list(prepared.notices))


def _tasks_at_least(config: AnalyticsConfig) -> int:
    """Tasks that a run has at the least, as far as its config tells: one a day, more where batches are asked for."""
    if config.listings_per_batch is not None or config.max_rows_per_table:
        return usable_cores()
    return len(run_days(config))


def _carry_out(job: Job, tally: Tally, started: float) -> RunReport:
    delivery, ledger = job.delivery, job.delivery.ledger
    leftovers = ledger.leftovers(delivery.config_hash, job.plan.days)
    ledger.start_run(
        delivery.run_id,
        config_hash=delivery.config_hash,
        pipeline=str(job.pipeline or ""),
        days=job.plan.days,
        config=job.plan.config.model_dump(mode="json"),
        work_dir=job.work_dir,
        versions=delivery.versions,
    )
    outcome, message = "failed", ""
    try:
        job.work_dir.mkdir(parents=True, exist_ok=True)
        tally.universes = store_listings(delivery.prepared.frames, job.work_dir)
        _observe(job, "basalt_run_started", plan=job.plan)
        for stage in job.plan.stages:
            _run_stage(job, tally, stage)
        outcome = "done"
    except KeyboardInterrupt:
        outcome, message = "interrupted", "interrupted by the user"
        raise
    except BasaltError as problem:
        message = str(problem)
        raise
    finally:
        report = _report(job, tally, outcome, time.perf_counter() - started)
        ledger.end_run(report, message=message)
        _observe(job, "basalt_run_finished", report=report)
    for folder in (job.work_dir, *leftovers):
        shutil.rmtree(folder, ignore_errors=True)
    return report


def _report(job: Job, tally: Tally, outcome: str, seconds: float) -> RunReport:
    return RunReport(
        run_id=job.delivery.run_id,
        outcome=outcome,
        passes=tuple(tally.reports),
        seconds=seconds,
        peak_bytes=tally.peak_bytes,
        tasks=tally.tasks,
        reused=tally.reused,
        notices=tuple(dict.fromkeys(tally.notices)),
        config_hash=job.delivery.config_hash,
    )


def _preloads(config: AnalyticsConfig, shelf: Catalog) -> tuple[str, ...]:
    """Modules that workers of this run will need: where its formulas, table modules, tables, sources and timelines live."""
    homes = {type(module).__module__ for module in shelf.modules.values()}
    homes |= {each.function.__module__ for module in shelf.modules.values() for each in getattr(module, "analytics", ())}
    homes |= {build.__module__ for table in shelf.tables.values() for each in table.derived for _, build in each.needs}
    sources = [shelf.sources[name] for name in config.data_source_path if name in shelf.sources]
    homes |= {offer.target.partition(":")[0] for offer in (*sources, *shelf.timelines.values())}
    homes |= set(_kernels(config, shelf))
    return tuple(sorted(home for home in homes if home.startswith("basalt.")))


def _kernels(config: AnalyticsConfig, shelf: Catalog) -> tuple[str, ...]:
    """Compiled loops that passes over states run; others must not wait until they are loaded."""
    names = {name for each in config.passes for name in each.enabled_modules}
    analytics = [each for name in names for each in getattr(shelf.modules.get(name), "analytics", ())]
    return KERNELS if any(getattr(each, "grain", "") == "state" for each in analytics) else ()


# ---------------------------------------------------------------- stages


def _run_stage(job: Job, tally: Tally, stage: Stage) -> None:
    context = job.work_dir / f"stage-{stage.index}.context"
    seal(_context(job, tally), context)
    tasks = tasks_of(stage, job.delivery.prepared, context, job.delivery.config_hash, tuple(tally.keys))
    tally.keys += [task.key for task in tasks]
    tally.tasks += len(tasks)
    done = _earlier(job, tasks) if job.resume else {}
    tally.reused += len(done)
    what = f"stage {stage.index + 1} of {len(job.plan.stages)}: {', '.join(each.name for each in stage.passes)}"
    job.progress(what, len(done), len(tasks))
    waiting = [task for task in tasks if task not in done]
    while waiting:
        again: list[Task] = []
        for report in job.executor.run(work, waiting):
            again += _take(job, tally, report, done)
            job.progress(what, len(done), max(len(tasks), len(done)))
        waiting = again
    for part in (part for task in sorted(done, key=_order) for part in done[task]):
        tally.parts[part.dataset] = (*tally.parts.get(part.dataset, ()), part)
    for planned in stage.passes:
        written, notices = job.delivery.commit(planned, tally.parts)
        tally.reports.append(written)
        tally.notices += notices
        _observe(job, "basalt_pass_finished", report=written)


def _order(task: Task) -> tuple[tuple[date, ...], tuple[int, ...]]:
    """Where the parts of *task* stand among those of its stage, whichever of them ended first."""
    return task.days, task.listings or ()


def _earlier(job: Job, tasks: list[Task]) -> dict[Task, tuple[PartFile, ...]]:
    """Parts of those *tasks* that an earlier run finished."""
    found = {task: job.delivery.ledger.finished(task) for task in tasks}
    return {task: parts for task, parts in found.items() if parts is not None}


def _take(job: Job, tally: Tally, report: TaskReport, done: dict[Task, tuple[PartFile, ...]]) -> list[Task]:
    """Note how a task ended; returns the tasks to run in its place."""
    job.delivery.ledger.record(job.delivery.run_id, report)
    _observe(job, "basalt_task_finished", report=report)
    tally.peak_bytes = max(tally.peak_bytes, report.peak_bytes)
    if not report.is_done:
        return _tried_again(job, tally, report)
    tally.notices += report.notices
    done[report.task] = report.parts
    return []


def _context(job: Job, tally: Tally) -> RunContext:
    prepared = job.delivery.prepared
    return RunContext(
        plan=job.plan,
        run_id=job.delivery.run_id,
        inputs=prepared.inputs,
        parts=dict(tally.parts),
        universes=tally.universes,
        work_dir=job.work_dir,
        pipeline=job.pipeline if job.offers else None,
        metadata={each.name: job.delivery.metadata(each) for each in job.plan.passes},
        is_open=prepared.is_open,
    )


def _tried_again(job: Job, tally: Tally, report: TaskReport) -> list[Task]:
    """The tasks that take the place of a failed one.

    Raises:
        BasaltError: There is nothing left to try.
    """
    task = report.task
    if report.exit_code == OUT_OF_MEMORY and (halves := _halved(job, task)):
        tally.notices.append(f"{task}: the worker ran out of memory; its listings were split in two")
        return halves
    if report.exit_code in (TRANSIENT, INTERRUPTED, OUT_OF_MEMORY) and task.attempt <= job.plan.config.max_retries:
        return [replace(task, attempt=task.attempt + 1)]
    raise _error_of(report)


def _error_of(report: TaskReport) -> BasaltError:
    from basalt.core import errors

    failure = report.failure
    if failure is None:
        return TaskFailed(f"the worker ended with exit code {report.exit_code}", where=str(report.task), hint="see: basalt runs show")
    where = f"{report.task}, {failure.where}" if failure.where else str(report.task)
    kind = getattr(errors, failure.kind, None)
    if isinstance(kind, type) and issubclass(kind, BasaltError):
        return kind(failure.what, where=where, hint=failure.hint)
    problem = TaskFailed(f"{failure.kind}: {failure.what}", where=where, hint=failure.hint or "see: basalt runs show")
    if failure.trace:
        problem.add_note(failure.trace)
    return problem


def _halved(job: Job, task: Task) -> list[Task]:
    if job.plan.stages[task.stage].scope.entities != "listing":
        return []
    listings = task.listings or listings_of(job.delivery.prepared, task.days)
    if len(listings) < 2:
        return []
    middle = len(listings) // 2
    halves = (listings[:middle], listings[middle:])
    keys = [hashlib.sha256(f"{task.key}{index}".encode()).hexdigest()[:24] for index in (0, 1)]
    return [replace(task, key=key, listings=half, attempt=1) for key, half in zip(keys, halves, strict=True)]


# ---------------------------------------------------------------- observers


def _observe(job: Job, hook: str, **values: Any) -> None:
    """Tell observers; one that fails is reported and changes nothing."""
    values["run_id"] = job.delivery.run_id
    for implementation in getattr(job.delivery.shelf.hook, hook).get_hookimpls():
        try:
            with foreign(lambda problem: PluginError(told(problem))):
                implementation.function(**{name: values[name] for name in implementation.argnames})
        except BasaltError as problem:
            warnings.warn(f"{hook} of {implementation.plugin_name} raised {problem.what}", RuntimeWarning, stacklevel=2)
