"""Stoikov's micro-price: an example by hand, the equations that its adjustments fulfil in plain Python, the table and the command."""

from __future__ import annotations

import itertools
import json
from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from basalt.core.errors import InvalidValue
from basalt.core.lake import lake_path, write_lake_file
from basalt.l2.commands import app
from basalt.l2.estimating import adjustments, changes_of_state
from basalt.l2.microprices import MICROPRICE
from basalt.market.tables import L2, MARKETSTATE
from basalt.market.ticks import TICKSIZE

QUANTITIES = {0: (10.0, 90.0), 1: (50.0, 50.0), 2: (90.0, 10.0)}
"""Best quantities of the three buckets of the imbalance."""

BY_HAND = [(100, 1, 2), (101, 1, 1), (101, 1, 2), (101, 1, 1)]
"""Bid in ticks, spread in ticks, bucket: of two changes from bucket 2, one takes the mid up by a tick, both lead to bucket 1."""


def books(path, states=None):
    """Rows of one listing from (bid in ticks, spread in ticks, bucket)."""
    rows = [(1, bid, *QUANTITIES[bucket], bid + spread) for bid, spread, bucket in path]
    frame = pl.DataFrame(rows, schema=["ListingId", "BidGridSteps", "BidQuantity1", "AskQuantity1", "AskGridSteps"], orient="row")
    return frame.with_columns(
        (pl.col("BidGridSteps") * 0.5).alias("BidPrice1"),
        (pl.col("AskGridSteps") * 0.5).alias("AskPrice1"),
        pl.Series("MarketState", states or ["CONTINUOUS_TRADING"] * len(rows), pl.String),
    )


def estimated(path, states=None, widest=3):
    changes = changes_of_state(books(path, states).lazy(), buckets=3, widest=widest).collect()
    found = adjustments([changes], buckets=3)
    return {(row["SpreadTicks"], row["ImbalanceBucket"]): row["Adjustment"] for row in found.to_dicts()}


def test_an_example_by_hand():
    """From bucket 1 books go to 0 or 2 alike, so its adjustment is 0; from 2 the mid goes up by 0.5 every other time."""
    assert estimated(BY_HAND) == {(1, 0): pytest.approx(-0.25), (1, 1): pytest.approx(0.0), (1, 2): pytest.approx(0.25)}


def test_what_goes_through_halts_and_wide_books_does_not_count():
    halted = estimated(BY_HAND, ["CONTINUOUS_TRADING", "HALTED", "CONTINUOUS_TRADING", "CONTINUOUS_TRADING"])
    assert halted == {}  # only the change from bucket 2 to 1 without a move is left: nothing tells where mids go
    assert estimated([(100, 1, 2), (101, 5, 1), (101, 1, 2)]) == {}


paths = st.lists(st.tuples(st.integers(98, 102), st.integers(1, 3), st.integers(0, 2)), min_size=2, max_size=40)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(paths)
def test_adjustments_fulfil_the_equation_of_one_step(path):
    """g(i) = E[change of the mid + g(next)] over one change of the book, mirrored changes counted; and g of a mirror image is -g."""
    steps = [(now[1:], then[1:], 0.5 * (then[0] - now[0] + (then[1] - now[1]) / 2)) for now, then in itertools.pairwise(path)]
    steps += [((s, 2 - b), (s2, 2 - b2), -move) for (s, b), (s2, b2), move in list(steps)]
    g = estimated(path)
    for state, value in g.items():
        leaving = [(then, move) for now, then, move in steps if now == state]
        assert value == pytest.approx(sum(move + g.get(then, 0.0) for then, move in leaving) / len(leaving), abs=1e-9)
        assert value == pytest.approx(-g[state[0], 2 - state[1]], abs=1e-9)


@pytest.mark.parametrize(("buckets", "widest"), [(4, 2), (1, 2), (3, 0)])
def test_buckets_that_have_no_mirror_are_refused(buckets, widest):
    with pytest.raises(InvalidValue, match="odd number of buckets"):
        changes_of_state(books(BY_HAND).lazy(), buckets=buckets, widest=widest)


def test_the_price_is_the_mid_and_the_adjustment_of_the_state(ask):
    l2 = {
        "EventTimestamp": ["09:00:01", "09:01:01", "09:02:01", "09:03:01"],
        "BidPrice1": [10.0, 10.0, 10.0, 10.0], "BidQuantity1": [90.0, 50.0, 90.0, None],
        "AskPrice1": [10.5, 10.5, 11.0, 10.5], "AskQuantity1": [10.0, 50.0, 10.0, 50.0],
    }  # fmt: skip
    known = {"ListingId": [1, 1], "MIC": ["XLON"] * 2, "ImbalanceBuckets": [3, 3], "SpreadTicks": [1, 1], "ImbalanceBucket": [1, 2]}
    ticks = {"ListingId": [1], "MIC": ["XLON"], "PriceFrom": [0.0], "TickSize": [0.5]}
    rows = ask({"prices": [{"measures": "StoikovMicroPrice"}]}).rows(l2=l2, microprice={**known, "Adjustment": [0.0, 0.2]}, ticksize=ticks)
    assert rows["StoikovMicroPrice"].to_list()[:2] == [pytest.approx(10.45), pytest.approx(10.25)]


def test_the_command_estimates_from_the_days_before(tmp_path):
    for day in (date(2026, 1, 5), date(2026, 1, 6)):
        opening = datetime.fromisoformat(f"{day.isoformat()}T09:00:00")
        times = [opening + timedelta(seconds=second) for second in range(len(BY_HAND))]
        rows = (
            books(BY_HAND)
            .drop("BidGridSteps", "AskGridSteps", "MarketState")
            .with_columns(pl.Series("TimestampNanoseconds", times, pl.Datetime("ns")))
        )
        write_lake_file(tmp_path, L2, "XLON", day, _with_required(rows))
        ticks = pl.DataFrame({"ListingId": [1], "MIC": ["XLON"], "PriceFrom": [0.0], "TickSize": [0.5]})
        write_lake_file(tmp_path, TICKSIZE, "XLON", day, ticks)
        phases = {"TimestampNanoseconds": [opening], "MarketState": ["CONTINUOUS_TRADING"], "ListingId": [1]}
        write_lake_file(
            tmp_path, MARKETSTATE, "XLON", day, pl.DataFrame(phases).with_columns(pl.col("TimestampNanoseconds").cast(pl.Datetime("ns")))
        )
    words = ["microprices", "--lake", str(tmp_path), "--buckets", "3", "--json"]
    result = CliRunner().invoke(app, [*words, "--date", "2026-01-07"], catch_exceptions=False)
    assert [(each["market"], each["rows"]) for each in json.loads(result.output)] == [("XLON", 3)]
    found = pl.read_parquet(lake_path(str(tmp_path), MICROPRICE, "XLON", date(2026, 1, 7)))
    assert found["Adjustment"].to_list() == pytest.approx([-0.25, 0.0, 0.25])
    assert (found["Changes"].to_list(), found["LastDate"][0]) == ([4, 4, 4], date(2026, 1, 6))
    with pytest.raises(InvalidValue, match="no books before"):
        CliRunner().invoke(app, [*words, "--date", "2026-01-05"], catch_exceptions=False)
    with pytest.raises(InvalidValue, match="is no folder"):
        CliRunner().invoke(app, ["microprices", "--lake", str(tmp_path / "nowhere"), "--date", "2026-01-05"], catch_exceptions=False)


def _with_required(rows):
    missing = [column for column in L2.columns if column.required and column.name not in rows.columns]
    return rows.with_columns(pl.lit(None, column.dtype).alias(column.name) for column in missing)
