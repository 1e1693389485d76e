"""Minutes rolled up by `generic` equal coarse buckets computed directly, for every measure that declares a roll-up."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from basalt.core import plan
from basalt.core.declaring import Module
from basalt.core.declaring.axes import REQUIRED
from basalt.core.ledger import Ledger
from basalt.core.running import run
from basalt.synthetic import write_day
from basalt.trade.module import TRADE

DAY = date(2026, 2, 2)
WIDTHS = {
    "5m": {"time_bucket_seconds": 300},
    "15m": {"time_bucket_seconds": 900},
    "60m": {"time_bucket_seconds": 3600},
    "1d": {"timeline_mode": "daily_analytics"},
}


def everything(module: Module) -> dict[str, Any]:
    """A section that asks for every measure at every choice of its closed axes."""
    section: dict[str, Any] = {}
    for family in module.families:
        members = module.members(family)
        entry: dict[str, Any] = {family.selector: [each.measure for each in members]} if family.selector else {}
        for parameter, name in family.axes.items():
            (axis, *_) = [axis for each in members for axis in each.axes if axis.name == parameter]
            if axis.is_closed:
                entry[name] = list(axis.choices)
            elif axis.default is REQUIRED:
                raise AssertionError(f"an open axis without a default: {parameter}")
        section[family.name] = [entry]
    return section


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    root = tmp_path_factory.mktemp("rollup")
    write_day(root / "lake", DAY, listings=6, scale=0.3, seed=11)
    section = everything(TRADE)
    section["change_metrics"][0]["scopes"] = ["Local", "Primary"]  # the contract has no column at the venue for two of the measures
    trade = {"modules": ["trade"], "trade_analytics": section}
    base = {"START_DATE": DAY, "END_DATE": DAY, "LAKE": str(root / "lake"), "OUTPUT_TARGET": {"path_template": f"{root}/{{pass}}.parquet"}}
    columns = plan({**base, "PASSES": [{"name": "minutes", **trade}]}).passes[0].dataset.visible
    rolling = [column.name for column in columns if column.rollup is not None]
    rolled = [
        {
            "name": f"rolled_{rule}",
            "modules": ["generic"],
            "generic_analytics": {"source_pass": "minutes", "resample_rule": rule, "columns": rolling},
        }
        for rule in WIDTHS
    ]
    direct = [{"name": f"direct_{rule}", **trade, **width} for rule, width in WIDTHS.items()]
    run({**base, "PASSES": [{"name": "minutes", **trade}, *rolled, *direct]}, ledger=Ledger(root / "state"))
    return root, rolling


def test_most_measures_roll_up(outputs: tuple[Path, list[str]]) -> None:
    """The law is about many columns, not about a few."""
    assert len(outputs[1]) > 100


@pytest.mark.parametrize("rule", WIDTHS)
def test_rolled_up_equals_direct(rule: str, outputs: tuple[Path, list[str]]) -> None:
    """Exact for integers, to the last bits for floats."""
    root, rolling = outputs
    rolled = pl.read_parquet(root / f"rolled_{rule}.parquet")
    direct = pl.read_parquet(root / f"direct_{rule}.parquet").select(rolled.columns)
    assert rolled.height == direct.height > 0
    assert_frame_equal(rolled, direct, rel_tol=1e-11, abs_tol=1e-11)
    assert set(rolling) <= set(rolled.columns)
