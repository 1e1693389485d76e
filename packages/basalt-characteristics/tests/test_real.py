"""The vendor's sample, counted by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

pytestmark = pytest.mark.real


def rows_of(path: Path, columns: list[str]) -> list[dict[str, Any]]:
    """Rows as they are stored, times as nanoseconds."""
    frame = pl.read_parquet(path, columns=columns)
    return frame.with_columns(pl.col(pl.Datetime).cast(pl.Datetime("ns")).cast(pl.Int64)).to_dicts()


def test_trades_of_the_sample(ask: Any, vendor_files: Path) -> None:
    columns = [
        "ListingId",
        "MIC",
        "TradeTimestampNanoseconds",
        "PublicationTimestamp",
        "Price",
        "Size",
        "AggressorSide",
        "BMLLTradeType",
        "TradeId",
    ]
    trades = rows_of(vendor_files / "trades-plus.parquet", columns)
    measures = ["EventCount", "Volume", "HasUnknownAggressorSide", "HasLitTrades", "HasTradeId", "PubTradeTimestampAvgDiffS"]
    found = ask("trade_characteristics", {"characteristics": [{"measures": measures}]}, 86400, trades=trades)
    assert sum(row["TradeEventCount"] for row in found) == len(trades) == 50
    assert sum(row["TradeVolume"] for row in found) == pytest.approx(sum(row["Size"] for row in trades))
    assert any(row["TradeHasLitTrades"] for row in found) == any(row["BMLLTradeType"] == "LIT" for row in trades)
    assert any(row["TradeHasUnknownAggressorSide"] for row in found) == any(row["AggressorSide"] not in (1, 2) for row in trades)


def test_order_events_of_the_sample(ask: Any, vendor_files: Path) -> None:
    columns = ["ListingId", "TimestampNanoseconds", "Side", "LobAction", "ExecutionSize", "Price", "OldPrice", "Size", "OldSize", "EventNo"]
    events = rows_of(vendor_files / "l3.parquet", columns)
    section = {
        "characteristics": [
            {"measures": ["EventCount", "HasUpdates", "HasNoOpUpdate"]},
            {"measures": "NonDecreasing", "numbers": "EventNo"},
        ]
    }
    found = ask("l3_characteristics", section, 86400, l3=events)
    assert sum(row["L3EventCount"] for row in found) == len(events) == 50
    assert any(row["L3HasUpdates"] for row in found) == any(row["LobAction"] == 4 for row in events)
    assert all(row["L3EventNoNonDecreasing"] for row in found)
