"""Every example of every declaration holds, through the same fusing as in a run."""

from __future__ import annotations

import polars as pl
import pytest

from basalt.core.bucketing import Clock
from basalt.core.declaring import Measure
from basalt.core.fusing import fuse
from basalt.core.plans import Query
from basalt.market.trades import TRADES
from basalt.trade.module import RETAIL_IMBALANCE, TRADE

CASES = [
    pytest.param(formula, example, id=f"{formula.name}-{index}")
    for module in (TRADE, RETAIL_IMBALANCE)
    for formula in module.formulas
    for index, example in enumerate(formula.examples)
]


@pytest.mark.parametrize(("formula", "example"), CASES)
def test_example(formula, example):
    axes = {**formula.defaults(), **example.axes}
    measure = Measure(formula, tuple(axes.items()), formula.column_at(axes))
    rows = len(next(iter(example.rows.values())))
    frame = pl.DataFrame(
        {
            "ListingId": [1] * rows,
            "TradeTimestamp": pl.Series(range(1, rows + 1), dtype=pl.Int64).cast(pl.Datetime("ns")),
            **{name: pl.Series(values, dtype=TRADES[name].dtype) for name, values in example.rows.items()},
        }
    )
    query = Query("trades", "trades", (), "TradeTimestamp", (), (), (measure,))
    result = fuse(query, {"trades": frame.lazy()}, Clock.of_seconds(60)).collect()
    assert result[measure.column].to_list() == [pytest.approx(example.gives) if isinstance(example.gives, float) else example.gives]


@pytest.mark.parametrize("module", [TRADE, RETAIL_IMBALANCE], ids=lambda module: module.name)
def test_every_formula_says_what_it_is(module):
    for formula in module.formulas:
        if formula.grain != "row":
            assert formula.examples, formula.name
            assert formula.math or formula.measure == "MarketState", formula.name
