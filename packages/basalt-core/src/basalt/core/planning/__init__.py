"""From a config to a plan: everything that can be known, and refused, before data are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from basalt.configuration.models import AnalyticsConfig
from basalt.configuration.reading import read_config
from basalt.core.catalog import Catalog, catalog
from basalt.core.datasets import Dataset
from basalt.core.errors import InvalidValue
from basalt.core.planning.needs import raw_dataset
from basalt.core.planning.passes import plan_pass
from basalt.core.planning.slots import run_days
from basalt.core.plans import PassPlan, Plan, Stage

__all__ = ["Plan", "plan"]


def plan(
    config: AnalyticsConfig | Mapping[str, Any], *, bound: Mapping[str, frozenset[str]] | None = None, shelf: Catalog | None = None
) -> Plan:
    """Plan a run without touching data.

    Args:
        config: The config, or the mapping a user writes.
        bound: Columns that the files of each raw table have; the tables' contracts if None.
        shelf: The catalog; the one in force if None.

    Returns:
        Stages of passes with their columns, types, units, tables and outputs.

    Raises:
        ConfigError: The config is wrong.
        PlanError: It cannot be planned: a missing column or table, a cycle, a clash, a conflict.
    """
    settings = read_config(config)
    if not settings.passes:
        raise InvalidValue("the config has no passes", where="PASSES", hint="add one: PASSES: [{name: pass1, modules: [trade]}]")
    shelf = shelf or catalog()
    days = run_days(settings)
    known = _raw_datasets(shelf, bound or {})
    passes: list[PassPlan] = []
    for index, each in enumerate(settings.passes):
        planned = plan_pass(settings, index, known, days, shelf)
        known[each.name] = planned.dataset
        known |= {table.key: table.dataset for table in planned.side_tables}
        passes.append(planned)
    settled = _keep_what_is_read(passes, with_supports=settings.support_columns)
    used = {name for each in settled for name in each.reads}
    return Plan(settings, _stages(settled), {name: known[name] for name in used if known[name].is_raw}, days, dict(bound or {}))


def _raw_datasets(shelf: Catalog, bound: Mapping[str, frozenset[str]]) -> dict[str, Dataset]:
    return {name: raw_dataset(table, bound.get(name)) for name, table in shelf.tables.items()}


def _keep_what_is_read(passes: list[PassPlan], *, with_supports: bool) -> tuple[PassPlan, ...]:
    """Drop the side tables that no later pass asks for, and the supporting columns unless they are to be written."""
    settled = []
    for index, each in enumerate(passes):
        read = {name: columns for later in passes[index:] for name, columns in later.reads.items()}
        asked = _columns_read(passes[index + 1 :], each.name)
        supports = {column.name for column in each.dataset.columns if with_supports or column.name in asked}
        tables = tuple(replace(table, is_kept=table.is_written or table.key in read) for table in each.side_tables)
        settled.append(replace(each, dataset=each.dataset.with_supports(supports), side_tables=tables))
    return tuple(settled)


def _columns_read(passes: list[PassPlan], name: str) -> list[str]:
    return [column for each in passes for column in each.reads.get(name, ())]


def _stages(passes: tuple[PassPlan, ...]) -> tuple[Stage, ...]:
    """Passes of one scope in a row share a stage."""
    groups: list[list[PassPlan]] = []
    for each in passes:
        if groups and groups[-1][0].scope == each.scope:
            groups[-1].append(each)
        else:
            groups.append([each])
    return tuple(Stage(index, group[0].scope, tuple(group)) for index, group in enumerate(groups))


def day_span(days: tuple[date, ...]) -> str:
    """Days in words: one day, or first and last."""
    return f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
