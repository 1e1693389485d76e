"""A venue's standing in its market beside modules of other tables: rows of both, and what stood in buckets with trades only."""

from __future__ import annotations

import polars as pl

from basalt.testing.builders import compute, phases, quotes, trades


def test_books_stand_in_buckets_in_which_only_trades_happened():
    books = quotes(at=["09:00:00"], bid=[10.0], ask=[11.0], bid_size=[6], ask_size=[6], TradeDate=[20_458 * 86_400_000])
    found = compute(
        {"modules": ["cbbo_analytics", "trade"], "cbbo_analytics": {"measures": ["TimeAtCBB"]}, "trade_analytics": {"generic_metrics": [{"measures": ["Count"]}]}, "time_bucket_seconds": 60},
        l2=books, cbbo=books.select("ListingId", "MIC", "TimestampNanoseconds", "^(Bid|Ask).*$"), reference=pl.LazyFrame({"ListingId": [1], "InstrumentId": [7], "MIC": ["XTST"]}),
        marketstate=phases(at=["08:00:00"], state=["CONTINUOUS_TRADING"]),
        trades=trades(at=["09:05:30"], price=[10.0], size=[5]),
    )  # fmt: skip
    assert found["TimeAtCBB"].to_list() == [None, 1.0]
