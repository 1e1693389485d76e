"""Planning one pass: its queries and steps, the dataset they make together, and where it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from basalt.configuration.models import AnalyticsConfig, PassConfig
from basalt.core.bucketing import TIME_BUCKET, Clock
from basalt.core.catalog import Catalog
from basalt.core.datasets import Dataset, PlannedColumn
from basalt.core.declaring.analytics import Measure
from basalt.core.declaring.modules import Module
from basalt.core.errors import (
    BucketConflict,
    ColumnClash,
    ConflictingSettings,
    InvalidValue,
    MissingColumn,
    nearest,
)
from basalt.core.offers import Scope, Timeline
from basalt.core.planning.drafting import BUCKET_KEYS, LABELS, Draft, resolve
from basalt.core.planning.formulas import formula_columns, plan_formulas
from basalt.core.planning.slots import slots_of
from basalt.core.planning.steps import plan_preprocessing, plan_step
from basalt.core.plans import PassPlan, Query, Step


def plan_pass(config: AnalyticsConfig, index: int, known: Mapping[str, Dataset], days: Sequence[date], shelf: Catalog) -> PassPlan:
    """The pass *index* of *config*, reading what is *known* so far."""
    each = config.passes[index]
    where = f"PASSES[{index}]"
    timeline = timeline_of(each, shelf, where)
    clock = timeline.clock(Clock.of_seconds(each.time_bucket_seconds, each.time_bucket_anchor, each.time_bucket_closed))
    later = tuple(other.name for other in config.passes[index:])
    draft = Draft(each, where, dict(known), shelf, clock, later, {})
    if each.name in known:
        raise ConflictingSettings(f"pass {each.name!r} has the name of a table", where=f"{where}.name", hint="rename the pass")
    if not each.enabled_modules and not each.enabled_preprocessors:
        raise InvalidValue(f"pass {each.name!r} has no modules", where=f"{where}.modules", hint="see: basalt plugins list")
    preprocessing, side_tables = plan_preprocessing(draft)
    queries, series, measures = plan_formulas(draft)
    steps = tuple(plan_step(draft, name) for name in each.enabled_modules if not isinstance(shelf.modules[name], Module))
    scope = _scope(series, steps, preprocessing)
    is_filled = bool(queries) or (any(step.stands for step in steps) and not scope.all_dates)
    if is_filled:
        _note_timeline_tables(draft, timeline)
    elif timeline.added_columns() or timeline.tables():
        raise ConflictingSettings(
            f"timeline_mode {each.timeline_mode!r} adds buckets to formulas, and pass {each.name!r} has none",
            where=f"{where}.timeline_mode",
            hint="set it in the pass whose modules have formulas",
        )
    dataset = _dataset(draft, queries, series, measures, steps, timeline.added_columns() if is_filled else ())
    dataset = replace(dataset, order=_sort_keys(each, dataset, where))
    name = f"{config.datasetname}_{each.name}"
    return PassPlan(
        config=each,
        clock=dataset.clock or clock,
        dataset=dataset,
        queries=queries,
        series=series,
        steps=steps,
        preprocessing=preprocessing,
        side_tables=side_tables,
        scope=scope,
        reads={table: tuple(dict.fromkeys(columns)) for table, columns in draft.reads.items()},
        sort_keys=dataset.order,
        targets=(each.output or config.output_target, *each.extra_outputs),
        slots=slots_of(config, name, each.name, each.batch_freq or config.batch_freq, days, whole=scope.all_dates),
        checks=each.quality_checks or config.quality_checks,
        timeline=timeline,
    )


def timeline_of(config: PassConfig, shelf: Catalog, where: str) -> Timeline:
    """The timeline that the pass selects, configured."""
    offer = shelf.find("timelines", config.timeline_mode, where=f"{where}.timeline_mode")
    made: Timeline = offer.make()
    return made.configured(config.section(offer.config_key) if offer.config_key else None)


def _note_timeline_tables(draft: Draft, timeline: Timeline) -> None:
    for need in timeline.tables():
        dataset = draft.known[resolve(draft, need.table, f"{draft.where}.timeline_mode")]
        for column in need.columns:
            if column not in dataset.schema():
                dataset.column(column, where=f"{draft.where}.timeline_mode")
        draft.reading({dataset.name: need.columns})


def _scope(series: Sequence[Sequence[Measure]], steps: Sequence[Step], preprocessing: Sequence[Step]) -> Scope:
    scope = Scope("universe") if any(measure.analytic.grain == "section" for layer in series for measure in layer) else Scope()
    for step in (*steps, *preprocessing):
        for _, produced in step.produced:
            scope = scope.joined(produced.scope)
    return scope


def _dataset(
    draft: Draft,
    queries: Sequence[Query],
    series: Sequence[Sequence[Measure]],
    measures: Sequence[Measure],
    steps: Sequence[Step],
    added: Sequence[PlannedColumn],
) -> Dataset:
    produced = [made for step in steps for _, made in step.produced]
    keys = BUCKET_KEYS if queries or not produced else produced[0].keys
    for step in steps:
        for _, made in step.produced:
            if made.keys != keys:
                raise ConflictingSettings(
                    f"modules of one pass have different keys: {', '.join(keys)} and {', '.join(made.keys)} ({step.module})",
                    where=f"{draft.where}.modules",
                    hint="put them into passes of their own",
                )
    _refuse_mixed_clocks(draft, queries, steps)
    labels = LABELS if queries else tuple((name, dict(LABELS)[name]) for made in produced[:1] for name in made.labels)
    columns = [*formula_columns(draft, queries, series, measures), *added, *(column for made in produced for column in made.columns)]
    names = [column.name for column in columns]
    for name in names:
        if names.count(name) > 1:
            raise ColumnClash(
                f"two modules make the column {name!r}", where=f"{draft.where}.modules", hint="set metric_prefix in one of them"
            )
    clock = next((made.clock for made in produced if made.clock), None) if not queries else draft.clock
    return Dataset(draft.config.name, tuple(columns), keys, labels, clock or draft.clock)


def _refuse_mixed_clocks(draft: Draft, queries: Sequence[Query], steps: Sequence[Step]) -> None:
    clocks = {"its formulas": draft.clock} if queries else {}
    clocks |= {step.module: made.clock for step in steps for _, made in step.produced if made.clock}
    if len(set(clocks.values())) > 1:
        shown = ", ".join(f"{name} {clock}" for name, clock in clocks.items())
        raise BucketConflict(
            f"the modules of one pass have different buckets: {shown}",
            where=f"{draft.where}.modules",
            hint="put them into passes of their own",
        )


def _sort_keys(config: PassConfig, dataset: Dataset, where: str) -> tuple[str, ...]:
    asked = list(config.sort_keys or dataset.keys)
    if config.sort_keys and TIME_BUCKET in dataset.keys and TIME_BUCKET not in asked:
        asked.append(TIME_BUCKET)
    for name in asked:
        if name not in dataset.schema():
            raise MissingColumn(f"{dataset.name!r} has no column {name!r}", where=f"{where}.sort_keys", hint=nearest(name, dataset.names()))
    rest = [name for name in dataset.keys if name not in asked]
    return (*asked, *rest)
