"""What an import leaves in a lake keeps the contract of every feed; the plugin keeps that of every plugin."""

from __future__ import annotations

from pathlib import Path

import pytest

import basalt.feeds.plugin
from basalt.feeds.lobster.feed import LobsterFeed
from basalt.testing import FeedContract, PluginContract


class TestLobster(FeedContract):
    feed = LobsterFeed()

    @pytest.fixture
    def paths(self, write_pair) -> list[Path]:
        return [write_pair()]


@pytest.fixture(scope="module")
def real_lake(real_lobster: Path, tmp_path_factory) -> Path:
    lake = tmp_path_factory.mktemp("lake")
    TestRealLobster().import_into(lake, [real_lobster])
    return lake


@pytest.mark.real
class TestRealLobster(FeedContract):
    feed = LobsterFeed()
    # small files hold the feed to these
    test_rows_of_other_times_are_not_dropped_unasked = None
    test_rows_of_other_times_are_dropped_when_asked = None
    test_importing_the_feed_imports_nothing_heavy = None

    @pytest.fixture
    def paths(self, real_lobster: Path) -> list[Path]:
        return [real_lobster]

    @pytest.fixture
    def lake(self, real_lake: Path) -> Path:
        return real_lake


class TestPlugin(PluginContract):
    plugin = basalt.feeds.plugin
