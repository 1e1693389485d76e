"""Every formula against plain Python, and buckets that only one of book and tape has."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from basalt.core.errors import InvalidValue
from basalt.execution.module import EXECUTION
from basalt.testing.builders import compute, trades

QUICK = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
SECOND = 1_000_000_000
START = 1_767_600_000 * SECOND
DEFAULT = {"Bid": 1, "Ask": 2}
TYPES, TAKERS = ("LIT", "DARK"), {"Buy": {1}, "Sell": {2}, "Unknown": {0, None}}

TIMES = st.sampled_from([0, 1, 30 * SECOND, 60 * SECOND, 150 * SECOND])
EVENT = st.fixed_dictionaries(
    {
        "ListingId": st.sampled_from([1, 2]),
        "Time": TIMES,
        "Side": st.sampled_from([1, 2]),
        "ExecutionPrice": st.sampled_from([None, 9.5, 10.0]),
        "ExecutionSize": st.sampled_from([0, 0, 3, 100, None]),
        "OldSize": st.sampled_from([0, 100, None]),
        "LobAction": st.sampled_from([1, 2, 3, 4]),
        "MarketState": st.sampled_from(["CONTINUOUS_TRADING", None]),
    }
)
TRADE = st.fixed_dictionaries(
    {
        "ListingId": st.sampled_from([1, 2]),
        "MIC": st.just("XTST"),
        "Time": TIMES,
        "Price": st.sampled_from([9.5, 10.0, 10.5]),
        "InstrumentCurrencyPrice": st.sampled_from([None, 9.5, 10.0]),
        "Size": st.sampled_from([0.0, 2.5, 100.0]),
        "AggressorSide": st.sampled_from([0, 1, 2, None]),
        "BMLLTradeType": st.sampled_from(["LIT", "DARK", "OTC", None]),
        "PricePoint": st.sampled_from([None, -0.5, 0.0, 0.25, 1.5]),
        "PriorQuoteSizeRank": st.sampled_from([None, 1, 2, 5]),
        "MarketState": st.sampled_from(["CONTINUOUS_TRADING", None]),
    }
)
EVENT_TYPES = {
    **dict.fromkeys(("ListingId", "Side", "ExecutionSize", "OldSize", "LobAction"), pl.Int64),
    "ExecutionPrice": pl.Float64,
    "MarketState": pl.String,
}
TRADE_TYPES = {
    **dict.fromkeys(("ListingId", "AggressorSide", "PriorQuoteSizeRank"), pl.Int64),
    **dict.fromkeys(("Price", "InstrumentCurrencyPrice", "Size", "PricePoint"), pl.Float64),
    **dict.fromkeys(("MIC", "BMLLTradeType", "MarketState"), pl.String),
}


def frame(rows: list[dict[str, Any]], clock: str, types: dict[str, Any]) -> pl.LazyFrame:
    made = pl.DataFrame({name: [row[name] for row in rows] for name in types}, schema=types)
    times = pl.Series(clock, [START + row["Time"] for row in rows], pl.Int64).cast(pl.Datetime("ns"))
    return made.with_columns(times).lazy()


def bucket(row: dict[str, Any]) -> tuple[int, int]:
    return row["ListingId"], math.ceil(Fraction(START + row["Time"], 60 * SECOND)) * 60 * SECOND


def divided(pairs: list[tuple[float, float]]) -> float | None:
    weight = math.fsum(each for _, each in pairs)
    return math.fsum(value * each for value, each in pairs) / weight if weight else None


def of_book(events: list[dict[str, Any]]) -> dict[str, Any]:
    size = [row["ExecutionSize"] or 0 for row in events]
    sided = {side: [(row, each) for row, each in zip(events, size, strict=True) if row["Side"] == code] for side, code in DEFAULT.items()}
    found: dict[str, Any] = {f"ExecutedVolume{side}": sum(each for _, each in rows) for side, rows in sided.items()}
    for side, rows in sided.items():
        found[f"Vwap{side}"] = divided([(row["ExecutionPrice"], each) for row, each in rows if row["ExecutionPrice"] is not None])
    bought, sold = found["ExecutedVolumeAsk"], found["ExecutedVolumeBid"]
    found["TradeImbalance"] = (bought - sold) / (bought + sold) if bought + sold else None
    hidden = sum(max(each - (row["OldSize"] or 0), 0) for row, each in zip(events, size, strict=True))
    found["HiddenShare"] = hidden / sum(size) if sum(size) else None
    return found


def of_tape(tape: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind in TYPES:
        for taker, codes in TAKERS.items():
            mine = [row for row in tape if row["BMLLTradeType"] == kind and row["AggressorSide"] in codes]
            start = kind.capitalize()
            found[f"{start}Volume{taker}Aggressor"] = math.fsum(row["Size"] for row in mine)
            priced = [(row["InstrumentCurrencyPrice"], row["Size"]) for row in mine if row["InstrumentCurrencyPrice"] is not None]
            found[f"{start}VWAP{taker}Aggressor"] = divided(priced)
            ranked = [(row["PriorQuoteSizeRank"], row["Size"]) for row in mine if row["PriorQuoteSizeRank"] is not None]
            found[f"{start}PriorQuoteSizeRank{taker}Aggressor"] = divided(ranked)
            placed = [(2 * min(max(row["PricePoint"], 0), 1) - 1, row["Size"]) for row in mine if row["PricePoint"] is not None]
            found[f"{start}VolumeWeightedPricePlacement{taker}Aggressor"] = divided(placed)
    both = [row for row in tape if row["BMLLTradeType"] in TYPES]
    found["DarkShare"] = divided([(row["BMLLTradeType"] == "DARK", row["Size"]) for row in both])
    return found


EVERYTHING = {
    "l3_execution": [{"measures": ["ExecutedVolume", "VWAP"], "sides": list(DEFAULT)}],
    "trade_breakdown": [
        {"measures": ["Volume", "VWAP", "VWPP", "PriorQuoteSizeRank"], "trade_types": list(TYPES), "aggressor_sides": list(TAKERS)}
    ],
    "derived_metrics": [{"variant": ["TradeImbalance", "HiddenShare", "DarkShare"]}],
}


@QUICK
@given(events=st.lists(EVENT, max_size=25), tape=st.lists(TRADE, max_size=25))
def test_book_and_tape_side_by_side(events, tape):
    events, tape = (sorted(rows, key=lambda row: row["Time"]) for rows in (events, tape))
    tables = {
        "l3": frame(events, "TimestampNanoseconds", EVENT_TYPES),
        "trades": frame(tape, "TradeTimestampNanoseconds", TRADE_TYPES),
    }
    found = compute(EXECUTION, EVERYTHING, **tables).with_columns(pl.col("TimeBucket").cast(pl.Int64))
    rows = {(row["ListingId"], row["TimeBucket"]): row for row in found.to_dicts()}
    assert set(rows) == {bucket(row) for row in (*events, *tape)}
    for key, row in rows.items():
        wanted = of_book([each for each in events if bucket(each) == key]) | of_tape([each for each in tape if bucket(each) == key])
        for name, value in wanted.items():
            assert row[name] == (value if value is None else pytest.approx(value, rel=1e-12, abs=1e-12)), name


def events(at: list[str], **columns: Any) -> pl.LazyFrame:
    """Order events at times of day on listing 1."""
    given_times = trades(at, price=1.0).select(pl.col("TradeTimestampNanoseconds").alias("TimestampNanoseconds"), "ListingId")
    return given_times.with_columns(pl.Series(name, values) for name, values in columns.items())


def test_buckets_of_tape_or_book_alone_are_kept():
    book = events(["09:00:30"], LobAction=[3], Side=[1], ExecutionPrice=[10.0], ExecutionSize=[100], OldSize=[100])
    tape = trades(["09:05:30"], price=[10.5], size=[7.0], side=[1], BMLLTradeType=["LIT"])
    section = {
        "l3_execution": [{"measures": ["ExecutedVolume", "VWAP"], "sides": "Bid"}],
        "trade_breakdown": [{"measures": ["Volume", "VWAP"], "trade_types": "LIT", "aggressor_sides": "Buy"}],
    }

    rows = compute(EXECUTION, section, l3=book, trades=tape)

    assert [str(each) for each in rows["TimeBucket"].dt.time()] == ["09:01:00", "09:06:00"]
    assert rows["ExecutedVolumeBid"].to_list() == [100, 0]
    assert rows["VwapBid"].to_list() == [10.0, None]
    assert rows["LitVolumeBuyAggressor"].to_list() == [0.0, 7.0]
    assert rows["LitVWAPBuyAggressor"].to_list() == [None, 10.5]


def test_market_states_hold_for_book_and_tape():
    book = events(
        ["09:00:10", "09:00:20"],
        LobAction=[3, 3],
        Side=[1, 1],
        ExecutionPrice=[10.0, 10.0],
        ExecutionSize=[100, 30],
        OldSize=[100, 30],
        MarketState=["CLOSING_AUCTION", "CONTINUOUS_TRADING"],
    )
    tape = trades(["09:00:10", "09:00:20"], price=10.0, size=[100.0, 30.0], BMLLTradeType="LIT", MarketState=["CLOSING_AUCTION", None])
    section = {
        "l3_execution": [{"measures": "ExecutedVolume", "sides": "Bid", "market_states": ["CONTINUOUS_TRADING", "HALTED"]}],
        "trade_breakdown": [
            {"measures": "Volume", "trade_types": "LIT", "aggressor_sides": "Unknown", "market_states": "CLOSING_AUCTION"},
        ],
    }

    assert compute(EXECUTION, section, l3=book, trades=tape).select("ExecutedVolumeBid", "LitVolumeUnknownAggressor").row(0) == (30, 100.0)


def test_an_entry_that_names_no_side_is_refused():
    with pytest.raises(InvalidValue, match="sides"):
        compute(EXECUTION, {"l3_execution": [{"measures": "VWAP"}]})
