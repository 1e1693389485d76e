"""Laws of execution analytics: those of every module."""

from __future__ import annotations

from basalt.execution.module import EXECUTION
from basalt.testing import ModuleLaws


class TestExecution(ModuleLaws):
    module = EXECUTION
