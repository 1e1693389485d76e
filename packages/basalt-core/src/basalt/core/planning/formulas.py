"""Modules of formulas into queries over one table each, and the columns they make."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from basalt.core.bucketing import DATE, TIME_BUCKET
from basalt.core.datasets import PlannedColumn
from basalt.core.declaring.analytics import Measure, part_column
from basalt.core.declaring.modules import Module
from basalt.core.declaring.values import Composite
from basalt.core.errors import (
    ConflictingSettings,
    InvalidValue,
    PlanError,
    SchemaMismatch,
)
from basalt.core.fusing import add_series, fuse, join_on_keys, root_names
from basalt.core.offers import Input
from basalt.core.planning.drafting import BUCKET_KEYS, LABELS, Draft, remapped
from basalt.core.planning.needs import plan_query, table_of
from basalt.core.planning.refusing import refuse_clashes, refuse_misfit_filters, refuse_unreduced
from basalt.core.plans import Query


def plan_formulas(draft: Draft) -> tuple[tuple[Query, ...], tuple[tuple[Measure, ...], ...], tuple[Measure, ...]]:
    """Queries by table, formulas along aggregated rows in layers, and all formulas in the order asked for."""
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
    return remapped(draft, module.name, [Input(table, table) for table in contracts])


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


def formula_columns(
    draft: Draft, queries: Sequence[Query], series: Sequence[Sequence[Measure]], measures: Sequence[Measure]
) -> list[PlannedColumn]:
    """The columns of *measures*, each followed by the hidden parts that it is rolled up from."""
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
