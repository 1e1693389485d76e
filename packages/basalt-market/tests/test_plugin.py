from __future__ import annotations

from basalt.market import plugin
from basalt.testing import PluginContract


class TestPlugin(PluginContract):
    plugin = plugin
