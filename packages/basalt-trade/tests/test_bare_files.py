"""The laws, where the files of the trades hold little more than price and size: mids and phases come from other tables."""

from __future__ import annotations

from typing import ClassVar

from hypothesis import settings

import basalt.trade.plugin
from basalt.testing import ModuleLaws, PluginContract
from basalt.testing.strategies import QUICK
from basalt.trade.module import TRADE

BARE = ("ListingId", "MIC", "TradeTimestampNanoseconds", "BMLLSequenceNo", "AggressorSide", "Price", "Size")


class TestTradeOfBareFiles(ModuleLaws):
    module = TRADE
    stored: ClassVar = {"trades": BARE}
    profile = settings(QUICK, max_examples=4)


class TestPlugin(PluginContract):
    plugin = basalt.trade.plugin
