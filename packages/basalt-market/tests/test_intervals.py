from __future__ import annotations

import polars as pl
import pytest

from basalt.core.declaring import Enrichment
from basalt.market.intervals import attach_state, intervals_in, phase_of_event, phase_of_trade, state_intervals


def clock(name: str) -> pl.Expr:
    return pl.col(name).str.to_datetime("%Y-%m-%d %H:%M", time_unit="ns").alias(name)


STATES = pl.LazyFrame(
    {
        "ListingId": [1, 1, 1, 1, 1, 2, 1],
        "EventTimestamp": [f"2026-02-02 {at}" for at in ("07:00", "08:00", "08:00", "09:00", "10:00", "08:30", "16:00")],
        "MarketState": [
            "PRE_OPEN",
            "OPENING_AUCTION",
            "CONTINUOUS_TRADING",
            "CONTINUOUS_TRADING",
            "HALTED",
            "CONTINUOUS_TRADING",
            "CLOSED",
        ],
    }
).with_columns(clock("EventTimestamp"))


def shown(frame: pl.LazyFrame) -> list[tuple[object, ...]]:
    return frame.with_columns(pl.col("Start", "End").dt.strftime("%H:%M")).collect().rows()


def test_a_phase_lasts_until_another_one_begins() -> None:
    assert shown(state_intervals(STATES)) == [
        (1, "PRE_OPEN", "07:00", "08:00"),
        (1, "CONTINUOUS_TRADING", "08:00", "10:00"),
        (1, "HALTED", "10:00", "16:00"),
        (1, "CLOSED", "16:00", None),
        (2, "CONTINUOUS_TRADING", "08:30", None),
    ]


def test_intervals_of_some_phases() -> None:
    assert shown(intervals_in(STATES)) == [(1, "CONTINUOUS_TRADING", "08:00", "10:00"), (2, "CONTINUOUS_TRADING", "08:30", None)]
    assert shown(intervals_in(STATES, ["HALTED"])) == [(1, "HALTED", "10:00", "16:00")]


def test_the_phase_at_the_time_of_a_row() -> None:
    rows = pl.LazyFrame({"ListingId": [1, 1, 2, 1, 3], "At": [f"2026-02-02 {at}" for at in ("06:59", "08:00", "08:00", "12:00", "12:00")]})
    found = attach_state(rows.with_columns(clock("At")), STATES, time="At").collect()
    assert found["MarketState"].to_list() == [None, "CONTINUOUS_TRADING", None, "HALTED", None]


@pytest.mark.parametrize(("phase", "time"), [(phase_of_event, "EventTimestamp"), (phase_of_trade, "TradeTimestamp")])
def test_events_and_trades_get_the_phase_that_holds_from_the_instant_it_begins(phase: Enrichment, time: str) -> None:
    rows = pl.LazyFrame({"ListingId": [1, 1, 1], time: [f"2026-02-02 {at}" for at in ("06:59", "10:00", "15:59")]})
    found = phase(rows.with_columns(clock(time)), STATES).collect()
    assert found["MarketState"].to_list() == [None, "HALTED", "HALTED"]
    assert found.columns == ["ListingId", time, "MarketState"]
