"""What strategies make is conform, the same each time, and full of what breaks formulas."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import find, given, settings

from basalt.core.lake import conform
from basalt.market.tables import CBBO, IMBALANCE, L2, L3, MARKETSTATE, REFERENCE, TRADES
from basalt.testing.generating import Recipe, Sketch, make_rows
from basalt.testing.strategies import MINUTE, QUICK, books, phases, rows, sketches, trades


@pytest.mark.parametrize("table", [TRADES, L2, L3, CBBO, MARKETSTATE, REFERENCE, IMBALANCE], ids=lambda table: table.name)
def test_rows_of_every_table_keep_its_contract(table):
    @settings(QUICK, max_examples=3)
    @given(rows(table))
    def keeps(frame):
        assert conform(frame, table, where="a strategy").equals(frame)
        assert set(frame.columns) == table.stored_names

    keeps()


@pytest.mark.parametrize(
    ("strategy", "seen"),
    [
        (trades(), lambda frame: frame.is_empty()),
        (trades(), lambda frame: frame["TradeTimestampNanoseconds"].is_duplicated().any()),
        (trades(), lambda frame: (frame["TradeTimestampNanoseconds"].cast(pl.Int64) % MINUTE == 0).any()),
        (trades(), lambda frame: (frame["TradeTimestampNanoseconds"].cast(pl.Int64) % MINUTE == 1).any()),
        (trades(), lambda frame: (frame["TradeTimestampNanoseconds"].cast(pl.Int64).diff() > 5 * MINUTE).any()),
        (trades(), lambda frame: frame["AggressorSide"].null_count() > 0),
        (trades(), lambda frame: (frame["Size"] == 0).any()),
        (trades(), lambda frame: frame["MIC"].n_unique() == 2 and frame["ListingId"].n_unique() == 3),
        (books(), lambda frame: (frame["BidPrice1"] > frame["AskPrice1"]).any()),
        (books(), lambda frame: (frame["BidPrice1"] == frame["AskPrice1"]).any()),
        (books(), lambda frame: (frame["BidPrice1"].is_null() & frame["AskPrice1"].is_not_null()).any()),
        (books(), lambda frame: (frame["BidPrice1"].is_null() & frame["AskPrice1"].is_null()).any()),
        (books(), lambda frame: frame["AskPrice10"].is_not_null().any()),
        (phases(), lambda frame: (frame["MarketState"] == "HALTED").any()),
    ],
    ids=[
        "no rows",
        "ties",
        "on an edge",
        "beside an edge",
        "empty buckets",
        "no aggressor",
        "size 0",
        "several markets",
        "crossed",
        "locked",
        "one-sided",
        "empty book",
        "deep book",
        "halts",
    ],
)
def test_what_breaks_formulas_occurs(strategy, seen):
    find(strategy, lambda frame: bool(seen(frame)), settings=settings(QUICK, max_examples=200))


def test_a_sketch_and_a_seed_say_everything():
    sketch = Sketch((0, MINUTE), (0, 2), 7)
    recipe = Recipe(TRADES, tuple(column.name for column in TRADES.columns))
    assert make_rows(recipe, sketch).equals(make_rows(recipe, sketch))
    assert not make_rows(recipe, sketch).equals(make_rows(recipe, Sketch((0, MINUTE), (0, 2), 8)))


@settings(QUICK, max_examples=20)
@given(sketches())
def test_sequence_numbers_count_within_a_venue(sketch):
    frame = make_rows(Recipe(TRADES, ("ListingId", "MIC", "BMLLSequenceNo")), sketch)
    for numbers in frame.group_by("MIC").agg("BMLLSequenceNo")["BMLLSequenceNo"]:
        assert numbers.to_list() == list(range(1, len(numbers) + 1))


def test_values_of_a_column_may_be_given():
    frame = make_rows(Recipe(TRADES, ("ListingId", "Price"), {"Price": [1.5]}), Sketch((0, 0), (0, 1)))
    assert frame["Price"].to_list() == [1.5, 1.5]
