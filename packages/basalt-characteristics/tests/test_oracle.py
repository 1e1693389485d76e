"""Every claim against plain Python that shares nothing with it, on rows that Hypothesis makes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from basalt.characteristics.module import L3_CHARACTERISTICS, TRADE_CHARACTERISTICS
from basalt.testing.tables import DAY

SECOND = 1_000_000_000
START = int(datetime(DAY.year, DAY.month, DAY.day, 9, tzinfo=UTC).timestamp()) * SECOND
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
STATES = {
    "ContinuousTrading": "CONTINUOUS_TRADING",
    "OpeningAuction": "OPENING_AUCTION",
    "ClosingAuction": "CLOSING_AUCTION",
    "IntradayAuction": "INTRADAY_AUCTION",
    "UnscheduledAuction": "UNSCHEDULED_AUCTION",
}
IDLE = {"PreOpen": "PRE_OPEN", "PostTrade": "POST_TRADE"}
NUMBERS = ["EventTimestamp", "EventNo", "ExchangeSequenceNo", "BMLLSequenceNo"]
FLAGS = {
    "CrossingTrade": "CrossingTrade",
    "NegotiatedTrade": "NegotiatedTrade",
    "AlgorithmicTrade": "AlgorithmicTrade",
    "BlockTrade": "IsBlock",
}
SET = {"CrossingTrade": {"X"}, "NegotiatedTrade": {"N", "1"}, "AlgorithmicTrade": {"H"}, "IsBlock": {"TRUE"}}

Row = dict[str, Any]


def bucket(nanos: int) -> datetime:
    """End of the minute (start, end] of a time."""
    minutes = -(-nanos // (60 * SECOND))
    return datetime.fromtimestamp(minutes * 60, UTC).replace(tzinfo=None)


def cells(rows: Iterable[Row], clock: str) -> dict[tuple[int, datetime], list[Row]]:
    found: defaultdict[tuple[int, datetime], list[Row]] = defaultdict(list)
    for row in rows:
        found[row["ListingId"], bucket(row[clock])].append(row)
    return found


def some(rows: Iterable[Row], claim: Callable[[Row], bool | None]) -> bool | None:
    told = [each for row in rows if (each := claim(row)) is not None]
    return any(told) if told else None


def every(rows: Iterable[Row], claim: Callable[[Row], bool | None]) -> bool | None:
    told = [each for row in rows if (each := claim(row)) is not None]
    return all(told) if told else None


def both(one: bool | None, other: bool | None) -> bool | None:
    """And, where what is not known does not matter if the other is false."""
    return False if one is False or other is False else None if one is None or other is None else True


def either(one: bool | None, other: bool | None) -> bool | None:
    return True if one or other else None if one is None or other is None else False


def more(value: float | None, than: float) -> bool | None:
    return None if value is None else value > than


# ---------------------------------------------------------------- order events


def maybe(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([*values, None])


EVENT = st.fixed_dictionaries(
    {
        "ListingId": st.sampled_from([1, 2]),
        "TimestampNanoseconds": st.integers(0, 12).map(lambda step: START + step * 20 * SECOND),
        "Side": st.sampled_from([1, 2]),
        "LobAction": st.sampled_from([1, 2, 3, 4]),
        "Price": maybe(10.0, 10.5),
        "OldPrice": maybe(10.0, 10.5),
        "Size": maybe(0, 5),
        "OldSize": maybe(0, 5),
        "ExecutionSize": maybe(0, 3),
        "OrderExecuted": maybe(True, False),
        "MarketState": maybe("CONTINUOUS_TRADING", "OPENING_AUCTION", "UNSCHEDULED_AUCTION", "PRE_OPEN", "POST_TRADE"),
        "EndOfEvent": maybe(True, False),
        "TradeId": maybe("", "t"),
        "ReceiveTimestamp": maybe(0, 5),
        "OrdersAhead": maybe(0, 2),
        "SizeAhead": maybe(0, 7),
        "OldPriceLevel": maybe(0, 1, 2),
        "EventNo": st.integers(1, 9),
        "ExchangeSequenceNo": maybe(1, 2, 3),
        "BMLLSequenceNo": st.integers(1, 9),
        "BMLLSequenceSource": st.sampled_from([1, 2]),
    }
)
BOOK = st.fixed_dictionaries(
    {
        "ListingId": st.sampled_from([1, 2]),
        "TimestampNanoseconds": st.integers(0, 12).map(lambda step: START + step * 20 * SECOND),
        "BidPrice1": maybe(9.0, 10.0, 11.0),
        "AskPrice1": maybe(10.0, 10.5),
        "BidQuantity1": st.just(1.0),
        "AskQuantity1": st.just(1.0),
    }
)


def in_time(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row["TimestampNanoseconds"])


EVENTS = st.lists(EVENT, min_size=1, max_size=25).map(in_time)
BOOKS = st.lists(BOOK, min_size=1, max_size=12).map(in_time)
L3_MEASURES = [each.measure for each in L3_CHARACTERISTICS.formulas if each.family]
L3_SECTION = {
    "characteristics": [{"measures": L3_MEASURES, "phases": list(STATES), "idle_phases": list(IDLE), "numbers": NUMBERS}],
}


@QUICK
@given(events=EVENTS, books=BOOKS)
def test_order_events(ask: Any, events: list[Row], books: list[Row]) -> None:
    for event in events:
        event["spread"] = spread(event, books)
    steps_back(events)
    plain = [{name: value for name, value in event.items() if name[0].isupper()} for event in events]
    found = {(row["ListingId"], row["TimeBucket"]): row for row in ask("l3_characteristics", L3_SECTION, l3=plain, l2=books)}
    wanted = {cell: order_facts(rows) for cell, rows in cells(events, "TimestampNanoseconds").items()}
    assert set(found) == set(wanted)
    for cell, facts in wanted.items():
        assert {name: found[cell][name] for name in facts} == facts


def spread(event: Row, books: list[Row]) -> float | None:
    """Ask minus bid of the last book at or before the event."""
    before = [
        book for book in books if book["ListingId"] == event["ListingId"] and book["TimestampNanoseconds"] <= event["TimestampNanoseconds"]
    ]
    if not before or before[-1]["BidPrice1"] is None or before[-1]["AskPrice1"] is None:
        return None
    return before[-1]["AskPrice1"] - before[-1]["BidPrice1"]


def steps_back(events: list[Row]) -> None:
    """What each event's numbers and time gain on the event before it in its listing (and stream); None without one."""
    last: dict[Any, Row] = {}
    for event in events:
        listing, stream = (event["ListingId"],), (event["ListingId"], event["BMLLSequenceSource"])
        for name, key in (
            ("EventNo", listing),
            ("ExchangeSequenceNo", stream),
            ("BMLLSequenceNo", stream),
            ("TimestampNanoseconds", listing),
        ):
            before = last.get((name, key), {}).get(name)
            event[f"step {name}"] = None if before is None or event[name] is None else event[name] - before
            last[name, key] = event


def order_facts(rows: list[Row]) -> dict[str, Any]:
    executed = [row for row in rows if (row["ExecutionSize"] or 0) > 0]
    facts: dict[str, Any] = {
        "L3EventCount": len(rows),
        "L3ExecutionCount": len(executed),
        "L3HasExecution": bool(executed),
        "L3HasOrderExecuted": some(rows, lambda row: row["OrderExecuted"]),
        "L3HasMultiRowEvent": some(rows, lambda row: None if row["EndOfEvent"] is None else not row["EndOfEvent"]),
        "L3HasTradeId": any(row["TradeId"] for row in rows),
        "L3HasReceiveTimestamp": any((row["ReceiveTimestamp"] or 0) > 0 for row in rows),
        "L3HasUpdates": any(row["LobAction"] == 4 for row in rows),
        "L3HasNoOpUpdate": any(row["LobAction"] == 4 and (row["Price"], row["Size"]) == (row["OldPrice"], row["OldSize"]) for row in rows),
        "L3ExecutedWithOrdersAhead": some(rows, lambda row: both(row["OrderExecuted"], more(row["OrdersAhead"], 0))),
        "L3ExecutedNotAtTopOfBook": some(
            rows, lambda row: both(row["OrderExecuted"], either(more(row["OldPriceLevel"], 1), more(row["OrdersAhead"], 0)))
        ),
        "L3SizeAheadOrdersAheadConsistent": every(
            rows,
            lambda row: None if None in (row["SizeAhead"], row["OrdersAhead"]) else (row["SizeAhead"] != 0) == (row["OrdersAhead"] != 0),
        ),
    }
    for name, state in STATES.items():
        facts[f"L3Has{name}"] = some(rows, lambda row, state=state: None if row["MarketState"] is None else row["MarketState"] == state)
    for name, state in IDLE.items():
        facts[f"L3Has{name}Execution"] = some(
            rows,
            lambda row, state=state: both(
                None if row["MarketState"] is None else row["MarketState"] == state, (row["ExecutionSize"] or 0) > 0
            ),
        )
    return facts | book_facts(rows) | number_facts(rows)


def book_facts(rows: list[Row]) -> dict[str, bool | None]:
    def told(row: Row, *, locked: bool) -> bool | None:
        return None if row["spread"] is None else row["spread"] == 0 if locked else row["spread"] < 0

    def continuous(row: Row) -> bool | None:
        return None if row["MarketState"] is None else row["MarketState"] == "CONTINUOUS_TRADING"

    def elsewhere(row: Row) -> bool | None:
        return None if row["MarketState"] is None else row["MarketState"] != "CONTINUOUS_TRADING"

    return {
        "L3HasLockedBook": some(rows, lambda row: told(row, locked=True)),
        "L3HasCrossedBook": some(rows, lambda row: told(row, locked=False)),
        "L3HasLockedBookContinuous": some(rows, lambda row: both(told(row, locked=True), continuous(row))),
        "L3HasCrossedBookContinuous": some(rows, lambda row: both(told(row, locked=False), continuous(row))),
        "L3HasCrossedBookNonContinuous": some(rows, lambda row: both(told(row, locked=False), elsewhere(row))),
    }


def number_facts(rows: list[Row]) -> dict[str, bool | None]:
    facts: dict[str, bool | None] = {}
    for name in NUMBERS[1:]:
        facts[f"L3{name}NonDecreasing"] = every(
            rows, lambda row, name=name: None if row[f"step {name}"] is None else row[f"step {name}"] >= 0
        )
        facts[f"L3{name}StrictlyIncreasing"] = every(rows, lambda row, name=name: more(row[f"step {name}"], 0))
    facts["L3EventTimestampNonDecreasing"] = facts["L3BMLLSequenceNoNonDecreasing"]
    facts["L3EventTimestampStrictlyIncreasing"] = both(
        every(rows, lambda row: more(row["step TimestampNanoseconds"], 0)), facts["L3BMLLSequenceNoNonDecreasing"]
    )
    return facts


# ---------------------------------------------------------------- trades


TRADE = st.fixed_dictionaries(
    {
        "ListingId": st.sampled_from([1, 2]),
        "MIC": st.just("XLON"),
        "TradeTimestampNanoseconds": st.integers(0, 12).map(lambda step: START + step * 20 * SECOND + step % 3),
        "PublicationTimestamp": st.integers(0, 12).map(lambda step: START + step * 20 * SECOND) | st.none(),
        "Price": st.just(10.0),
        "Size": st.sampled_from([0.0, 1.5, 100.0, -100.0]),
        "AggressorSide": maybe(0, 1, 2, 7),
        "BMLLTradeType": maybe("LIT", "UNKNOWN", "OTC"),
        "MarketState": maybe("UNKNOWN", "NOT_APPLICABLE", "CLOSED"),
        "ModificationIndicator": maybe("-", "A", "C"),
        "ExecutionVenue": maybe("XLON", "SINT"),
        "CrossingTrade": maybe("-", "X"),
        "NegotiatedTrade": maybe("-", "N", "1"),
        "AlgorithmicTrade": maybe("-", "H"),
        "IsBlock": maybe("FALSE", "TRUE"),
        "TradeId": maybe("", "t"),
    }
)
TRADES = st.lists(TRADE, min_size=1, max_size=20).map(lambda rows: sorted(rows, key=lambda row: row["TradeTimestampNanoseconds"]))
TRADE_MEASURES = [each.measure for each in TRADE_CHARACTERISTICS.formulas if each.family]


@QUICK
@given(trades=TRADES)
def test_trades(ask: Any, trades: list[Row]) -> None:
    section = {"characteristics": [{"measures": TRADE_MEASURES, "flags": list(FLAGS)}]}
    found = {(row["ListingId"], row["TimeBucket"]): row for row in ask("trade_characteristics", section, trades=trades)}
    wanted = {cell: trade_facts(rows) for cell, rows in cells(trades, "TradeTimestampNanoseconds").items()}
    assert set(found) == set(wanted)
    for cell, facts in wanted.items():
        assert {name: found[cell][name] for name in facts} == {
            name: pytest.approx(value, rel=1e-12, abs=1e-15) if isinstance(value, float) else value for name, value in facts.items()
        }


def trade_facts(rows: list[Row]) -> dict[str, Any]:
    delays = [
        row["PublicationTimestamp"] // 1000 - row["TradeTimestampNanoseconds"] // 1000
        for row in rows
        if row["PublicationTimestamp"] is not None
    ]
    venues = {row["ExecutionVenue"] for row in rows} - {None}
    facts: dict[str, Any] = {
        "TradeEventCount": len(rows),
        "TradeVolume": float(sum(row["Size"] for row in rows)),
        "TradeHasZeroSize": any(row["Size"] == 0 for row in rows),
        "TradeHasCancellations": any(row["Size"] < 0 for row in rows),
        "TradeHasCancelledTrades": any(row["ModificationIndicator"] == "C" for row in rows),
        "TradeHasUnknownAggressorSide": any(row["AggressorSide"] not in (1, 2) for row in rows),
        "TradeHasKnownAggressorSide": any(row["AggressorSide"] in (1, 2) for row in rows),
        "TradeHasUnknownType": any(row["BMLLTradeType"] in (None, "UNKNOWN") for row in rows),
        "TradeHasLitTrades": any(row["BMLLTradeType"] == "LIT" for row in rows),
        "TradeHasUnknownMarketState": any(row["MarketState"] in (None, "UNKNOWN", "NOT_APPLICABLE") for row in rows),
        "TradeHasTradeId": any(row["TradeId"] for row in rows),
        "TradeHasMultipleExecutionVenues": len(venues) > 1 if venues else None,
        "TradePubEqualsTradeTimestampRatio": delays.count(0) / len(delays) if delays else None,
        "TradePubTradeTimestampAvgDiffS": sum(delays) / len(delays) / 1_000_000 if delays else None,
    }
    return facts | {f"TradeHas{flag}": any(row[column] in SET[column] for row in rows) for flag, column in FLAGS.items()}


# ---------------------------------------------------------------- by hand


def event(seconds: int, **more_columns: Any) -> Row:
    return {"ListingId": 1, "TimestampNanoseconds": START + seconds * SECOND, "Side": 1, "LobAction": 2, **more_columns}


def test_the_first_event_of_a_bucket_is_compared_with_the_last_of_the_one_before(ask: Any) -> None:
    section = {"characteristics": [{"measures": "NonDecreasing", "numbers": "EventNo"}]}
    rows = ask("l3_characteristics", section, l3=[event(10, EventNo=5), event(70, EventNo=4), event(130, EventNo=6)])
    assert [row["L3EventNoNonDecreasing"] for row in rows] == [None, False, True]


def test_an_entry_is_no_update(ask: Any) -> None:
    """Code 2 is an entry, 4 an update."""
    section = {"characteristics": [{"measures": "HasUpdates"}]}
    rows = ask("l3_characteristics", section, l3=[event(10), event(70, LobAction=4)])
    assert [row["L3HasUpdates"] for row in rows] == [False, True]


def test_phases_come_from_the_market_where_events_do_not_say(ask: Any) -> None:
    section = {"characteristics": [{"measures": "HasPhase", "phases": "OpeningAuction"}]}
    phases = [
        {"ListingId": 1, "TimestampNanoseconds": START, "MarketState": "OPENING_AUCTION"},
        {"ListingId": 1, "TimestampNanoseconds": START + 60 * SECOND, "MarketState": "CONTINUOUS_TRADING"},
    ]
    rows = ask("l3_characteristics", section, l3=[event(10), event(70)], marketstate=phases)
    assert [row["L3HasOpeningAuction"] for row in rows] == [True, False]


def test_the_book_at_an_event_is_that_after_it(ask: Any) -> None:
    """The book of the very time of the event counts; a book stands until the next."""
    section = {"characteristics": [{"measures": ["HasLockedBook", "HasCrossedBook"]}]}
    books = [
        {
            "ListingId": 1,
            "TimestampNanoseconds": START + at * SECOND,
            "BidPrice1": bid,
            "AskPrice1": 10.0,
            "BidQuantity1": 1,
            "AskQuantity1": 1,
        }
        for at, bid in ((10, 10.0), (130, 9.0))
    ]
    rows = ask("l3_characteristics", section, l3=[event(10), event(70), event(130)], l2=books)
    assert [(row["L3HasLockedBook"], row["L3HasCrossedBook"]) for row in rows] == [(True, False), (True, False), (False, False)]


def test_sections_may_be_empty(ask: Any) -> None:
    """The default output needs no more than what every importer writes."""
    names = ("MarketState", "ExecutionSize", "OrderExecuted", "EndOfEvent", "TradeId", "Price", "OldPrice", "Size", "OldSize")
    numbers = {"EventNo": 1, "BMLLSequenceNo": 1, "BMLLSequenceSource": 1}
    (orders,) = ask("l3_characteristics", {}, l3=[event(10, **dict.fromkeys(names), **numbers)])
    assert (orders["L3EventCount"], orders["L3HasExecution"], orders["L3HasContinuousTrading"]) == (1, False, None)
    trade = {"ListingId": 1, "MIC": "XLON", "TradeTimestampNanoseconds": START, "Price": 1.0, "Size": 2.0, "BMLLTradeType": "LIT"}
    known = {"AggressorSide": 1, "MarketState": "CLOSED", "ExecutionVenue": "XLON", "TradeId": "1"}
    (trades,) = ask("trade_characteristics", {}, trades=[{**trade, **known}])
    assert (trades["TradeVolume"], trades["TradeHasLitTrades"], trades["TradeHasUnknownType"]) == (2.0, True, False)


def test_days_of_claims_are_claims_of_minutes(ask: Any) -> None:
    """One venue in each of two minutes makes two in the hour."""
    section = {"characteristics": [{"measures": "HasMultipleExecutionVenues"}]}
    trades = [
        {
            "ListingId": 1,
            "MIC": "XLON",
            "TradeTimestampNanoseconds": START + at * SECOND,
            "Price": 1.0,
            "Size": 1.0,
            "ExecutionVenue": venue,
        }
        for at, venue in ((10, "XLON"), (70, "SINT"))
    ]
    assert [row["TradeHasMultipleExecutionVenues"] for row in ask("trade_characteristics", section, trades=trades)] == [False, False]
    assert [row["TradeHasMultipleExecutionVenues"] for row in ask("trade_characteristics", section, 3600, trades=trades)] == [True]
