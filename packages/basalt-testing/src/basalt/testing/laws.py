"""Laws: what holds for every module of analytics, whatever it computes.

Inherit `ModuleLaws` and name the module; each law is a test with one reason to fail. Laws run on
small markets of `basalt.testing.strategies`, the same ones each time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, TypeVar

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.core.bucketing import TIME_BUCKET, Clock
from basalt.core.catalog import Catalog, using_catalog
from basalt.core.cells import KEY
from basalt.core.declaring import Analytic, Example, Module
from basalt.core.fusing import fuse
from basalt.core.holding.windows import rows_at_once
from basalt.core.tables import Table
from basalt.testing.arranging import Arranged, Section, arrange, can_make, sections_of, shelf_with
from basalt.testing.comparing import Tolerance, differences
from basalt.testing.examples import is_close, value_of
from basalt.testing.markets import Market
from basalt.testing.rolling import KEYS, roll_up
from basalt.testing.strategies import QUICK, markets

COARSER: Mapping[str, Clock] = {
    "5 minutes": Clock.of_seconds(5 * 60),
    "15 minutes": Clock.of_seconds(15 * 60),
    "60 minutes": Clock.of_seconds(60 * 60),
    "day": Clock.daily(),
}

FEW_ROWS = 5
"""Rows of a piece, where carried values are followed piece by piece."""


class ModuleLaws:
    """The laws of one module: `class TestTrade(ModuleLaws): module = TRADE`.

    Attributes:
        module: The module under test; it need not be installed.
        config: Sections of its config to exercise; by default every analytic and every choice of its axes.
        stored: Columns that the files of a table have, where that is not all of its contract: the rest
            must come from enrichments, and analytics that cannot be computed are left out.
        contracts: Tables that no installed plugin offers.
        tables: Strategies for single tables, instead of rows made from their contract.
        values: Values of single columns, instead of what name, unit and type suggest.
        tolerance: How far floats may lie apart that engines or batches compute.
        rollup_tolerance: How far a rolled-up float may lie from the directly computed one.
        profile: How many markets each law sees, and what is done with one that breaks it.
    """

    module: ClassVar[Module]
    config: ClassVar[Sequence[Section] | None] = None
    stored: ClassVar[Mapping[str, Collection[str]]] = {}
    contracts: ClassVar[Sequence[Table]] = ()
    tables: ClassVar[Mapping[str, st.SearchStrategy[pl.DataFrame]]] = {}
    values: ClassVar[Mapping[str, Sequence[Any]]] = {}
    tolerance: ClassVar[Tolerance] = Tolerance()
    rollup_tolerance: ClassVar[Tolerance] = Tolerance(1e-9, 1e-12)
    profile: ClassVar[settings] = QUICK

    # ------------------------------------------------------------ what the laws speak of

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make a test of each example and of each coarser bucket."""
        if "example" in metafunc.fixturenames:
            cases = [(formula, example) for formula in self.module.formulas for example in formula.examples]
            metafunc.parametrize(("formula", "example"), cases, ids=_ids([formula.name for formula, _ in cases]))
        if "coarser" in metafunc.fixturenames:
            metafunc.parametrize("coarser", list(COARSER))

    @property
    def _subject(self) -> Subject:
        return _SUBJECTS.setdefault(type(self), Subject(type(self)))

    @cached_property
    def shelf(self) -> Catalog:
        """The catalog with the module in it."""
        return self._subject.shelf

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The sections that the laws run on."""
        return self._subject.sections

    @cached_property
    def passes(self) -> tuple[Arranged, ...]:
        """One planned pass for each section."""
        return self._subject.passes

    def _holds(self, law: Callable[[Arranged, Market], list[str]], *, passes: Sequence[Arranged] | None = None) -> None:
        """Fail with what *law* finds on the smallest market that breaks it."""
        for arranged in self.passes if passes is None else passes:
            check_law(law, arranged, markets(arranged.recipes(self.values), given=self._given(arranged)), self.profile)

    def _given(self, arranged: Arranged) -> dict[str, st.SearchStrategy[pl.DataFrame]]:
        return {name: strategy for name, strategy in self.tables.items() if name in arranged.planned.reads}

    def _differ(self, arranged: Arranged, found: pl.LazyFrame, wanted: pl.LazyFrame) -> list[str]:
        one, other = pl.collect_all([found, wanted])
        columns = [column.name for column in arranged.planned.dataset.columns]
        return differences(one, other, KEYS, columns, self.tolerance)

    # ------------------------------------------------------------ laws of the declaration

    def test_examples_hold(self, formula: Analytic, example: Example) -> None:
        """Each example gives the value it says, through the fusing of a real run."""
        found = value_of(self.module, formula, example, self.shelf)
        assert is_close(found, example.gives), (
            f"{formula.name}: {dict(example.axes)} on {dict(example.rows)} gives {found!r}, not {example.gives!r}"
        )

    def test_column_names_are_unique(self) -> None:
        """No two measures of one section want the same column."""
        for section in self.sections:
            with using_catalog(self.shelf):
                model = self.module.config_model.model_validate(dict(section))
                named = Counter(measure.column for measure in self.module.measures(model, where=self.module.config_key))
            twice = [name for name, count in named.items() if count > 1]
            assert not twice, f"several measures are called {', '.join(twice)}"

    def test_every_analytic_is_exercised(self) -> None:
        """The sections that the laws run on ask for each analytic that a config can ask for, as far as files have their columns."""
        if self.stored:
            return
        asked = {measure.analytic.name for arranged in self.passes for measure in arranged.measures}
        members = {
            formula.name for family in self.module.families for formula in self.module.members(family) if can_make(self.module, formula)
        }
        assert not members - asked, f"no section asks for {', '.join(sorted(members - asked))}: set `config`"

    # ------------------------------------------------------------ laws of the rows

    def test_planned_schema_is_computed_schema(self) -> None:
        """Columns, order and types of the rows are those of the plan."""

        def law(arranged: Arranged, market: Market) -> list[str]:
            found = dict(arranged.rows(market).collect().schema)
            wanted = arranged.planned.dataset.schema()
            wrong = [f"{name} is {found.get(name)}, planned was {dtype}" for name, dtype in wanted.items() if found.get(name) != dtype]
            return wrong or ([] if list(found) == list(arranged.planned.dataset.names()) else ["the columns are in another order"])

        self._holds(law)

    def test_undefined_is_null(self) -> None:
        """No value is NaN or infinite: what is undefined is null."""

        def law(arranged: Arranged, market: Market) -> list[str]:
            floats = arranged.rows(market).collect().select(pl.selectors.float())
            unreal = floats.select((pl.all().is_nan() | pl.all().is_infinite()).any())
            return [f"{name} is NaN or infinite" for name in floats.columns if unreal[name].any()]

        self._holds(law)

    def test_alone_is_fused(self) -> None:
        """A measure has the value that it has when nothing else is computed."""

        def law(arranged: Arranged, market: Market) -> list[str]:
            measures = [measure for measure in arranged.measures if measure.analytic.grain in ("bucket", "state")]
            tables = market.scanned(arranged.contracts)
            alone = pl.collect_all([fuse(arranged.alone(measure), tables, arranged.planned.clock) for measure in measures])
            fused = arranged.rows(market).collect()
            keys = [KEY, TIME_BUCKET]
            return [
                text
                for measure, frame in zip(measures, alone, strict=True)
                for text in differences(fused.join(frame.select(keys), on=keys), frame, keys, [measure.column], self.tolerance)
            ]

        self._holds(law)

    def test_batched_is_whole(self) -> None:
        """Listings computed one by one give the rows that they give together."""

        def law(arranged: Arranged, market: Market) -> list[str]:
            if arranged.planned.scope.entities != "listing":
                return []
            batches = [arranged.rows(market.only(listing)) for listing in market.listings["ListingId"]]
            return self._differ(arranged, pl.concat(batches), arranged.rows(market)) if batches else []

        self._holds(law)

    def test_shuffled_is_in_order(self) -> None:
        """Rows that arrive in another order and are sorted on reading give what rows in order give."""

        def law(arranged: Arranged, market: Market) -> list[str]:
            mixed = {market.day: (market.shuffled(1).sorted_scan(arranged.contracts), market.listings)}
            return self._differ(arranged, arranged.rows_of(mixed), arranged.rows(market))

        self._holds(law)

    def test_files_may_come_in_any_order(self) -> None:
        """One venue's rows after another's give what rows of all venues in order of time give."""

        def law(arranged: Arranged, market: Market) -> list[str]:
            return self._differ(arranged, arranged.rows(market.by_market()), arranged.rows(market))

        self._holds(law)

    def test_streaming_is_in_memory(self) -> None:
        """Both engines give the same rows."""

        def law(arranged: Arranged, market: Market) -> list[str]:
            rows = arranged.rows(market)
            columns = [column.name for column in arranged.planned.dataset.columns]
            return differences(rows.collect(engine="streaming"), rows.collect(engine="in-memory"), KEYS, columns, self.tolerance)

        self._holds(law)

    def test_pieces_are_whole(self) -> None:
        """Carried values that are followed over a few rows at a time give what they give over all rows at once."""

        def law(arranged: Arranged, market: Market) -> list[str]:
            if not any(query.rows and query.is_foldable for query in arranged.planned.queries):
                return []
            with rows_at_once(FEW_ROWS):
                pieces = arranged.rows(market)
            return self._differ(arranged, pieces, arranged.rows(market))

        self._holds(law)

    def test_rolled_up_is_direct(self, coarser: str) -> None:
        """Minutes rolled up by the declared rules equal the coarse buckets computed directly."""
        passes = [each for each in self.passes if any(column.rollup for column in each.planned.dataset.visible)]
        wider = {id(each): each.widened(COARSER[coarser]) for each in passes}

        def law(arranged: Arranged, market: Market) -> list[str]:
            wide = wider[id(arranged)]
            fine, direct = pl.collect_all([arranged.rows(market), wide.rows(market)])
            rolled = roll_up(fine, arranged.planned.dataset, wide.planned.clock)
            columns = [name for name in rolled.columns if name not in KEYS]
            return differences(rolled, direct, KEYS, columns, self.rollup_tolerance)

        self._holds(law, passes=passes)

    def test_causal(self) -> None:
        """What happens after a bucket's end changes nothing in it, except where a measure says that it looks forward."""

        def law(arranged: Arranged, market: Market) -> list[str]:
            whole = arranged.rows(market).collect()
            return [text for cut in _cuts(whole) for text in self._changes_before(cut, arranged, market, whole)]

        self._holds(law)

    def _changes_before(self, cut: int, arranged: Arranged, market: Market, whole: pl.DataFrame) -> list[str]:
        before = pl.col(TIME_BUCKET).cast(pl.Int64) <= cut
        others = (market.until(cut, arranged.contracts), market.continued(cut, market.altered(), arranged.contracts))
        found = pl.collect_all([arranged.rows(other).filter(before) for other in others])
        columns = [column.name for column in arranged.planned.dataset.visible if not column.forward]
        return [text for one in found for text in differences(one, whole.filter(before), KEYS, columns, self.tolerance)]

    def test_days_stand_alone(self) -> None:
        """Two days together give the rows of each by itself."""

        def law(arranged: Arranged, market: Market) -> list[str]:
            if arranged.planned.scope.all_dates:
                return []
            days = [market, market.later(1)]
            return self._differ(arranged, arranged.rows(*days), pl.concat([arranged.rows(day) for day in days]))

        self._holds(law)


Subjected = TypeVar("Subjected")


def check_law(
    law: Callable[[Subjected, Market], list[str]], subject: Subjected, strategy: st.SearchStrategy[Market], profile: settings
) -> None:
    """Fail with what *law* finds wrong of *subject*, on the smallest market of *strategy* that breaks it."""

    @profile
    @given(strategy)
    def holds(market: Market) -> None:
        wrong = law(subject, market)
        assert not wrong, "; ".join(wrong[:5]) + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else "") + f"\n{market}"

    holds()


def _cuts(rows: pl.DataFrame) -> list[int]:
    """The end of the first bucket, and of one in the middle."""
    labels = rows.select(pl.col(TIME_BUCKET).cast(pl.Int64).unique().sort()).to_series().to_list()
    return sorted({*labels[:1], *labels[len(labels) // 2 : -1][:1]})


def _ids(names: Sequence[str]) -> list[str]:
    seen: Counter[str] = Counter()
    ids = []
    for name in names:
        seen[name] += 1
        ids.append(f"{name}-{seen[name]}")
    return ids


@dataclass(frozen=True)
class Subject:
    """What a class of laws speaks of, found once for all of its tests."""

    laws: type[ModuleLaws]

    @cached_property
    def shelf(self) -> Catalog:
        """The catalog with the module in it."""
        return shelf_with(self.laws.module, self.laws.contracts)

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The sections of the module's config that the laws run on."""
        return tuple(self.laws.config) if self.laws.config is not None else sections_of(self.laws.module, self.shelf, self.laws.stored)

    @cached_property
    def passes(self) -> tuple[Arranged, ...]:
        """One planned pass for each section."""
        return tuple(arrange(self.laws.module, self.shelf, section, self.laws.stored) for section in self.sections)


_SUBJECTS: dict[type[ModuleLaws], Subject] = {}


__all__ = ["COARSER", "ModuleLaws", "check_law"]
