"""The config that the README shows can be planned."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from basalt.l3.module import L3
from basalt.testing.arranging import arrange, shelf_with

README = Path(__file__).parents[1] / "README.md"


def columns(section):
    return [column.name for column in arrange(MODULE, shelf_with(MODULE), section).planned.written]


MODULE = L3


@pytest.fixture(scope="module")
def shown():
    return yaml.safe_load(re.search(r"```yaml\n(.*?)```", README.read_text(), re.DOTALL)[1])["PASSES"][0]


def test_the_config_of_the_readme_makes_the_columns_that_it_promises(shown):
    names = columns(shown["l3_analytics"])
    assert names[:3] == ["InsertCountBid", "InsertCountAsk", "CancelCountBid"]
    assert {"InsertVolumeTotalMax", "CancelToTradeRatio", "AvgQueuePositionBid", "AvgRestingTimeFilled"} <= set(names)
    assert {"FleetingLiquidityRatio", "FleetingLiquidityRatio2000ms", "FillProbability1m", "SurvivalProbability1m"} <= set(names)


def test_the_default_is_entries_and_removals_by_side():
    assert columns({}) == [
        f"{action}{what}{side}" for what in ("Count", "Volume") for action in ("Insert", "Remove") for side in ("Bid", "Ask")
    ]
