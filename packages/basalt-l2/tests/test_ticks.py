"""Ticks of books: a number, the reference's one tick, and ladders of the day, against a climb of the ladder in plain Python."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

LADDER = [(0.0, 0.5), (10.0, 1.0), (20.0, 2.0)]
PRICES = [9.0 + 0.5 * each for each in range(3)] + [10.0 + each for each in range(1, 11)] + [22.0, 24.0]
TICKSIZE = {
    "ListingId": [1] * 3,
    "MIC": ["XLON"] * 3,
    "PriceFrom": [start for start, _ in LADDER],
    "TickSize": [tick for _, tick in LADDER],
}
SECTION = {
    "spreads": [{"variant": "Ticks"}],
    "depth": [{"measures": "DepthTicks", "sides": ["Bid", "Ask"], "ticks": [0, 2]}],
}


def book(bids, asks):
    """One row; levels are (price, quantity)."""
    row = {"EventTimestamp": ["09:00:01"]}
    for side, levels in (("Bid", bids), ("Ask", asks)):
        for level, (price, quantity) in enumerate(levels, start=1):
            row |= {f"{side}Price{level}": [price], f"{side}Quantity{level}": [quantity]}
    return row


@pytest.fixture(scope="session")
def on_ladders(ask):
    return ask(SECTION)


def test_spreads_and_depth_over_an_edge_of_the_ladder(on_ladders):
    books = book([(9.5, 1.0), (9.0, 2.0), (8.5, 4.0)], [(11.0, 1.0), (12.0, 2.0), (13.0, 4.0)])
    row = on_ladders.rows(l2=books, ticksize=TICKSIZE).row(0, named=True)
    assert row["SpreadTicks"] == 2.0  # 9.5 to 10 and 10 to 11
    assert (row["BidDepthWithin2Ticks"], row["AskDepthWithin0Ticks"], row["AskDepthWithin2Ticks"]) == (7.0, 1.0, 7.0)


def test_without_a_ladder_there_are_no_ticks(on_ladders):
    row = on_ladders.rows(l2=book([(9.5, 1.0)], [(11.0, 1.0)])).row(0, named=True)
    assert [row[name] for name in ("SpreadTicks", "BidDepthWithin0Ticks", "AskDepthWithin2Ticks")] == [None] * 3


def test_the_one_tick_of_the_reference(ask):
    section = {"spreads": [{"variant": "Ticks", "tick_size": "TickSize"}]}
    reference = {"ListingId": [1], "TickSize": [0.25]}
    assert ask(section).rows(l2=book([(9.5, 1.0)], [(11.0, 1.0)]), reference=reference)["SpreadTicks"].to_list() == [6.0]


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(places=st.lists(st.sampled_from(range(len(PRICES))), min_size=2, max_size=8, unique=True), cut=st.integers(1, 7))
def test_ticks_are_places_of_the_list_of_prices(on_ladders, places, cut):
    """PRICES lists all prices of the grid, so ticks between two are the difference of their places."""
    ordered = sorted(places)
    cut = min(cut, len(ordered) - 1)
    bids, asks = ordered[:cut][::-1], ordered[cut:]
    books = book([(PRICES[each], 1.0) for each in bids], [(PRICES[each], 1.0) for each in asks])
    row = on_ladders.rows(l2=books, ticksize=TICKSIZE).row(0, named=True)
    assert row["SpreadTicks"] == pytest.approx(asks[0] - bids[0])
    for side, levels in (("Bid", bids), ("Ask", asks)):
        for ticks in (0, 2):
            assert row[f"{side}DepthWithin{ticks}Ticks"] == sum(abs(each - levels[0]) <= ticks for each in levels)
