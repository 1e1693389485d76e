"""Cells: one packed number groups rows as the two columns do."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from basalt.core.bucketing import TIME_BUCKET, Clock
from basalt.core.cells import CELL, KEY, cells
from basalt.core.facts import NOTHING_KNOWN, Facts

TIME = "At"
CLOCKS = [Clock(width, anchor, closed) for width in (1, 7, 60) for anchor in ("end", "start") for closed in ("right", "left")]


def facts(listings: tuple[int, int], times: tuple[int, int]) -> Facts:
    return Facts(frozenset({KEY, TIME}), {KEY: listings, TIME: times})


def grouped(rows: pl.DataFrame, clock: Clock, known: Facts) -> list[tuple[object, ...]]:
    of = cells(TIME, clock, known)
    reduced = rows.lazy().with_columns(of.of_rows).group_by(of.keys).agg(pl.len().alias("rows"), pl.col("row").min())
    return reduced.sort(of.keys).select(*of.labels, "rows", "row").collect().rows()


@given(
    rows=st.lists(st.tuples(st.integers(-5, 5), st.integers(-200, 200)), min_size=1, max_size=30),
    clock=st.sampled_from(CLOCKS),
    slack=st.integers(0, 3),
)
def test_packed_cells_are_the_plain_ones(rows: list[tuple[int, int]], clock: Clock, slack: int) -> None:
    """Any listings and times inside the known ranges, negative ones too."""
    listings, times = zip(*rows, strict=True)
    frame = pl.DataFrame({KEY: listings, TIME: times}).with_columns(pl.col(TIME).cast(pl.Datetime("ns"))).with_row_index("row")
    known = facts((min(listings) - slack, max(listings)), (min(times) - slack, max(times) + slack))
    assert grouped(frame, clock, known) == grouped(frame, clock, NOTHING_KNOWN)


def test_one_key_where_both_fit() -> None:
    assert cells(TIME, Clock(60), facts((1, 9), (0, 10_000))).keys == (CELL,)


@pytest.mark.parametrize(
    "known",
    [
        NOTHING_KNOWN,
        Facts(frozenset({KEY}), {KEY: (1, 2), TIME: (0, 9)}),
        Facts(frozenset({KEY, TIME}), {KEY: (1, 2)}),
        facts((0, 2**62), (0, 9)),
    ],
    ids=["nothing is known", "the clock may be null", "no range of the clock", "too many to number"],
)
def test_two_keys_where_one_would_not_do(known: Facts) -> None:
    assert cells(TIME, Clock(1), known).keys == (KEY, TIME_BUCKET)


@pytest.mark.parametrize("clock", [Clock.event(), Clock.daily()])
def test_two_keys_without_buckets(clock: Clock) -> None:
    assert cells(TIME, clock, facts((1, 2), (0, 9))).keys == (KEY, TIME_BUCKET)
