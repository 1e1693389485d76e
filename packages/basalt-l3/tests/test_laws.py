"""Laws of order analytics: those of every module."""

from __future__ import annotations

from hypothesis import settings

from basalt.l3.module import L3
from basalt.testing import ModuleLaws
from basalt.testing.strategies import QUICK


class TestL3(ModuleLaws):
    module = L3
    profile = settings(QUICK, max_examples=5)
