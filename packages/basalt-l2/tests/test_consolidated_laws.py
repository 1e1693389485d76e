"""Laws of `cbbo_analytics`."""

from __future__ import annotations

from hypothesis import settings

from basalt.l2.consolidated import CBBO_ANALYTICS
from basalt.testing import TableModuleLaws
from basalt.testing.strategies import QUICK

EVERYTHING = [
    "TimeAtCBB", "TimeAtCBO", "QuantityAtCBB", "QuantityAtCBO", "TimeAloneAtCBB", "TimeAloneAtCBO", "ShareOfCBB", "ShareOfCBO",
]  # fmt: skip


class TestCbboAnalytics(TableModuleLaws):
    module = CBBO_ANALYTICS
    config = ({"measures": EVERYTHING, "metric_prefix": "Our"},)
    profile = settings(QUICK, max_examples=4)
