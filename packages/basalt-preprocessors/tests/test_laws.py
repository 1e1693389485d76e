"""The laws of preprocessors."""

from __future__ import annotations

from typing import ClassVar

from hypothesis import settings

from basalt.preprocessors.aggressive import AGGRESSIVE_PREPROCESS
from basalt.preprocessors.book import BOOK_PREPROCESS
from basalt.preprocessors.cbbo import CBBO_PREPROCESS
from basalt.preprocessors.cbbo_from_l3 import CBBO_FROM_L3
from basalt.preprocessors.iceberg import ICEBERG, ICEBERG_ANALYTICS
from basalt.testing import PreprocessorLaws, TableModuleLaws
from basalt.testing.strategies import QUICK

FEW = settings(QUICK, max_examples=4)


class TestCbboPreprocess(PreprocessorLaws):
    module = CBBO_PREPROCESS
    profile = FEW
    config: ClassVar = [
        {"levels_in": 2, "top_n": 3},
        {"time_index": "event", "market_states": None, "levels_in": 3, "top_n": 2},
        {
            "levels_in": 2,
            "index_by": "PrimaryListingId",
            "emit_last_event_ts": True,
            "mic_whitelist": ["XLON", "CHIX"],
            "include_mic_wide": True,
            "top_n": 1,
        },
    ]


class TestCbboFromL3(PreprocessorLaws):
    module = CBBO_FROM_L3
    profile = FEW
    config: ClassVar = [
        {"top_n": 3},
        {"time_index": "event", "market_states": None, "top_n": 2},
        {"time_bucket_seconds": 300, "top_n": 1},
    ]


class TestBook(PreprocessorLaws):
    module = BOOK_PREPROCESS
    profile = FEW
    config: ClassVar = [{"levels": 2}, {"levels": 1, "sample": "event"}, {"levels": 3, "sample": "bucket"}]


class TestAggressiveTrades(PreprocessorLaws):
    module = AGGRESSIVE_PREPROCESS
    profile = FEW
    config: ClassVar = [{"deltat": 1.0}]


class TestAggressiveOrderEvents(PreprocessorLaws):
    module = AGGRESSIVE_PREPROCESS
    profile = FEW
    config: ClassVar = [{"source_table": "l3", "deltat": 2.5, "time_bucket_seconds": 30}]


class TestIceberg(PreprocessorLaws):
    module = ICEBERG
    profile = FEW
    config: ClassVar = [
        {},
        {
            "metrics": [{"measures": ["ExecutionVolume", "AverageSize", "AveragePeakCount"], "sides": ["Bid", "Ask"]}],
            "peak_link_tolerance_seconds": 30,
            "peak_link_price_match": False,
            "match_tolerance_seconds": 2,
            "trade_match_tolerance_seconds": 2,
        },
    ]


class TestIcebergAnalytics(TableModuleLaws):
    module = ICEBERG_ANALYTICS
    profile = FEW
    config: ClassVar = [
        {
            "metrics": [
                {"measures": ["ExecutionVolume", "ExecutionCount", "RevealedPeakCount", "OrderImbalance"]},
                {"measures": ["ExecutionVolume", "AverageSize"], "sides": "Bid", "market_states": "CONTINUOUS_TRADING"},
            ],
            "metric_prefix": "Our",
            "peak_link_tolerance_seconds": 30,
        },
    ]
