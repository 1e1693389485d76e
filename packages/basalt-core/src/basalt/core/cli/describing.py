"""What a plan says about a run, as rows and plain values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from basalt.core.catalog import Catalog, using_catalog
from basalt.core.explaining import dtype_text
from basalt.core.lake import lake_path
from basalt.core.pipelines import Pipeline
from basalt.core.places import written_slots
from basalt.core.plans import PassPlan, Plan
from basalt.core.tables import Table
from basalt.core.universes import conform, parse_spec

SAMPLE_MARKETS = 2


def plan_as_dict(plan: Plan, shelf: Catalog) -> dict[str, Any]:
    """Stages, passes, columns, tables and outputs of *plan* as plain values."""
    with using_catalog(shelf):  # the pipeline's own modules are known to its configs only here
        stages = [
            {"stage": stage.index + 1, "scope": str(stage.scope), "passes": [_pass_as_dict(each, shelf) for each in stage.passes]}
            for stage in plan.stages
        ]
    return {"days": [str(day) for day in plan.days], "stages": stages}


def _pass_as_dict(planned: PassPlan, shelf: Catalog) -> dict[str, Any]:
    clock = planned.clock
    return {
        "pass": planned.name,
        "buckets": {"width_nanos": clock.nanos, "anchor": clock.anchor, "closed": clock.closed, "text": str(clock)},
        "timeline": planned.config.timeline_mode,
        "modules": list(planned.config.enabled_modules),
        "keys": list(planned.dataset.keys),
        "labels": [name for name, _ in planned.dataset.labels],
        "sort_keys": list(planned.sort_keys),
        "reads": {table: sorted(columns) for table, columns in planned.reads.items()},
        "columns": column_rows(planned),
        "side_tables": [table.key for table in planned.side_tables],
        "outputs": list(_output_rows(planned, shelf)),
    }


def column_rows(planned: PassPlan) -> list[dict[str, Any]]:
    """One row a column that *planned* makes; supporting ones, which travel unwritten, marked."""
    return [
        {
            "column": column.name,
            "dtype": dtype_text(column.dtype),
            "unit": column.unit,
            "rollup": column.rollup.name if column.rollup else None,
            "forward": column.forward,
            "written": not column.hidden,
            "origin": column.origin,
        }
        for column in planned.dataset.columns
    ]


def _output_rows(planned: PassPlan, shelf: Catalog) -> Iterator[dict[str, Any]]:
    for target in planned.targets:
        made = shelf.find("output_targets", target.type).make()
        for slot in written_slots(planned):
            days = {"start_date": str(slot.start), "end_date": str(slot.end)}
            yield {"pass": planned.name, "output_type": target.type, **days, "path": made.location(target.options, slot)}


# ---------------------------------------------------------------- datasets


def datasets_as_dict(pipeline: Pipeline, plan: Plan) -> dict[str, Any]:
    """Inputs and outputs of a pipeline, with the files that it would read first."""
    config = pipeline.config
    return {
        "pipeline": str(pipeline.path or ""),
        "data_source_path": list(config.data_source_path),
        "date_range": {"start_date": str(config.start_date), "end_date": str(config.end_date)},
        "inputs": list(_input_rows(pipeline, plan)),
        "outputs": [row for each in plan.passes for row in _output_rows(each, pipeline.shelf)],
    }


def _input_rows(pipeline: Pipeline, plan: Plan) -> Iterator[dict[str, Any]]:
    markets = _markets(pipeline, plan)[:SAMPLE_MARKETS]
    root = pipeline.config.lake or "{lake}"
    for each in plan.passes:
        for name in each.reads:
            table = pipeline.shelf.tables.get(name) if name in plan.raw else None
            if table is None:
                yield {"pass": each.name, "table": name, "bmll_table": "", "folder": "", "sample_paths": []}
                continue
            yield _raw_row(each.name, table, [lake_path(root, table, mic, plan.days[0]) for mic in markets])


def _raw_row(pass_name: str, table: Table, paths: Sequence[str]) -> dict[str, Any]:
    return {"pass": pass_name, "table": table.name, "bmll_table": table.vendor_name, "folder": table.folder, "sample_paths": list(paths)}


def _markets(pipeline: Pipeline, plan: Plan) -> list[str]:
    """Markets of the universe, as far as they are known without reading data."""
    if pipeline.get_universe is not None:
        frame = conform(pipeline.get_universe(str(plan.days[0])), where="get_universe")
        return frame["MIC"].drop_nulls().unique(maintain_order=True).to_list()
    if pipeline.config.universe is None:
        return ["{MIC}"]
    kind, value = parse_spec(pipeline.config.universe)
    named = pipeline.shelf.find("universes", kind, where="UNIVERSE").make().markets(value)
    return list(named) if named else ["{MIC}"]


# ---------------------------------------------------------------- side outputs


def side_output_rows(plan: Plan) -> list[dict[str, Any]]:
    """One row a table that passes make besides their main results."""
    rows = []
    for each in plan.passes:
        for table in each.side_tables:
            asked = each.config.side_outputs.get(table.name)
            rows.append(
                {
                    "pass": each.name,
                    "name": table.name,
                    "context_key": table.key,
                    "materialize": asked.materialize if asked else "auto",
                    "description": table.description,
                    "columns": list(table.dataset.names()),
                }
            )
    return rows
