"""The config that the README shows can be planned."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

README = Path(__file__).parents[1] / "README.md"


def test_the_config_of_the_readme_makes_the_columns_that_it_promises(ask):
    shown = yaml.safe_load(re.search(r"```yaml\n(.*?)```", README.read_text(), re.DOTALL)[1])["PASSES"][0]
    names = [column.name for column in ask(shown["trade_analytics"]).planned.written]
    assert names[:3] == ["TradeTotalVolume", "TradeBidVolume", "TradeAskVolume"]
    assert {"Open", "TradeBidClose", "AuctionVolume", "EffectiveSpreadBps", "RealizedSpreadBps1s", "PriceImpactBps5m"} <= set(names)


@pytest.mark.parametrize("module", ["trade", "retail_imbalance"])
def test_a_section_may_be_empty(ask, module):
    assert ask({}, module=module).planned.written
