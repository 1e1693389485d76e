"""Order and execution analytics on days whose truth is known, and on a day of a real exchange."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from typer.testing import CliRunner

from basalt.core.cli.main import app
from basalt.core.ledger import Ledger
from basalt.core.running import run
from basalt.synthetic import write_day

DAY = date(2026, 2, 2)
SIDES = ["Bid", "Ask"]
SOURCES = ("trades", "l3")
EXECUTED = {"measures": ["Count", "Volume"], "actions": ["Execute", "ExecuteHidden"], "sides": "Total"}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lake")
    write_day(folder, DAY, listings=4, scale=0.3)
    return folder


def days_of(lake: Path, folder: Path, day: date = DAY, **sections: Any) -> pl.DataFrame:
    """One row a listing of the modules whose sections are given."""
    each = {"name": "days", "modules": list(sections), "timeline_mode": "daily_analytics"}
    config = {
        "START_DATE": str(day),
        "END_DATE": str(day),
        "LAKE": str(lake),
        "OUTPUT_TARGET": {"type": "parquet", "path_template": str(folder / "days.parquet")},
        "PASSES": [each | {f"{name}_analytics": section for name, section in sections.items()}],
    }
    run(config, ledger=Ledger(folder / "state"))
    return pl.read_parquet(folder / "days.parquet").sort("ListingId")


def table(lake: Path, folder: str) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(path) for path in sorted((lake / folder).rglob("*.parquet"))])


def test_counts_are_the_acts_of_the_truth(lake: Path, tmp_path: Path) -> None:
    counted = {"measures": "Count", "actions": ["Insert", "Cancel"], "sides": "Total"}
    found = days_of(lake, tmp_path, l3={"generic_metrics": [counted, EXECUTED], "quality_metrics": [{"measures": "UnknownOrderCount"}]})

    acts = table(lake, "Truth").filter(pl.col("EventNo") > 0)
    on_book = pl.col("DisplayedSize").is_not_null()
    entered = pl.col("Action").is_in(["ENTER", "REFILL"]) & on_book
    wanted = acts.group_by("ListingId").agg(entered.sum().cast(pl.Int64).alias("InsertCountTotal")).sort("ListingId")
    executed = acts.filter(pl.col("Action") == "EXECUTE").group_by("ListingId").len().sort("ListingId")
    assert_frame_equal(found.select(wanted.columns), wanted)
    assert (found["ExecuteCountTotal"] + found["ExecuteHiddenCountTotal"]).to_list() == executed["len"].to_list()
    assert found["UnknownOrderCountTotal"].sum() == 0


def test_what_enters_leaves_or_rests(lake: Path, tmp_path: Path) -> None:
    volumes = {"measures": "Volume", "actions": ["Insert", "Update", "Cancel", "Execute"], "sides": SIDES}
    found = days_of(lake, tmp_path, l3={"generic_metrics": [volumes], "lifetime_metrics": [{"measures": "CensoredOrderCount"}]})

    events = table(lake, "Equity-L3").sort("BMLLSequenceNo")
    resting = events.group_by("ListingId", "OriginalOrderId").agg(pl.col("Size").last(), pl.col("LobAction").first())
    left = (
        resting.filter(pl.col("Size") > 0, pl.col("LobAction") == 2)
        .group_by("ListingId")
        .agg(pl.col("Size").sum(), pl.len())
        .sort("ListingId")
    )
    grown = pl.col("Size") - pl.col("OldSize")
    added = events.group_by("ListingId").agg(grown.filter(pl.col("LobAction") == 4, grown > 0).sum().alias("Grown")).sort("ListingId")
    unseen = (pl.col("ExecutionSize") - pl.col("OldSize")).filter(pl.col("OldSize") > 0).clip(lower_bound=0).sum().alias("Hidden")
    hidden = events.group_by("ListingId").agg(unseen).sort("ListingId")["Hidden"]
    insert, cancel, execute = (pl.sum_horizontal(f"{name}Volume{side}" for side in SIDES) for name in ("Insert", "Cancel", "Execute"))
    balance = found.select(insert - cancel - execute).to_series() + added["Grown"] + hidden
    assert balance.to_list() == left["Size"].to_list()
    assert found["CensoredOrderCountTotal"].to_list() == left["len"].to_list()


def test_executions_are_the_trades_of_the_book(lake: Path, tmp_path: Path) -> None:
    printed = {"measures": ["ExecutedVolume"], "sides": SIDES, "attribute_filters": {"Printable": True}}
    lit = {"measures": "Volume", "trade_types": "LIT", "aggressor_sides": ["Buy", "Sell", "Unknown"]}
    found = days_of(lake, tmp_path, execution={"l3_execution": [printed], "trade_breakdown": [lit]})

    executed = found.select(pl.sum_horizontal("ExecutedVolumeBid", "ExecutedVolumeAsk").cast(pl.Float64)).to_series()
    traded = found.select(pl.sum_horizontal(f"LitVolume{aggressor}Aggressor" for aggressor in ("Buy", "Sell", "Unknown"))).to_series()
    assert executed.to_list() == traded.to_list()


@pytest.mark.real
def test_a_real_day_is_what_its_publisher_says(shared_data: Path, tmp_path: Path) -> None:
    archive = shared_data / "native" / "lobster" / "LOBSTER_SampleFile_GOOG_2012-06-21_10.zip"
    done = CliRunner().invoke(app, ["data", "import", "lobster", str(archive), "--lake", str(tmp_path / "lake")])
    assert done.exit_code == 0, done.stderr
    ratios = {"variant": ["CancelToTradeRatio", "AvgRestingTime"]}
    unknown = {"quality_metrics": [{"measures": ["UnknownOrderCount", "DuplicateOrderCount"]}]}
    found = days_of(
        tmp_path / "lake", tmp_path, date(2012, 6, 21), l3={"generic_metrics": [EXECUTED], "advanced_metrics": [ratios], **unknown}
    )

    row = found.row(0, named=True)
    assert (row["ExecuteVolumeTotal"], row["ExecuteHiddenVolumeTotal"]) == (492_509, 213_616)
    assert row["DuplicateOrderCountTotal"] == 0
    assert 0.015 < row["UnknownOrderCountTotal"] / 147_916 < 0.025
    assert row["AvgRestingTime"] > 0


def test_aggressive_orders_of_the_book_are_those_of_the_tape(lake: Path, tmp_path: Path) -> None:
    passes = [
        {"name": f"of_{of}", "preprocess_modules": ["aggressive_preprocess"], "aggressive_preprocess": {"source_table": of}}
        for of in SOURCES
    ]
    written = {"side_outputs": {"aggressive_orders": {"materialize": "always"}}}
    target = {"type": "parquet", "path_template": str(tmp_path / "{datasetname}.parquet")}
    days = {"START_DATE": str(DAY), "END_DATE": str(DAY), "LAKE": str(lake), "DATASETNAME": "d"}
    run({**days, "OUTPUT_TARGET": target, "PASSES": [each | written for each in passes]}, ledger=Ledger(tmp_path / "state"))
    tape, book = (pl.read_parquet(tmp_path / f"d_of_{of}_aggressive_orders.parquet") for of in SOURCES)
    on_book = tape.filter(pl.col("Classification").str.starts_with("LIT"))
    wanted = ["ListingId", "AggressorSide", "AggressiveSize", "Duration", "MinPrice", "MaxPrice", "NumExecutions"]
    times = {"TradeTimestamp": "at", "EventTimestamp": "at"}
    frames = [each.rename(times, strict=False).sort("ListingId", "at").select("at", *wanted) for each in (on_book, book)]
    assert_frame_equal(*frames)
    assert (table(lake, "Equity-L3").filter(pl.col("ExecutionSize") > 0)["OldPrice"].null_count()) > 0  # hidden legs are among them
