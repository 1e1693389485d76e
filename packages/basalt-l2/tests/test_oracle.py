"""Every family of book analytics against plain Python on books that Hypothesis makes: ties, halts, auctions, edges, gone sides."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import basalt.core.holding.windows as reading
from basalt.core.pipelines import load_module

oracle = load_module(Path(__file__).with_name("oracle.py"))
SECOND = 1_000_000_000
WIDTH = 60 * SECOND
START = 1_767_603_600 * SECOND
LEVELS = ("Price", "Quantity", "NumOrders")
STATES = ["CONTINUOUS_TRADING", "CONTINUOUS_TRADING", "HALTED", "CLOSING_AUCTION", "UNKNOWN"]

WINDOWED = ["Min", "Max", "Mean", "Median", "Std", "Last", "TWMean", "TWStd"]
SECTION = {
    "liquidity": [
        {"measures": ["Price", "Quantity", "NumOrders", "CumQuantity", "CumOrders", "CumNotional"], "sides": "Bid", "levels": 2,
         "aggregations": ["Last", "TWA", "First", "Min", "Max", "Mean"]},
    ],
    "spreads": [
        {"variant": ["Abs", "BPS"], "aggregations": ["Last", "TWA"]},
        {"variant": "Abs", "aggregations": "TWA", "market_states": ["HALTED", "CONTINUOUS_TRADING"], "output_name_pattern": "OpenOrHalted"},
    ],
    "prices": [
        {"measures": "Price", "source": ["Mid", "WeightedMid"], "aggregations": ["Last", "TWA"]},
        {"measures": "MicroPrice", "levels": 3, "aggregations": "TWA"},
    ],
    "imbalances": [{"measure": ["Quantity", "CumQuantity", "CumNotional", "Orders"], "levels": 2, "aggregations": ["Last", "TWA"]}],
    "ohlc": [{"source": "Mid", "open_mode": ["event", "prev_close"]}],
    "volatility": [
        {"source": "Mid", "second_level_window_seconds": 20, "second_level_aggregations": WINDOWED},
        {"source": "Bid", "subsample_seconds": 10, "second_level_window_seconds": 20, "second_level_aggregations": "TWMean"},
    ],
    "depth": [
        {"measures": ["DepthBps", "RoundTripCost"], "sides": "Ask", "bps": 30, "size": 15, "aggregations": ["Last", "TWA"]},
        {"measures": "Slope", "levels": 2, "aggregations": ["Last", "TWA"]},
    ],
    "flow": [{"measures": "OFI", "levels": [1, 2], "aggregations": "Sum"}, {"measures": "Updates", "change": ["Book", "Quote", "Price"], "aggregations": ["Sum", "Rate"]}],
    "quality": [{"measures": ["Time"], "condition": ["Locked", "Crossed", "OneSided", "Empty"]}],
}  # fmt: skip


def sides(draw):
    """One book: up to three levels a side; at times locked, crossed, one-sided or empty."""
    best = draw(st.sampled_from([9.99, 10.0, 10.01]))
    tops = {"Bid": (best, -0.01), "Ask": (best + draw(st.sampled_from([-0.01, 0.0, 0.01, 0.01, 0.02])), 0.02)}
    row = {f"{side}{what}{level}": None for side in tops for what in LEVELS for level in range(1, 11)}
    for side, (price, step) in tops.items():
        for level in range(1, draw(st.sampled_from([0, 1, 2, 3, 3])) + 1):
            row |= {
                f"{side}Price{level}": round(price + step * (level - 1), 2),
                f"{side}Quantity{level}": float(draw(st.sampled_from([2, 5, 10]))),
            }
            row[f"{side}NumOrders{level}"] = draw(st.sampled_from([1, 2]))
    return row


@st.composite
def days(draw):
    """Rows and changes of phase of one listing, on a grid of ten seconds, so that ties and edges of buckets are frequent."""
    times = sorted(START + 10 * SECOND * tens for tens in draw(st.lists(st.integers(0, 40), min_size=1, max_size=9)))
    rows = [{"time": time, "MarketState": draw(st.sampled_from([None, *STATES])), **sides(draw)} for time in times]
    changes = [
        (START + 10 * SECOND * tens, draw(st.sampled_from(STATES))) for tens in sorted(draw(st.sets(st.integers(-2, 45), max_size=4)))
    ]
    return rows, changes


def tables(day):
    rows, changes = day
    names = [name for name in rows[0] if name != "time"]
    return {
        "l2": {"EventTimestamp": [row["time"] for row in rows], **{name: [row[name] for row in rows] for name in names}},
        "marketstate": {"EventTimestamp": [time for time, _ in changes], "MarketState": [state for _, state in changes]},
    }


def best(side, level=1, what="Price"):
    return lambda row: row[f"{side}{what}{level}"]


def share(condition):
    def value(row):
        bid, ask = row["BidPrice1"], row["AskPrice1"]
        both = bid is not None and ask is not None
        found = {
            "Locked": both and bid == ask,
            "Crossed": both and bid > ask,
            "OneSided": (bid is None) != (ask is None),
            "Empty": bid is None and ask is None,
        }
        return float(found[condition])

    return value


STANDING = {
    "BidPrice2": best("Bid", 2),
    "BidQuantity2": best("Bid", 2, "Quantity"),
    "BidNumOrders2": best("Bid", 2, "NumOrders"),
    "BidCumOrders2": oracle.orders("Bid", 2),
    "ImbalanceOrders2": oracle.imbalance(lambda side: oracle.orders(side, 2)),
    "BidCumQuantity2": oracle.depth("Bid", 2),
    "BidCumNotional2": oracle.money("Bid", 2),
    "SpreadAbs": oracle.spread,
    "SpreadBps": oracle.spread_bps,
    "Mid": oracle.mid,
    "WeightedMid": oracle.weighted_mid(1),
    "MicroPrice3": oracle.weighted_mid(3),
    "ImbalanceQuantity2": oracle.imbalance(lambda side: best(side, 2, "Quantity")),
    "ImbalanceCumQuantity2": oracle.imbalance(lambda side: oracle.depth(side, 2)),
    "ImbalanceCumNotional2": oracle.imbalance(lambda side: oracle.money(side, 2)),
    "AskDepthWithin30Bps": oracle.within("Ask", 30),
    "RoundTripCost15": oracle.round_trip(15),
    "BookSlope2": oracle.slope(2),
}
BARS = {"": ("EventFirst", "EventMax", "EventMin", "EventLast"), "C": ("First", "Max", "Min", "LastKnown")}


def flows(path, rows):
    found = {}
    for level in (1, 2):
        flow = oracle.order_flow(rows, level)
        found[f"OFI{level}"] = oracle.reduced(path, lambda row, flow=flow: flow.get(rows.index(row)), "Sum", WIDTH)
    quote = [f"{side}{what}1" for side in ("Bid", "Ask") for what in ("Price", "Quantity")]
    watched = {"Quote": quote, "Price": ["BidPrice1", "AskPrice1"]}
    for change, names_of in watched.items():
        moved = {n for n in range(1, len(rows)) if any(rows[n][name] != rows[n - 1][name] for name in names_of)}
        for column, reduction in ((f"{change}Updates", "Sum"), (f"{change}UpdatesPerSecond", "Rate")):
            found[column] = oracle.reduced(path, lambda row, moved=moved: float(rows.index(row) in moved), reduction, WIDTH)
    for column, reduction in (("BookUpdates", "Sum"), ("BookUpdatesPerSecond", "Rate")):
        found[column] = oracle.reduced(path, lambda _: 1.0, reduction, WIDTH)
    return found


def volatilities(path):
    found = {}
    logged = {
        "Mid": lambda row: math.log(oracle.mid(row)) if oracle.mid(row) else None,
        "Bid": lambda row: math.log(row["BidPrice1"]) if row["BidPrice1"] else None,
    }
    found["L2VolatilityMidStd"] = oracle.realised(path, logged["Mid"], 0, WIDTH)
    told = oracle.windows(path, logged["Mid"], 0, 20 * SECOND, WIDTH)
    for reduction in WINDOWED:
        found[f"L2VolatilityMidWin20s{reduction}"] = {end: oracle.over_windows(each, reduction) for end, each in told.items()}
    told = oracle.windows(path, logged["Bid"], 10 * SECOND, 20 * SECOND, WIDTH)
    found["L2VolatilityBidWin20sTWMean"] = {end: oracle.over_windows(each, "TWMean") for end, each in told.items()}
    found["L2VolatilityBidStd"] = oracle.realised(path, logged["Bid"], 10 * SECOND, WIDTH)
    return found


def expected(day, names):
    """Column to values by the end of the bucket."""
    rows, changes = day
    path = oracle.instants(rows, changes)
    found = {}
    for name, value in STANDING.items():
        for reduction in ("Last", "TWA", "First", "Min", "Max", "Mean"):
            suffix = "Last" if name == "BookSlope2" and reduction == "Last" else "" if reduction == "Last" else reduction
            found[name + suffix] = oracle.reduced(path, value, reduction, WIDTH)
    for mode, reductions in BARS.items():
        for token, reduction in zip(("Open", "High", "Low", "Close"), reductions, strict=True):
            found[f"Mid{token}{mode}"] = oracle.reduced(path, oracle.mid, reduction, WIDTH)
    found["OpenOrHalted"] = oracle.reduced(path, oracle.spread, "TWA", WIDTH, states=["HALTED", "CONTINUOUS_TRADING"])
    found["L2Coverage"] = oracle.reduced(path, lambda _: 1.0, "Coverage", WIDTH)
    for condition in ("Locked", "Crossed", "OneSided", "Empty"):
        found[f"{condition}Time"] = oracle.reduced(path, share(condition), "TWA", WIDTH)
    found |= flows(path, rows) | volatilities(path)
    return {name: found[name] for name in names}


@pytest.fixture(scope="session")
def everything(ask):
    return ask(SECTION, modules=["l2", "l2tw"])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(day=days(), window=st.sampled_from([1, 2, 1000]))
def test_all_columns_are_those_of_plain_python(everything, day, window):
    rows, _ = day
    for number, row in enumerate(rows):
        row["number"] = number  # rows that are equal are told apart
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "ROWS_AT_ONCE", window)
        frame = everything.rows(**tables(([{name: value for name, value in row.items() if name != "number"} for row in rows], day[1])))
    names = [name for name in frame.columns[7:] if name != "L2MarketState"]
    wanted = expected(day, names)
    labels = frame["TimeBucket"].cast(int).to_list()
    assert labels == sorted(wanted["L2Coverage"])
    for name in names:
        for label, found in zip(labels, frame[name].to_list(), strict=True):
            value = wanted[name][label]
            same = found is None if value is None else found is not None and math.isclose(found, value, rel_tol=1e-9, abs_tol=1e-9)
            assert same, (name, (label - START) // SECOND, found, value)
