"""Each law fails on a module that breaks it, and on no other ground."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import ClassVar, Literal

import polars as pl
import pytest
from hypothesis import Phase, settings

from basalt.core.declaring import (
    EVERY_ROW,
    Carried,
    Composite,
    Example,
    First,
    FromParts,
    Last,
    Module,
    Part,
    Ratio,
    RatioOfSums,
    Row,
    Sum,
    analytic,
    ratio,
    where,
)
from basalt.market.tables import TRADES
from basalt.testing import ModuleLaws
from basalt.testing.arranging import Arranged
from basalt.testing.laws import COARSER
from basalt.testing.strategies import QUICK, rows

Side = Literal["Bid", "Ask"]
PRICE, SIZE = pl.col("Price"), pl.col("Size")


@analytic(column="Volume", unit="shares", rollup=Sum(), empty="zero", examples=[Example({"Size": [1.0, 2.0]}, gives=3.0)])
def volume(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Traded quantity."""
    return where(SIZE, rows).sum()


@analytic(
    column="{side}Mean",
    unit="{currency}",
    rollup=RatioOfSums(),
    examples=[Example({"Price": [1.0, 2.0], "AggressorSide": [1, 1]}, gives=1.5)],
)
def mean_price(side: Side = "Ask", rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Mean price of {side} trades."""
    mine = pl.col("AggressorSide") == (1 if side == "Ask" else 2)
    return ratio(where(PRICE, mine, rows).sum(), where(PRICE, mine, rows).count())


@analytic(column="Moves", unit="1", rollup=FromParts(), examples=[Example({"Price": [1.0, 2.0, 2.0]}, gives=1)])
def moves() -> Composite:
    """Trades at another price than the one before."""
    moved = Row((pl.col("Price") != pl.col("Price").shift(1)).over("ListingId"))
    return Composite({"count": Part(moved.value.sum().cast(pl.Int64), Sum())}, lambda parts: parts["count"], (moved,))


@analytic(column="VolumeChange", unit="shares", grain="series", examples=[Example({"Volume": [1.0, 3.0]}, gives=[None, 2.0])])
def volume_change() -> pl.Expr:
    """Volume less that of the bucket before."""
    return (pl.col("Volume") - pl.col("Volume").shift(1)).over("ListingId", order_by="TimeBucket")


@analytic(column="Doubled", unit="{currency}", grain="row", examples=[Example({"Price": [1.0, 2.0]}, gives=[2.0, 4.0])])
def doubled() -> pl.Expr:
    """Twice the price."""
    return 2 * PRICE


@analytic(column="LastDoubled", unit="{currency}", rollup=Last(), examples=[Example({"Price": [1.0, 2.0]}, gives=4.0)])
def last_doubled() -> pl.Expr:
    """Twice the last price."""
    return pl.col("Doubled").drop_nulls().last()


@analytic(column="NextPrice", unit="{currency}", forward=True)
def next_price() -> Composite:
    """Price of the first trade after the bucket's last one; declared to look forward."""
    following = Row(PRICE.shift(-1).over("ListingId"))
    return Composite({"next": Part(following.value.last(), Last())}, lambda parts: parts["next"], (following,))


class TestLawfulModule(ModuleLaws):
    module = Module("lawful", "trades", (volume, mean_price, moves, volume_change, doubled, last_doubled, next_price))


STORED = ["ListingId", "MIC", "TradeTimestamp", "BMLLSequenceNo", "Price", "Size", "AggressorSide"]


class TestGivenTables(ModuleLaws):
    module = Module("given", "trades", (volume, mean_price))
    stored: ClassVar = {"trades": STORED}
    tables: ClassVar = {"trades": rows(TRADES, columns=STORED, values={"Price": [1.0, 2.0]})}


# ---------------------------------------------------------------- broken on purpose


def formula(function, **declared):
    function.__doc__ = "Broken on purpose."
    function.__annotations__["return"] = "pl.Expr"
    return analytic(**{"column": function.__name__, "unit": "1", **declared})(function)


def laws_of(*analytics, **attributes) -> ModuleLaws:
    attributes.setdefault("module", Module("broken", "trades", analytics))
    return type("Laws", (ModuleLaws,), {"profile": settings(QUICK, phases=[Phase.generate]), **attributes})()


def fails(law, *arguments) -> str:
    with pytest.raises(AssertionError) as failure:
        law(*arguments)
    return str(failure.value)


def test_an_example_that_lies_fails():
    def size():
        return SIZE.sum()

    lying = Example({"Size": [1.0, 2.0]}, gives=4.0)
    laws = laws_of(formula(size, examples=[lying]))
    assert "gives 3.0, not 4.0" in fails(laws.test_examples_hold, laws.module.formulas[0], lying)


def test_an_example_that_expects_null_is_not_met_by_nan():
    def broken():
        return SIZE.sum() / SIZE.sum()

    given = Example({"Size": [0.0]}, gives=None)
    laws = laws_of(formula(broken, examples=[given]))
    fails(laws.test_examples_hold, laws.module.formulas[0], given)


def test_two_measures_of_one_name_fail():
    def one():
        return SIZE.sum()

    def two():
        return SIZE.max()

    laws = laws_of(formula(one, column="Same"), formula(two, column="Same"))
    assert "Same" in fails(laws.test_column_names_are_unique)


def test_an_analytic_that_no_section_asks_for_fails():
    def above(level: int):
        return (level < PRICE).sum().cast(pl.Int64)

    above.__annotations__["level"] = int
    laws = laws_of(formula(above, column="Above{level}"), volume)
    assert "above" in fails(laws.test_every_analytic_is_exercised)
    asked = laws_of(
        formula(above, column="Above{level}"), volume, config=[{"metrics": [{"measures": ["above", "volume"], "level": [1, 100]}]}]
    )
    asked.test_every_analytic_is_exercised()


def test_a_type_that_is_not_as_planned_fails():
    laws = laws_of(volume)
    arranged = laws.passes[0]
    columns = tuple(replace(column, dtype=pl.Int64()) for column in arranged.planned.dataset.columns)
    planned = replace(arranged.planned, dataset=replace(arranged.planned.dataset, columns=columns))
    laws.passes = (replace(arranged, planned=planned),)
    assert "Volume is Float64, planned was Int64" in fails(laws.test_planned_schema_is_computed_schema)


def test_nan_fails():
    def placement():
        return SIZE.sum() / (SIZE > 500).sum()

    assert "placement" in fails(laws_of(formula(placement)).test_undefined_is_null)


def test_a_formula_that_hangs_on_its_neighbours_fails():
    built = itertools.count()

    def crowded():
        return SIZE.sum() + next(built)

    assert "crowded" in fails(laws_of(formula(crowded), volume).test_alone_is_fused)


def test_a_row_value_that_runs_over_listings_fails_where_batches_are():
    def steps():
        step = Row(PRICE - PRICE.shift(1))
        return Composite({"sum": Part(step.value.sum(), Sum())}, lambda parts: parts["sum"], (step,))

    laws = laws_of(formula(steps))
    assert "steps" in fails(laws.test_batched_is_whole)
    assert "steps" in fails(laws.test_files_may_come_in_any_order)


def test_a_place_among_all_rows_fails_where_they_are_shuffled():
    def jumps():
        place = Row(pl.int_range(pl.len(), dtype=pl.Int64))
        return Composite({"sum": Part((place.value * SIZE).sum(), Sum())}, lambda parts: parts["sum"], (place,))

    assert "jumps" in fails(laws_of(formula(jumps)).test_shuffled_is_in_order)


def test_engines_that_disagree_fail():
    class Fickle(pl.LazyFrame):
        """Rows that gain a share whenever they are streamed."""

        def collect(self, *, engine, **options):
            frame = super().collect(engine=engine, **options)
            return frame.with_columns(pl.col("Volume") + 1) if engine == "streaming" else frame

    class Disagreeing(Arranged):
        def rows(self, *markets):
            return Fickle._from_pyldf(super().rows(*markets)._ldf)

    laws = laws_of(volume)
    laws.passes = (Disagreeing(**vars(laws.passes[0])),)
    assert "Volume differs" in fails(laws.test_streaming_is_in_memory)


@pytest.mark.parametrize("coarser", ["5 minutes", "60 minutes", "day"])
@pytest.mark.parametrize(
    ("value", "rule"),
    [
        pytest.param(SIZE.sum(), First(), id="a sum declared First"),
        pytest.param(PRICE.mean(), Sum(), id="a mean declared Sum"),
        pytest.param(PRICE.drop_nulls().last(), First(), id="the last declared First"),
        pytest.param(PRICE.n_unique().cast(pl.Int64), Sum(), id="distinct prices declared Sum"),
    ],
)
def test_a_wrong_rollup_fails(value, rule, coarser):
    def rolled():
        return value

    assert "rolled differs" in fails(laws_of(formula(rolled, rollup=rule)).test_rolled_up_is_direct, coarser)


@pytest.mark.parametrize("grain", ["bucket", "series"])
def test_looking_ahead_fails_unless_it_is_declared(grain):
    def following():
        if grain == "series":
            return pl.col("Volume").shift(-1).over("ListingId", order_by="TimeBucket")
        price = Row(PRICE.shift(-1).over("ListingId"))
        return Composite({"last": Part(price.value.last(), Last())}, lambda parts: parts["last"], (price,))

    assert "following" in fails(laws_of(formula(following, grain=grain), volume).test_causal)
    laws_of(formula(following, grain=grain, forward=True), volume).test_causal()


def test_a_level_of_the_whole_day_is_not_causal():
    def share():
        size = Row(SIZE / SIZE.sum().over("ListingId"))
        return Composite({"sum": Part(size.value.sum(), Sum())}, lambda parts: parts["sum"], (size,))

    assert "share" in fails(laws_of(formula(share)).test_causal)


def test_days_that_know_of_each_other_fail():
    days = itertools.count()

    def aged():
        return SIZE.sum() * 0 + next(days)

    assert "aged" in fails(laws_of(formula(aged)).test_days_stand_alone)


def test_minutes_are_rolled_up_as_far_as_a_day():
    assert list(COARSER) == ["5 minutes", "15 minutes", "60 minutes", "day"]


def test_a_carried_value_that_forgets_what_went_before_fails():
    def forgetful(pieces, _):
        for piece in pieces:
            yield piece.with_columns(pl.col("forgetful:size").cum_sum().over("ListingId").alias("SoFar"))

    def so_far():
        return Carried({"forgetful:size": SIZE}, forgetful)

    def total():
        return pl.col("SoFar").sum()

    laws = laws_of(formula(so_far, column="SoFar", grain="row", dtype=pl.Float64()), formula(total))
    assert "total" in fails(laws.test_pieces_are_whole)
