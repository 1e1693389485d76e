"""Hypothesis strategies for market data: small, and full of what breaks formulas.

Events tie in time, fall on bucket edges and one nanosecond beside them, and leave buckets empty;
aggressors are unknown, sizes are 0, values are missing, books are one-sided, locked, crossed or
empty, and several listings on two venues run side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from basalt.core.bucketing import NANOS_PER_SECOND
from basalt.core.tables import Table
from basalt.market.tables import L2, MARKETSTATE, TRADES
from basalt.testing.generating import LISTINGS, Recipe, Sketch, make_rows
from basalt.testing.markets import Market

SECOND = NANOS_PER_SECOND
MINUTE = 60 * SECOND
TO_NEXT_MINUTE = -1
GAPS = (0, 0, 0, 1, SECOND, SECOND + 1, 20 * SECOND, TO_NEXT_MINUTE, TO_NEXT_MINUTE, MINUTE, 7 * MINUTE, 61 * MINUTE)
MAX_EVENTS = 24

QUICK = settings(
    max_examples=8,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)
"""The profile of the laws: few markets, the same ones each time."""


def sketches(*, max_events: int = MAX_EVENTS) -> st.SearchStrategy[Sketch]:
    """Up to *max_events* events of `LISTINGS` in order of time."""
    event = st.tuples(st.sampled_from(GAPS), st.integers(0, len(LISTINGS) - 1))
    events = st.integers(0, max_events).flatmap(lambda count: st.lists(event, min_size=count, max_size=count))
    return st.builds(_sketch, events, st.integers(0, 2**16))


def _sketch(events: Sequence[tuple[int, int]], seed: int) -> Sketch:
    gaps, now = [], 0
    for drawn, _ in events:
        gap = MINUTE - now % MINUTE if drawn == TO_NEXT_MINUTE else drawn
        now += gap
        gaps.append(gap)
    return Sketch(tuple(gaps), tuple(place for _, place in events), seed)


def rows(
    table: Table, *, columns: Iterable[str] | None = None, values: Mapping[str, Sequence[Any]] | None = None, max_events: int = MAX_EVENTS
) -> st.SearchStrategy[pl.DataFrame]:
    """Rows of *table* in event order on `basalt.testing.DAY`, as its files hold them.

    Args:
        table: The contract.
        columns: Stored columns to make; all if None.
        values: Values of single columns, instead of what their name, unit and type suggest.
        max_events: Most rows.
    """
    chosen = tuple(column.name for column in table.columns) if columns is None else tuple(columns)
    recipe = Recipe(table, chosen, values or {})
    return sketches(max_events=max_events).map(lambda sketch: make_rows(recipe, sketch))


def trades(*, columns: Iterable[str] | None = None, max_events: int = MAX_EVENTS) -> st.SearchStrategy[pl.DataFrame]:
    """Trades, as `rows` makes them."""
    return rows(TRADES, columns=columns, max_events=max_events)


def books(*, columns: Iterable[str] | None = None, max_events: int = MAX_EVENTS) -> st.SearchStrategy[pl.DataFrame]:
    """Ten-level books (`l2`), as `rows` makes them."""
    return rows(L2, columns=columns, max_events=max_events)


def phases(*, columns: Iterable[str] | None = None, max_events: int = MAX_EVENTS) -> st.SearchStrategy[pl.DataFrame]:
    """Changes of the trading phase (`marketstate`), halts among them, as `rows` makes them."""
    return rows(MARKETSTATE, columns=columns, max_events=max_events)


def markets(
    recipes: Mapping[str, Recipe], *, given: Mapping[str, st.SearchStrategy[pl.DataFrame]] | None = None, max_events: int = MAX_EVENTS
) -> st.SearchStrategy[Market]:
    """A day of all tables of *recipes*, those of *given* drawn from there."""
    drawn = {name: sketches(max_events=max_events).map(_maker(recipe)) for name, recipe in recipes.items()}
    return st.fixed_dictionaries(drawn | dict(given or {})).map(Market.of)


def _maker(recipe: Recipe) -> Any:
    return lambda sketch: make_rows(recipe, sketch)
