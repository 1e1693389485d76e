"""Table modules and preprocessors into steps, what they read and the side tables they leave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from basalt.core.bucketing import NANOS_PER_SECOND
from basalt.core.datasets import Dataset
from basalt.core.errors import (
    BucketConflict,
    ColumnClash,
    InvalidValue,
    nearest,
)
from basalt.core.offers import Input, Produced
from basalt.core.planning.drafting import LABELS, Draft, remapped
from basalt.core.planning.refusing import refuse_ignored_prefix
from basalt.core.plans import SideTable, Step


def plan_step(draft: Draft, name: str) -> Step:
    """The table module *name* as a step of the pass."""
    module: Any = draft.shelf.modules[name]
    config = draft.config.section(module.config_key)
    inputs = remapped(draft, name, module.inputs(config))
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


def plan_preprocessing(draft: Draft) -> tuple[tuple[Step, ...], tuple[SideTable, ...]]:
    """The preprocessors as steps, and their tables, which the rest of the pass may read."""
    steps: list[Step] = []
    tables: list[SideTable] = []
    for name in draft.config.enabled_preprocessors:
        module = draft.shelf.preprocessors[name]
        config = draft.config.section(module.config_key)
        inputs = remapped(draft, name, module.inputs(config))
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
