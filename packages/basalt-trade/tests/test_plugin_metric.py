"""A metric of a user's own, offered by ten lines, joins the module's lists."""

from __future__ import annotations

import importlib.util
import sys

import pytest

from basalt.core.catalog import Catalog, using_catalog

TEN_LINES = '''
import polars as pl
from basalt.core import analytic, hookimpl, ratio, where

@analytic(table="trades", family="generic_metrics", measure="AvgSize", column="Trade{side}AvgSize", unit="shares")
def average_size(side: str = "Total", rows: pl.Expr | None = None):
    """Mean size of a trade; null without any."""
    return ratio(where(pl.col("Size"), rows).sum(), where(pl.col("Size"), rows).count())

@hookimpl
def basalt_analytics():
    return [average_size]
'''


@pytest.fixture
def installed(tmp_path, monkeypatch):
    (tmp_path / "my_metrics.py").write_text(TEN_LINES)
    spec = importlib.util.spec_from_file_location("my_metrics", tmp_path / "my_metrics.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "my_metrics", module)
    spec.loader.exec_module(module)
    with using_catalog(Catalog([module])):
        yield


def test_ten_lines_make_a_column(installed, ask):
    trades = {
        "ListingId": [1, 1],
        "TradeTimestamp": ["08:00:10", "08:00:20"],
        "Size": [100.0, 300.0],
        "MarketState": [None, "HALTED"],
        "AggressorSide": [1, 2],
    }
    section = {"generic_metrics": [{"measures": ["AvgSize", "Volume"], "market_states": "HALTED"}]}
    frame = ask(section, trades).rows(trades=trades)
    assert frame.select("TradeTotalAvgSize", "TradeTotalVolume").row(0) == (300.0, 300.0)
