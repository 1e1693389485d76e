"""Mids and phases that trades get from other tables, on tables small enough to check by eye."""

from __future__ import annotations

import pytest

from basalt.trade.surroundings import mid_after, mid_before

QUOTES = {
    "ListingId": [1, 2, 1, 1, 1, 1],
    "EventTimestamp": ["08:00:01", "08:00:01", "08:00:02", "08:00:02", "08:00:04", "08:00:06"],
    "BidPrice1": [9.0, 49.0, 9.5, 10.0, 12.0, None],
    "AskPrice1": [11.0, 51.0, 10.5, 12.0, 11.0, 13.0],
}


def trades_at(table, *times, listing=1):
    return table("trades", {"ListingId": [listing] * len(times), "TradeTimestamp": list(times)}).lazy()


@pytest.mark.parametrize(
    ("time", "mid"),
    [
        ("08:00:01", None),  # nothing strictly before
        ("08:00:02", 10.0),  # quotes of the same instant do not count
        ("08:00:02.000001", 11.0),  # of two quotes in one instant the later one stands
        ("08:00:05", None),  # crossed
        ("08:00:07", None),  # one-sided
    ],
)
def test_the_mid_before_a_trade(table, time, mid):
    frame = mid_before(trades_at(table, time), table("l2", QUOTES).lazy())
    assert frame.collect()["PreTradeMid"].to_list() == [mid]


@pytest.mark.parametrize(
    ("time", "mid"),
    [
        ("07:59:59", None),  # still no quote a second later
        ("08:00:00", 10.0),  # the quote of that very instant stands
        ("08:00:01", 11.0),
        ("08:00:02.500", 11.0),
        ("08:00:03", None),  # crossed by then
        ("08:00:05", None),  # one-sided at the last quote
        ("08:00:05.500", None),  # beyond the last quote
    ],
)
def test_the_mid_one_second_after_a_trade(table, time, mid):
    frame = mid_after(trades_at(table, time), table("l2", QUOTES).lazy(), horizon="1s")
    assert frame.collect()["PostTradeMid1000ms"].to_list() == [mid]


def test_a_horizon_beyond_the_last_quote_of_its_own_listing_has_no_mid(table):
    quotes = table("l2", QUOTES).lazy()
    assert mid_after(trades_at(table, "08:00:00", "08:00:00.001", listing=2), quotes, horizon="1s").collect()[
        "PostTradeMid1000ms"
    ].to_list() == [
        50.0,
        None,
    ]


def test_rows_keep_their_number_order_and_columns(table):
    trades = trades_at(table, "08:00:03", "08:00:03", "08:00:05")
    for frame in (mid_before(trades, table("l2", QUOTES).lazy()), mid_after(trades, table("l2", QUOTES).lazy(), horizon="5m")):
        collected = frame.collect()
        assert collected.columns[:2] == ["ListingId", "TradeTimestamp"]
        assert len(collected.columns) == 3
        assert collected["TradeTimestamp"].to_list() == trades.collect()["TradeTimestamp"].to_list()
