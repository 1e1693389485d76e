"""The plugin author's kit: laws that every module keeps, contracts of every kind of plugin, builders and strategies.

from basalt.testing import ModuleLaws

class TestSpreads(ModuleLaws):
    module = SPREADS
"""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("basalt.testing.laws", "basalt.testing.step_laws", "basalt.testing.contracts")

from basalt.testing.comparing import Tolerance  # noqa: E402 - after the assertions of the modules below are made to explain themselves
from basalt.testing.contracts import (  # noqa: E402
    ExecutorContract,
    FeedContract,
    LakeContract,
    LakeSourceContract,
    Place,
    PluginContract,
    SourceContract,
    TargetContract,
)
from basalt.testing.laws import ModuleLaws  # noqa: E402
from basalt.testing.step_laws import PreprocessorLaws, TableModuleLaws  # noqa: E402

__all__ = [
    "ExecutorContract",
    "FeedContract",
    "LakeContract",
    "LakeSourceContract",
    "ModuleLaws",
    "Place",
    "PluginContract",
    "PreprocessorLaws",
    "SourceContract",
    "TableModuleLaws",
    "TargetContract",
    "Tolerance",
]
