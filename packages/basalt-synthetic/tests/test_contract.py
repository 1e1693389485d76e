"""The simulator as a source, as a feed and as a plugin keeps the contracts of the kit."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

import basalt.synthetic.plugin
from basalt.synthetic import write_day
from basalt.synthetic.source import SyntheticSource
from basalt.testing import LakeContract, PluginContract, SourceContract

SUNDAY = date(2026, 2, 1)
SMALL = {"listings": 4, "scale": 0.05}


class TestSource(SourceContract):
    days = (SUNDAY,)
    markets = ("XLON", "CHIX")

    @pytest.fixture
    def source(self, cache: Path) -> SyntheticSource:
        return SyntheticSource().configured({"synthetic": SMALL})


class TestLake(LakeContract):
    @pytest.fixture
    def lake(self, tmp_path: Path) -> Path:
        write_day(tmp_path, SUNDAY, **SMALL)
        return tmp_path


class TestPlugin(PluginContract):
    plugin = basalt.synthetic.plugin
