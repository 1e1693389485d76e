"""Computing one pass on tables that are there: the part of a run that knows no files.

Workers call it with scanned tables; tests and notebooks call it with literal ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any, Literal

import polars as pl

from basalt.core.bucketing import BUCKET_DTYPE, DATE, TIME_BUCKET, Clock
from basalt.core.catalog import catalog
from basalt.core.cells import KEY
from basalt.core.datasets import Dataset
from basalt.core.errors import CheckFailed
from basalt.core.facts import NOTHING_KNOWN, Facts
from basalt.core.fusing import add_series, fuse, join_on_keys, state_cells
from basalt.core.plans import PassPlan, Query, Step
from basalt.core.stating import filled, stated

Tables = Mapping[str, pl.LazyFrame]


@dataclass(frozen=True)
class Computed:
    """What a pass makes: its rows, and its side tables by key."""

    rows: pl.LazyFrame
    side_tables: Mapping[str, pl.LazyFrame]


def compute_pass(
    planned: PassPlan,
    tables: Mapping[date, Tables],
    listings: Mapping[date, pl.LazyFrame],
    datasets: Mapping[str, Dataset],
    *,
    keep_unknown: bool = False,
    facts: Mapping[str, Facts] = MappingProxyType({}),
) -> Computed:
    """The rows of a pass over some days.

    Args:
        planned: The pass.
        tables: For each day, the frames that the pass reads, by dataset name, in event order. A frame
            that several days share holds the rows of all of them.
        listings: For each day, the listings covered: `ListingId` and labels.
        datasets: Schemas of everything by name.
        keep_unknown: Rows of listings that *listings* does not know stay, without labels.
        facts: What is known of the columns, by dataset name.

    Returns:
        Rows with keys, labels and all planned columns, hidden ones included, in `sort_keys` order;
        side tables in order of their keys.
    """
    sides: dict[str, list[pl.LazyFrame]] = {}
    rows: list[pl.LazyFrame] = []
    seen: dict[date, Tables] = {}
    for day in tables:
        available = dict(tables[day])
        for key, frame in _side_tables(planned, available, datasets).items():
            sides.setdefault(key, []).append(frame)
            available[key] = frame
        seen[day] = available
        parts = (
            [_query_rows(planned, available, listings[day], day, facts, how="left" if keep_unknown else "inner")] if planned.queries else []
        )
        rows += parts if planned.scope.all_dates else _with_steps(planned, parts, available, listings[day], day, datasets)
    if planned.scope.all_dates:
        rows = _with_all_dates(planned, rows, seen, datasets)
    frame = _stack(rows, planned.dataset.schema()).select(planned.dataset.names())
    if not _is_in_order(planned, tables):
        frame = frame.sort(_order(planned, tables), maintain_order=True)
    return Computed(frame, {key: _sorted(_stack(frames, datasets[key].schema()), datasets[key].keys) for key, frames in sides.items()})


def _sorted(frame: pl.LazyFrame, keys: Sequence[str]) -> pl.LazyFrame:
    return frame.sort(keys, maintain_order=True) if keys else frame


def _is_in_order(planned: PassPlan, days: Collection[date]) -> bool:
    """Whether the rows are those of the queries of one day, which come in order."""
    return bool(planned.queries) and not planned.steps and _order(planned, days) == [KEY, TIME_BUCKET]


def _order(planned: PassPlan, days: Collection[date]) -> list[str]:
    """The sort keys, without the date where there is only one."""
    return [name for name in planned.sort_keys if name != DATE or len(days) > 1] or list(planned.sort_keys)


def _with_all_dates(
    planned: PassPlan, rows: Sequence[pl.LazyFrame], tables: Mapping[date, Tables], datasets: Mapping[str, Dataset]
) -> list[pl.LazyFrame]:
    names = {name for step in planned.steps for _, name in step.inputs}
    whole = {name: pl.concat(_each_once(tables[day][name] for day in tables), how="vertical") for name in names}
    parts = [_step_rows(planned, step, whole, datasets) for step in planned.steps]
    queried = [pl.concat(list(rows), how="vertical")] if rows else []
    return [_side_by_side([*queried, *parts], planned.dataset)]


def _each_once(frames: Iterable[pl.LazyFrame]) -> list[pl.LazyFrame]:
    """*frames* without those that were there before: the very same one, not an equal one."""
    return list({id(frame): frame for frame in frames}.values())


def _side_by_side(parts: Sequence[pl.LazyFrame], dataset: Dataset) -> pl.LazyFrame:
    """All rows of all *parts*, one a key; labels from whichever part has the row."""
    joined = parts[0]
    for part in parts[1:]:
        twice = [name for name, _ in dataset.labels if name in part.collect_schema() and name in joined.collect_schema()]
        joined = join_on_keys((joined, part), dataset.keys).with_columns(pl.coalesce(name, f"{name}_right").alias(name) for name in twice)
        joined = joined.drop(f"{name}_right" for name in twice)
    return joined


def _stack(frames: Sequence[pl.LazyFrame], schema: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    if not frames:
        return pl.LazyFrame(schema=dict(schema))
    return frames[0] if len(frames) == 1 else pl.concat(list(frames), how="vertical")


def _query_rows(
    planned: PassPlan,
    tables: Tables,
    listings: pl.LazyFrame,
    day: date,
    facts: Mapping[str, Facts],
    *,
    how: Literal["left", "inner"],
) -> pl.LazyFrame:
    """Bucket rows of all fused queries of one day, in order of listing and bucket; sorted before they get wide by labels."""
    with_date = {name: frame.with_columns(pl.lit(day).alias(DATE)) for name, frame in tables.items()} if planned.clock.is_daily else tables
    frames = [_cells_of(query, with_date, planned.clock, facts, day) for query in planned.queries]
    joined = _joined_with_zeros(planned, frames)
    made = set(joined.collect_schema().names())
    empty = {column.name: column.empty for column in planned.dataset.columns if column.name in made}
    completed = planned.timeline.complete(joined, tables, listings, planned.clock, day, empty)
    ordered = _in_order(planned, completed, is_complete=completed is frames[0])
    labelled = ordered.join(listings, on=KEY, how=how, maintain_order="left").with_columns(pl.lit(day).alias(DATE))
    return add_series(labelled, planned.series)


def _cells_of(query: Query, tables: Tables, clock: Clock, facts: Mapping[str, Facts], day: date) -> pl.LazyFrame:
    """The bucket rows of a query; of states only what happened, since other rows may stand beside theirs."""
    known = facts.get(query.table, NOTHING_KNOWN)
    if query.is_held:
        return state_cells(query, tables, clock, known.pieces.get(day, ()))
    return fuse(query, tables, clock, known, known.pieces.get(day, ()))


def _in_order(planned: PassPlan, rows: pl.LazyFrame, *, is_complete: bool) -> pl.LazyFrame:
    """*rows* in order of listing and bucket, with the columns of states; *is_complete* where one query made all rows."""
    held = next((query for query in planned.queries if query.is_held), None)
    if held is None:
        return rows if is_complete else rows.sort(KEY, TIME_BUCKET)
    told = [name for name in rows.collect_schema().names() if not name.startswith("held:")]
    cells = rows if is_complete else filled(rows)
    with_states = cells.select(*told, *stated(held.measures, planned.clock))
    return with_states.sort(KEY, TIME_BUCKET) if is_complete else with_states


def _joined_with_zeros(planned: PassPlan, frames: Sequence[pl.LazyFrame]) -> pl.LazyFrame:
    """The frames joined on listing and bucket; flows of a table without rows in a bucket are 0."""
    if len(frames) == 1:
        return frames[0]
    marked = [frame.with_columns(pl.lit(True).alias(f"seen:{index}")) for index, frame in enumerate(frames)]
    joined = join_on_keys(marked, (KEY, TIME_BUCKET))
    zero = {column.name for column in planned.dataset.columns if column.empty == "zero"}
    filled = [
        pl.when(pl.col(f"seen:{index}").is_null()).then(0).otherwise(pl.col(name)).alias(name)
        for index, frame in enumerate(frames)
        for name in frame.collect_schema().names()
        if name in zero
    ]
    return joined.with_columns(filled).drop([f"seen:{index}" for index in range(len(frames))])


def _with_steps(
    planned: PassPlan,
    queried: Sequence[pl.LazyFrame],
    tables: Tables,
    listings: pl.LazyFrame,
    day: date,
    datasets: Mapping[str, Dataset],
) -> list[pl.LazyFrame]:
    """The rows of one day: *queried* ones beside those of table modules; what stands has rows of all buckets of the pass."""
    if not any(step.stands for step in planned.steps):
        parts = [*queried, *(_step_rows(planned, step, tables, datasets) for step in planned.steps)]
        return [_side_by_side(parts, planned.dataset)] if parts else []
    known = list(queried) or [_open_buckets(planned, tables, listings, day)]
    parts = [*known, *(_step_rows(planned, step, tables, datasets, known[0]) for step in planned.steps)]
    rows = _side_by_side(parts, planned.dataset)
    added = [column.name for column in planned.timeline.added_columns()]
    if not added:
        return [rows]
    bare = rows.drop(added, strict=False)
    completed = planned.timeline.complete(bare, tables, listings, planned.clock, day, {})
    return [completed.join(bare.select(planned.dataset.keys), on=[KEY, TIME_BUCKET], how="semi")]


def _open_buckets(planned: PassPlan, tables: Tables, listings: pl.LazyFrame, day: date) -> pl.LazyFrame:
    """Keys of the buckets that the timeline adds to a pass without formulas."""
    keys = {KEY: listings.collect_schema()[KEY], TIME_BUCKET: BUCKET_DTYPE}
    opened = planned.timeline.complete(pl.LazyFrame(schema=keys), tables, listings, planned.clock, day, {})
    return opened.select(KEY, TIME_BUCKET).join(listings.select(KEY), on=KEY, how="semi").with_columns(pl.lit(day).alias(DATE))


def _step_rows(
    planned: PassPlan, step: Step, tables: Tables, datasets: Mapping[str, Dataset], known: pl.LazyFrame | None = None
) -> pl.LazyFrame:
    module: Any = catalog().modules[step.module]
    inputs, schemas = _inputs(step, tables, datasets)
    buckets = {} if known is None or not step.stands else {"buckets": known.select(KEY, TIME_BUCKET)}
    frame: pl.LazyFrame = module.compute(step.config, inputs, schemas, planned.clock, **buckets)
    made = frame.collect_schema().names()
    for column in (column for _, produced in step.produced for column in produced.columns if not column.hidden):
        if column.name not in made:
            raise CheckFailed(
                f"the column {column.name!r} was planned and not made",
                where=f"module {step.module}",
                hint="the module does not keep its plan",
            )
    wanted = [name for name in planned.dataset.names() if name in made]
    return frame.select(wanted)


def _inputs(step: Step, tables: Tables, datasets: Mapping[str, Dataset]) -> tuple[dict[str, pl.LazyFrame], dict[str, Dataset]]:
    frames = {slot: tables[name] for slot, name in step.inputs}
    return frames, {slot: datasets[name] for slot, name in step.inputs}


def _side_tables(planned: PassPlan, tables: Tables, datasets: Mapping[str, Dataset]) -> dict[str, pl.LazyFrame]:
    keys = {table.name: table.key for table in planned.side_tables}
    made: dict[str, pl.LazyFrame] = {}
    for step in planned.preprocessing:
        module: Any = catalog().preprocessors[step.module]
        inputs, schemas = _inputs(step, {**tables, **made}, datasets)
        for name, frame in module.compute(step.config, inputs, schemas, planned.clock).items():
            made[keys[name]] = frame.select(datasets[keys[name]].names())
    return made
