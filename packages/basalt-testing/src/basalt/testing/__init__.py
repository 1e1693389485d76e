"""The plugin author's kit: laws that every module keeps, contracts of every kind of plugin, builders and strategies.

    from basalt.testing import ModuleLaws

    class TestSpreads(ModuleLaws):
        module = SPREADS
"""

from __future__ import annotations

from basalt.testing.comparing import Tolerance
from basalt.testing.laws import ModuleLaws

__all__ = ["ModuleLaws", "Tolerance"]
