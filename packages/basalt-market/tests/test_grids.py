"""Price grids of ladders, against a walk that climbs the ladder step by step in decimal fractions."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.market.grids import PriceGrid, grid_steps, price_steps_away

LADDER = [(Decimal(0), Decimal("0.05")), (Decimal(1), Decimal("0.1")), (Decimal(2), Decimal("0.25"))]
LADDERS = pl.DataFrame(
    [(1, float(start), float(tick)) for start, tick in LADDER] + [(5, 10.0, 0.5)],
    schema=["ListingId", "PriceFrom", "TickSize"],
    orient="row",
)
GRID = PriceGrid.of(LADDERS)


def climbed(count: int) -> Decimal:
    """The price after *count* steps from zero."""
    price = Decimal(0)
    for _ in range(count):
        price += next(tick for start, tick in reversed(LADDER) if price >= start)
    return price


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 60))
def test_steps_and_prices_are_those_of_a_climb(count: int) -> None:
    price = float(climbed(count))
    assert GRID.steps([1], np.array([price]))[0] == pytest.approx(count, abs=1e-9)
    assert GRID.price([1], np.array([float(count)]))[0] == pytest.approx(price, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 40), st.integers(-10, 20))
def test_steps_away_cross_the_edges_of_the_ladder(count: int, away: int) -> None:
    wanted = climbed(count + away) if count + away >= 0 else (count + away) * LADDER[0][1]
    frame = pl.DataFrame({"ListingId": [1], "Price": [float(climbed(count))]})
    found = frame.select(price_steps_away(GRID, pl.col("Price"), away)).item()
    assert found == pytest.approx(float(wanted), abs=1e-9)


def test_what_has_no_place_on_a_grid() -> None:
    frame = pl.DataFrame({"ListingId": [1, 1, 2, 5, 5], "Price": [None, -1.0, 3.0, 9.5, 10.5]})
    assert frame.select(grid_steps(GRID, pl.col("Price"))).to_series().to_list() == [None, None, None, None, 21.0]
    nothing = PriceGrid.of(LADDERS.clear())
    assert frame.select(grid_steps(nothing, pl.col("Price"))).to_series().to_list() == [None] * 5


def test_ticks_that_are_not_positive_are_no_steps() -> None:
    grid = PriceGrid.of(pl.DataFrame({"ListingId": [1, 1], "PriceFrom": [0.0, 1.0], "TickSize": [0.5, 0.0]}))
    assert grid.steps([1], np.array([2.0])).tolist() == [4.0]
