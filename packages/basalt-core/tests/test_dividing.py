"""Rows divided by listing and bucket as they come: the kernels do what a few lines of plain Python do."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.core.errors import UnsortedInput
from basalt.core.holding.cells import Cells, divided
from basalt.core.holding.events import UNKNOWN, Changes, Phases
from basalt.core.holding.summing_kernel import add_products

Row = tuple[int, int]
WIDTH = 10


def label(time: int) -> int:
    return -(-time // WIDTH) * WIDTH


def following(changes: dict[int, list[Row]], listings: list[int]) -> Phases:
    told = [(time, code, listing) for listing, own in changes.items() for time, code in own]
    ends = np.cumsum([0, *(len(own) for own in changes.values())]).tolist()
    times, codes = ([each[at] for each in told] for at in (0, 1))
    places = dict(zip(changes, pairwise(ends), strict=True))
    found = Phases(
        Changes(np.array(times, np.int64), np.array([label(time) for time in times], np.int64), np.array(codes, np.int64), places)
    )
    found.welcome(listings)
    return found


def divide(rows: list[Row], changes: dict[int, list[Row]], *, is_end: bool = False) -> tuple[list[int], Cells]:
    """*rows* are (listing, time)."""
    listings = list(dict.fromkeys(listing for listing, _ in rows))
    codes = np.array([listings.index(listing) for listing, _ in rows], np.int64)
    times = np.array([time for _, time in rows], np.int64)
    labels = np.array([label(time) for _, time in rows], np.int64)
    return listings, divided(codes, times, labels, lambda: None, 0, following(changes, listings), listings, is_end=is_end)


def events_by_listing(listings: list[int], cells: Cells) -> dict[int, list[Any]]:
    """Of each listing its events: row whose values stand, time, phase, label, time until the next one."""
    events = cells.events
    found: dict[int, list[Any]] = {listing: [] for listing in listings}
    for at in range(events.source.size):
        cell = events.of[at]
        told = (
            events.source[at],
            events.times[at],
            events.phases[at],
            cells.labels[cell],
            events.spans[at],
            cells.labels[events.target[at]],
        )
        found[listings[cells.codes[cell]]].append(tuple(int(each) for each in told))
    return found


def twin(rows: list[Row], changes: dict[int, list[Row]], *, is_end: bool) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for listing in dict.fromkeys(listing for listing, _ in rows):
        own = [(time, 1, at) for at, (other, time) in enumerate(rows) if other == listing]
        start, last = own[0][0], own[-1][0]
        told = changes.get(listing, [])
        phase = next((code for time, code in reversed(told) if time <= start), UNKNOWN)
        between = [(time, 0, code) for time, code in told if time > start and (is_end or time <= last)]
        events, row = [], -1
        for time, is_row, what in sorted(own + between, key=lambda each: each[:2]):
            row, phase = (what, phase) if is_row else (row, what)
            events.append((row, time, phase))
        after = [*events[1:], events[-1]]
        found[listing] = [
            (row, time, phase, label(time), then - time, label(then))
            for (row, time, phase), (_, then, _) in zip(events, after, strict=True)
        ]
    return found


ROWS = st.lists(st.tuples(st.sampled_from([7, 3, 5]), st.integers(1, 60)), min_size=1, max_size=14)
CHANGES = st.dictionaries(st.sampled_from([3, 5, 9]), st.lists(st.tuples(st.integers(1, 70), st.integers(0, 2)), max_size=4))


@settings(max_examples=80, deadline=None)
@given(ROWS, CHANGES, st.booleans())
def test_the_kernel_is_its_plain_twin(rows: list[Row], changes: dict[int, list[Row]], is_end: bool) -> None:
    rows = sorted(rows, key=lambda row: row[1])
    changes = {listing: sorted(own, key=lambda change: change[0]) for listing, own in changes.items()}
    listings, cells = divide(rows, changes, is_end=is_end)
    assert events_by_listing(listings, cells) == twin(rows, changes, is_end=is_end)


def test_cells_are_in_order_of_listing_and_time() -> None:
    listings, cells = divide([(7, 3), (5, 4), (7, 12), (5, 5), (7, 13)], {})
    assert [(listings[code], int(at)) for code, at in zip(cells.codes, cells.labels, strict=True)] == [(7, 10), (7, 20), (5, 10)]
    assert cells.starts.tolist() == [0, 2, 1]
    assert cells.ends.tolist() == [0, 4, 3]
    assert cells.before.tolist() == [-1, 0, -1]
    assert cells.open.tolist() == [1, 2]


def test_rows_that_go_back_in_time_are_refused() -> None:
    with pytest.raises(UnsortedInput, match="listing 5"):
        divide([(7, 3), (5, 9), (7, 4), (5, 8)], {})


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 5), st.integers(0, 9)), max_size=12))
@settings(max_examples=50, deadline=None)
def test_products_are_added_by_cell(terms: list[tuple[int, int, int]]) -> None:
    cells, weights, numbers = (np.array([term[at] for term in terms], kind) for at, kind in enumerate((np.int32, np.float64, np.int64)))
    wanted = {cell: sum(weight * number for _, weight, number in own) for cell, own in groupby(sorted(terms), key=lambda term: term[0])}
    for kind in (np.int64, np.float64):
        sums = np.zeros(4)
        add_products(sums, cells, weights, numbers.astype(kind))
        assert sums.tolist() == [wanted.get(cell, 0) for cell in range(4)]
