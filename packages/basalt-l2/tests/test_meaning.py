"""What book analytics mean, on books small enough to check by eye: carrying in, halts, odd books, other rows beside them."""

from __future__ import annotations

import math

import pytest

from basalt.core.errors import ConflictingSettings, InvalidValue

TWA = {"liquidity": [{"measures": "Price", "sides": "Bid", "levels": 1, "aggregations": "TWA"}]}
BOTH = {
    "liquidity": [{"measures": "Price", "sides": "Bid", "levels": 1, "aggregations": ["Last", "TWA"]}],
    "quality": [{"measures": "Coverage"}],
}


def bids(*rows):
    times, prices = zip(*rows, strict=True)
    return {"EventTimestamp": list(times), "BidPrice1": list(prices), "AskPrice1": [200.0] * len(times)}


def column(frame, name):
    return dict(zip(frame["TimeBucket"].dt.strftime("%H:%M").to_list(), frame[name].to_list(), strict=True))


def test_the_mean_of_a_constant_is_the_constant(ask):
    frame = ask(TWA, modules=["l2tw"]).rows(l2=bids(("09:00:30", 100.0), ("09:01:30", 100.0), ("09:03:30", 100.0)))
    assert set(frame["BidPrice1TWA"]) == {100.0}


def test_what_stood_before_is_carried_in_and_what_stands_counts_to_the_end(ask):
    frame = ask(TWA, modules=["l2tw"]).rows(l2=bids(("09:00:30", 100.0), ("09:01:45", 200.0)))
    assert column(frame, "BidPrice1TWA") == {"09:01": 100.0, "09:02": (45 * 100 + 15 * 200) / 60}


def test_coverage_says_how_much_of_the_bucket_a_mean_is_over(ask):
    frame = ask(BOTH, modules=["l2", "l2tw"]).rows(l2=bids(("09:00:15", 100.0), ("09:01:30", 100.0)))
    assert column(frame, "L2Coverage") == {"09:01": 0.75, "09:02": 1.0}


def test_a_halt_is_no_time(ask):
    phases = {"EventTimestamp": ["08:00:00", "09:00:20", "09:00:50"], "MarketState": ["CONTINUOUS_TRADING", "HALTED", "CONTINUOUS_TRADING"]}
    frame = ask(BOTH, modules=["l2", "l2tw"]).rows(
        l2=bids(("09:00:00.001", 100.0), ("09:00:10", 101.0), ("09:00:30", 50.0), ("09:00:50", 102.0)), marketstate=phases
    )
    row = frame.row(-1, named=True)
    assert row["BidPrice1TWA"] == pytest.approx((9.999 * 100 + 10 * 101 + 10 * 102) / 29.999)
    assert row["L2Coverage"] == pytest.approx(29.999 / 60)
    assert row["L2MarketState"] == "CONTINUOUS_TRADING"


def test_a_day_that_closes_ends_the_state(ask):
    phases = {"EventTimestamp": ["08:00:00", "09:00:30", "09:05:00"], "MarketState": ["CONTINUOUS_TRADING", "CLOSING_AUCTION", "CLOSED"]}
    frame = ask(BOTH, modules=["l2", "l2tw"]).rows(l2=bids(("09:00:00.001", 100.0), ("09:00:40", 150.0)), marketstate=phases)
    assert column(frame, "BidPrice1") == {"09:01": 100.0, "09:05": None}
    assert column(frame, "L2MarketState") == {"09:01": "CLOSING_AUCTION", "09:05": "CLOSED"}
    assert column(frame, "L2Coverage") == {"09:01": pytest.approx(29.999 / 60), "09:05": 0.0}


def test_an_entry_may_ask_for_other_phases(ask):
    section = {"liquidity": [{"measures": "Price", "sides": "Bid", "levels": 1, "market_states": "HALTED"}]}
    books = {**bids(("09:00:10", 100.0), ("09:00:20", 101.0)), "MarketState": ["HALTED", "CONTINUOUS_TRADING"]}
    assert ask(section).rows(l2=books)["BidPrice1"].to_list() == [100.0]


def test_the_rows_tell_the_phase_where_the_table_of_phases_does_not(ask):
    books = {**bids(("09:00:10", 100.0), ("09:00:20", 101.0)), "MarketState": ["CONTINUOUS_TRADING", "HALTED"]}
    section = {"liquidity": [{"measures": "Price", "sides": "Bid", "levels": 1}]}
    assert ask(section).rows(l2=books)["BidPrice1"].to_list() == [100.0]
    late = {"EventTimestamp": ["09:00:15"], "MarketState": ["CONTINUOUS_TRADING"]}
    assert ask(section).rows(l2=books, marketstate=late)["BidPrice1"].to_list() == [101.0]


def test_locked_crossed_and_one_sided_books(ask):
    section = {
        "spreads": [{"variant": "Abs", "aggregations": "TWA"}],
        "quality": [{"measures": "Time", "condition": ["Locked", "Crossed", "OneSided"]}],
    }
    books = {
        "EventTimestamp": ["09:00:00.001", "09:00:15", "09:00:30", "09:00:45"],
        "BidPrice1": [99.0, 101.0, 102.0, 99.0],
        "AskPrice1": [101.0, 101.0, 101.0, None],
    }
    row = ask(section, modules=["l2tw"]).rows(l2=books).row(0, named=True)
    assert row["SpreadAbsTWA"] == pytest.approx(2 * 14.999 / 29.999)
    assert [row["LockedTime"], row["CrossedTime"], row["OneSidedTime"]] == pytest.approx([15 / 59.999] * 3)


def test_a_bar_of_the_state_opens_where_the_one_before_closed(ask):
    books = bids(("09:00:10", 100.0), ("09:01:30", 104.0), ("09:01:40", 102.0))
    frame = ask({"ohlc": [{"source": "Bid", "open_mode": ["event", "prev_close"]}]}).rows(l2=books)
    row = frame.row(1, named=True)
    assert [row[f"Bid{each}"] for each in ("Open", "High", "Low", "Close")] == [104.0, 104.0, 102.0, 102.0]
    assert [row[f"Bid{each}C"] for each in ("Open", "High", "Low", "Close")] == [100.0, 104.0, 100.0, 102.0]


def test_beside_trades_the_book_stands_in_buckets_without_its_rows(ask):
    pytest.importorskip("basalt.trade", reason="the module `trade` comes with bmll-basalt-trade")
    asked = ask({**BOTH, "flow": [{"measures": "Updates", "change": "Book"}]}, modules=["l2", "l2tw", "trade"])
    trades = {"TradeTimestamp": ["09:02:30", "09:59:30"], "Price": [10.0, 10.0], "Size": [1.0, 1.0]}
    trades |= {"AggressorSide": [1, 1], "TradeNotional": [10.0, 10.0], "PricePoint": [0.5, 0.5], "MarketState": [None, None]}
    phases = {"EventTimestamp": ["09:30:00"], "MarketState": ["CLOSED"]}
    books = {**bids(("09:00:10", 100.0), ("09:03:30", 101.0)), "MarketState": ["CONTINUOUS_TRADING"] * 2}
    needed = asked.planned.reads["trades"]
    frame = asked.rows(l2=books, marketstate=phases, trades=_with(trades, needed))
    assert column(frame, "BidPrice1") == {"09:01": 100.0, "09:03": 100.0, "09:04": 101.0, "09:30": 101.0, "10:00": None}
    assert column(frame, "BidPrice1TWA")["09:03"] == 100.0
    assert column(frame, "BookUpdates")["09:03"] == 0
    assert column(frame, "Volume")["09:03"] == 1.0
    assert column(frame, "L2Coverage")["10:00"] == 0.0


def _with(trades, needed):
    import polars as pl

    from basalt.market.trades import TRADES

    size = len(trades["TradeTimestamp"])
    filled = {"ListingId": [1] * size, **trades}
    clock = [_nanos(time) for time in filled["TradeTimestamp"]]
    series = [
        pl.Series(name, clock, pl.Int64).cast(pl.Datetime("ns"))
        if name == "TradeTimestamp"
        else pl.Series(name, filled.get(name, [10.0] * size), TRADES[name].dtype, strict=False)
        for name in needed
    ]
    return pl.DataFrame(series)


def _nanos(time):
    from datetime import datetime

    return int(datetime.fromisoformat(f"2026-01-05T{time}+00:00").timestamp()) * 1_000_000_000


def test_in_a_dense_timeline_silent_buckets_hold_what_stands(ask):
    asked = ask(BOTH, modules=["l2", "l2tw"], timeline_mode="dense")
    phases = {"EventTimestamp": ["09:00:00", "09:04:00"], "MarketState": ["CONTINUOUS_TRADING", "CLOSED"]}
    frame = asked.rows(l2=bids(("09:00:30", 100.0), ("09:02:30", 102.0)), marketstate=phases)
    assert column(frame, "BidPrice1TWA") == {"09:01": 100.0, "09:02": 100.0, "09:03": 101.0, "09:04": 102.0}
    assert column(frame, "BidPrice1") == {"09:01": 100.0, "09:02": 100.0, "09:03": 102.0, "09:04": 102.0}


@pytest.mark.parametrize(("modules", "told"), [(["l2"], "add 'l2tw' to modules"), (["l2tw"], "nothing in l2_analytics is for 'l2tw'")])
def test_what_no_module_of_the_pass_makes_is_refused(ask, modules, told):
    section = {"spreads": [{"variant": "BPS", "aggregations": ["Last", "TWA"] if modules == ["l2"] else "Last"}]}
    with pytest.raises(InvalidValue, match=told):
        ask(section, modules=modules)


def test_slots_of_volatility_fill_buckets(ask):
    with pytest.raises(InvalidValue, match="slots of 7 s do not fill"):
        ask({"volatility": [{"subsample_seconds": 7}]}, modules=["l2tw"])


def test_states_of_one_table_a_pass(ask):
    with pytest.raises(ConflictingSettings, match="states of"):
        ask(
            {"spreads": [{"variant": "BPS", "aggregations": ["Last", "TWA"]}]},
            modules=["l2", "l2tw"],
            module_inputs={"l2tw": {"l2": "cbbo"}},
        )


def test_an_empty_section_gives_each_module_its_default(ask):
    names = [column.name for column in ask({}, modules=["l2", "l2tw"]).planned.written]
    assert {"BidPrice1", "AskCumOrders10", "ImbalanceOrders10", "SpreadBps", "L2MarketState"} <= set(names)
    assert {"SpreadAbsTWA", "AskQuantity10TWA", "MidTWA", "L2Coverage"} <= set(names)


def test_levels_of_the_default(ask):
    names = {column.name for column in ask({"levels": 2}, modules=["l2", "l2tw"]).planned.written}
    assert {"AskPrice2", "AskPrice2TWA", "ImbalanceOrders2"} <= names
    assert not {name for name in names if "3" in name}


def test_what_vendors_tell_of_queues(ask):
    section = {"liquidity": [{"measures": ["InsertAge", "SizeAhead"], "sides": "Bid", "levels": 1, "aggregations": ["Last", "TWA"]}]}
    told = {"BidInsertAge1": [10, 30], "BidSizeAhead1": [5.0, None]}
    books = bids(("09:00:00.001", 100.0), ("09:00:30.0005", 100.0))
    row = ask(section, modules=["l2", "l2tw"]).rows(l2={**books, **told}).row(0, named=True)
    assert (row["BidInsertAge1"], row["BidSizeAhead1"]) == (30, None)
    assert row["BidInsertAge1TWA"] == pytest.approx((10 * 29.9995 + 30 * 29.9995) / 59.999)


def test_the_last_state_of_a_bucket_is_that_at_its_end_also_where_nothing_stands_any_more(ask):
    section = {
        "liquidity": [{"measures": ["Price", "Quantity", "CumQuantity"], "sides": "Bid", "levels": 1}],
        "spreads": [{"variant": "Abs"}],
        "ohlc": [{"source": "Bid", "open_mode": "prev_close"}],
    }
    books = {
        "EventTimestamp": ["09:00:10", "09:00:40", "09:01:10", "09:01:20", "09:02:30"],
        "BidPrice1": [99.0, None, 98.0, 102.0, 97.0], "BidQuantity1": [10.0, 0.0, 5.0, 6.0, 7.0],
        "AskPrice1": [101.0, 101.0, 101.0, 101.0, 101.0], "AskQuantity1": [20.0] * 5,
    }  # fmt: skip
    phases = {"EventTimestamp": ["08:00:00", "09:02:40"], "MarketState": ["CONTINUOUS_TRADING", "HALTED"]}
    rows = ask(section, modules=["l2"]).rows(l2=books, marketstate=phases)
    assert column(rows, "BidPrice1") == {"09:01": None, "09:02": 102.0, "09:03": 97.0}
    assert column(rows, "BidQuantity1") == {"09:01": None, "09:02": 6.0, "09:03": 7.0}
    assert column(rows, "BidCumQuantity1") == {"09:01": 0.0, "09:02": 6.0, "09:03": 7.0}
    assert column(rows, "SpreadAbs") == {"09:01": None, "09:02": None, "09:03": 4.0}
    assert column(rows, "BidCloseC") == {"09:01": 99.0, "09:02": 102.0, "09:03": 97.0}


def test_nothing_happened_in_open_buckets_before_the_first_book(ask):
    section = {"flow": [{"measures": "OFI"}, {"measures": "Updates", "change": "Book", "aggregations": ["Sum", "Rate"]}]}
    section |= {"spreads": [{"variant": "Abs", "aggregations": ["Last", "TWA"]}]}
    phases = {"EventTimestamp": ["09:00:00", "09:03:00"], "MarketState": ["CONTINUOUS_TRADING", "HALTED"]}
    books = {"EventTimestamp": ["09:01:30"], "BidPrice1": [99.0], "BidQuantity1": [10.0], "AskPrice1": [101.0], "AskQuantity1": [20.0]}
    rows = ask(section, modules=["l2", "l2tw"], timeline_mode="dense").rows(l2=books, marketstate=phases)
    assert column(rows, "OFI1") == {"09:01": 0.0, "09:02": 0.0, "09:03": 0.0}
    assert column(rows, "BookUpdates") == {"09:01": 0, "09:02": 1, "09:03": 0}
    assert column(rows, "L2Coverage") == {"09:01": 0.0, "09:02": 0.5, "09:03": 1.0}
    assert column(rows, "BookUpdatesPerSecond")["09:01"] is None
    assert column(rows, "SpreadAbsTWA") == column(rows, "SpreadAbs") == {"09:01": None, "09:02": 2.0, "09:03": 2.0}


def test_empty_levels_are_told_by_nulls_or_by_zeros(ask):
    section = {
        "liquidity": [{"measures": ["Quantity", "NumOrders"], "sides": "Ask", "levels": 1, "aggregations": ["Min", "Mean"]}],
        "imbalances": [{"measure": "Quantity", "levels": 1}],
        "depth": [{"measures": "Slope", "levels": 2, "aggregations": "Last"}],
    }
    books = {"EventTimestamp": ["09:00:10", "09:00:20"], "BidPrice1": [99.0, 99.0], "BidQuantity1": [10.0, 0.0], "BidNumOrders1": [1, 0]}
    books |= {"AskPrice1": [101.0, None], "AskQuantity1": [20.0, 0.0], "AskNumOrders1": [2, 0]}
    books |= {f"{side}{name}2": [value] * 2 for side, value in (("Bid", 98.0), ("Ask", 102.0)) for name in ("Price", "Quantity")}
    row = ask(section, modules=["l2"]).rows(l2=books).row(0, named=True)
    assert (row["AskQuantity1Min"], row["AskQuantity1Mean"], row["AskNumOrders1Min"]) == (20.0, 20.0, 2)
    assert (row["ImbalanceQuantity1"], row["BookSlope2Last"]) == (None, None)


WINDOWS = {"volatility": [{"source": "Bid", "second_level_window_seconds": 30, "second_level_aggregations": ["Mean", "Max", "Median"]}]}


def test_windows_without_an_event_are_calm_ones(ask):
    phases = {"EventTimestamp": ["09:00:00", "09:03:00", "09:04:00"], "MarketState": ["CONTINUOUS_TRADING", "HALTED", "CONTINUOUS_TRADING"]}
    books = bids(("09:00:10", 100.0), ("09:00:50", 110.0), ("09:02:50", 121.0))
    dense = ask(WINDOWS, modules=["l2tw"], timeline_mode="dense").rows(l2=books, marketstate=phases)
    move = math.log(1.1)
    means = column(dense, "L2VolatilityBidWin30sMean")
    assert means == {"09:01": pytest.approx(move), "09:02": 0.0, "09:03": pytest.approx(move / 2), "09:04": None}
    assert column(dense, "L2VolatilityBidWin30sMedian")["09:03"] == pytest.approx(move / 2)
    assert list(column(dense, "L2VolatilityBidStd").values())[:2] == [pytest.approx(move), None]


def test_windows_are_closed_where_buckets_are(ask):
    books = bids(("09:00:00", 100.0), ("09:00:30", 110.0), ("09:01:59", 110.0))
    left = ask(WINDOWS, modules=["l2tw"], time_bucket_closed="left", time_bucket_anchor="start").rows(l2=books)
    assert column(left, "L2VolatilityBidWin30sMean") == {"09:00": pytest.approx(math.log(1.1)), "09:01": 0.0}
    right = ask(WINDOWS, modules=["l2tw"]).rows(l2=books)
    assert column(right, "L2VolatilityBidWin30sMean") == {"09:00": None, "09:01": pytest.approx(math.log(1.1) / 2), "09:02": 0.0}


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"second_level_aggregations": "Mean"}, "'second_level_window_seconds' is missing"),
        ({"second_level_aggregations": "Mean", "second_level_window_seconds": 7}, "slots of 7 s do not fill"),
        ({"second_level_aggregations": "Mean", "second_level_window_seconds": 20, "subsample_seconds": 15}, "do not fill windows of 20 s"),
    ],
)
def test_windows_that_do_not_fill_buckets_are_refused(ask, entry, told):
    with pytest.raises(InvalidValue, match=told):
        ask({"volatility": [entry]}, modules=["l2tw"])


def test_no_aggregation_asks_for_no_windows(ask):
    entry = {"second_level_aggregations": [], "second_level_window_seconds": 20}
    names = {column.name for column in ask({"volatility": [entry]}, modules=["l2tw"]).planned.written}
    assert not {name for name in names if "Win" in name}


def test_rows_at_their_own_times_have_no_windows(ask):
    with pytest.raises(InvalidValue, match="windows fill buckets"):
        ask(WINDOWS, modules=["l2tw"], timeline_mode="sparse_original")


def test_a_pattern_names_windows_by_what_is_made_of_them(ask):
    entry = {"source": "Bid", "second_level_window_seconds": 20, "second_level_aggregations": ["Mean", "Max"]}
    planned = ask({"volatility": [{**entry, "output_name_pattern": "Wild{source}"}]}, modules=["l2tw"]).planned
    assert [column.name for column in planned.written if column.name.startswith("Wild")] == ["WildBid", "WildBidMean", "WildBidMax"]


def test_entries_without_a_measure_ask_for_the_usual_one(ask):
    planned = ask({"spreads": [{"aggregations": ["Last", "TWA"]}], "imbalances": [{"levels": [1, 3]}]}, modules=["l2", "l2tw"]).planned
    found = {each.name for each in planned.dataset.visible}
    assert found == {"SpreadBps", "SpreadBpsTWA", "ImbalanceCumQuantity1", "ImbalanceCumQuantity3", "L2MarketState", "L2Coverage"}


def test_patterns_of_bars_may_say_the_open_mode(ask):
    entry = {"open_mode": ["event", "prev_close"], "output_name_pattern": "{source}{ohlc}{openMode}"}
    planned = ask({"ohlc": [entry], "metric_prefix": "X"}).planned
    assert [each.name for each in planned.dataset.visible][::4] == ["XMidOpen", "XMidOpenC", "XL2MarketState"]


def test_what_no_measure_of_an_entry_takes_is_refused(ask):
    with pytest.raises(InvalidValue, match="'bps' has no effect"):
        ask({"depth": [{"measures": "RoundTripCost", "size": 10, "bps": 5}]})
