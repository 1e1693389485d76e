"""Planning one pass: modules into queries and steps, their columns, and where they go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from basalt.configuration.models import AnalyticsConfig, PassConfig
from basalt.core.bucketing import DATE, NANOS_PER_SECOND, TIME_BUCKET, Clock
from basalt.core.catalog import Catalog
from basalt.core.datasets import Dataset, PlannedColumn, key_dtype
from basalt.core.declaring.analytics import Measure, part_column
from basalt.core.declaring.modules import Module
from basalt.core.declaring.values import Composite
from basalt.core.errors import (
    BucketConflict,
    ColumnClash,
    ConflictingSettings,
    CyclicInputs,
    InvalidValue,
    MissingColumn,
    MissingTable,
    PlanError,
    SchemaMismatch,
    nearest,
)
from basalt.core.first_party import wheel_of
from basalt.core.fusing import add_series, fuse, join_on_keys, root_names
from basalt.core.offers import Input, Produced, Scope, Timeline
from basalt.core.planning.needs import plan_query, table_of
from basalt.core.planning.refusing import refuse_clashes, refuse_ignored_prefix, refuse_misfit_filters, refuse_unreduced
from basalt.core.planning.slots import slots_of
from basalt.core.plans import PassPlan, Query, SideTable, Step

BUCKET_KEYS = ("ListingId", DATE, TIME_BUCKET)
LABELS: tuple[tuple[str, pl.DataType], ...] = (
    ("MIC", pl.String()),
    ("Ticker", pl.String()),
    ("CurrencyCode", pl.String()),
    ("InstrumentId", pl.Int64()),
)


@dataclass
class Draft:
    """A pass while it is being planned."""

    config: PassConfig
    where: str
    known: dict[str, Dataset]
    shelf: Catalog
    clock: Clock
    later: tuple[str, ...]
    reads: dict[str, list[str]]

    def reading(self, scans: Mapping[str, Iterable[str]]) -> None:
        for name, columns in scans.items():
            self.reads.setdefault(name, []).extend(columns)


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
    preprocessing, side_tables = _plan_preprocessing(draft)
    queries, series, measures = _plan_queries(draft)
    steps = tuple(_plan_step(draft, name) for name in each.enabled_modules if not isinstance(shelf.modules[name], Module))
    if queries:
        _note_timeline_tables(draft, timeline)
    elif timeline.added_columns() or timeline.tables():
        raise ConflictingSettings(
            f"timeline_mode {each.timeline_mode!r} adds buckets to formulas, and pass {each.name!r} has none",
            where=f"{where}.timeline_mode",
            hint="set it in the pass whose modules have formulas",
        )
    dataset = _dataset(draft, queries, series, measures, steps, timeline.added_columns() if queries else ())
    dataset = replace(dataset, order=_sort_keys(each, dataset, where))
    scope = _scope(series, steps, preprocessing)
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
        dataset = draft.known[_resolve(draft, need.table, f"{draft.where}.timeline_mode")]
        for column in need.columns:
            if column not in dataset.schema():
                dataset.column(column, where=f"{draft.where}.timeline_mode")
        draft.reading({dataset.name: need.columns})


# ---------------------------------------------------------------- inputs


def _remapped(draft: Draft, module: str, inputs: Sequence[Input]) -> dict[str, str]:
    """Input name to dataset name, after the pass's `module_inputs`."""
    where = f"{draft.where}.module_inputs.{module}"
    mapping = draft.config.module_inputs.get(module, {})
    if isinstance(mapping, str):
        if len(inputs) != 1:
            raise InvalidValue(
                f"{module!r} reads {len(inputs)} tables", where=where, hint=f"say which: {{{', '.join(each.name for each in inputs)}: …}}"
            )
        mapping = {inputs[0].name: mapping}
    for name in mapping:
        if name not in {each.name for each in inputs}:
            raise InvalidValue(f"{module!r} has no input {name!r}", where=where, hint=nearest(name, (each.name for each in inputs)))
    return {
        each.name: _resolve(draft, mapping.get(each.name, each.table), where if each.name in mapping else f"{draft.where}.{module}")
        for each in inputs
    }


def _resolve(draft: Draft, name: str, where: str) -> str:
    """The dataset called *name*: exactly, or the only side table whose key ends with `:name`."""
    if name in draft.known:
        return name
    ending = [key for key in draft.known if key.endswith(f":{name}")]
    if len(ending) == 1:
        return ending[0]
    if len(ending) > 1:
        raise InvalidValue(f"{name!r} is ambiguous", where=where, hint=f"write one of {', '.join(ending)}")
    if name in draft.later:
        raise CyclicInputs(
            f"pass {draft.config.name!r} reads {name!r}, which does not come before it",
            where=where,
            hint="move the pass that is read to the front",
        )
    wheel = wheel_of("tables", name)
    hint = f"it comes with {wheel}: pip install {wheel}" if wheel else nearest(name, draft.known)
    raise MissingTable(f"no table, earlier pass or side table is called {name!r}", where=where, hint=hint)


# ---------------------------------------------------------------- modules of formulas


def _plan_queries(draft: Draft) -> tuple[tuple[Query, ...], tuple[tuple[Measure, ...], ...], tuple[Measure, ...]]:
    by_table: dict[tuple[str, str, bool], list[Measure]] = {}
    along: list[Measure] = []
    everything: list[Measure] = []
    for name in draft.config.enabled_modules:
        module = draft.shelf.modules[name]
        if not isinstance(module, Module):
            continue
        measures = module.measures(draft.config.section(module.config_key), where=f"{draft.where}.{module.config_key}")
        tables = _module_tables(draft, module, measures)
        for measure in measures:
            everything.append(measure)
            if measure.analytic.grain in ("series", "section"):
                along.append(measure)
            else:
                contract = table_of(measure, module)
                by_table.setdefault((tables[contract], contract, measure.analytic.grain == "state"), []).append(measure)
    refuse_unmade(draft, everything)
    refuse_clashes(everything, (*BUCKET_KEYS, *dict(LABELS)), draft.where)
    _refuse_two_states([table for table, _, is_state in by_table if is_state], draft.where)
    queries = []
    for (table, contract, _), measures_of_table in by_table.items():
        refuse_misfit_filters(measures_of_table, draft.known[table].schema())
        query, scans = plan_query(
            table, draft.shelf.find("tables", contract, where=draft.where), measures_of_table, draft.known, draft.shelf
        )
        draft.reading(scans)
        queries.append(query)
    return (
        tuple(queries),
        _layered(along, {measure.column for measure in everything} - {measure.column for measure in along}),
        tuple(everything),
    )


def refuse_unmade(draft: Draft, made: Sequence[Measure]) -> None:
    """Refuse columns that a section asks for and that only a module makes which the pass does not name.

    Raises:
        InvalidValue: With the column and the modules that share the section.
    """
    columns = {measure.column for measure in made}
    for name in draft.config.enabled_modules:
        module = draft.shelf.modules[name]
        if not isinstance(module, Module) or module.makes is None:
            continue
        where = f"{draft.where}.{module.config_key}"
        asked = module.asked(draft.config.section(module.config_key), where=where)
        if asked and not any(measure.module == name and measure in asked for measure in made):
            raise InvalidValue(
                f"nothing in {module.config_key} is for {name!r}", where=where, hint=f"ask for more there, or take {name!r} out of modules"
            )
        for measure in asked:
            if measure.column not in columns:
                sharing = [
                    other.name for other in draft.shelf.modules.values() if other.config_key == module.config_key and other is not module
                ]
                raise InvalidValue(
                    f"no module of the pass makes {measure.column!r}",
                    where=measure.origin,
                    hint=f"add {' or '.join(repr(each) for each in sharing)} to modules, or ask for another aggregation",
                )


def _refuse_two_states(tables: Sequence[str], where: str) -> None:
    if len(tables) > 1:
        raise ConflictingSettings(
            f"states of {' and '.join(tables)} are asked of one pass", where=f"{where}.modules", hint="put them into passes of their own"
        )


def _module_tables(draft: Draft, module: Module, measures: Sequence[Measure]) -> dict[str, str]:
    contracts = dict.fromkeys(table_of(measure, module) for measure in measures if measure.analytic.grain in ("row", "bucket", "state"))
    return _remapped(draft, module.name, [Input(table, table) for table in contracts])


def _layered(measures: Sequence[Measure], ready: set[str]) -> tuple[tuple[Measure, ...], ...]:
    """Measures on aggregated rows, in the order they need each other."""
    layers: list[tuple[Measure, ...]] = []
    waiting = list(measures)
    done = ready | set(BUCKET_KEYS) | {name for name, _ in LABELS}
    while waiting:
        layer = tuple(measure for measure in waiting if root_names(measure) <= done)
        if not layer:
            first = waiting[0]
            lacking = sorted(root_names(first) - done)
            raise PlanError(
                f"{first.column!r} needs {', '.join(lacking)}",
                where=first.origin,
                hint="ask for these columns in the same pass; or they need each other",
            )
        layers.append(layer)
        done |= {measure.column for measure in layer}
        waiting = [measure for measure in waiting if measure not in layer]
    return tuple(layers)


# ---------------------------------------------------------------- table modules


def _plan_step(draft: Draft, name: str) -> Step:
    module: Any = draft.shelf.modules[name]
    config = draft.config.section(module.config_key)
    inputs = _remapped(draft, name, module.inputs(config))
    planned = {slot: draft.known[table] for slot, table in inputs.items()}
    produced = module.plan(config, planned, draft.clock, where=f"{draft.where}.{module.config_key}")
    _refuse_bucket_conflict(draft, name, planned.values(), produced)
    refuse_ignored_prefix(name, getattr(config, "metric_prefix", None), produced, where=f"{draft.where}.{module.config_key}")
    _note_reads(draft, module.inputs(config), inputs, produced)
    return Step(name, False, config, tuple(inputs.items()), (("", produced),))


def _refuse_bucket_conflict(draft: Draft, module: str, inputs: Iterable[Dataset], produced: Produced) -> None:
    """What the user's pass says about buckets must hold for the rows that the module makes."""
    clock = produced.clock
    if clock is None:
        return
    asked = draft.config.model_fields_set
    where = f"{draft.where}.time_bucket"
    if (draft.clock.is_daily or draft.clock.is_event) and draft.clock.width_nanos != clock.width_nanos:
        raise BucketConflict(
            f"timeline_mode {draft.config.timeline_mode!r} asks for {draft.clock}, {module!r} makes {clock}",
            where=f"{draft.where}.timeline_mode",
            hint="leave timeline_mode out, or resample to its buckets",
        )
    for edge in ("anchor", "closed"):
        ours, theirs = getattr(draft.config, f"time_bucket_{edge}"), getattr(clock, edge)
        if f"time_bucket_{edge}" in asked and clock.width_nanos > 0 and ours != theirs:
            raise BucketConflict(
                f"the pass says {edge}={ours}, its input has buckets with {edge}={theirs}",
                where=f"{where}_{edge}",
                hint=f"leave it out, or set it in the pass that makes {' and '.join(repr(each.name) for each in inputs if each.clock)}",
            )
    fitting = {clock.nanos, *(each.clock.nanos for each in inputs if each.clock)}
    if "time_bucket_seconds" in asked and not clock.is_event and round(draft.config.time_bucket_seconds * NANOS_PER_SECOND) not in fitting:
        raise BucketConflict(
            f"the pass says {draft.config.time_bucket_seconds:g} s, {module!r} makes {clock}",
            where=f"{where}_seconds",
            hint="leave it out, or resample to that length",
        )


def _note_reads(draft: Draft, wanted: Sequence[Input], inputs: Mapping[str, str], produced: Produced) -> None:
    for each in wanted:
        dataset = draft.known[inputs[each.name]]
        visible = [*dataset.keys, *(label for label, _ in dataset.labels), *(column.name for column in dataset.visible)]
        columns = produced.reads.get(each.name) or each.columns or tuple(visible)
        for column in each.columns:
            if column not in dataset.schema():
                dataset.column(column, where=draft.where)
        draft.reading({inputs[each.name]: (*columns, *produced.supports.get(each.name, ()))})


def _plan_preprocessing(draft: Draft) -> tuple[tuple[Step, ...], tuple[SideTable, ...]]:
    steps: list[Step] = []
    tables: list[SideTable] = []
    for name in draft.config.enabled_preprocessors:
        module = draft.shelf.preprocessors[name]
        config = draft.config.section(module.config_key)
        inputs = _remapped(draft, name, module.inputs(config))
        made = module.plan(config, {slot: draft.known[table] for slot, table in inputs.items()}, draft.clock, where=f"{draft.where}.{name}")
        for produced in made.values():
            _note_reads(draft, module.inputs(config), inputs, produced)
        steps.append(Step(name, True, config, tuple(inputs.items()), tuple(made.items())))
        for side, produced in made.items():
            table = _side_table(draft, side, produced)
            if table.key in draft.known or table.key == draft.config.name:
                raise ColumnClash(
                    f"two tables are called {table.key!r}", where=f"{draft.where}.side_outputs.{side}", hint="set its context_key"
                )
            draft.known[table.key] = table.dataset
            tables.append(table)
    for side in draft.config.side_outputs:
        if side not in {table.name for table in tables}:
            raise InvalidValue(
                f"no preprocessor of the pass makes {side!r}",
                where=f"{draft.where}.side_outputs",
                hint=nearest(side, (table.name for table in tables)),
            )
    return tuple(steps), tuple(tables)


def _side_table(draft: Draft, name: str, produced: Produced) -> SideTable:
    asked = draft.config.side_outputs.get(name)
    space = draft.config.side_output_namespace or draft.config.name
    key = (asked.context_key if asked else None) or f"{space}:{name}"
    labels = tuple((label, dict(LABELS)[label]) for label in produced.labels)
    dataset = Dataset(key, produced.columns, produced.keys, labels, produced.clock)
    written = asked is not None and asked.materialize == "always"
    return SideTable(key, name, dataset, written, written, (asked.description if asked else None) or "")


# ---------------------------------------------------------------- results


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
    columns = [*_formula_columns(draft, queries, series, measures), *added, *(column for made in produced for column in made.columns)]
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


def _formula_columns(
    draft: Draft, queries: Sequence[Query], series: Sequence[Sequence[Measure]], measures: Sequence[Measure]
) -> list[PlannedColumn]:
    if not queries:
        return []
    schema = _formula_schema(draft, queries, series)
    refuse_unreduced(measures, schema)
    columns: list[PlannedColumn] = []
    for measure in measures:
        value = measure.build()
        parts = {name: part.rollup for name, part in value.parts.items()} if isinstance(value, Composite) else {}
        carried = tuple((name, part_column(measure.column, name), rule) for name, rule in parts.items())
        columns.append(
            PlannedColumn(
                measure.column,
                schema[measure.column],
                measure.unit,
                measure.doc,
                measure,
                measure.rollup,
                carried if measure.rollup else (),
                measure.empty,
                measure.analytic.forward,
                measure.origin,
            )
        )
        if measure.rollup:
            columns += [
                PlannedColumn(name, schema[name], rollup=rule, hidden=True, empty=_empty_part(rule.name), doc=f"{part} of {measure.column}")
                for part, name, rule in carried
            ]
    return columns


def _empty_part(rule: str) -> str:
    return "zero" if rule == "sum" else "null"


def _formula_schema(draft: Draft, queries: Sequence[Query], series: Sequence[Sequence[Measure]]) -> dict[str, pl.DataType]:
    """Types as the engine finds them on tables without rows."""
    try:
        frames = [fuse(query, _without_rows(draft, query), draft.clock) for query in queries]
        joined = join_on_keys(frames, ("ListingId", TIME_BUCKET)).with_columns(pl.lit(None, pl.Date()).alias(DATE))
        joined = joined.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in LABELS)
        return dict(add_series(joined, series).collect_schema())
    except pl.exceptions.PolarsError as problem:
        raise SchemaMismatch(
            f"a formula does not fit its table: {str(problem).splitlines()[0]}",
            where=draft.where,
            hint="a column has another type than the formula expects",
        ) from problem


def _without_rows(draft: Draft, query: Query) -> dict[str, pl.LazyFrame]:
    names = (query.table, *(each.enrichment.uses for each in query.attached))
    return {name: pl.LazyFrame(schema={**draft.known[name].schema(), DATE: pl.Date()}) for name in names}


def _sort_keys(config: PassConfig, dataset: Dataset, where: str) -> tuple[str, ...]:
    asked = list(config.sort_keys or dataset.keys)
    if config.sort_keys and TIME_BUCKET in dataset.keys and TIME_BUCKET not in asked:
        asked.append(TIME_BUCKET)
    for name in asked:
        if name not in dataset.schema():
            raise MissingColumn(f"{dataset.name!r} has no column {name!r}", where=f"{where}.sort_keys", hint=nearest(name, dataset.names()))
    rest = [name for name in dataset.keys if name not in asked]
    return (*asked, *rest)


__all__ = ["BUCKET_KEYS", "LABELS", "key_dtype", "plan_pass", "replace"]
