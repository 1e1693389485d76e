"""Which listings a run covers: chosen ones, all of them, and those that no reference row describes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from basalt.core.errors import MissingData
from basalt.core.ledger import Ledger
from basalt.core.running import run
from basalt.synthetic import index_members, write_day

DAY = date(2026, 2, 2)

Volumes = Callable[..., dict[int, float]]


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    write_day(tmp_path / "lake", DAY, listings=6, scale=0.2, seed=4)
    return tmp_path / "lake"


@pytest.fixture
def volumes(tmp_path: Path, lake: Path) -> Volumes:
    """A function that runs daily volumes with some settings and gives them by listing."""

    def volumes_of(get_universe: Callable[[str], Any] | None = None, **settings: Any) -> dict[int, float]:
        passes = [{"name": "day", "modules": ["trade"], "timeline_mode": "daily_analytics"}]
        target = {"path_template": f"{tmp_path}/out.parquet"}
        config = {"START_DATE": DAY, "END_DATE": DAY, "LAKE": str(lake), "PASSES": passes, "OUTPUT_TARGET": target, **settings}
        run(config, get_universe=get_universe, ledger=Ledger(tmp_path / "state"))
        return dict(pl.read_parquet(tmp_path / "out.parquet").select("ListingId", "Volume").iter_rows())

    return volumes_of


def _counted(lake: Path) -> dict[int, float]:
    """Volume by listing, counted from the files."""
    trades = pl.concat([pl.read_parquet(path) for path in (lake / "Trades-Plus").rglob("*.parquet")])
    found: dict[int, float] = {}
    for listing, size in trades.select("ListingId", "Size").iter_rows():
        found[listing] = found.get(listing, 0.0) + size
    return found


@pytest.mark.parametrize("batch", [None, 2])
def test_everything_is_counted_without_a_universe(batch: int | None, lake: Path, volumes: Volumes) -> None:
    assert volumes(MAX_LISTINGS_PER_BATCH=batch) == pytest.approx(_counted(lake), rel=1e-12)


@pytest.mark.parametrize("batch", [None, 2])
def test_a_lake_needs_no_reference_table(batch: int | None, lake: Path, volumes: Volumes) -> None:
    shutil.rmtree(lake / "Reference")
    assert volumes(MAX_LISTINGS_PER_BATCH=batch) == pytest.approx(_counted(lake), rel=1e-12)


@pytest.mark.parametrize("batch", [None, 2])
def test_listings_without_a_reference_row_are_not_lost(batch: int | None, lake: Path, volumes: Volumes) -> None:
    for path in (lake / "Reference").rglob("*.parquet"):
        frame = pl.read_parquet(path)
        frame.head(1).write_parquet(path)
    assert volumes(MAX_LISTINGS_PER_BATCH=batch) == pytest.approx(_counted(lake), rel=1e-12)


@pytest.mark.parametrize("batch", [None, 2])
def test_listings_without_a_reference_row_are_not_lost_in_a_later_stage(batch: int | None, lake: Path, volumes: Volumes) -> None:
    for path in (lake / "Reference").rglob("*.parquet"):
        frame = pl.read_parquet(path)
        frame.head(1).write_parquet(path)
    days = {"name": "day", "modules": ["trade"], "timeline_mode": "daily_analytics"}
    whole = {
        "name": "whole",
        "modules": ["generic"],
        "generic_analytics": {"source_pass": "day", "group_by": ["ListingId"], "columns": ["Volume"]},
        "output": {"path_template": f"{lake.parent}/out.parquet"},
    }
    target = {"path_template": f"{lake.parent}/days.parquet"}
    found = volumes(PASSES=[days, whole], OUTPUT_TARGET=target, MAX_LISTINGS_PER_BATCH=batch)
    assert found == pytest.approx(_counted(lake), rel=1e-12)


def test_markets_without_reference_files_are_not_lost(lake: Path, volumes: Volumes) -> None:
    shutil.rmtree(lake / "Reference" / "XLON")
    assert volumes() == pytest.approx(_counted(lake), rel=1e-12)


def test_universe_of_a_market(lake: Path, volumes: Volumes) -> None:
    known = pl.concat([pl.read_parquet(path) for path in (lake / "Reference").rglob("*.parquet")])
    wanted = set(known.filter(pl.col("MIC") == "XLON")["ListingId"])
    assert wanted
    assert set(volumes(UNIVERSE="mic=XLON")) == wanted


def test_universe_of_an_index(volumes: Volumes) -> None:
    assert set(volumes(UNIVERSE="index=SYN-UK")) == set(index_members("SYN-UK", listings=6, seed=4))


def test_universe_of_the_pipeline(lake: Path, volumes: Volumes) -> None:
    one = min(_counted(lake))
    assert set(volumes(lambda day: pl.DataFrame({"ListingId": [one]}))) == {one}


@pytest.mark.parametrize("markets", [("XLON",), ("CHIX", "XLON", "XPAR")])
def test_a_table_that_is_missing_is_noticed_where_no_listing_tells_its_market(
    markets: tuple[str, ...], lake: Path, volumes: Volumes
) -> None:
    shutil.rmtree(lake / "Reference")
    for mic in markets:
        shutil.rmtree(lake / "MarketState" / mic)
    passes = [{"name": "day", "modules": ["trade"], "timeline_mode": "dense"}]

    with pytest.raises(MissingData, match=f"marketstate {markets[0]} 2026-02-02"):
        volumes(PASSES=passes)
    with pytest.raises(MissingData, match="marketstate"):
        volumes(
            lambda day: pl.DataFrame({"ListingId": [100001]}) if len(markets) > 1 else pl.DataFrame({"ListingId": [100001], "MIC": "XLON"}),
            PASSES=passes,
        )


def test_what_a_run_was_asked_for_and_does_not_use_is_said(lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASALT_CACHE_DIR", str(tmp_path / "cache"))
    target = {"path_template": f"{tmp_path}/{{datasetname}}.parquet"}
    passes = [{"name": "day", "modules": ["trade"], "timeline_mode": "daily_analytics"}]
    config = {"START_DATE": DAY, "END_DATE": DAY, "LAKE": str(lake), "PASSES": passes, "OUTPUT_TARGET": target}

    of_the_lake = run({**config, "UNIVERSE": "mic=XLON,XLOM"}, ledger=Ledger(tmp_path / "state"))
    simulated = {"DATA_SOURCE_PATH": ["synthetic"], "synthetic": {"listings": 1, "scale": 0.02}}
    of_another = run({**config, **simulated}, ledger=Ledger(tmp_path / "state"))

    assert of_the_lake.notices == ("UNIVERSE mic=XLON,XLOM: no listings of XLOM on any day",)
    assert of_another.notices == (f"the lake {lake} is not read: DATA_SOURCE_PATH is synthetic; to read it: --data_source_path lake",)
