"""Fair prices through a day, against a path that is drawn as a whole in plain Python."""

from __future__ import annotations

from datetime import date, timedelta
from math import cos, exp, log, pi, sqrt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.synthetic import Scenario, simulate
from basalt.synthetic.market import listings_of, universe
from basalt.synthetic.planning import plan_day
from basalt.synthetic.prices import FairPath, activity

SUNDAY = date(2026, 2, 1)
BITS = (1 << 64) - 1
CLOCK = activity(8 * 3600, 16 * 3600 + 1800).clock
LAST = CLOCK.size - 1


def mixed(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & BITS
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & BITS
    return z ^ (z >> 31)


def normal(seed: int, number: int) -> float:
    first, second = (mixed((seed + (2 * number + each) * 0x9E3779B97F4A7C15) & BITS) >> 11 for each in (1, 2))
    return sqrt(-2 * log((first + 1) / 2**53)) * cos(2 * pi * second / 2**53)


def whole_path(clock: list[float], seed: int, volatility: float, ends: tuple[float, float]) -> list[float]:
    """All levels of a day."""
    levels = [ends[0], *[0.0] * (len(clock) - 2), ends[1]]
    stretches = [(0, len(clock) - 1)]
    while stretches:
        low, high = stretches.pop()
        middle = (low + high) // 2
        if middle > low:
            whole, before, after = clock[high] - clock[low], clock[middle] - clock[low], clock[high] - clock[middle]
            mean = (levels[low] * after + levels[high] * before) / whole
            levels[middle] = mean + volatility * sqrt(before * after / whole) * normal(seed, middle)
            stretches += [(low, middle), (middle, high)]
    return levels


def fair(seed: int, volatility: float, ends: tuple[float, float]) -> FairPath:
    levels = np.full(CLOCK.size, np.nan)
    levels[0], levels[-1] = ends
    return FairPath(levels, CLOCK, seed, volatility, base=50.0)


SEED, ENDS = 123_456_789_012_345, (0.1, -0.05)
DRAWN = whole_path(CLOCK.tolist(), SEED, 0.02, ENDS)
TIMES = st.lists(st.tuples(st.integers(0, LAST - 1), st.integers(0, 999_999)), min_size=1, max_size=20)


@given(times=TIMES)
@settings(max_examples=50)
def test_prices_do_not_depend_on_what_else_is_asked_for(times: list[tuple[int, int]]) -> None:
    path = fair(SEED, 0.02, ENDS)
    found = path.prices(*np.array(times).T)
    for (second, micro), price in zip(times, found, strict=True):
        before, after = (50 * exp(DRAWN[place]) for place in (second, second + 1))
        assert price == pytest.approx(before + (after - before) * micro / 1e6, rel=1e-12)
    assert np.isfinite(path.levels).sum() <= 2 + 36 * len(times)


def test_steps_are_as_wide_as_the_activity_allows() -> None:
    clock, levels = np.diff(CLOCK), np.diff(DRAWN)
    assert CLOCK[0] == 0
    assert CLOCK[-1] == pytest.approx(1)
    drawn = (levels - clock * (ENDS[1] - ENDS[0])) / np.sqrt(clock) / 0.02
    for some in np.array_split(drawn, 8):
        assert some.std() == pytest.approx(1, abs=0.03)
        assert abs((some[1:] * some[:-1]).mean()) < 0.05
    assert abs(drawn.mean()) < 0.02
    assert (drawn**4).mean() == pytest.approx(3, abs=0.2)


def test_without_volatility_the_price_goes_straight_to_its_end() -> None:
    found = fair(SEED, 0.0, ENDS).prices(np.array([0, 40_000, LAST - 1]), np.array([0, 0, 999_999]))
    assert found == pytest.approx([50 * exp(0.1), 50 * exp(0.1 - 0.15 * CLOCK[40_000]), 50 * exp(-0.05)], rel=1e-6)


def test_the_truth_tells_the_fair_price(tables: dict[str, pl.DataFrame]) -> None:
    (first, *_) = universe(4, 7)
    plan = plan_day(listings_of(first, 7), SUNDAY, Scenario(listings=4, scale=0.15))
    path = plan.fair
    levels = whole_path(path.clock.tolist(), path.seed, path.volatility, (path.levels[0], path.levels[-1]))
    midnight = int(SUNDAY.toordinal() - date(1970, 1, 1).toordinal()) * 86_400 * 10**9
    rows = tables["truth"].filter(pl.col("InstrumentId") == first.instrument.instrument_id)
    for nanos, latent in rows.select(pl.col("TimestampNanoseconds").cast(pl.Int64), "LatentPrice").iter_rows():
        second, rest = divmod((nanos - midnight) // 1000, 10**6)
        before, after = (path.base * exp(levels[place]) for place in (second, second + 1))
        assert latent == pytest.approx(before + (after - before) * rest / 10**6, rel=1e-12)


def test_nights_are_jumps_and_days_are_connected() -> None:
    first = universe(1, 7)[0]
    paths = [plan_day(listings_of(first, 7), SUNDAY + timedelta(days=number), Scenario()).fair.levels[[0, -1]] for number in range(400)]
    opens, closes = np.array(paths).T
    assert (closes - opens).std() == pytest.approx(0.012, rel=0.15)
    assert (opens[1:] - closes[:-1]).std() == pytest.approx(0.012 / sqrt(3), rel=0.15)
    assert simulate(SUNDAY, listings=1, scale=0.02)["truth"]["LatentPrice"].is_between(20, 4_000).all()
