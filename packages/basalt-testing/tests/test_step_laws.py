"""Each law of table modules and preprocessors fails on one that breaks it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl
import pytest
from hypothesis import Phase, settings

from basalt.core import Clock, Input, Module, ModuleConfig, Produced, Scope, Sum, analytic
from basalt.core.datasets import Dataset, PlannedColumn
from basalt.testing import PreprocessorLaws, TableModuleLaws
from basalt.testing.strategies import QUICK

KEYS = ("ListingId", "Date", "TimeBucket")
FLOAT = pl.Float64()
BY_LISTING = Scope()


@analytic(column="Volume", unit="shares", rollup=Sum())
def volume() -> pl.Expr:
    """Traded quantity."""
    return pl.col("Size").sum()


BARS = Module("law_bars", "trades", (volume,))


@dataclass(frozen=True)
class Running:
    """Volume so far on the day; each flag breaks one promise."""

    name: str = "running"
    config_key: str = "running_analytics"
    config_model: type[ModuleConfig] = ModuleConfig
    doc: str = "Volume so far."
    along: tuple[str, ...] = ("ListingId", "Date")
    reverse: bool = False
    dtype: Any = FLOAT
    factor: float = 1.0
    repeated: bool = False
    scope: Scope = BY_LISTING
    forward: bool = False

    def inputs(self, config: Any) -> tuple[Input, ...]:
        return (Input("source", "bars"),)

    def plan(self, config: Any, inputs: Mapping[str, Dataset], clock: Clock, *, where: str) -> Produced:
        column = PlannedColumn("Running", self.dtype, "shares", forward=self.forward)
        return Produced((column,), KEYS, self.scope, inputs["source"].clock)

    def compute(self, config: Any, inputs: Mapping[str, pl.LazyFrame], planned: Mapping[str, Dataset], clock: Clock) -> pl.LazyFrame:
        rows = inputs["source"].sort("TimeBucket", "ListingId")
        total = pl.col("Volume").cum_sum(reverse=self.reverse)
        total = total.over(self.along) if self.along else total
        made = rows.select(*KEYS, (total * self.factor).alias("Running"))
        return pl.concat([made, made]) if self.repeated else made


class Shared(TableModuleLaws):
    before: ClassVar = [{"name": "bars", "modules": ["law_bars"]}]
    also: ClassVar = [BARS]


class TestRunning(Shared):
    module = Running()


@dataclass(frozen=True)
class Blocks:
    """Trades of some size as a table of their own."""

    name: str = "blocks"
    config_key: str = "blocks_preprocess"
    config_model: type[ModuleConfig] = ModuleConfig
    doc: str = "Large trades."
    looks_ahead: bool = False

    def inputs(self, config: Any) -> tuple[Input, ...]:
        return (Input("trades", "trades", ("ListingId", "TradeTimestamp", "BMLLSequenceNo", "Size")),)

    def plan(self, config: Any, inputs: Mapping[str, Dataset], clock: Clock, *, where: str) -> dict[str, Produced]:
        columns = (PlannedColumn("Count", pl.UInt32()), PlannedColumn("Size", pl.Float64(), "shares"))
        return {"blocks": Produced(columns, ("ListingId", "TradeTimestamp"), Scope())}

    def compute(
        self, config: Any, inputs: Mapping[str, pl.LazyFrame], planned: Mapping[str, Dataset], clock: Clock
    ) -> dict[str, pl.LazyFrame]:
        trades = inputs["trades"]
        if self.looks_ahead:
            trades = trades.with_columns(pl.col("Size").shift(-1).over("ListingId"))
        grouped = trades.group_by("ListingId", "TradeTimestamp").agg(pl.len().alias("Count"), pl.col("Size").sum())
        return {"blocks": grouped}


class TestBlocks(PreprocessorLaws):
    module = Blocks()


def laws_of(module: Any, base: type = Shared) -> Any:
    return type("Laws", (base,), {"module": module, "profile": settings(QUICK, phases=[Phase.generate])})()


def fails(law: Any) -> str:
    with pytest.raises(AssertionError) as failure:
        law()
    return str(failure.value)


def test_a_type_that_is_not_as_planned_fails() -> None:
    assert "planned was Int64" in fails(laws_of(Running(dtype=pl.Int64())).test_planned_schema_is_computed_schema)


def test_repeated_keys_fail() -> None:
    assert "several rows" in fails(laws_of(Running(repeated=True)).test_keys_tell_rows_apart)


def test_what_is_not_finite_fails() -> None:
    assert "Running is NaN or infinite" in fails(laws_of(Running(factor=float("nan"))).test_undefined_is_null)


def test_a_sum_over_listings_fails_where_batches_are() -> None:
    assert "Running differs" in fails(laws_of(Running(along=("Date",))).test_batched_is_whole)


@pytest.mark.parametrize("entities", ["instrument", "universe"])
def test_wider_scopes_are_batched_as_they_say(entities: Any) -> None:
    laws_of(Running(scope=Scope(entities))).test_batched_is_whole()
    laws_of(Running(along=("Date",), scope=Scope("universe"))).test_batched_is_whole()


def test_days_that_know_of_each_other_fail_unless_all_dates_are_seen() -> None:
    days = itertools.count(1)

    class Counted(Running):
        def compute(self, *given: Any) -> pl.LazyFrame:
            return super().compute(*given).with_columns(pl.col("Running") + next(days))

    assert "Running differs" in fails(laws_of(Counted()).test_days_stand_alone)
    laws_of(Counted(scope=Scope(all_dates=True))).test_days_stand_alone()


def test_looking_ahead_fails_unless_it_is_declared() -> None:
    assert "Running differs" in fails(laws_of(Running(reverse=True)).test_causal)
    laws_of(Running(reverse=True, forward=True)).test_causal()


def test_a_side_table_that_looks_ahead_fails() -> None:
    assert "blocks: Size differs" in fails(laws_of(Blocks(looks_ahead=True), PreprocessorLaws).test_causal)


def test_a_place_among_all_rows_fails_where_they_are_shuffled() -> None:
    class Placed(Blocks):
        def compute(self, config: Any, inputs: Any, planned: Any, clock: Any) -> dict[str, pl.LazyFrame]:
            place = pl.int_range(pl.len(), dtype=pl.Int64).cast(pl.Float64)
            return super().compute(config, {"trades": inputs["trades"].with_columns(Size=place)}, planned, clock)

    laws = laws_of(Placed(), PreprocessorLaws)
    assert "blocks: Size differs" in fails(laws.test_batched_is_whole)
    assert "blocks: Size differs" in fails(laws.test_files_may_come_in_any_order)
