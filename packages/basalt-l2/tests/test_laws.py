"""Laws of book analytics."""

from __future__ import annotations

from hypothesis import settings

from basalt.l2.module import L2, L2TW
from basalt.testing import ModuleLaws
from basalt.testing.strategies import QUICK

AT_END = {
    "liquidity": [
        {"measures": ["Price", "Quantity", "NumOrders"], "sides": "Bid", "levels": 1},
        {"measures": ["InsertAge", "LastMod", "SizeAhead"], "sides": "Bid", "levels": 1},
        {"measures": ["CumQuantity", "CumOrders", "CumNotional"], "sides": "Ask", "levels": 3, "aggregations": "Min"},
    ],
    "spreads": [{"variant": ["Abs", "Ticks"]}, {"variant": "Ticks", "tick_size": "TickSize", "aggregations": "Max"}, {"variant": "BPS", "aggregations": ["First", "Mean"]}],
    "prices": [{"measures": "StoikovMicroPrice"}, {"measures": ["Price", "MicroPrice"], "source": "WeightedMid", "levels": 3, "aggregations": "Max"}],
    "imbalances": [{"measure": ["Quantity", "CumQuantity", "CumNotional", "Orders"], "levels": 2}],
    "ohlc": [{"source": "Mid", "open_mode": ["event", "prev_close"]}],
    "depth": [
        {
            "measures": ["DepthBps", "DepthTicks", "RoundTripCost", "Slope"], "sides": "Ask", "bps": 2, "ticks": 3, "tick_size": 0.01,
            "size": 500, "levels": 2, "aggregations": "Last",
        },
        {"measures": "DepthTicks", "sides": "Bid", "ticks": 3},
    ],
    "flow": [{"measures": ["OFI", "Updates"], "levels": 1, "aggregations": "Sum"}],
}  # fmt: skip
OVER_TIME = {
    "liquidity": [{"measures": ["Price", "CumQuantity"], "sides": "Bid", "levels": 2, "aggregations": "TWA"}],
    "spreads": [{"variant": "BPS", "aggregations": "TWA", "market_states": ["CONTINUOUS_TRADING", "HALTED"]}],
    "imbalances": [{"measure": "CumQuantity", "levels": 1, "aggregations": "TWA", "attribute_filters": {"BidQuantity1": 100}}],
    "volatility": [
        {"source": "Mid", "second_level_window_seconds": 20, "second_level_aggregations": ["Mean", "Median", "Std", "Last", "TWStd"]},
        {"source": "Bid", "subsample_seconds": 10, "market_states": ["CONTINUOUS_TRADING", "HALTED"]},
    ],
    "flow": [{"measures": "Updates", "aggregations": "Rate"}],
    "quality": [{"measures": "Time", "condition": "Crossed"}],
}


FEW = settings(QUICK, max_examples=4)
"""Laws are many, and `test_oracle` sees more books."""


class TestL2(ModuleLaws):
    module = L2
    config = (AT_END,)
    profile = FEW


class TestL2TW(ModuleLaws):
    module = L2TW
    config = (OVER_TIME,)
    profile = FEW

    def test_every_analytic_is_exercised(self) -> None:
        """Formulas are those of `l2`, which exercises each; here it is what they do over time."""
        assert {measure.analytic.name for arranged in self.passes for measure in arranged.measures} >= {"volatility", "time_in", "coverage"}
