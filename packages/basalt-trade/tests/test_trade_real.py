"""The vendor's sample day, and plans over lakes whose trades lack the vendor's columns."""

from __future__ import annotations

import math

import polars as pl
import pytest

LOBSTER = [
    "ListingId",
    "MIC",
    "Ticker",
    "TradeTimestampNanoseconds",
    "TradeTimestamp",
    "TradeId",
    "BMLLSequenceNo",
    "AggressorSide",
    "Price",
    "Size",
    "InstrumentCurrencyPrice",
    "BMLLTradeType",
    "Classification",
    "TradeNotional",
    "TradeNotionalUSD",
    "BestBidPrice",
    "BestAskPrice",
    "BestBidPriceAtVenue",
    "BestAskPriceAtVenue",
    "PricePoint",
    "PostTradeMid",
]


@pytest.mark.real
def test_the_sample_of_the_vendor_by_hand(vendor_files, ask):
    stored = pl.read_parquet(vendor_files / "trades-plus.parquet")
    columns = [
        "ListingId",
        "AggressorSide",
        "Price",
        "InstrumentCurrencyPrice",
        "Size",
        "PreTradeMid1ms",
        "PostTradeMid1000ms",
        "MarketState",
        "PricePoint",
    ]
    trades = {name: stored[name].to_list() for name in columns}
    trades["TradeTimestamp"] = stored["TradeTimestampNanoseconds"].cast(pl.Int64).to_list()
    section = {
        "generic_metrics": [{"measures": ["Volume", "VWAP"], "sides": ["Total", "Unknown"]}],
        "impact_metrics": [{"variant": ["EffectiveSpread", "RealizedSpread", "PriceImpact"], "aggregations": "Sum"}],
    }
    frame = ask(section, trades, timeline_mode="daily_analytics").rows(trades=trades).sort("TradeTotalVolume")
    rows = stored.select(columns).to_dicts()
    assert frame["TradeTotalVolume"].sum() == math.fsum(row["Size"] for row in rows)
    assert frame["TradeUnknownVolume"].sum() == math.fsum(row["Size"] for row in rows if row["AggressorSide"] not in {1, 2})
    signed = [(row, 1 if row["AggressorSide"] == 1 else -1) for row in rows if row["AggressorSide"] in {1, 2}]
    paid = math.fsum(2 * sign * (row["InstrumentCurrencyPrice"] - row["PreTradeMid1ms"]) for row, sign in signed)
    assert frame["EffectiveSpreadSum"].sum() == pytest.approx(paid)
    assert frame["EffectiveSpreadSum"].sum() == pytest.approx(frame["RealizedSpread1sSum"].sum() + frame["PriceImpact1sSum"].sum())


def test_trades_without_later_mids_take_them_from_the_book(ask):
    asked = ask({"impact_metrics": [{"variant": ["EffectiveSpread", "RealizedSpread"], "horizon": ["1s", "5m"]}]}, LOBSTER)
    assert {each.column: each.enrichment.uses for each in asked.planned.queries[0].attached} == {
        "MarketState": "marketstate",
        "PostTradeMid1000ms": "l2",
        "PostTradeMid300000ms": "l2",
    }
    assert asked.planned.reads["l2"] == ("ListingId", "EventTimestamp", "BidPrice1", "AskPrice1")


def test_default_bars_of_such_trades_read_no_quotes(ask):
    assert set(ask({}, LOBSTER).planned.reads) == {"trades", "marketstate"}
