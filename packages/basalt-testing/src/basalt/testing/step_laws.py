"""Laws of table modules and preprocessors: what holds for every function from tables to tables.

Inherit `TableModuleLaws` or `PreprocessorLaws`, name the module, and say which passes come before it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any, ClassVar

import polars as pl
from hypothesis import settings
from hypothesis import strategies as st

from basalt.core.bucketing import DATE, TIME_BUCKET
from basalt.core.catalog import Catalog, using_catalog
from basalt.core.computing import compute_pass
from basalt.core.datasets import Dataset
from basalt.core.declaring import Module
from basalt.core.planning import plan
from basalt.core.plans import PassPlan, Plan
from basalt.core.tables import Table
from basalt.testing.comparing import Tolerance, differences
from basalt.testing.generating import Recipe
from basalt.testing.laws import check_law
from basalt.testing.markets import Market
from basalt.testing.strategies import QUICK, markets
from basalt.testing.tables import DAY, needed_columns

LAW = "law"
ROWS = "rows"

Days = Mapping[date, tuple[Mapping[str, pl.LazyFrame], pl.DataFrame]]
"""Scanned tables and listings, by day."""


@dataclass(frozen=True)
class Chain:
    """Passes that end with the one under test, planned, to be given markets.

    Attributes:
        shelf: The catalog that their modules are in.
        planned: The passes.
        is_preprocessor: What is under test makes side tables.
        bound: Columns that the files of some tables have.
    """

    shelf: Catalog
    planned: Plan
    is_preprocessor: bool
    bound: Mapping[str, frozenset[str]]

    @property
    def last(self) -> PassPlan:
        """The pass under test."""
        return self.planned.passes[-1]

    @property
    def results(self) -> dict[str, Dataset]:
        """Schemas of what the last pass makes, by name."""
        if self.is_preprocessor:
            return {table.name: table.dataset for table in self.last.side_tables}
        return {ROWS: self.last.dataset}

    @property
    def contracts(self) -> dict[str, Table]:
        """Contracts of the raw tables that are read."""
        return {name: self.shelf.tables[name] for name in self.planned.raw_reads}

    def recipes(self, values: Mapping[str, Sequence[Any]]) -> dict[str, Recipe]:
        """What must be made so that the passes can be computed."""
        files = {name: self._files(table) for name, table in self.contracts.items()}
        return {name: Recipe(table, needed_columns(table, self.planned.raw_reads[name]), values) for name, table in files.items()}

    def _files(self, table: Table) -> Table:
        stored = self.bound.get(table.name)
        return table if stored is None else replace(table, columns=tuple(column for column in table.columns if column.name in stored))

    def frames(self, *days: Market) -> dict[str, pl.LazyFrame]:
        """What the last pass makes of the days of some markets, by name."""
        return self.frames_of({market.day: (market.scanned(self.contracts), market.listings) for market in days})

    def frames_of(self, days: Days) -> dict[str, pl.LazyFrame]:
        """What the last pass makes of scanned tables and listings by day."""
        known: dict[date, dict[str, pl.LazyFrame]] = {day: dict(frames) for day, (frames, _) in days.items()}
        listings = {day: frame.lazy() for day, (_, frame) in days.items()}
        made: dict[str, pl.LazyFrame] = {}
        with using_catalog(self.shelf):
            for each in self.planned.passes:
                reads = {day: _read(each, known[day]) for day in days}
                computed = compute_pass(each, reads, listings, self.planned.datasets())
                made = {each.name: computed.rows, **computed.side_tables}
                for day in days:
                    known[day] |= {name: _of_day(frame, day) for name, frame in made.items()}
        sides = {table.name: made[table.key] for table in self.last.side_tables}
        return sides if self.is_preprocessor else {ROWS: made[self.last.name]}


def _read(each: PassPlan, known: Mapping[str, pl.LazyFrame]) -> dict[str, pl.LazyFrame]:
    """The tables that a pass reads of those that stood before it."""
    return {name: known[name].select(columns) for name, columns in each.reads.items() if name in known}


def _of_day(frame: pl.LazyFrame, day: date) -> pl.LazyFrame:
    return frame.filter(pl.col(DATE) == day) if DATE in frame.collect_schema() else frame


def chain_of(laws: type[StepLaws], section: Mapping[str, Any]) -> Chain:
    """The passes of *laws*, the one under test with *section*.

    Raises:
        ConfigError, PlanError: They cannot be planned.
    """
    kind = "preprocess_modules" if laws.is_preprocessor else "modules"
    under_test = {"name": LAW, kind: [laws.module.name], laws.module.config_key: dict(section), **laws.pass_settings}
    bound = {name: frozenset(columns) for name, columns in laws.stored.items()}
    shelf = _shelf_of(laws)
    config = {"start_date": DAY, "end_date": DAY, "support_columns": True, "passes": [*map(dict, laws.before), under_test]}
    with using_catalog(shelf):
        return Chain(shelf, plan(config, bound=bound, shelf=shelf), laws.is_preprocessor, bound)


def _shelf_of(laws: type[StepLaws]) -> Catalog:
    shelf = Catalog()
    own = {each.name: each for each in laws.also}
    shelf.tables = {**shelf.tables, **{table.name: table for table in laws.contracts}}
    shelf.modules = {**shelf.modules, **own}
    kept = {laws.module.name: laws.module}
    if laws.is_preprocessor:
        shelf.preprocessors = {**shelf.preprocessors, **kept}
    else:
        shelf.modules = {**shelf.modules, **kept}
    return shelf


class StepLaws:
    """What table modules and preprocessors have in common; inherit one of the two classes below.

    Attributes:
        module: What is under test; it need not be installed.
        config: Sections of its config to exercise.
        before: Passes whose rows it reads, as a config has them.
        pass_settings: Further keys of its own pass: `time_bucket_seconds`, `module_inputs` …
        also: Modules of formulas or tables that *before* uses and no installed plugin offers.
        contracts: Raw tables that no installed plugin offers.
        stored: Columns that the files of a table have, where that is not all of its contract.
        tables: Strategies for single raw tables, instead of rows made from their contract.
        values: Values of single columns, instead of what name, unit and type suggest.
        tolerance: How far floats may lie apart that engines or batches compute.
        profile: How many markets each law sees.
    """

    module: ClassVar[Any]
    is_preprocessor: ClassVar[bool] = False
    config: ClassVar[Sequence[Mapping[str, Any]]] = ({},)
    before: ClassVar[Sequence[Mapping[str, Any]]] = ()
    pass_settings: ClassVar[Mapping[str, Any]] = {}
    also: ClassVar[Sequence[Module | Any]] = ()
    contracts: ClassVar[Sequence[Table]] = ()
    stored: ClassVar[Mapping[str, Collection[str]]] = {}
    tables: ClassVar[Mapping[str, st.SearchStrategy[pl.DataFrame]]] = {}
    values: ClassVar[Mapping[str, Sequence[Any]]] = {}
    tolerance: ClassVar[Tolerance] = Tolerance()
    profile: ClassVar[settings] = QUICK

    @cached_property
    def chains(self) -> tuple[Chain, ...]:
        """The planned passes, one chain for each section."""
        return _CHAINS.setdefault(type(self), tuple(chain_of(type(self), section) for section in self.config))

    def _holds(self, law: Callable[[Chain, Market], list[str]]) -> None:
        for chain in self.chains:
            given = {name: strategy for name, strategy in self.tables.items() if name in chain.contracts}
            check_law(law, chain, markets(chain.recipes(self.values), given=given), self.profile)

    def _differ(self, chain: Chain, found: Mapping[str, pl.LazyFrame], wanted: Mapping[str, pl.LazyFrame]) -> list[str]:
        names = list(wanted)
        ours, theirs = pl.collect_all([found[name] for name in names]), pl.collect_all([wanted[name] for name in names])
        return [
            f"{name}: {text}"
            for name, one, other in zip(names, ours, theirs, strict=True)
            for text in self._differences(chain.results[name], one, other)
        ]

    def _differences(self, dataset: Dataset, found: pl.DataFrame, wanted: pl.DataFrame) -> list[str]:
        keys = list(dataset.keys) or list(dataset.names())
        return differences(found, wanted, keys, [name for name in dataset.names() if name not in keys], self.tolerance)

    # ------------------------------------------------------------ laws of the rows

    def test_planned_schema_is_computed_schema(self) -> None:
        """Columns, order and types of what is made are those of the plan."""

        def law(chain: Chain, market: Market) -> list[str]:
            frames = chain.frames(market)
            return [text for name, dataset in chain.results.items() for text in _unlike(name, dataset, frames[name].collect())]

        self._holds(law)

    def test_keys_tell_rows_apart(self) -> None:
        """No two rows of a result have the same keys."""

        def law(chain: Chain, market: Market) -> list[str]:
            frames = chain.frames(market)
            keyed = {name: list(dataset.keys) for name, dataset in chain.results.items() if dataset.keys}
            return [
                f"{name} has several rows of one {', '.join(keys)}"
                for name, keys in keyed.items()
                if frames[name].select(keys).collect().is_duplicated().any()
            ]

        self._holds(law)

    def test_undefined_is_null(self) -> None:
        """No value is NaN or infinite: what is undefined is null."""

        def law(chain: Chain, market: Market) -> list[str]:
            return [text for name, frame in chain.frames(market).items() for text in _unreal(name, frame.collect())]

        self._holds(law)

    def test_batched_is_whole(self) -> None:
        """Listings (or instruments, where the scope is theirs) computed one by one give the rows that they give together."""

        def law(chain: Chain, market: Market) -> list[str]:
            groups = _batches(chain, market)
            if not groups:
                return []
            parts = [chain.frames(market.of_listings(group)) for group in groups]
            return self._differ(chain, {name: pl.concat([part[name] for part in parts]) for name in chain.results}, chain.frames(market))

        self._holds(law)

    def test_shuffled_is_in_order(self) -> None:
        """Raw rows that arrive in another order and are sorted on reading give what rows in order give."""

        def law(chain: Chain, market: Market) -> list[str]:
            mixed = {market.day: (market.shuffled(1).sorted_scan(chain.contracts), market.listings)}
            return self._differ(chain, chain.frames_of(mixed), chain.frames(market))

        self._holds(law)

    def test_files_may_come_in_any_order(self) -> None:
        """One venue's rows after another's give what rows of all venues in order of time give."""

        def law(chain: Chain, market: Market) -> list[str]:
            return self._differ(chain, chain.frames(market.by_market()), chain.frames(market))

        self._holds(law)

    def test_streaming_is_in_memory(self) -> None:
        """Both engines give the same rows."""

        def law(chain: Chain, market: Market) -> list[str]:
            return [
                f"{name}: {text}"
                for name, frame in chain.frames(market).items()
                for text in self._differences(chain.results[name], frame.collect(engine="streaming"), frame.collect(engine="in-memory"))
            ]

        self._holds(law)

    def test_causal(self) -> None:
        """What happens after a row's time changes nothing in it, except in columns that are declared to look forward.

        The time of a row is its TimeBucket or, where it has none, the first of its keys that is an instant.
        """

        def law(chain: Chain, market: Market) -> list[str]:
            return [
                text
                for name, dataset in chain.results.items()
                if (clock := _clock_of(dataset))
                for text in self._changed_by_the_future(chain, market, name, clock)
            ]

        self._holds(law)

    def _changed_by_the_future(self, chain: Chain, market: Market, name: str, clock: str) -> list[str]:
        dataset = chain.results[name]
        known = replace(dataset, columns=tuple(column for column in dataset.columns if not column.forward))
        whole, found = chain.frames(market)[name].collect(), []
        for cut in _cuts(whole, clock):
            before = pl.col(clock).cast(pl.Datetime("ns")).cast(pl.Int64) <= cut
            others = (market.until(cut, chain.contracts), market.continued(cut, market.altered(), chain.contracts))
            for one in pl.collect_all([chain.frames(other)[name].filter(before) for other in others]):
                found += [f"{name}: {text}" for text in self._differences(known, one, whole.filter(before))]
        return found

    def test_days_stand_alone(self) -> None:
        """Two days together give the rows of each by itself, unless the scope is all dates."""

        def law(chain: Chain, market: Market) -> list[str]:
            if any(each.scope.all_dates for each in chain.planned.passes):
                return []
            days = [market, market.later(1)]
            parts = [chain.frames(day) for day in days]
            alone = {name: pl.concat([part[name] for part in parts]) for name in chain.results}
            return self._differ(chain, chain.frames(*days), alone)

        self._holds(law)


class TableModuleLaws(StepLaws):
    """The laws of one table module: `class TestSmooth(TableModuleLaws): module = SMOOTH; before = [BARS]`."""


class PreprocessorLaws(StepLaws):
    """The laws of one preprocessor: `class TestIceberg(PreprocessorLaws): module = ICEBERG`."""

    is_preprocessor = True


_CHAINS: dict[type[StepLaws], tuple[Chain, ...]] = {}


def _unlike(name: str, dataset: Dataset, found: pl.DataFrame) -> list[str]:
    wanted = dataset.schema()
    wrong = [
        f"{name}: {column} is {found.schema.get(column)}, planned was {dtype}"
        for column, dtype in wanted.items()
        if found.schema.get(column) != dtype
    ]
    return wrong or ([] if found.columns == list(dataset.names()) else [f"{name}: the columns are in another order"])


def _unreal(name: str, frame: pl.DataFrame) -> list[str]:
    floats = frame.select(pl.selectors.float())
    unreal = floats.select((pl.all().is_nan() | pl.all().is_infinite()).any())
    return [f"{name}: {column} is NaN or infinite" for column in floats.columns if unreal[column].any()]


def _batches(chain: Chain, market: Market) -> list[list[int]]:
    """Listings that may be computed apart; none where all must be seen at once."""
    scopes = {each.scope.entities for each in chain.planned.passes}
    if "universe" in scopes:
        return []
    group = pl.coalesce("InstrumentId", "ListingId") if "instrument" in scopes else pl.col("ListingId")
    parts = market.listings.group_by(group.alias("batch"), maintain_order=True).agg("ListingId")
    return [list(listed) for listed in parts["ListingId"].to_list()]


def _clock_of(dataset: Dataset) -> str | None:
    """The key that says when a row was."""
    if TIME_BUCKET in dataset.keys and dataset.clock and not dataset.clock.is_daily:
        return TIME_BUCKET
    return next((name for name in dataset.keys if name != TIME_BUCKET and isinstance(dataset.schema()[name], pl.Datetime)), None)


def _cuts(rows: pl.DataFrame, clock: str) -> Iterator[int]:
    """The first time that rows have, and one in the middle."""
    moments = pl.col(clock).drop_nulls().cast(pl.Datetime("ns")).cast(pl.Int64)
    labels: list[int] = rows.select(moments.unique().sort()).to_series().to_list()
    yield from sorted({*labels[:1], *labels[len(labels) // 2 : -1][:1]})


__all__ = ["Chain", "PreprocessorLaws", "StepLaws", "TableModuleLaws"]
