"""A run: from a config to outputs in their places, or to an error and outputs as they were."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
import uuid
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

from basalt.configuration.models import AnalyticsConfig
from basalt.configuration.reading import read_config
from basalt.core.catalog import Catalog, catalog, using_catalog
from basalt.core.errors import BasaltError, TaskFailed
from basalt.core.isolation import usable_cores
from basalt.core.ledger import Ledger
from basalt.core.offers import Executor, OutputTarget, Receipt, Slot
from basalt.core.pipelines import Pipeline
from basalt.core.plans import PassPlan, Plan, Stage
from basalt.core.preparing import Prepared, prepare, store_listings
from basalt.core.reports import PassReport, RunReport
from basalt.core.tasking import tasks_of
from basalt.core.tasks import INTERRUPTED, OUT_OF_MEMORY, TRANSIENT, PartFile, Task, TaskReport
from basalt.core.universes import GetUniverse
from basalt.core.working import RunContext, seal, work

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many of its tasks are done, and how many there are."""

# Settings that say where and how a run is done, not what its result is.
_PLACE = {
    "start_date",
    "end_date",
    "lake",
    "temp_dir",
    "num_workers",
    "memory_per_worker",
    "max_retries",
    "s3_storage_options",
    "skip_existing_output",
    "output_target",
}


@dataclass
class _Run:
    """What a run knows while it goes on."""

    run_id: str
    prepared: Prepared
    ledger: Ledger
    work_dir: Path
    pipeline: Path | None
    executor: Executor
    progress: Progress
    resume: bool
    config_hash: str
    shelf: Catalog
    threads: int
    universes: dict[date, Path] = field(default_factory=dict)
    parts: dict[str, tuple[PartFile, ...]] = field(default_factory=dict)
    reports: list[PassReport] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    tasks: int = 0
    reused: int = 0
    peak_bytes: int = 0

    @property
    def plan(self) -> Plan:
        return self.prepared.plan


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
    with using_catalog(shelf):
        return _run(settings, pipeline, get_universe, resume, executor, progress or _silent, ledger or Ledger(), shelf)


def _silent(what: str, done: int, total: int) -> None:
    """No progress is shown."""


def _run(
    config: AnalyticsConfig,
    pipeline: Pipeline | None,
    get_universe: GetUniverse | None,
    resume: bool,
    executor: str,
    progress: Progress,
    ledger: Ledger,
    shelf: Catalog,
) -> RunReport:
    started = time.perf_counter()
    shelf.require_sound()
    workers = usable_cores() if config.num_workers <= 0 else config.num_workers
    runner = shelf.find("executors", executor, where="--executor").make().configured(workers, _preloads(shelf))
    run_id = f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:6]}"
    work_dir = (Path(config.temp_dir) if config.temp_dir else ledger.root / "work") / run_id
    universe = get_universe or (pipeline.get_universe if pipeline else None)
    prepared = prepare(config, universe, shelf, ledger, progress)
    state = _Run(
        run_id,
        prepared,
        ledger,
        work_dir,
        pipeline.path if pipeline and pipeline.offers else None,
        runner,
        progress,
        resume,
        config_hash(config),
        shelf,
        max(1, usable_cores() // workers),
        notices=list(prepared.notices),
    )
    if config.skip_existing_output and (reports := _all_in_place(state)):
        return RunReport(
            run_id,
            "done",
            reports,
            time.perf_counter() - started,
            0,
            0,
            0,
            ("every output is in place already: nothing was run",),
            state.config_hash,
        )
    leftovers = ledger.leftovers(state.config_hash, prepared.plan.days)
    ledger.start_run(
        run_id,
        config_hash=state.config_hash,
        pipeline=str(pipeline.path) if pipeline and pipeline.path else "",
        days=prepared.plan.days,
        config=config.model_dump(mode="json"),
        work_dir=work_dir,
        versions=versions(),
    )
    outcome, message = "failed", ""
    try:
        work_dir.mkdir(parents=True, exist_ok=True)
        state.universes = store_listings(prepared.frames, work_dir)
        _observe(shelf, "basalt_run_started", run_id=run_id, plan=prepared.plan)
        for stage in prepared.plan.stages:
            _run_stage(state, stage)
        outcome = "done"
    except KeyboardInterrupt:
        outcome, message = "interrupted", "interrupted by the user"
        raise
    except BasaltError as problem:
        message = str(problem)
        raise
    finally:
        report = _report(state, outcome, time.perf_counter() - started)
        ledger.end_run(
            run_id,
            outcome,
            tasks=state.tasks,
            reused=state.reused,
            rows=sum(each.rows for each in report.passes),
            peak_bytes=state.peak_bytes,
            seconds=report.seconds,
            message=message,
        )
        _observe(shelf, "basalt_run_finished", run_id=run_id, report=report)
        if outcome == "done":
            _clean([work_dir, *leftovers])
    return report


def _report(state: _Run, outcome: str, seconds: float) -> RunReport:
    return RunReport(
        state.run_id,
        outcome,
        tuple(state.reports),
        seconds,
        state.peak_bytes,
        state.tasks,
        state.reused,
        tuple(dict.fromkeys(state.notices)),
        state.config_hash,
    )


def _preloads(shelf: Catalog) -> tuple[str, ...]:
    """Modules that workers of this run will need: where its formulas and table modules live."""
    homes = {type(module).__module__ for module in shelf.modules.values()}
    homes |= {each.function.__module__ for module in shelf.modules.values() for each in getattr(module, "analytics", ())}
    return tuple(sorted(home for home in homes if home.startswith("basalt.")))


# ---------------------------------------------------------------- stages


def _run_stage(state: _Run, stage: Stage) -> None:
    context = state.work_dir / f"stage-{stage.index}.context"
    seal(_context(state), context)
    tasks = tasks_of(stage, state.prepared, context, state.config_hash, tuple(state.keys))
    state.keys += [task.key for task in tasks]
    state.tasks += len(tasks)
    done: dict[str, tuple[PartFile, ...]] = {}
    if state.resume:
        done = {task.key: parts for task in tasks if (parts := state.ledger.finished(task)) is not None}
        state.reused += len(done)
    what = f"stage {stage.index + 1} of {len(state.plan.stages)}: {', '.join(each.name for each in stage.passes)}"
    waiting = [task for task in tasks if task.key not in done]
    state.progress(what, len(done), len(tasks))
    while waiting:
        again: list[Task] = []
        for report in state.executor.run(work, waiting):
            state.ledger.record(state.run_id, report)
            _observe(state.shelf, "basalt_task_finished", run_id=state.run_id, report=report)
            state.peak_bytes = max(state.peak_bytes, report.peak_bytes)
            if report.is_done:
                state.notices += report.notices
                done[report.task.key] = report.parts
                state.progress(what, len(done), max(len(tasks), len(done)))
            else:
                again += _tried_again(state, report)
        waiting = again
    for parts in done.values():
        for part in parts:
            state.parts[part.dataset] = (*state.parts.get(part.dataset, ()), part)
    for planned in stage.passes:
        _commit(state, planned)


def _context(state: _Run) -> RunContext:
    prepared = state.prepared
    return RunContext(
        prepared.plan,
        state.run_id,
        prepared.inputs,
        dict(state.parts),
        state.universes,
        state.work_dir,
        state.pipeline,
        {each.name: _metadata(state, each) for each in prepared.plan.passes},
        state.threads,
    )


def _tried_again(state: _Run, report: TaskReport) -> list[Task]:
    """The tasks that take the place of a failed one; none are left to try: an error."""
    task, config = report.task, state.plan.config
    failure = report.failure
    if report.exit_code == OUT_OF_MEMORY and (halves := _halved(state, task)):
        state.notices.append(f"{task}: the worker ran out of memory; its listings were split in two")
        return halves
    if report.exit_code in (TRANSIENT, INTERRUPTED, OUT_OF_MEMORY) and task.attempt <= config.max_retries:
        return [replace(task, attempt=task.attempt + 1)]
    what = failure.what if failure else f"the worker ended with exit code {report.exit_code}"
    where = f"{task}" + (f", {failure.where}" if failure and failure.where else "")
    raise _error_of(report, what, where)


def _error_of(report: TaskReport, what: str, where: str) -> BasaltError:
    from basalt.core import errors

    failure = report.failure
    kind = getattr(errors, failure.kind, None) if failure else None
    if isinstance(kind, type) and issubclass(kind, BasaltError):
        return kind(what, where=where, hint=failure.hint if failure else None)
    name = f"{failure.kind}: " if failure else ""
    hint = (failure.hint if failure else None) or "see: basalt runs show"
    problem = TaskFailed(f"{name}{what}", where=where, hint=hint)
    if failure and failure.trace:
        problem.add_note(failure.trace)
    return problem


def _halved(state: _Run, task: Task) -> list[Task]:
    listings = task.listings or tuple(state.prepared.listings(task.days[0])["ListingId"].to_list())
    if len(listings) < 2 or state.plan.stages[task.stage].scope.entities != "listing":
        return []
    middle = len(listings) // 2
    return [
        replace(task, key=hashlib.sha256(f"{task.key}{index}".encode()).hexdigest()[:24], listings=half, attempt=1)
        for index, half in enumerate((listings[:middle], listings[middle:]))
    ]


# ---------------------------------------------------------------- outputs


def _outputs(state: _Run, planned: PassPlan) -> list[tuple[str, Slot, tuple[str, ...], tuple[str, ...]]]:
    """Dataset, slot, columns and sort keys of everything that a pass writes."""
    config = state.plan.config
    hidden = [column.name for column in planned.dataset.columns if column.hidden] if config.support_columns else []
    visible = [name for name in planned.dataset.names() if name not in {column.name for column in planned.dataset.columns if column.hidden}]
    found: list[tuple[str, Slot, tuple[str, ...], tuple[str, ...]]] = []
    if planned.queries or planned.steps:
        found += [(planned.name, slot, (*visible, *hidden), planned.sort_keys) for slot in planned.slots]
    for table in planned.side_tables:
        if table.is_written:
            found += [
                (table.key, replace(slot, dataset=f"{slot.dataset}_{table.name}"), table.dataset.names(), table.dataset.keys)
                for slot in planned.slots
            ]
    return found


def _commit(state: _Run, planned: PassPlan) -> None:
    receipts: list[Receipt] = []
    for dataset, slot, columns, sort_keys in _outputs(state, planned):
        parts = [part.path for part in state.parts.get(dataset, ()) if slot.start <= part.first_day and part.last_day <= slot.end]
        if not parts:
            state.notices.append(f"{slot.dataset}: no data from {slot.start} to {slot.end}, nothing was written")
            continue
        for each in planned.targets:
            target: OutputTarget = state.shelf.find("output_targets", each.type).make()
            receipt = target.commit(each.options, slot, sorted(parts), columns, sort_keys, _metadata(state, planned))
            state.ledger.record_receipt(state.run_id, receipt, _fingerprint(state, slot))
            receipts.append(receipt)
    report = PassReport(planned.name, tuple(receipts))
    state.reports.append(report)
    _observe(state.shelf, "basalt_pass_finished", run_id=state.run_id, report=report)


def _fingerprint(state: _Run, slot: Slot) -> str:
    days = [day for day in state.plan.days if slot.start <= day <= slot.end]
    return hashlib.sha256(f"{state.config_hash} {state.prepared.fingerprint(days)}".encode()).hexdigest()


def _all_in_place(state: _Run) -> tuple[PassReport, ...]:
    """Reports of outputs that an earlier run wrote with the same config and inputs; empty unless all are."""
    reports = []
    for planned in state.plan.passes:
        receipts = []
        for _, slot, _, _ in _outputs(state, planned):
            for each in planned.targets:
                location = state.shelf.find("output_targets", each.type).make().location(each.options, slot)
                last = state.ledger.last_receipt(location)
                if (
                    last is None
                    or last["fingerprint"] != _fingerprint(state, slot)
                    or not Path(location).is_file()
                    or Path(location).stat().st_size != last["bytes"]
                ):
                    return ()
                receipts.append(Receipt(slot, location, last["rows"], last["bytes"]))
        reports.append(PassReport(planned.name, tuple(receipts)))
    return tuple(reports)


def _metadata(state: _Run, planned: PassPlan) -> dict[str, str]:
    """What every written file carries: who made it, and what its columns are."""
    clock = planned.clock
    columns = [
        {
            "name": column.name,
            "unit": column.unit,
            "doc": column.doc.split("\n\n")[0],
            "rollup": column.rollup.name if column.rollup else None,
            "forward": column.forward,
            "empty": column.empty,
        }
        for column in planned.written
    ]
    said = {
        "run_id": state.run_id,
        "config_hash": state.config_hash,
        "pass": planned.name,
        "versions": versions(),
        "clock": {"width_nanos": clock.width_nanos, "anchor": clock.anchor, "closed": clock.closed},
        "columns": columns,
    }
    return {"basalt": json.dumps(said)}


def config_hash(config: AnalyticsConfig) -> str:
    """Identifies what a config computes, whatever the place and the dates."""
    values = {key: value for key, value in config.model_dump(mode="json").items() if key not in _PLACE}
    text = json.dumps({"config": values, "versions": versions()}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def versions() -> dict[str, str]:
    """Installed distributions of Basalt and of the engine, with their versions."""
    names = sorted(
        {each.name for each in metadata.distributions() if each.name and (each.name.startswith("bmll-basalt") or each.name == "polars")}
    )
    return {name: metadata.version(name) for name in names}


# ---------------------------------------------------------------- around a run


def _clean(folders: Sequence[Path]) -> None:
    for path in folders:
        shutil.rmtree(path, ignore_errors=True)


def _observe(shelf: Catalog, hook: str, **values: Any) -> None:
    """Tell observers; one that fails is reported and changes nothing."""
    for implementation in getattr(shelf.hook, hook).get_hookimpls():
        try:
            implementation.function(**{name: values[name] for name in implementation.argnames})
        except Exception as problem:  # noqa: BLE001 - the observers' border: what they raise is theirs
            warnings.warn(
                f"{hook} of {implementation.plugin_name} raised {type(problem).__name__}: {problem}", RuntimeWarning, stacklevel=2
            )
