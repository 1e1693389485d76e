"""Laws of trade analytics: those of every module, sides that add up, costs that add up, roll-ups in any convention."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from basalt.core.bucketing import DATE, TIME_BUCKET, Clock
from basalt.core.declaring import Composite
from basalt.core.declaring.analytics import part_column
from basalt.testing import ModuleLaws
from basalt.trade.module import RETAIL_IMBALANCE, TRADE


class TestTrade(ModuleLaws):
    module = TRADE


class TestRetailImbalance(ModuleLaws):
    module = RETAIL_IMBALANCE


SECOND = 1_000_000_000
START = 1_767_600_000 * SECOND
SIDES = ["Bid", "Ask", "Total", "Unknown"]
AGGREGATIONS = ["First", "Last", "Min", "Max", "Mean", "Sum", "Median", "Std", "VWA", "NotionalWeighted"]
GENERIC = [
    "Volume", "Count", "Notional", "NotionalEUR", "AuctionNotional", "OTCVolume", "RetailCount", "BlockCount", "VWAP",
    "VolumeWeightedPricePlacement", "AvgPrice", "MedianPrice", "Volatility", "ReturnStd", "OHLC", "MarketState",
]  # fmt: skip
SECTION = {
    "generic_metrics": [{"measures": GENERIC, "sides": SIDES}],
    "discrepancy_metrics": [{"references": "PreTradeMid", "sides": SIDES, "aggregations": AGGREGATIONS}],
    "flag_metrics": [{"flags": "BlockTrade", "measures": ["Volume", "Count", "AvgNotional"], "sides": SIDES}],
    "change_metrics": [{"measures": ["PricePoint", "PreTradeElapsedTimeChg"]}],
    "impact_metrics": [{"variant": ["EffectiveSpread", "RealizedSpread", "PriceImpactBps"], "aggregations": AGGREGATIONS}],
}

mids = st.sampled_from([None, 9.75, 10.0, 10.25])
TICKS = {
    "ListingId": st.sampled_from([1, 2]),
    "TradeTimestamp": st.integers(0, 500).map(lambda tens: START + tens * 10 * SECOND),
    "AggressorSide": st.sampled_from([0, 1, 2, None]),
    "Price": st.sampled_from([None, 9.5, 10.0, 10.5]),
    "Size": st.sampled_from([0.0, 1.0, 2.5, 100.0]),
    "TradeNotionalEUR": st.sampled_from([None, 5.0, 70.0]),
    "PreTradeMid": mids,
    "PostTradeMid1000ms": mids,
    "PricePoint": st.sampled_from([None, 0.0, 0.25, 1.5]),
    "PreTradeElapsedTimeChg": st.sampled_from([None, 3, 10**9]),
    "IsBlock": st.sampled_from(["TRUE", "FALSE"]),
    "MarketState": st.sampled_from([None, "CONTINUOUS_TRADING", "CLOSING_AUCTION"]),
    "BMLLParticipantType": st.sampled_from(["RETAIL", None]),
    "BMLLTradeType": st.sampled_from(["LIT", "OTC"]),
    "Classification": st.sampled_from(["LIT_CONTINUOUS", "LIT_AUCTION"]),
}
STORED = frozenset(TICKS)
tapes = st.lists(st.fixed_dictionaries(TICKS), min_size=1, max_size=30).map(
    lambda drawn: sorted(drawn, key=lambda row: row["TradeTimestamp"])
)


def columns(tape):
    return {name: [row[name] for row in tape] for name in tape[0]}


@pytest.fixture(scope="session")
def everything(ask):
    return ask(SECTION, STORED)


def rolled_up(asked, fine, fine_clock, coarse_clock):
    """The declared roll-up of every measure that has one."""
    combined, finished = [], []
    for measure in asked.planned.queries[0].measures:
        if measure.rollup is None:
            continue
        value = measure.build()
        if isinstance(value, Composite):
            parts = {name: part_column(measure.column, name) for name in value.parts}
            combined += [value.parts[name].rollup.combine(pl.col(column)).alias(column) for name, column in parts.items()]
            finished.append(value.finish({name: pl.col(column) for name, column in parts.items()}).alias(measure.column))
        else:
            combined.append(measure.rollup.combine(pl.col(measure.column)).alias(measure.column))
            finished.append(pl.col(measure.column))
    labelled = fine.with_columns(pl.lit(date(2026, 1, 5)).alias(DATE)).with_columns(
        coarse_clock.relabel(pl.col(TIME_BUCKET), fine_clock).alias(TIME_BUCKET)
    )
    return (
        labelled.group_by("ListingId", TIME_BUCKET).agg(combined).sort("ListingId", TIME_BUCKET).select("ListingId", TIME_BUCKET, *finished)
    )


@settings(max_examples=25, deadline=None)
@given(
    tape=tapes,
    minutes=st.sampled_from([5, 15, 60, None]),
    anchor=st.sampled_from(["end", "start"]),
    closed=st.sampled_from(["right", "left"]),
)
def test_one_minute_rows_rolled_up_equal_the_coarse_buckets(everything, tape, minutes, anchor, closed):
    fine = Clock.of_seconds(60, anchor, closed)
    coarse = Clock.daily() if minutes is None else Clock.of_seconds(60 * minutes, anchor, closed)
    result = rolled_up(everything, everything.parts(fine, trades=columns(tape)), fine, coarse)
    direct = everything.parts(coarse, trades=columns(tape)).select(result.columns)
    assert_frame_equal(result, direct, rel_tol=1e-9, abs_tol=1e-7)


@settings(max_examples=25, deadline=None)
@given(tape=tapes)
def test_bid_ask_and_unknown_add_up_to_total(everything, tape):
    frame = everything.rows(trades=columns(tape))
    for measure in ("Volume", "Count", "Notional", "NotionalEUR", "AuctionNotional", "OTCVolume", "RetailCount", "BlockCount"):
        names = [f"Trade{side}{measure}" for side in ("Bid", "Ask", "Unknown")]
        summed = frame.select(pl.sum_horizontal(names))
        assert_frame_equal(summed, frame.select(pl.col(f"TradeTotal{measure}").fill_null(0).alias(names[0])), check_dtypes=False)


@pytest.fixture(scope="session")
def costs(ask):
    variants = ["EffectiveSpread", "RealizedSpread", "PriceImpact", "EffectiveSpreadBps", "RealizedSpreadBps", "PriceImpactBps"]
    return ask({"impact_metrics": [{"variant": variants, "aggregations": "Sum"}]}, STORED, seconds=10)


@settings(max_examples=25, deadline=None)
@given(tape=tapes)
def test_effective_spread_is_realised_spread_plus_impact_trade_by_trade(costs, tape):
    one_a_bucket = {(row["ListingId"], row["TradeTimestamp"]): row for row in tape if row["PostTradeMid1000ms"] is not None}
    if not one_a_bucket:
        return
    frame = costs.rows(trades=columns(list(one_a_bucket.values())))
    for unit in ("", "Bps"):
        parts = pl.col(f"RealizedSpread{unit}1sSum") + pl.col(f"PriceImpact{unit}1sSum")
        apart = frame.select((pl.col(f"EffectiveSpread{unit}Sum") - parts).abs().max()).item()
        assert apart < 1e-9
