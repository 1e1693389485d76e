"""Laws of the characteristics: those of every module."""

from __future__ import annotations

import basalt.characteristics.plugin
from basalt.characteristics.module import L3_CHARACTERISTICS, TRADE_CHARACTERISTICS
from basalt.testing import ModuleLaws, PluginContract


class TestL3Characteristics(ModuleLaws):
    module = L3_CHARACTERISTICS


class TestTradeCharacteristics(ModuleLaws):
    module = TRADE_CHARACTERISTICS


class TestPlugin(PluginContract):
    plugin = basalt.characteristics.plugin
