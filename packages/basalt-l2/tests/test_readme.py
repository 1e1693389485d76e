"""The config that the README shows can be planned."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

README = Path(__file__).parents[1] / "README.md"


def test_the_config_of_the_readme_makes_the_columns_that_it_promises(ask):
    shown = yaml.safe_load(re.search(r"```yaml\n(.*?)```", README.read_text(), re.DOTALL)[1])["PASSES"][0]
    names = {column.name for column in ask(shown["l2_analytics"], modules=shown["modules"]).planned.written}
    assert {"BidPrice1", "AskCumQuantity5TWA", "SpreadTicksTWA", "MidTWA", "WeightedMid", "ImbalanceQuantity1", "MidOpenC"} <= names
    assert {"L2VolatilityMidStd", "BidDepthWithin50BpsTWA", "RoundTripCost1000TWA", "OFI3", "QuoteUpdatesPerSecond", "CrossedTime"} <= names
    assert {"L2MarketState", "L2Coverage"} <= names
