"""Arranging a module for its laws: the catalog it is in, the sections that ask it for everything, its plan."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from basalt.configuration.reading import read_config
from basalt.core.bucketing import Clock
from basalt.core.catalog import Catalog, using_catalog
from basalt.core.computing import compute_pass
from basalt.core.datasets import Dataset
from basalt.core.declaring import Analytic, Family, Measure, Module
from basalt.core.declaring.axes import REQUIRED
from basalt.core.errors import MissingColumn
from basalt.core.planning.needs import plan_query, raw_dataset, table_of
from basalt.core.planning.passes import plan_pass
from basalt.core.plans import PassPlan, Query
from basalt.core.tables import Table
from basalt.testing.generating import Recipe
from basalt.testing.markets import Market
from basalt.testing.tables import DAY, needed_columns

QUERY = "law"

Section = Mapping[str, Any]


def shelf_with(module: Module, contracts: Sequence[Table] = ()) -> Catalog:
    """The catalog of everything installed, with *module* and *contracts* in it whether or not they are."""
    shelf = Catalog()
    shelf.tables = {**shelf.tables, **{table.name: table for table in contracts}}
    shelf.modules = {**shelf.modules, module.name: module}
    return shelf


# ---------------------------------------------------------------- sections


def sections_of(module: Module, shelf: Catalog, bound: Mapping[str, Collection[str]] | None = None) -> tuple[Section, ...]:
    """Sections that together ask *module* for each analytic and each choice of each axis.

    The first one asks for nothing, which is the default output. The second one moves one axis at a
    time and leaves the others at their defaults; what the tables have no column for is left out. The
    third counts the rows of continuous trading only, where entries may filter.
    """
    known = datasets_of(shelf, bound or {})
    everything = [
        (family, entry)
        for family in module.families
        for entry in _entries(module, family)
        if _makes_something(module, family, entry) and _is_possible(module, _asked(module, family, entry), shelf, known)
    ]
    plain = {str(_chosen(family, entry)): (family, entry) for family, entry in reversed(everything)}
    filtered = [
        (family, {**entry, "market_states": ["CONTINUOUS_TRADING"]})
        for family, entry in plain.values()
        if _is_filterable(module, family, entry)
    ]
    possible = [each for each in filtered if _is_possible(module, _asked(module, *each), shelf, known) and not _is_always(module, *each)]
    plainly = module.measures(module.config_model(), where=module.config_key)
    asked = [_section(entries) for entries in (everything, possible) if entries]
    return ({}, *asked) if _is_possible(module, plainly, shelf, known) else tuple(asked)


def _section(entries: Iterable[tuple[Family, Section]]) -> Section:
    section: dict[str, list[Section]] = {}
    for family, entry in entries:
        section.setdefault(family.name, []).append(entry)
    return section


def _entries(module: Module, family: Family) -> Iterator[Section]:
    """Entries for one measure each: its defaults, then each choice of each axis.

    There are none for a measure with an axis that has neither choices nor a default: only its author knows values.
    """
    for formula in module.members(family):
        axes = [axis for axis in formula.axes if axis.name in family.axes]
        if any(axis.default is REQUIRED and not axis.is_closed for axis in axes):
            continue
        start = {family.axes[axis.name]: axis.choices[0] for axis in axes if axis.default is REQUIRED}
        chosen = {family.selector: formula.measure, **start} if family.selector else start
        yield chosen
        yield from ({**chosen, family.axes[axis.name]: choice} for axis in axes for choice in axis.choices if choice != axis.default)


def _chosen(family: Family, entry: Section) -> tuple[str, Any]:
    """The family and the measure that an entry picks."""
    return family.name, entry.get(family.selector)


def _asked(module: Module, family: Family, entry: Section) -> tuple[Measure, ...]:
    config = module.config_model.model_validate({family.name: [entry]})
    return module.measures(config, where=module.config_key)


def _is_possible(module: Module, measures: Iterable[Measure], shelf: Catalog, known: Mapping[str, Dataset]) -> bool:
    """Whether the tables have, or modules make, every column that *measures* read."""
    with using_catalog(shelf):
        for measure in measures:
            if measure.analytic.grain in ("series", "section"):
                continue
            contract = table_of(measure, module)
            try:
                plan_query(contract, shelf.tables[contract], [measure], known, shelf)
            except MissingColumn:
                return False
    return True


def _makes_something(module: Module, family: Family, entry: Section) -> bool:
    """Whether the entry asks for a column of *module*, not only of one that shares its section."""
    config = module.config_model.model_validate({family.name: [entry]})
    return module.makes is None or any(module.makes(dict(measure.axes)) for measure in module.asked(config, where=module.config_key))


def can_make(module: Module, formula: Analytic) -> bool:
    """Whether *module* makes *formula* at some choice of its axes; another one that shares its section may make all."""
    choices = [[(axis.name, choice) for choice in axis.choices or (axis.default,)] for axis in formula.axes]
    return module.makes is None or any(module.makes(dict(point)) for point in itertools.product(*choices))


def _is_filterable(module: Module, family: Family, entry: Section) -> bool:
    return any(each.takes_rows for each in module.members(family) if not family.selector or each.measure == entry[family.selector])


def _is_always(module: Module, family: Family, entry: Section) -> bool:
    """Whether the entry asks for a column that the module makes without being asked."""
    measures = _asked(module, family, entry)
    always = {measure.column for measure in measures if measure.origin == f"always in {module.name}"}
    return any(measure.column in always for measure in measures if not measure.rows.is_empty)


# ---------------------------------------------------------------- plans


@dataclass(frozen=True)
class Arranged:
    """One pass of a module, planned, to be given markets.

    Attributes:
        module: The module.
        shelf: The catalog that it is in.
        planned: The pass, all supporting columns kept.
        datasets: Schemas by name.
        bound: Columns that the files of some tables have.
        section: Its section of the config.
    """

    module: Module
    shelf: Catalog
    planned: PassPlan
    datasets: Mapping[str, Dataset]
    bound: Mapping[str, frozenset[str]]
    section: Section

    @property
    def contracts(self) -> Mapping[str, Table]:
        """Contracts of the tables that the pass reads."""
        return {name: self.shelf.tables[name] for name in self.planned.reads}

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The columns that the section asks for."""
        return self.module.measures(self.planned.config.section(self.module.config_key), where=self.module.config_key)

    def recipes(self, values: Mapping[str, Sequence[Any]]) -> dict[str, Recipe]:
        """What must be made so that the pass can be computed."""
        return {
            name: Recipe(self._files(table), needed_columns(self._files(table), self.planned.reads[name]), values)
            for name, table in self.contracts.items()
        }

    def _files(self, table: Table) -> Table:
        """The contract with only the columns that the files have."""
        stored = self.bound.get(table.name)
        return table if stored is None else replace(table, columns=tuple(column for column in table.columns if column.name in stored))

    def rows(self, *markets: Market) -> pl.LazyFrame:
        """The rows that the pass makes of the days of *markets*."""
        return self.rows_of({market.day: (market.scanned(self.contracts), market.listings) for market in markets})

    def rows_of(self, days: Mapping[date, tuple[Mapping[str, pl.LazyFrame], pl.DataFrame]]) -> pl.LazyFrame:
        """The rows that the pass makes of scanned tables and listings by day."""
        tables = {
            day: {name: frame.select(self.planned.reads[name]) for name, frame in frames.items()} for day, (frames, _) in days.items()
        }
        listings = {day: frame.lazy() for day, (_, frame) in days.items()}
        with using_catalog(self.shelf):
            return compute_pass(self.planned, tables, listings, self.datasets).rows

    def alone(self, measure: Measure) -> Query:
        """The query of one measure by itself."""
        known = {name: dataset for name, dataset in self.datasets.items() if dataset.is_raw}
        contract = table_of(measure, self.module)
        with using_catalog(self.shelf):
            return plan_query(contract, self.shelf.tables[contract], [measure], known, self.shelf)[0]

    def widened(self, clock: Clock) -> Arranged:
        """The same pass with buckets of *clock*, a multiple of a minute or a day."""
        options = {"timeline_mode": "daily_analytics"} if clock.is_daily else {"time_bucket_seconds": clock.nanos / 1e9}
        return arrange(self.module, self.shelf, self.section, self.bound, **options)


def datasets_of(shelf: Catalog, bound: Mapping[str, Collection[str]]) -> dict[str, Dataset]:
    """Schemas of all raw tables, over files with the columns of *bound*."""
    return {name: raw_dataset(table, frozenset(bound[name]) if name in bound else None) for name, table in shelf.tables.items()}


def arrange(
    module: Module, shelf: Catalog, section: Section, bound: Mapping[str, Collection[str]] | None = None, **options: Any
) -> Arranged:
    """Plan one pass of *module* with *section*, over files with the columns of *bound*.

    Raises:
        ConfigError, PlanError: The section is wrong, or cannot be planned.
    """
    stored = {name: frozenset(columns) for name, columns in (bound or {}).items()}
    with using_catalog(shelf):
        config = read_config(
            {
                "start_date": DAY,
                "end_date": DAY,
                "passes": [{"name": QUERY, "modules": [module.name], module.config_key: dict(section), **options}],
            }
        )
        known = datasets_of(shelf, stored)
        planned = plan_pass(config, 0, known, (DAY,), shelf)
    return Arranged(module, shelf, planned, {**known, QUERY: planned.dataset}, stored, section)


__all__ = ["Arranged", "Section", "arrange", "can_make", "sections_of", "shelf_with"]
