from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest

from basalt.core.declaring import Module, Ratio, RatioOfSums, analytic, enrichment, ratio
from basalt.core.errors import InvalidValue, MissingColumn, MissingData, SchemaMismatch
from basalt.market.tables import L2, MARKETSTATE, TRADES
from basalt.testing.builders import bars, compute, phases, quotes, trades
from basalt.testing.tables import as_scanned


@analytic(column="VWAP", unit="{currency}", rollup=RatioOfSums())
def vwap() -> Ratio:
    """Size-weighted mean price."""
    return ratio((pl.col("LocalPrice") * pl.col("Size")).sum(), pl.col("Size").sum())


@analytic(column="LastMid", unit="{currency}")
def last_mid() -> pl.Expr:
    """Mid of the best quotes at the last trade."""
    return pl.col("QuotedMid").last()


@enrichment(
    table="trades",
    uses="l2",
    column="QuotedMid",
    unit="{currency}",
    reads=("ListingId", "TradeTimestamp"),
    reads_other=("ListingId", "EventTimestamp", "BidPrice1", "AskPrice1"),
)
def quoted_mid(frame: pl.LazyFrame, other: pl.LazyFrame) -> pl.LazyFrame:
    """Mid of the best quotes at the trade."""
    mids = other.select(
        "ListingId", pl.col("EventTimestamp").alias("at"), ((pl.col("BidPrice1") + pl.col("AskPrice1")) / 2).alias("QuotedMid")
    )
    return frame.join_asof(mids, left_on="TradeTimestamp", right_on="at", by="ListingId", check_sortedness=False).drop("at", strict=False)


NINE_ONE, NINE_TWO = datetime.fromisoformat("2026-01-05T09:01"), datetime.fromisoformat("2026-01-05T09:02")
MINE = Module("mine", "trades", (vwap,))
MIDS = Module("mids", "trades", (last_mid, quoted_mid))


def test_trades_keep_the_contract():
    frame = trades(["09:00:00.000000001", "17:30:00"], price=[10.0, None], side=[1, None]).collect()
    assert frame["TradeTimestampNanoseconds"].dt.timestamp("ns").to_list() == [1_767_603_600_000_000_001, 1_767_634_200_000_000_000]
    assert frame["BMLLSequenceNo"].to_list() == [1, 2]
    assert frame["Size"].to_list() == [100.0, 100.0]
    stored = {column.name: column.dtype for column in TRADES.columns}
    assert dict(frame.schema) == {name: stored[name] for name in frame.columns}


def test_quotes_and_phases_keep_their_contracts():
    assert as_scanned(L2, quotes(["09:00:00"], bid=9.9, ask=None).collect()).collect()["AskPrice1"].to_list() == [None]
    assert as_scanned(MARKETSTATE, phases(["09:00:00"], state="HALTED").collect()).collect()["MarketState"].to_list() == ["HALTED"]


def test_bars_are_rows_of_a_pass():
    frame = bars(["09:01:00", "09:02:00"], Close=[10.0, None]).collect()
    assert frame.columns == ["ListingId", "Date", "TimeBucket", "Close"]
    assert frame.row(0) == (1, date(2026, 1, 5), NINE_ONE, 10.0)


def test_compute_gives_the_buckets_of_a_module_that_is_not_installed():
    rows = compute(MINE, trades=trades(["09:00:01", "09:00:02", "09:01:00.000000001"], price=[10.0, 13.0, 7.0], size=[200, 100, 5]))
    assert rows["VWAP"].to_list() == [11.0, 7.0]
    assert rows["TimeBucket"].to_list() == [NINE_ONE, NINE_TWO]
    assert rows.columns == ["ListingId", "Date", "TimeBucket", "MIC", "Ticker", "CurrencyCode", "InstrumentId", "VWAP"]


def test_compute_takes_longer_buckets():
    rows = compute(MINE, seconds=300, trades=trades(["09:00:01", "09:04:00"], price=[10.0, 20.0]))
    assert rows["VWAP"].to_list() == [15.0]


def test_columns_that_the_tables_lack_are_enriched():
    at = ["09:00:01", "09:00:03"]
    rows = compute(MIDS, trades=trades(at, price=10.0), l2=quotes(["09:00:00", "09:00:02"], bid=[9.0, 10.0], ask=[11.0, 14.0]))
    assert rows["LastMid"].to_list() == [12.0]


def test_a_table_that_is_not_given_is_named():
    with pytest.raises(MissingData, match="'l2'"):
        compute(MIDS, trades=trades(["09:00:01"], price=10.0))


def test_a_column_that_is_not_given_is_named():
    @analytic(column="Blocks", unit="trades")
    def blocks() -> pl.Expr:
        """Blocks."""
        return (pl.col("IsBlock") == "TRUE").sum()

    with pytest.raises(MissingColumn, match="IsBlock"):
        compute(Module("blocks", "trades", (blocks,)), trades=trades(["09:00:01"], price=10.0))


def test_a_column_that_no_contract_has_is_refused():
    with pytest.raises(SchemaMismatch, match="Colour"):
        trades(["09:00:01"], price=10.0, Colour="red")


@pytest.mark.parametrize("text", ["09:00", "09:00:01.1234567890", "nine"])
def test_a_time_that_is_none_is_refused(text):
    with pytest.raises((InvalidValue, ValueError)):
        trades([text], price=10.0)
