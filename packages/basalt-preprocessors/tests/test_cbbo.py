"""Consolidated books by eye, against a plain oracle, and from order events as from books."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.books import BookBuilder
from basalt.core import Clock
from basalt.core.bucketing import TIME_BUCKET
from basalt.core.datasets import Dataset, PlannedColumn
from basalt.core.errors import ConflictingSettings, MissingColumn
from basalt.preprocessors.cbbo import CBBO_PREPROCESS, CbboPreprocessConfig
from basalt.preprocessors.cbbo_from_l3 import CBBO_FROM_L3, CbboFromL3Config

START = datetime(2026, 1, 5, 9)  # noqa: DTZ001
REFERENCE = pl.DataFrame(
    {
        "ListingId": [1, 2, 3, 4],
        "InstrumentId": [10, 10, 10, 20],
        "MIC": ["XLON", "CHIX", "XAMS", "XLON"],
        "CurrencyCode": ["GBp", "GBp", "EUR", "GBp"],
        "IsPrimary": [True, False, False, True],
    }
)
MINUTE = Clock.of_seconds(60)
EVENTS: dict[str, Any] = {"time_index": "event", "market_states": None}


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def book(
    seconds: float, listing: int, bids: list[tuple[float, int, int]], asks: list[tuple[float, int, int]], state: str = "CONTINUOUS_TRADING"
) -> dict[str, Any]:
    row: dict[str, Any] = {"ListingId": listing, "EventTimestamp": at(seconds), "MarketState": state}
    for side, levels in (("Bid", bids), ("Ask", asks)):
        for level in range(1, 3):
            price, quantity, orders = levels[level - 1] if level <= len(levels) else (None, 0, 0)
            row |= {f"{side}Price{level}": price, f"{side}Quantity{level}": quantity, f"{side}NumOrders{level}": orders}
    return row


def l2(*rows: dict[str, Any]) -> pl.DataFrame:
    schema = {"EventTimestamp": pl.Datetime("ns")} | {
        f"{side}{part}{level}": kind
        for side in ("Bid", "Ask")
        for level in (1, 2)
        for part, kind in (("Price", pl.Float64), ("Quantity", pl.Int64), ("NumOrders", pl.Int32))
    }
    return pl.DataFrame(list(rows), schema_overrides=schema)


def phases(*begun: tuple[float, int, str | None]) -> pl.DataFrame:
    rows = [(listing, at(seconds), state) for seconds, listing, state in begun]
    schema = [("ListingId", pl.Int64), ("EventTimestamp", pl.Datetime("ns")), ("MarketState", pl.String)]
    return pl.DataFrame(rows, schema=schema, orient="row")


def dataset(name: str, frame: pl.DataFrame) -> Dataset:
    return Dataset(name, tuple(PlannedColumn(column, dtype) for column, dtype in frame.schema.items()), is_raw=True)


def cbbo(rows: pl.DataFrame, clock: Clock = MINUTE, *, told: pl.DataFrame | None = None, **config: Any) -> pl.DataFrame:
    section = CbboPreprocessConfig(levels_in=2, top_n=2, **config)
    planned = {"l2": dataset("l2", rows), "reference": dataset("reference", REFERENCE)}
    made = CBBO_PREPROCESS.plan(section, planned, clock, where="test")["cbbo"]
    given = {"l2": rows, "reference": REFERENCE, "marketstate": phases() if told is None else told}
    frame = CBBO_PREPROCESS.compute(section, {name: each.lazy() for name, each in given.items()}, planned, clock)["cbbo"]
    return frame.select(*made.keys, *(column.name for column in made.columns)).collect()


def test_quantities_at_one_price_add_up() -> None:
    made = cbbo(l2(book(1, 1, [(100.0, 10, 1)], [(101.0, 5, 1)]), book(2, 2, [(100.0, 7, 2)], [(102.0, 5, 1)])))
    assert made.rows(named=True) == [
        {
            "InstrumentId": 10,
            "TimeBucket": at(60),
            "BidPrice1": 100.0,
            "BidQuantity1": 17,
            "BidNumOrders1": 3,
            "AskPrice1": 101.0,
            "AskQuantity1": 5,
            "AskNumOrders1": 1,
            "BidPrice2": None,
            "BidQuantity2": 0,
            "BidNumOrders2": 0,
            "AskPrice2": 102.0,
            "AskQuantity2": 5,
            "AskNumOrders2": 1,
        }
    ]


def test_a_book_stands_until_it_changes() -> None:
    rows = l2(book(1, 1, [(100.0, 10, 1)], []), book(2, 1, [(100.0, 10, 1)], []), book(70, 2, [(99.0, 1, 1)], []))
    assert cbbo(rows)["BidQuantity1"].to_list() == [10, 10]
    assert cbbo(rows)["BidPrice2"].to_list() == [None, 99.0]
    assert cbbo(rows, **EVENTS)["BidPrice2"].to_list() == [None, None, 99.0]


def test_events_of_one_instant_make_one_row() -> None:
    rows = l2(book(1, 1, [(100.0, 1, 1)], []), book(1, 2, [(101.0, 2, 1)], []), book(1, 1, [(100.0, 3, 1)], []))
    assert cbbo(rows, **EVENTS).select("BidPrice1", "BidQuantity2").rows() == [(101.0, 3)]


def test_a_venue_outside_the_states_shows_nothing() -> None:
    rows = l2(book(1, 1, [(100.0, 1, 1)], []), book(2, 2, [(99.0, 1, 1)], []), book(3, 1, [(100.0, 1, 1)], [], "HALTED"))
    assert cbbo(rows, time_index="event")["BidPrice1"].to_list() == [100.0, 100.0, 99.0]
    assert cbbo(rows, time_index="event", market_states="HALTED")["BidPrice1"].to_list() == [None, None, 100.0]


def test_a_venue_takes_part_from_when_its_phase_begins_until_it_ends() -> None:
    rows = l2(
        book(1, 1, [(100.0, 1, 1)], [], "OPENING_AUCTION"),
        book(2, 2, [(99.0, 1, 1)], []),
        book(4, 1, [(101.0, 1, 1)], [], "OPENING_AUCTION"),
        book(7, 2, [(98.0, 1, 1)], []),
    )
    told = phases((0, 1, "OPENING_AUCTION"), (3, 1, "CONTINUOUS_TRADING"), (5, 1, None), (6, 1, "CLOSED"), (8, 1, "POST_TRADE"))
    made = cbbo(rows, told=told, time_index="event")
    assert made["EventTimestamp"].to_list() == [at(1), at(2), at(3), at(4), at(6), at(7)]
    assert made["BidPrice1"].to_list() == [None, 99.0, 100.0, 101.0, 99.0, 98.0]
    assert cbbo(rows, told=told, **EVENTS)["BidPrice1"].to_list() == [100.0, 100.0, 101.0, 101.0]


def test_continuous_trading_while_the_primary_market_is_closed_counts() -> None:
    rows = l2(book(1, 1, [(100.0, 1, 1)], [], "CONTINUOUS_TRADING_PRIMARY_CLOSED"))
    assert cbbo(rows, time_index="event")["BidPrice1"].to_list() == [100.0]


def test_a_phase_changes_the_last_book_of_a_bucket_and_of_a_day() -> None:
    rows = l2(book(1, 1, [(100.0, 1, 1)], [])).with_columns(pl.col("EventTimestamp").dt.truncate("1d").alias("TradeDate"))
    told = phases((70, 1, "CLOSED"))
    assert cbbo(rows, told=told).select("TimeBucket", "BidPrice1").rows() == [(at(60), 100.0), (at(120), None)]
    assert cbbo(rows, Clock.daily(), told=told)["BidPrice1"].to_list() == [None]


def test_other_currencies_are_left_out() -> None:
    rows = l2(book(1, 1, [(100.0, 1, 1)], []), book(2, 3, [(200.0, 1, 1)], []))
    assert cbbo(rows, **EVENTS)["BidPrice1"].to_list() == [100.0]


def test_the_primary_listing_can_stand_for_the_instrument() -> None:
    made = cbbo(l2(book(1, 2, [(100.0, 1, 1)], [])), index_by="PrimaryListingId", emit_last_event_ts=True)
    assert made.select("ListingId", "PrimaryListingId", "LastEventTimestamp").row(0) == (1, 1, at(1))


def test_single_venues_stand_beside_the_whole() -> None:
    rows = l2(book(1, 1, [(100.0, 1, 1)], []), book(2, 2, [(99.0, 4, 1)], []), book(3, 1, [(101.0, 1, 1)], []))
    made = cbbo(rows, mic_whitelist=["XLON", "CHIX"], include_mic_wide=True, **EVENTS)
    assert made["BidPrice1_XLON"].to_list() == [100.0, 100.0, 101.0]
    assert made["BidPrice1_CHIX"].to_list() == [None, 99.0, 99.0]
    assert made["BidQuantity1_CHIX"].to_list() == [0, 4, 4]


def test_orders_of_a_venue_that_does_not_tell_are_unknown() -> None:
    rows = l2(book(1, 1, [(100.0, 1, 1)], []), book(2, 2, [(100.0, 1, 1)], [])).with_columns(
        pl.when(pl.col("ListingId") == 1).then("BidNumOrders1").alias("BidNumOrders1")
    )
    assert cbbo(rows, **EVENTS)["BidNumOrders1"].to_list() == [1, None]


levels = st.lists(
    st.tuples(st.sampled_from([99.0, 100.0, 101.0, 102.0]), st.integers(1, 5), st.integers(1, 3)),
    max_size=2,
    unique_by=lambda level: level[0],
)
steps = st.tuples(
    st.integers(0, 40), st.sampled_from([1, 2, 4]), levels, levels, st.sampled_from(["CONTINUOUS_TRADING", "CONTINUOUS_TRADING", "HALTED"])
)


def plain_state(row: dict[str, Any], told: list[tuple[float, int, str]], now: datetime) -> str:
    """The last phase of the row's listing that began by *now*; without any, that of the row."""
    begun = [state for seconds, listing, state in told if listing == row["ListingId"] and at(seconds) <= now]
    return begun[-1] if begun else row["MarketState"]


def plain_cbbo(rows: list[dict[str, Any]], told: list[tuple[float, int, str]], label: Any) -> dict[tuple[int, datetime], tuple[Any, ...]]:
    """Books by instrument and label: dictionaries of prices, no arrays; made anew from all that stands at every instant."""
    instrument = dict(REFERENCE.select("ListingId", "InstrumentId").iter_rows())
    instants = [(row["EventTimestamp"], row["ListingId"]) for row in rows]
    instants += [(at(seconds), listing) for seconds, listing, _ in told]
    made: dict[tuple[int, datetime], tuple[Any, ...]] = {}
    counted: dict[int, bool] = {}
    for now, of in sorted(instants):
        shown = {row["ListingId"]: row for row in rows if row["EventTimestamp"] <= now}
        counts = {listing for listing, row in shown.items() if plain_state(row, told, now) != "HALTED"}
        before = counted.get(of, False)
        counted[of] = of in counts
        if (now, of) not in instants[: len(rows)] and (before == counted[of] or not seen(shown.get(of))):
            continue
        whole: dict[str, dict[float, list[int]]] = {"Bid": {}, "Ask": {}}
        for each in (row for listing, row in shown.items() if listing in counts and instrument[listing] == instrument[of]):
            for side, prices in whole.items():
                for level in (1, 2):
                    if each[f"{side}Price{level}"] is not None:
                        total = prices.setdefault(each[f"{side}Price{level}"], [0, 0])
                        total[0] += each[f"{side}Quantity{level}"]
                        total[1] += each[f"{side}NumOrders{level}"]
        best = [[(price, *whole[side][price]) for price in sorted(whole[side], reverse=side == "Bid")][:2] for side in whole]
        bids, asks = ([*side, *[(None, 0, 0)] * (2 - len(side))] for side in best)
        made[instrument[of], label(now)] = (*bids[0], *asks[0], *bids[1], *asks[1])
    return made


def seen(row: dict[str, Any] | None) -> bool:
    return row is not None and (row["BidPrice1"] is not None or row["AskPrice1"] is not None)


begun = st.tuples(
    st.integers(0, 40).map(lambda step: step * 5.0), st.sampled_from([1, 2, 4]), st.sampled_from(["CONTINUOUS_TRADING", "HALTED"])
)


@settings(max_examples=30, deadline=None)
@given(st.lists(steps, max_size=30), st.lists(begun, max_size=8), st.booleans())
def test_consolidated_books_are_those_of_the_oracle(drawn: list[Any], told: list[tuple[float, int, str]], by_event: bool) -> None:
    told.sort(key=lambda each: each[0])
    drawn.sort(key=lambda step: step[0])
    rows = [book(seconds * 5, listing, sorted(bids, reverse=True), sorted(asks), state) for seconds, listing, bids, asks, state in drawn]
    label = (lambda time: time) if by_event else (lambda time: START + timedelta(minutes=-((time - START) // -timedelta(minutes=1))))
    expected = plain_cbbo(rows, told, label)
    made = cbbo(l2(*rows) if rows else l2(book(0, 1, [], [])).clear(), told=phases(*told), time_index="event" if by_event else "timebucket")
    assert {(row[0], row[1]): row[2:] for row in made.iter_rows()} == expected


orders = st.tuples(
    st.sampled_from([1, 2, 4]), st.sampled_from([1, 2]), st.integers(0, 11), st.integers(1, 9), st.sampled_from([0.0, 0.0, 1.0, 30.0])
)


@settings(max_examples=30, deadline=None)
@given(st.lists(orders, min_size=1, max_size=60), st.booleans(), st.sampled_from([None, ["CONTINUOUS_TRADING"]]))
def test_from_order_events_as_from_their_books(drawn: list[Any], by_event: bool, states: list[str] | None) -> None:
    l3 = order_events(drawn)
    books = BookBuilder(levels=10, carry=("EventTimestamp",)).feed(l3)
    index = "event" if by_event else "timebucket"
    told = phases((2, 1, "HALTED"), (30, 1, "CONTINUOUS_TRADING"), (35, 2, "HALTED"))
    given = {name: each.lazy() for name, each in (("l3", l3), ("l2", books), ("reference", REFERENCE), ("marketstate", told))}
    section = {"time_index": index, "market_states": states}
    from_l3 = CBBO_FROM_L3.compute(CbboFromL3Config(**section), given, {}, MINUTE)["cbbo_from_l3"].collect()
    from_l2 = CBBO_PREPROCESS.compute(CbboPreprocessConfig(**section), given, {}, MINUTE)["cbbo"].collect()
    assert from_l3.equals(from_l2)
    assert from_l3.height > 0


def order_events(drawn: list[Any]) -> pl.DataFrame:
    """Orders that enter, and leave when the same place is drawn again."""
    resting: dict[tuple[int, int, int], int] = {}
    rows, seconds = [], 0.0
    for listing, side, tick, size, wait in drawn:
        seconds += wait
        place, price = (listing, side, tick), (90.0 if side == 1 else 101.0) + tick
        old = resting.pop(place, 0)
        new = 0 if old else size
        if new:
            resting[place] = new
        state = "HALTED" if size == 9 else "CONTINUOUS_TRADING"
        rows.append((listing, at(seconds), side, price if new else None, new, price if old else None, old, state))
    names = ["ListingId", "EventTimestamp", "Side", "Price", "Size", "OldPrice", "OldSize", "MarketState"]
    types = {"EventTimestamp": pl.Datetime("ns"), "Price": pl.Float64, "OldPrice": pl.Float64}
    return pl.DataFrame(rows, schema=names, schema_overrides=types, orient="row")


def test_lengths_of_buckets() -> None:
    l3 = order_events([(1, 1, 0, 5, 1.0)])
    planned = {"l3": dataset("l3", l3), "reference": dataset("reference", REFERENCE)}

    def plan(clock: Clock, **config: Any) -> Any:
        return CBBO_FROM_L3.plan(CbboFromL3Config(**config), planned, clock, where="test")["cbbo_from_l3"]

    assert plan(MINUTE).clock == MINUTE
    assert plan(MINUTE, time_bucket_seconds=300).clock == Clock.of_seconds(300)
    assert plan(Clock.event(), time_bucket_seconds=300).clock == Clock.of_seconds(300)
    assert plan(Clock.event(), time_index="event", time_bucket_seconds=None).keys == ("InstrumentId", "EventTimestamp")
    assert TIME_BUCKET in plan(MINUTE).keys
    with pytest.raises(ConflictingSettings, match="without buckets"):
        plan(Clock.event())
    with pytest.raises(ConflictingSettings, match="needs a length"):
        plan(MINUTE, time_bucket_seconds=None)


def test_states_without_a_column_are_refused() -> None:
    with pytest.raises(MissingColumn, match="MarketState"):
        cbbo(l2(book(1, 1, [], [])).drop("MarketState"))


def test_columns_of_venues_need_venues() -> None:
    with pytest.raises(ConflictingSettings, match="venues"):
        CbboPreprocessConfig(include_mic_wide=True)
