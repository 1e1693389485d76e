"""Market states as intervals: which phase a listing was in, from when to when, and at the time of a row."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from basalt.core.declaring import enrichment
from basalt.market.states import CONTINUOUS_STATES

KEY = "ListingId"
TIME = "EventTimestamp"
STATE = "MarketState"


def state_intervals(states: pl.LazyFrame) -> pl.LazyFrame:
    """The phases of each listing's day.

    A phase lasts until the next row of the listing that says another one; rows that repeat the phase belong to it. Of rows of one
    instant the last one counts.

    Args:
        states: Rows of `marketstate` of one day, in event order: `ListingId`, `EventTimestamp`, `MarketState`.

    Returns:
        `ListingId`, `MarketState`, `Start`, `End` (Datetime ns; `End` is null for the last phase), sorted by listing and start.
    """
    last = states.select(KEY, TIME, STATE).sort(KEY, TIME, maintain_order=True).unique([KEY, TIME], keep="last", maintain_order=True)
    begins = ~pl.col(STATE).eq_missing(pl.col(STATE).shift(1).over(KEY)) | (pl.int_range(pl.len()).over(KEY) == 0)
    changes = last.filter(begins)
    return changes.select(KEY, STATE, pl.col(TIME).alias("Start"), pl.col(TIME).shift(-1).over(KEY).alias("End"))


def intervals_in(states: pl.LazyFrame, wanted: Collection[str] = CONTINUOUS_STATES) -> pl.LazyFrame:
    """The intervals of `state_intervals` whose phase is one of *wanted*: continuous trading, unless it says otherwise."""
    return state_intervals(states).filter(pl.col(STATE).is_in(sorted(wanted)))


def attach_state(frame: pl.LazyFrame, states: pl.LazyFrame, *, time: str = TIME, name: str = STATE) -> pl.LazyFrame:
    """Attach the phase that a listing was in at the time of each row.

    Args:
        frame: Rows with `ListingId` and *time* (Datetime ns), each listing's in order of time.
        states: Rows of `marketstate` of the same day.
        time: Column of the time.
        name: Name of the new column.

    Returns:
        *frame*, rows and order unchanged, with the phase: a phase that begins at the very time of the row counts; null before the
        first one.
    """
    begun = state_intervals(states).select(KEY, pl.col("Start").alias("state:start"), pl.col(STATE).alias(name))
    matched = frame.join_asof(begun, left_on=time, right_on="state:start", by=KEY, check_sortedness=False)
    return matched.drop("state:start", strict=False)


@enrichment(
    table="l3",
    uses="marketstate",
    column=STATE,
    unit="",
    reads=(KEY, TIME),
    reads_other=(KEY, TIME, STATE),
    dtype=pl.String(),
)
def phase_of_event(events: pl.LazyFrame, phases: pl.LazyFrame) -> pl.LazyFrame:
    """Phase of the listing's day at the time of the event; null before the first phase."""
    return attach_state(events, phases)


@enrichment(
    table="trades",
    uses="marketstate",
    column=STATE,
    unit="",
    reads=(KEY, "TradeTimestamp"),
    reads_other=(KEY, TIME, STATE),
    dtype=pl.String(),
)
def phase_of_trade(trades: pl.LazyFrame, phases: pl.LazyFrame) -> pl.LazyFrame:
    """Phase of the listing's day at the time of the trade; null before the first phase."""
    return attach_state(trades, phases, time="TradeTimestamp")
