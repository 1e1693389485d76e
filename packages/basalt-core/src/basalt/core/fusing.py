"""Fusing: many measures over one table become one scan and one group_by.

scan → attached columns → row layers → cell → one group_by → order → composites finished

Values that come late, with their rows out of order, are reduced in a group_by of their own. Lists of carried values are gathered
window by window, since the engine would hold all rows until the last for them, and shortened on the way where they can be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from basalt.core.bucketing import TIME_BUCKET, Clock
from basalt.core.carrying import Carrier
from basalt.core.cells import KEY, Cells, cells
from basalt.core.declaring.analytics import Measure, part_column
from basalt.core.declaring.carried import Carried
from basalt.core.declaring.held import Held
from basalt.core.declaring.rows import complete_columns
from basalt.core.declaring.values import Composite, Row, Settling, identity
from basalt.core.facts import NOTHING_KNOWN, Facts, Piece
from basalt.core.gathering import Gathering, Settles
from basalt.core.holding.values import BEFORE
from basalt.core.plans import Query
from basalt.core.stating import follow, stated


@dataclass(frozen=True)
class Built:
    """The expressions of a set of bucket measures.

    Attributes:
        rows: Row values to materialise first, by name.
        reductions: Reductions by the name of their column, each expression once.
        finishes: Expressions over the reductions, each named as its output column.
        settlings: How reductions that are lists are shortened, where they can be.
    """

    rows: Mapping[str, pl.Expr]
    reductions: Mapping[str, pl.Expr]
    finishes: tuple[pl.Expr, ...]
    settlings: Mapping[str, Settling]


def build(measures: Iterable[Measure]) -> Built:
    """Collect the reductions of *measures*, equal expressions once."""
    rows: dict[str, pl.Expr] = {}
    names: dict[bytes, str] = {}
    reductions: dict[str, pl.Expr] = {}
    finishes: list[pl.Expr] = []
    settlings: dict[str, Settling] = {}

    def reduce(expr: pl.Expr, wanted: str) -> str:
        name = names.setdefault(identity(expr), wanted)
        reductions.setdefault(name, expr)
        return name

    for measure in measures:
        value = measure.build()
        assert not isinstance(value, Carried)
        if isinstance(value, Composite):
            rows |= _row_exprs(value.rows)
            parts = {name: reduce(part.expr, part_column(measure.column, name)) for name, part in value.parts.items()}
            for name, column in parts.items():
                settling = value.parts[name].settling
                if settling:
                    settlings[column] = settlings.get(column, settling) | settling
            finishes += [pl.col(column).alias(part_column(measure.column, name)) for name, column in parts.items()]
            finishes.append(_typed(value.finish({name: pl.col(column) for name, column in parts.items()}), measure).alias(measure.column))
        else:
            finishes.append(pl.col(reduce(_typed(value, measure), measure.column)).alias(measure.column))
    return Built(rows, reductions, tuple(finishes), settlings)


def _row_exprs(rows: Sequence[Row]) -> dict[str, pl.Expr]:
    return {row.name: row.expr for row in rows}


def _typed(expr: pl.Expr, measure: Measure) -> pl.Expr:
    return expr if measure.analytic.dtype is None else expr.cast(measure.analytic.dtype)


def fuse(
    query: Query, tables: Mapping[str, pl.LazyFrame], clock: Clock, facts: Facts = NOTHING_KNOWN, pieces: Sequence[Piece] = ()
) -> pl.LazyFrame:
    """The bucket rows of one query over one day.

    Args:
        query: What to compute.
        tables: The scanned tables of one day, in event order, by dataset name.
        clock: Buckets.
        facts: What is known of the query's table.
        pieces: What its files of the day consist of, where it is known.

    Returns:
        One row a listing and bucket, in this order: `ListingId`, `TimeBucket`, the measures' columns
        and the parts of composite ones.
    """
    if query.is_held:
        return state_cells(query, tables, clock).select(KEY, TIME_BUCKET, *stated(query.measures, clock)).sort(KEY, TIME_BUCKET)
    parts = [_reduced(part, tables, clock, facts, pieces) for part in by_arrival(query)]
    if len(parts) == 1:
        return parts[0]
    names = [expr.meta.output_name() for expr in build(query.measures).finishes]
    return join_on_keys(parts, (KEY, TIME_BUCKET)).sort(KEY, TIME_BUCKET).select(KEY, TIME_BUCKET, *names)


def by_arrival(query: Query) -> tuple[Query, ...]:
    """The query of the measures of rows in order, and that of measures that read late values; one where there is only one kind."""
    rows = [measure for layer in query.rows for measure in layer] if query.is_foldable else []
    late = {measure.column for measure in rows if isinstance(value := measure.build(), Carried) and value.is_late}
    if not late:
        return (query,)
    waits = [bool(root_names(measure) & late) for measure in query.measures]
    if len(set(waits)) == 1:
        return (query,)
    kinds = [[measure for measure, is_late in zip(query.measures, waits, strict=True) if is_late == kind] for kind in (False, True)]
    return tuple(replace(query, measures=tuple(measures)) for measures in kinds)


def _reduced(query: Query, tables: Mapping[str, pl.LazyFrame], clock: Clock, facts: Facts, pieces: Sequence[Piece]) -> pl.LazyFrame:
    """The bucket rows of the measures of one query, in order of listing and bucket."""
    frame = _rows_of(query, tables, pieces)
    with complete_columns(facts.complete):
        built = build(query.measures)
    if built.rows:
        frame = frame.with_columns(expr.alias(name) for name, expr in built.rows.items())
    grouped = cells(query.time, clock, facts)
    reductions = _cheap_sums(built.reductions, frame)
    gathered = _lists(frame, grouped, reductions) if query.rows and query.is_foldable else {}
    reduced = _grouped(frame, grouped, {name: expr for name, expr in reductions.items() if name not in gathered})
    if gathered:
        settles = Settles(grouped, clock, {name: built.settlings[name] for name in gathered if name in built.settlings})
        lists = _gathered(_carrier(query.time, query.rows[0], pieces), tables[query.table], gathered, settles)
        reduced = lists if len(gathered) == len(reductions) else join_on_keys((reduced, lists), grouped.keys)
    return reduced.sort(grouped.keys).select(*grouped.labels, *built.finishes)


def state_cells(query: Query, tables: Mapping[str, pl.LazyFrame], clock: Clock, pieces: Sequence[Piece] = ()) -> pl.LazyFrame:
    """What the states of a query did in each bucket, before it is said in the measures' terms; *pieces* are those of the files."""
    return follow(_rows_of(query, tables, pieces), query, tables.get(query.phases), clock, pieces)


def _rows_of(query: Query, tables: Mapping[str, pl.LazyFrame], pieces: Sequence[Piece]) -> pl.LazyFrame:
    """The rows of the query's table with the columns that are attached to them or computed of each."""
    frame = tables[query.table]
    for each in query.attached:
        frame = each.enrichment(frame, tables[each.enrichment.uses], **dict(each.axes))
    for layer in query.rows:
        carried = [measure for measure in layer if isinstance(measure.build(), Carried)]
        frame = frame.with_columns(
            _typed(_expression(measure), measure).alias(measure.column) for measure in layer if measure not in carried
        )
        if carried:
            carrier = _carrier(query.time, layer, pieces)
            frame = carrier.piecewise(frame) if query.is_foldable else carrier.at_once(frame)
    return frame


def _carrier(time: str, layer: Sequence[Measure], pieces: Sequence[Piece]) -> Carrier:
    """What follows the carried values of a layer."""
    built = {measure: value for measure in layer if isinstance(value := measure.build(), Carried)}
    types = {measure.column: measure.analytic.dtype or pl.Null() for measure in built}
    return Carrier(time, {measure.column: value for measure, value in built.items()}, types, pieces)


def _grouped(rows: pl.LazyFrame, grouped: Cells, reductions: Mapping[str, pl.Expr]) -> pl.LazyFrame:
    aggregated = rows.with_columns(grouped.of_rows).group_by(grouped.keys)
    return aggregated.agg(expr.alias(name) for name, expr in reductions.items())


def _lists(rows: pl.LazyFrame, grouped: Cells, reductions: Mapping[str, pl.Expr]) -> dict[str, pl.Expr]:
    """Those of *reductions* that are lists of values of their rows."""
    types = _grouped(rows, grouped, reductions).collect_schema()
    return {name: expr for name, expr in reductions.items() if isinstance(types[name], pl.List)}


def _gathered(carrier: Carrier, rows: pl.LazyFrame, lists: Mapping[str, pl.Expr], settles: Settles) -> pl.LazyFrame:
    """*lists* of each cell, in memory of their values alone, or of less where all of them can be shortened."""
    grouped = settles.grouped
    reads = {name for expr in (*grouped.of_rows, *lists.values()) for name in expr.meta.root_names()}

    def reduced(window: pl.LazyFrame) -> pl.LazyFrame:
        return _grouped(window, grouped, lists)

    if settles.clock.width_nanos > 0 and settles.settlings.keys() == lists.keys():
        return carrier.gathered(rows, reduced, {KEY, *reads}, lambda: Gathering(settles))
    return carrier.reduced(rows, reduced, {KEY, *reads}).group_by(grouped.keys).agg(pl.col(list(lists)).explode(empty_as_null=False))


def _cheap_sums(reductions: Mapping[str, pl.Expr], rows: pl.LazyFrame) -> dict[str, pl.Expr]:
    """*reductions*, with the rows that a masked sum leaves out as 0 instead of null.

    The sum is the same; Polars adds zeros in half the time that it takes to skip nulls.
    """
    masked = {name: parts for name, expr in reductions.items() if (parts := _masked_sum(expr))}
    types = rows.select(value.alias(name) for name, (_, value) in masked.items()).collect_schema() if masked else {}
    zeroed = {name: pl.when(met).then(value).otherwise(0).sum() for name, (met, value) in masked.items() if types[name].is_numeric()}
    return {**reductions, **zeroed}


def _masked_sum(expr: pl.Expr) -> tuple[pl.Expr, pl.Expr] | None:
    """Condition and value of a sum of `where(value, condition)`; None for any other expression."""
    summed = expr.meta.pop()
    if len(summed) != 1 or not summed[0].sum().meta.eq(expr):
        return None
    parts = summed[0].meta.pop()
    if len(parts) != 3 or not pl.when(parts[0]).then(parts[2]).meta.eq(summed[0]):
        return None
    return parts[0], parts[2]


def _expression(measure: Measure) -> pl.Expr:
    value = measure.build()
    if not isinstance(value, pl.Expr):
        raise TypeError(f"{measure.analytic.name}: a row-grain formula returns an expression")
    return value


def add_series(frame: pl.LazyFrame, layers: Sequence[Sequence[Measure]]) -> pl.LazyFrame:
    """*frame* with the columns of series- and section-grain measures, layer by layer."""
    for layer in layers:
        frame = frame.with_columns(_typed(_expression(measure), measure).alias(measure.column) for measure in layer)
    return frame


def join_on_keys(frames: Sequence[pl.LazyFrame], keys: Sequence[str]) -> pl.LazyFrame:
    """All rows of all *frames*, one a key."""
    joined = frames[0]
    for frame in frames[1:]:
        joined = joined.join(frame, on=list(keys), how="full", coalesce=True, nulls_equal=True)
    return joined


def root_names(measure: Measure) -> set[str]:
    """Columns that the formula of *measure* reads."""
    value = measure.build()
    if isinstance(value, Held):
        return {name.removeprefix(BEFORE) for name in value.standing.expr.meta.root_names()}
    if isinstance(value, Carried):
        return {name for expr in value.inputs.values() for name in expr.meta.root_names()} | {KEY}
    if not isinstance(value, Composite):
        return set(value.meta.root_names())
    exprs = [part.expr for part in value.parts.values()] + [row.expr for row in value.rows]
    made = {row.name for row in value.rows}
    return {name for expr in exprs for name in expr.meta.root_names()} - made
