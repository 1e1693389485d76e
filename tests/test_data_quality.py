"""Checks of vendors' files find what is known of them, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from basalt.core.catalog import catalog
from basalt.core.cli.main import main
from basalt.quality.checking import check_lake
from basalt.quality.files import Wanted
from workspace import ROOT


def native(*parts: str) -> Path:
    places = [Path(os.environ["BASALT_SHARED_DATA"])] if "BASALT_SHARED_DATA" in os.environ else []
    found = [path for place in [*places, ROOT.parent / "shared" / "data"] if (path := place.joinpath("native", *parts)).exists()]
    if not found:
        pytest.skip("no real market data here: set BASALT_SHARED_DATA to the folder that holds native/")
    return found[0]


def findings(lake: Path) -> dict[tuple[str, str], int]:
    """Wrong rows by table and reason."""
    found = pl.concat([checked.findings for checked in check_lake(lake, catalog().tables, Wanted())])
    counted = found.group_by("CheckedTable", "Reason").agg(pl.col("Count").sum())
    return {(table, reason): count for table, reason, count in counted.iter_rows()}


@pytest.mark.real
def test_lobster_has_orders_that_were_never_entered(tmp_path: Path) -> None:
    assert main(["data", "import", "lobster", str(native("lobster")), "--lake", str(tmp_path)]) == 0
    found = findings(tmp_path)
    assert {key for key in found if key[0] == "l3"} == {("l3", "UNKNOWN_ORDER")}
    assert found["l3", "UNKNOWN_ORDER"] / 147_916 == pytest.approx(0.02, abs=0.003)
    assert not {reason for _, reason in found} & {"CROSSED", "OUT_OF_ORDER", "DUPLICATE", "NUMBER_GAP", "NEGATIVE_SIZE"}


@pytest.mark.real
def test_futures_are_crossed_in_their_opening_auction_only(tmp_path: Path) -> None:
    files = [str(native("databento", f"esh4-glbx-mdp3-202312{day}.mbo.dbn.zst")) for day in (24, 25)]
    assert main(["data", "import", "dbn", *files, "--lake", str(tmp_path)]) == 0
    crossed = [
        each.findings.filter(Reason="CROSSED").select(pl.col("Start", "End").cast(pl.Datetime("ns")).dt.strftime("%H:%M"))
        for each in check_lake(tmp_path, catalog().tables, Wanted())
    ]
    assert pl.concat(crossed).rows() == [("22:39", "23:00")]


@pytest.mark.real
def test_captures_of_a_late_clock_are_told(tmp_path: Path) -> None:
    assert main(["data", "import", "binance", str(native("binance", "usdm_btcusdt_20240808.gz")), "--lake", str(tmp_path)]) == 0
    assert {reason for _, reason in findings(tmp_path)} == {"CLOCK_SKEW"}
