"""Laws of order analytics: those of every module."""

from __future__ import annotations

from basalt.l3.module import L3
from basalt.testing import ModuleLaws


class TestL3(ModuleLaws):
    module = L3
