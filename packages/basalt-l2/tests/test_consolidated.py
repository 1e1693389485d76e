"""A venue against the book of all venues: shares of time by hand, and any day against a walk in plain Python."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SECOND = 1_000_000_000
START = 1_767_603_600 * SECOND
REFERENCE = {"ListingId": [1], "InstrumentId": [7]}


@pytest.fixture(scope="session")
def asked(ask):
    section = {"measures": ["TimeAtCBB", "QuantityAtCBB", "ShareOfCBB", "TimeAloneAtCBB"]}
    return ask(section, modules=["cbbo_analytics"], key="cbbo_analytics")


def book(rows, **more):
    """Rows of (time, bid, quantity)."""
    times, prices, quantities = zip(*rows, strict=True)
    return {"EventTimestamp": list(times), "BidPrice1": list(prices), "BidQuantity1": list(quantities), **more}


def day(rows):
    return {"TradeDate": [1_767_571_200_000] * len(rows)}


def test_a_venue_that_is_always_at_the_best_is_there_all_the_time_though_the_books_tick_apart(asked):
    ours = [(START + 1, 10.0, 5.0), (START + 20 * SECOND, 10.0, 7.0)]
    frame = asked.rows(
        l2=book(ours, **day(ours)), cbbo=book([(START + 5, 10.0, 20.0), (START + 30 * SECOND, 10.0, 14.0)]), reference=REFERENCE
    )
    assert frame["TimeAtCBB"].to_list() == [1.0]


def test_time_and_quantity_at_the_best_by_hand(asked):
    ours = [(START, 10.0, 6.0), (START + 30 * SECOND, 9.0, 8.0)]
    all_venues = [(START, 10.0, 12.0), (START + 45 * SECOND, 9.0, 8.0)]
    frame = asked.rows(l2=book(ours, **day(ours)), cbbo=book(all_venues), reference=REFERENCE)
    row = frame.filter(frame["TimeBucket"].cast(int) == START + 60 * SECOND).row(0, named=True)
    assert row["TimeAtCBB"] == 0.75  # 30 s at 10, then 15 s below it, then 15 s at 9
    assert row["QuantityAtCBB"] == pytest.approx((30 * 6 + 15 * 8) / 60)
    assert (row["QuantityAtCBBMin"], row["QuantityAtCBBMedian"], row["QuantityAtCBBMax"]) == (0.0, 6.0, 8.0)
    assert row["TimeAloneAtCBB"] == 0.25
    assert row["ShareOfCBB"] == pytest.approx((30 * 0.5 + 15 * 0 + 15 * 1) / 60)


def test_time_counts_in_the_phases_that_are_named(ask):
    ours = [(START, 10.0, 6.0), (START + 30 * SECOND, 9.0, 8.0)]
    phases = {"EventTimestamp": [START - 1, START + 30 * SECOND], "MarketState": ["CONTINUOUS_TRADING", "CLOSING_AUCTION"]}
    tables = {"l2": book(ours, **day(ours)), "cbbo": book([(START, 10.0, 12.0)]), "marketstate": phases, "reference": REFERENCE}
    found = []
    for states in (None, "CLOSING_AUCTION", ["CLOSING_AUCTION", "CONTINUOUS_TRADING"]):
        section = {"measures": ["TimeAtCBB"], "market_states": states}
        frame = ask(section, modules=["cbbo_analytics"], key="cbbo_analytics").rows(**tables)
        found.append(frame["TimeAtCBB"].to_list()[-1])
    assert found == [1.0, 0.0, 0.5]


changes = st.lists(
    st.tuples(
        st.integers(0, 20).map(lambda tens: START + 10 * SECOND * tens), st.sampled_from([9.0, 10.0, None]), st.sampled_from([2.0, 5.0])
    ),
    min_size=1, max_size=6,
).map(lambda rows: sorted(rows, key=lambda row: row[0]))  # fmt: skip


def at(rows, time):
    """What stands at *time*."""
    found = [row for row in rows if row[0] <= time]
    return found[-1] if found else None


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ours=changes, theirs=changes)
def test_shares_of_time_are_those_of_a_walk_second_by_second(asked, ours, theirs):
    frame = asked.rows(l2=book(ours, **day(ours)), cbbo=book(theirs), reference=REFERENCE)
    columns = ("TimeAtCBB", "QuantityAtCBB", "QuantityAtCBBMedian", "TimeAloneAtCBB")
    for label, share, shown, median, alone in zip(frame["TimeBucket"].cast(int), *(frame[name] for name in columns), strict=True):
        ticks = [label - 60 * SECOND + 10 * SECOND * tens for tens in range(6)]
        known = [(at(ours, tick), at(theirs, tick)) for tick in ticks]
        hits = [(mine[1] == best[1] is not None, mine[2]) for mine, best in known if mine and best]
        assert share == (pytest.approx(sum(hit for hit, _ in hits) / len(hits)) if hits else None)
        sizes = sorted(size if hit else 0.0 for hit, size in hits)
        assert median == (pytest.approx(statistics.median(sizes)) if hits else None)
        alone_now = [mine[1] == best[1] is not None and mine[2] >= best[2] for mine, best in known if mine and best]
        assert alone == (pytest.approx(sum(alone_now) / len(hits)) if hits else None)
        assert shown == (pytest.approx(sum(size for hit, size in hits if hit) / len(hits)) if hits else None)


OPEN = {"EventTimestamp": [START, START + 210 * SECOND], "MarketState": ["CONTINUOUS_TRADING", "CLOSING_AUCTION"]}


@pytest.fixture(scope="session")
def dense(ask):
    section = {"measures": ["TimeAtCBB", "QuantityAtCBB"], "quantity_aggregations": ["TWMean", "Max"]}
    return ask(section, modules=["cbbo_analytics"], key="cbbo_analytics", timeline_mode="dense")


def test_books_stand_in_silent_buckets_of_dense_timelines(dense):
    tables = {
        "l2": book([(START, 10.0, 6.0)], **day([1])),
        "cbbo": book([(START, 10.0, 12.0)]),
        "marketstate": OPEN,
        "reference": REFERENCE,
    }
    frame = dense.rows(**tables)
    assert frame["TimeBucket"].cast(int).to_list() == [START + minute * 60 * SECOND for minute in range(5)]
    assert frame["Coverage"].to_list() == [0.0, 1.0, 1.0, 1.0, 0.5]  # the first bucket has the books, at its very end
    assert frame["TimeAtCBB"].to_list() == [None, 1.0, 1.0, 1.0, 1.0]
    assert frame["QuantityAtCBBMax"].to_list() == [6.0] * 5


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ours=changes, theirs=changes)
def test_every_open_bucket_of_a_dense_timeline_is_that_of_a_walk(dense, ours, theirs):
    frame = dense.rows(l2=book(ours, **day(ours)), cbbo=book(theirs), marketstate=OPEN, reference=REFERENCE)
    rows = dict(zip(frame["TimeBucket"].cast(int), frame["TimeAtCBB"], strict=True))
    assert [START + minute * 60 * SECOND for minute in (1, 2, 3, 4)] == sorted(rows)[-4:]
    for label, share in rows.items():
        ticks = [label - 60 * SECOND + 10 * SECOND * tens for tens in range(6)]
        known = [(at(ours, tick), at(theirs, tick)) for tick in ticks if START <= tick < START + 210 * SECOND]
        hits = [mine[1] == best[1] is not None for mine, best in known if mine and best]
        assert share == (pytest.approx(sum(hits) / len(hits)) if hits else None)
