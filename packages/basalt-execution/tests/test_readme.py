"""The config that the README shows can be planned."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from basalt.execution.module import EXECUTION
from basalt.testing.arranging import arrange, shelf_with

README = Path(__file__).parents[1] / "README.md"


def columns(section):
    return [column.name for column in arrange(MODULE, shelf_with(MODULE), section).planned.written]


MODULE = EXECUTION


@pytest.fixture(scope="module")
def shown():
    return yaml.safe_load(re.search(r"```yaml\n(.*?)```", README.read_text(), re.DOTALL)[1])["PASSES"][0]


def test_the_config_of_the_readme_makes_the_columns_that_it_promises(shown):
    names = columns(shown["execution_analytics"])
    assert names[:4] == ["ExecutedVolumeBid", "ExecutedVolumeAsk", "VwapBid", "VwapAsk"]
    assert {"LitVolumeBuyAggressor", "DarkVolumeWeightedPricePlacementUnknownAggressor", "HiddenShare", "DarkShare"} <= set(names)


def test_the_default_is_everything_but_the_shares(shown):
    wanted = set(columns(shown["execution_analytics"])) - {"HiddenShare", "DarkShare"}
    assert set(columns({})) == wanted
