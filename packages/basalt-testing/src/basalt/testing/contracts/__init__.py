"""Contracts: what every source, output target, executor, plugin and feed does. Fill one fixture, inherit the tests."""

from __future__ import annotations

from basalt.testing.contracts.executors import ExecutorContract
from basalt.testing.contracts.feeds import FeedContract, LakeContract
from basalt.testing.contracts.plugins import PluginContract
from basalt.testing.contracts.sources import LakeSourceContract, SourceContract
from basalt.testing.contracts.targets import Place, TargetContract

__all__ = [
    "ExecutorContract",
    "FeedContract",
    "LakeContract",
    "LakeSourceContract",
    "Place",
    "PluginContract",
    "SourceContract",
    "TargetContract",
]
