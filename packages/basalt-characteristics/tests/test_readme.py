"""The config that the README shows can be planned, and makes what it says."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from basalt.core.planning import plan

README = Path(__file__).parents[1] / "README.md"


def test_the_config_of_the_readme_makes_the_columns_that_it_promises() -> None:
    shown = yaml.safe_load(re.search(r"```yaml\n(.*?)```", README.read_text(), re.DOTALL)[1])
    planned = plan({"DATASETNAME": "readme", "START_DATE": "2026-01-05", "END_DATE": "2026-01-05", "UNIVERSE": "mic=XLON", **shown})
    assert [column.name for column in planned.passes[0].written] == [
        "L3EventCount",
        "L3HasExecution",
        "L3HasUpdates",
        "L3HasOpeningAuction",
        "L3HasClosingAuction",
        "L3EventTimestampNonDecreasing",
        "L3EventNoNonDecreasing",
        "TradeEventCount",
        "TradeVolume",
        "TradeHasMultipleExecutionVenues",
        "TradeHasBlockTrade",
    ]
