"""What an import of LOBSTER files leaves in a lake keeps the contract of every feed; the plugin keeps that of every plugin."""

from __future__ import annotations

from pathlib import Path

import pytest

import basalt.feeds.plugin
from basalt.feeds.lobster.importing import import_lobster
from basalt.testing import FeedContract, PluginContract


class TestLobster(FeedContract):
    @pytest.fixture
    def lake(self, write_pair, tmp_path: Path) -> Path:
        import_lobster([write_pair()], tmp_path / "lake")
        return tmp_path / "lake"


@pytest.fixture(scope="module")
def real_lake(real_lobster: Path, tmp_path_factory) -> Path:
    lake = tmp_path_factory.mktemp("lake")
    import_lobster([real_lobster], lake)
    return lake


@pytest.mark.real
class TestRealLobster(FeedContract):
    @pytest.fixture
    def lake(self, real_lake: Path) -> Path:
        return real_lake


class TestPlugin(PluginContract):
    plugin = basalt.feeds.plugin
