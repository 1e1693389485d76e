"""The methods against plain Python that shares no code with them."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from math import fsum

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EPOCH = datetime.fromisoformat("1970-01-01")
SECOND = 1_000_000
METHODS = {
    "sum": lambda values: fsum(values) if values else None,
    "mean": lambda values: fsum(values) / len(values) if values else None,
    "first": lambda values: values[0] if values else None,
    "last": lambda values: values[-1] if values else None,
    "max": lambda values: max(values, default=None),
    "min": lambda values: min(values, default=None),
    "count": len,
}

# Half-minutes put ticks on edges; a size of zero makes a bucket without a VWAP.
ticks = st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, 60), st.integers(50, 150).map(float), st.sampled_from([0, 0, 1, 5])),
    min_size=1,
    max_size=40,
)
slow = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def when(half_minute: int) -> datetime:
    return datetime.fromisoformat("2026-02-02T09:00") + timedelta(seconds=30 * half_minute)


def end_of(moment: datetime, seconds: int) -> datetime:
    """The end of the right-closed bucket, in whole microseconds."""
    passed = (moment - EPOCH) // timedelta(microseconds=1)
    width = seconds * SECOND
    return EPOCH + timedelta(microseconds=(passed + width - 1) // width * width)


def minute_vwaps(rows):
    """Listing and minute to VWAP, None without size."""
    money, size = defaultdict(list), defaultdict(int)
    for listing, half, price, shares in rows:
        key = listing, end_of(when(half), 60)
        money[key].append(price * shares)
        size[key] += shares
    return {key: fsum(money[key]) / size[key] if size[key] else None for key in money}


@pytest.mark.parametrize("method", list(METHODS))
@given(rows=ticks)
@slow
def test_methods_over_five_minutes(desk, bars, generic, method, rows):
    groups = defaultdict(list)
    for (listing, minute), value in sorted(minute_vwaps(rows).items()):
        groups[listing, end_of(minute, 300)] += [] if value is None else [value]
    wanted = {key: METHODS[method](values) for key, values in groups.items()}
    events = [(listing, when(half), price, shares) for listing, half, price, shares in rows]
    made = desk.run(events, bars(), generic(aggregations={"VWAP": method}, resample_rule="5m"))["pass2"]
    found = {(listing, bucket): value for listing, bucket, value in made.select("ListingId", "TimeBucket", "VWAP").iter_rows()}
    assert found.keys() == wanted.keys()
    for key, value in wanted.items():
        assert found[key] == (None if value is None else pytest.approx(value, rel=1e-12)), key


@given(rows=ticks)
@slow
def test_markets_of_one_currency(desk, bars, generic, rows):
    markets = {1: "XLON", 2: "XPAR", 3: "XLON"}
    size, money, high, low = defaultdict(int), defaultdict(list), defaultdict(list), defaultdict(list)
    for listing, half, price, shares in rows:
        key = markets[listing], end_of(when(half), 900)
        size[key] += shares
        money[key].append(price * shares)
        high[key].append(price)
        low[key].append(price)
    wanted = {key: (size[key], fsum(money[key]) / size[key] if size[key] else None, max(high[key]), min(low[key])) for key in size}
    events = [(listing, when(half), price, shares) for listing, half, price, shares in rows]
    columns = ["Volume", "VWAP", "High", "Low"]
    made = desk.run(events, bars(), generic(group_by=["MIC", "TimeBucket"], resample_rule="15m", columns=columns))["pass2"]
    found = {(market, bucket): values for market, bucket, *values in made.select("MIC", "TimeBucket", *columns).iter_rows()}
    assert found.keys() == wanted.keys()
    for key, (volume, vwap, highest, lowest) in wanted.items():
        assert found[key] == [volume, None if vwap is None else pytest.approx(vwap, rel=1e-12), highest, lowest]
