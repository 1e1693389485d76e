"""Every measure on every side equals a slow, obvious computation in plain Python that shares no code with it."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SECOND = 1_000_000_000
START = 1_767_600_000 * SECOND  # 2026-01-05 08:00:00 UTC
SIDES = ["Bid", "Ask", "Total", "Unknown"]
REFERENCES = {
    "MidAtPrimary": lambda t: mid(t["BestBidPriceAtPrimary"], t["BestAskPriceAtPrimary"]),
    "EBBO": lambda t: mid(t["BestBidPrice"], t["BestAskPrice"]),
    "BestAskAtVenue": lambda t: t["BestAskPriceAtVenue"],
}
AGGREGATIONS = ["First", "Last", "Min", "Max", "Mean", "Sum", "Median", "Std", "VWA", "NotionalWeighted"]
GENERIC = [
    "Volume", "Count", "Notional", "NotionalEUR", "NotionalUSD", "RetailCount", "BlockCount", "AuctionNotional", "OTCVolume",
    "VWAP", "VolumeWeightedPricePlacement", "AvgPrice", "MedianPrice", "Volatility", "ReturnStd", "OHLC",
]  # fmt: skip
FLAGS = {
    "NegotiatedTrade": lambda t: t["NegotiatedTrade"] == "N",
    "OddLotTrade": lambda t: t["LotType"] == "ODD",
    "BlockTrade": lambda t: t["IsBlock"] == "TRUE",
    "CrossTrade": lambda t: t["CrossingTrade"] == "X",
    "AlgorithmicTrade": lambda t: t["AlgorithmicTrade"] == "H",
}
SECTION = {
    "generic_metrics": [{"measures": GENERIC, "sides": SIDES}],
    "discrepancy_metrics": [{"references": list(REFERENCES), "sides": SIDES, "aggregations": AGGREGATIONS}],
    "flag_metrics": [{"flags": list(FLAGS), "measures": ["Volume", "Count", "AvgNotional"], "sides": SIDES}],
    "change_metrics": [
        {"measures": "PricePoint", "scopes": ["Local", "Primary", "Venue"]},
        {"measures": ["PreTradeElapsedTimeChg", "PostTradeElapsedTimeChg"], "scopes": ["Local", "Primary"]},
    ],
    "impact_metrics": [
        {
            "variant": [
                "EffectiveSpread",
                "RealizedSpread",
                "PriceImpact",
                "EffectiveSpreadBps",
                "RealizedSpreadBps",
                "PriceImpactBps",
                "HorizonCount",
            ],
            "horizon": ["500ms", "10s", "2m"],
            "aggregations": AGGREGATIONS,
        }
    ],
}

# ---------------------------------------------------------------- made-up ticks

price = st.one_of(st.none(), st.sampled_from([9.5, 10.0, 10.5, 11.0]))
STORED = {
    "ListingId": st.sampled_from([1, 2]),
    "TradeTimestamp": st.builds(
        lambda tens, extra: START + tens * 10 * SECOND + extra, st.integers(0, 18), st.sampled_from([0, 0, 0, 1, -1])
    ),
    "AggressorSide": st.sampled_from([0, 1, 2, None]),
    "Price": price,
    "InstrumentCurrencyPrice": price,
    "Size": st.sampled_from([0.0, 1.0, 2.5, 100.0]),
    "TradeNotionalEUR": st.sampled_from([None, 5.0, 70.0]),
    "TradeNotionalUSD": st.sampled_from([None, 6.0, 80.0]),
    "BMLLParticipantType": st.sampled_from(["RETAIL", "UNKNOWN", None]),
    "BMLLTradeType": st.sampled_from(["LIT", "OTC", None]),
    "Classification": st.sampled_from(["LIT_CONTINUOUS", "LIT_AUCTION", "OTC_OFF", None]),
    "NegotiatedTrade": st.sampled_from(["N", "-", None]),
    "CrossingTrade": st.sampled_from(["X", "-", None]),
    "AlgorithmicTrade": st.sampled_from(["H", "-", None]),
    "IsBlock": st.sampled_from(["TRUE", "FALSE", None]),
    "LotType": st.sampled_from(["ODD", "ROUND", None]),
    "MarketState": st.sampled_from(["CONTINUOUS_TRADING", "CLOSING_AUCTION", None]),
    **{f"PricePoint{at}": st.sampled_from([None, -0.5, 0.0, 0.25, 1.0, 1.5]) for at in ("", "AtPrimary", "AtVenue")},
    **{f"{when}TradeElapsedTimeChg{at}": st.sampled_from([None, 0, 7, 10**9]) for when in ("Pre", "Post") for at in ("", "AtPrimary")},
    **{f"Best{side}Price{at}": price for side in ("Bid", "Ask") for at in ("", "AtPrimary", "AtVenue")},
}
QUOTED = {
    "ListingId": st.sampled_from([1, 2]),
    "EventTimestamp": st.builds(lambda halves: START + halves * SECOND // 2, st.integers(-4, 400)),
    "BidPrice1": price,
    "AskPrice1": price,
}


def rows(columns, clock, most):
    """Lists of rows in the order of *clock*; ties stay as they were drawn."""
    return st.lists(st.fixed_dictionaries(columns), min_size=1, max_size=most).map(lambda drawn: sorted(drawn, key=lambda row: row[clock]))


def columns_of(drawn, names):
    return {name: [row[name] for row in drawn] for name in names}


# ---------------------------------------------------------------- the oracle


def mid(bid, ask):
    return None if bid is None or ask is None else (bid + ask) / 2


def book_mid(quote):
    both = quote["BidPrice1"] is not None and quote["AskPrice1"] is not None
    return (quote["BidPrice1"] + quote["AskPrice1"]) / 2 if both and quote["BidPrice1"] <= quote["AskPrice1"] else None


def mid_before(trade, quotes):
    seen = [q for q in quotes if q["ListingId"] == trade["ListingId"] and q["EventTimestamp"] < trade["TradeTimestamp"]]
    return book_mid(seen[-1]) if seen else None


def mid_after(trade, quotes, nanos):
    own = [q for q in quotes if q["ListingId"] == trade["ListingId"]]
    at = trade["TradeTimestamp"] + nanos
    seen = [q for q in own if q["EventTimestamp"] <= at]
    return book_mid(seen[-1]) if seen and at <= own[-1]["EventTimestamp"] else None


def counts(trade, side):
    wanted = {"Bid": [2], "Ask": [1], "Unknown": [0, None], "Total": [0, 1, 2, None]}
    return trade["AggressorSide"] in wanted[side]


def known_total(values):
    known = [value for value in values if value is not None]
    return None if values and not known else sum(known)


def average(pairs):
    """Weighted mean of (value, weight) with both known."""
    both = [(value, weight) for value, weight in pairs if value is not None and weight is not None]
    total = sum(weight for _, weight in both)
    return sum(value * weight for value, weight in both) / total if total else None


def aggregated(how, valued):
    """One value of (value, trade) pairs."""
    valued = [(value, trade) for value, trade in valued if value is not None]
    values = [value for value, _ in valued]
    if how == "Sum":
        return sum(values)
    if how == "VWA":
        return average([(value, trade["Size"]) for value, trade in valued])
    if how == "NotionalWeighted":
        return average([(value, local_notional(trade)) for value, trade in valued])
    if how == "Std":
        return statistics.stdev(values) if len(values) > 1 else None
    reduce = {
        "First": lambda v: v[0],
        "Last": lambda v: v[-1],
        "Min": min,
        "Max": max,
        "Mean": statistics.fmean,
        "Median": statistics.median,
    }
    return reduce[how](values) if values else None


def local_notional(trade):
    return None if trade["InstrumentCurrencyPrice"] is None else trade["InstrumentCurrencyPrice"] * trade["Size"]


def returns_by_bucket(day, side):
    """Returns of one listing's day, by the bucket of the later trade."""
    found, before = {}, None
    for trade in day:
        if counts(trade, side) and trade["InstrumentCurrencyPrice"] is not None:
            logged = math.log(trade["InstrumentCurrencyPrice"])
            if before is not None:
                found.setdefault(label(trade), []).append(logged - before)
            before = logged
    return found


def label(trade):
    minutes = -(-trade["TradeTimestamp"] // (60 * SECOND))
    return minutes * 60 * SECOND


def generic(trades, side, returns):
    """Values of the generic measures over the trades of one side and bucket."""
    prices = [t["InstrumentCurrencyPrice"] for t in trades if t["InstrumentCurrencyPrice"] is not None]
    clip = lambda x: None if x is None else 2 * min(max(x, 0), 1) - 1  # noqa: E731
    name = f"Trade{side}"
    bar = "" if side == "Total" else name
    return {
        f"{name}Volume": sum(t["Size"] for t in trades),
        f"{name}Count": len(trades),
        f"{name}Notional": known_total([local_notional(t) for t in trades]),
        f"{name}NotionalEUR": known_total([t["TradeNotionalEUR"] for t in trades]),
        f"{name}NotionalUSD": known_total([t["TradeNotionalUSD"] for t in trades]),
        f"{name}RetailCount": sum(t["BMLLParticipantType"] == "RETAIL" for t in trades),
        f"{name}BlockCount": sum(t["IsBlock"] == "TRUE" for t in trades),
        f"{name}AuctionNotional": known_total([local_notional(t) for t in trades if "AUCTION" in (t["Classification"] or "")]),
        f"{name}OTCVolume": sum(t["Size"] for t in trades if "OTC" in (t["Classification"] or "") or t["BMLLTradeType"] == "OTC"),
        f"{name}VWAP": average([(t["InstrumentCurrencyPrice"], t["Size"]) for t in trades]),
        f"{name}VolumeWeightedPricePlacement": average([(clip(t["PricePoint"]), t["Size"]) for t in trades]),
        f"{name}AvgPrice": statistics.fmean(prices) if prices else None,
        f"{name}MedianPrice": statistics.median(prices) if prices else None,
        f"{name}Volatility": math.sqrt(sum(r * r for r in returns)) if returns else None,
        f"{name}ReturnStd": statistics.stdev(returns) if len(returns) > 1 else None,
        f"{bar}Open": prices[0] if prices else None,
        f"{bar}High": max(prices, default=None),
        f"{bar}Low": min(prices, default=None),
        f"{bar}Close": prices[-1] if prices else None,
    }


def discrepancies(trades, side):
    found = {}
    for reference, read in REFERENCES.items():
        valued = []
        for t in trades:
            known = read(t) is not None and t["InstrumentCurrencyPrice"] is not None
            valued.append((10_000 * (t["InstrumentCurrencyPrice"] - read(t)) / read(t) if known else None, t))
        for how in AGGREGATIONS:
            found[f"DiscrepancyTo{reference}{side if side != 'Total' else ''}{how if how != 'Mean' else ''}"] = aggregated(how, valued)
    return found


def flagged(trades, side):
    found, suffix = {}, side if side != "Total" else ""
    for flag, is_set in FLAGS.items():
        set_trades = [t for t in trades if is_set(t)]
        found[f"{flag}Volume{suffix}"] = sum(t["Size"] for t in set_trades)
        found[f"{flag}Count{suffix}"] = len(set_trades)
        found[f"{flag}AvgNotional{suffix}"] = average([(t["TradeNotionalEUR"], 1) for t in set_trades])
    return found


def changes(trades):
    names = ["PricePoint", "PricePointAtPrimary", "PricePointAtVenue"]
    names += [f"{when}TradeElapsedTimeChg{at}" for when in ("Pre", "Post") for at in ("", "AtPrimary")]
    return {name: average([(t[name], 1) for t in trades]) for name in names}


def costs(trades, quotes):
    found = {}
    for name, nanos in {"500ms": SECOND // 2, "10s": 10 * SECOND, "2m": 120 * SECOND}.items():
        valued = {variant: [] for variant in ("EffectiveSpread", f"RealizedSpread{name}", f"PriceImpact{name}")}
        for t in trades:
            d = {1: 1, 2: -1}.get(t["AggressorSide"])
            paid, m, later = t["InstrumentCurrencyPrice"], mid(t["BestBidPrice"], t["BestAskPrice"]), mid_after(t, quotes, nanos)
            if d is None or paid is None or m is None:
                continue
            steps = {"EffectiveSpread": (paid, m), f"RealizedSpread{name}": (paid, later), f"PriceImpact{name}": (later, m)}
            for variant, (high, low) in steps.items():
                valued[variant].append((None if high is None or low is None else 2 * d * (high - low), m, t))
        found[f"HorizonCount{name}"] = sum(value is not None for value, _, _ in valued[f"RealizedSpread{name}"])
        for variant, entries in valued.items():
            bps = variant.replace(name, "") + "Bps" + (name if variant.endswith(name) else "")
            for how in AGGREGATIONS:
                suffix = how if how != "NotionalWeighted" else ""
                found[f"{variant}{suffix}"] = aggregated(how, [(value, t) for value, _, t in entries])
                found[f"{bps}{suffix}"] = aggregated(how, [(None if value is None else 10_000 * value / m, t) for value, m, t in entries])
    return found


def expected(trades, quotes):
    buckets = {}
    for t in trades:
        buckets.setdefault((t["ListingId"], label(t)), []).append(t)
    returns = {
        (listing, side): returns_by_bucket([t for t in trades if t["ListingId"] == listing], side) for listing in (1, 2) for side in SIDES
    }
    result = {}
    for (listing, end), inside in buckets.items():
        states = [t["MarketState"] for t in inside if t["MarketState"] is not None]
        row = {"MarketState": states[-1] if states else None, **changes(inside), **costs(inside, quotes)}
        for side in SIDES:
            own = [t for t in inside if counts(t, side)]
            row |= generic(own, side, returns[listing, side].get(end, [])) | discrepancies(own, side) | flagged(own, side)
        result[listing, end] = row
    return result


# ---------------------------------------------------------------- the comparison


@pytest.fixture(scope="session")
def everything(ask):
    return ask(SECTION, STORED)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(trades=rows(STORED, "TradeTimestamp", 25), quotes=rows(QUOTED, "EventTimestamp", 25))
def test_all_measures_equal_the_oracle(everything, trades, quotes):
    frame = everything.rows(trades=columns_of(trades, STORED), l2=columns_of(quotes, QUOTED))
    wanted = expected(trades, quotes)
    assert len(frame) == len(wanted)
    for row in frame.iter_rows(named=True):
        own = wanted[row["ListingId"], nanos_of(row["TimeBucket"])]
        assert set(own) == set(row) - {"ListingId", "Date", "TimeBucket", "MIC", "Ticker", "CurrencyCode", "InstrumentId"}
        wrong = {name: (row[name], value) for name, value in own.items() if not is_close(row[name], value)}
        assert wrong == {}


def nanos_of(moment):
    return int(moment.timestamp()) * SECOND


def is_close(got, value):
    if got is None or value is None or isinstance(got, str):
        return got == value
    return math.isclose(got, value, rel_tol=1e-9, abs_tol=1e-7)


@settings(max_examples=30, deadline=None)
@given(trades=rows(STORED, "TradeTimestamp", 25))
def test_retail_imbalance_equals_the_oracle(ask, trades):
    asked = ask({"retail_metrics": [{"measures": ["RetailTradeImbalance", "RetailUnknownShare"]}]}, STORED, module="retail_imbalance")
    for row in asked.rows(trades=columns_of(trades, STORED)).iter_rows(named=True):
        inside = [t for t in trades if t["ListingId"] == row["ListingId"] and label(t) == nanos_of(row["TimeBucket"])]
        retail = [t for t in inside if t["BMLLParticipantType"] == "RETAIL" and t["InstrumentCurrencyPrice"] is not None]
        bought, sold, unknown = (sum(local_notional(t) for t in retail if counts(t, side)) for side in ("Ask", "Bid", "Unknown"))
        assert is_close(row["RetailTradeImbalance"], (bought - sold) / (bought + sold) if bought + sold else None)
        assert is_close(row["RetailUnknownShare"], unknown / (bought + sold + unknown) if bought + sold + unknown else None)


BARE = {name: STORED[name] for name in ("ListingId", "TradeTimestamp", "AggressorSide", "Price", "Size")}


@settings(max_examples=30, deadline=None)
@given(trades=rows(BARE, "TradeTimestamp", 12), quotes=rows(QUOTED, "EventTimestamp", 20))
def test_mids_and_phases_come_from_other_tables_when_the_trades_have_none(ask, trades, quotes):
    asked = ask({"impact_metrics": [{"variant": "EffectiveSpread", "aggregations": "Sum"}]}, BARE)
    phases = {"ListingId": [1], "EventTimestamp": [START + 60 * SECOND], "MarketState": ["CLOSED"]}
    frame = asked.rows(trades=columns_of(trades, BARE), l2=columns_of(quotes, QUOTED), marketstate=phases)
    for row in frame.iter_rows(named=True):
        inside = [t for t in trades if t["ListingId"] == row["ListingId"] and label(t) == nanos_of(row["TimeBucket"])]
        paid = [2 * {1: 1, 2: -1}[t["AggressorSide"]] * (t["Price"] - m) for t, m in with_mid(inside, quotes)]
        assert is_close(row["EffectiveSpreadSum"], sum(paid))
        closed = any(t["ListingId"] == 1 and t["TradeTimestamp"] >= START + 60 * SECOND for t in inside)
        assert row["MarketState"] == ("CLOSED" if closed else None)


def with_mid(trades, quotes):
    """Trades whose aggressor, price and mid before them are known, with that mid."""
    found = [(t, mid_before(t, quotes)) for t in trades if t["AggressorSide"] and t["Price"] is not None]
    return [(t, m) for t, m in found if m is not None]
