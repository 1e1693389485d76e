"""Numbers of books and orders do not depend on how files and batches are cut, nor on listings that have nothing to do with them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from comparing import assert_same_outputs, outputs

from basalt.core.ledger import Ledger
from basalt.core.running import run
from basalt.synthetic import write_day

DAY = date(2026, 2, 2)
REDUCED = ["Last", "TWA", "First", "Min", "Max", "Mean"]
OTHERS = 500002
BOTH: dict[str, Any] = {
    "name": "both",
    "time_bucket_seconds": 900,
    "modules": ["l2", "l2tw", "l3", "execution", "cbbo_analytics"],
    "l2_analytics": {
        "liquidity": [{"measures": ["Price", "Quantity"], "sides": ["Bid", "Ask"], "levels": [1, 8], "aggregations": REDUCED}],
        "spreads": [{"variant": "BPS", "aggregations": REDUCED}],
        "volatility": [{"subsample_seconds": 1}],
        "flow": [{"measures": "OFI"}, {"measures": "Updates", "aggregations": "Rate"}],
    },
    "l3_analytics": {
        "generic_metrics": [{"measures": "Volume", "actions": ["Insert", "Cancel", "Execute"], "sides": ["Bid", "Ask"]}],
        "advanced_metrics": [{"variant": ["AvgEntryQueuePositionAtFill", "AvgReplacementLatency", "AvgRestingTime"]}],
    },
}


def _run(tmp_path: Path, lake: Path, batch: int | None = None) -> dict[str, pl.DataFrame]:
    out = tmp_path / "out"
    config = {"START_DATE": DAY, "END_DATE": DAY, "LAKE": str(lake), "PASSES": [BOTH], "NUM_WORKERS": 1, "MAX_LISTINGS_PER_BATCH": batch}
    run({**config, "OUTPUT_TARGET": {"path_template": f"{out}/{{datasetname}}.parquet"}}, ledger=Ledger(tmp_path / "state"))
    return outputs(out)


def _copied(lake: Path, to: Path, *, only: pl.Expr | None = None, row_group_size: int | None = None) -> Path:
    """The lake with its rows shuffled, or with some of them only."""
    for path in lake.rglob("*.parquet"):
        copy = to / path.relative_to(lake)
        copy.parent.mkdir(parents=True, exist_ok=True)
        rows = pl.read_parquet(path)
        rows = rows.sample(fraction=1.0, shuffle=True, seed=5) if only is None else rows.filter(only)
        rows.write_parquet(copy, row_group_size=row_group_size)
    return to


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lake")
    write_day(root, DAY, listings=4, scale=0.05, seed=3)
    return root


@pytest.fixture(scope="module")
def whole(lake: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    found = _run(tmp_path_factory.mktemp("whole"), lake)
    assert all(frame.height for frame in found.values())
    return found


def test_shuffled_rows_in_small_groups_one_listing_at_a_time(lake: Path, whole: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    assert_same_outputs(_run(tmp_path, _copied(lake, tmp_path / "lake", row_group_size=97), batch=1), whole)


def test_without_the_listings_of_another_instrument(lake: Path, whole: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    gone = whole[next(iter(whole))].filter(InstrumentId=OTHERS)["ListingId"].unique().to_list()
    assert gone
    found = _run(tmp_path, _copied(lake, tmp_path / "lake", only=~pl.col("ListingId").is_in(gone)))
    assert_same_outputs(found, {name: frame.filter(pl.col("InstrumentId") != OTHERS) for name, frame in whole.items()})
