"""The demos do what they say, with nothing but the clone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

ROOT = Path(__file__).parents[1]
KEYS = ["InstrumentId", "Date"]


def basalt(folder: Path, *typed: str) -> str:
    """What a command prints in a folder of its own."""
    environment = {**os.environ, "BASALT_STATE_DIR": str(folder / "state")}
    command = [sys.executable, "-m", "basalt.core.cli.main", *typed]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def outputs(folder: Path, demo: str, *dates: str) -> dict[str, pl.DataFrame]:
    report: dict[str, Any] = json.loads(basalt(folder, "pipeline", "run", "--pipeline", str(ROOT / "demo" / demo), *dates, "--json"))
    return {each["pass"]: pl.read_parquet(folder / each["location"]) for each in report["outputs"]}


def test_bars(tmp_path: Path) -> None:
    bars = outputs(tmp_path, "01_ohlcv_bars.py", "--date", "2026-02-01")["bars"]

    assert bars.height > 1000
    inside = pl.col("TradeTotalVWAP").is_between(pl.col("Low") - 1e-9, pl.col("High") + 1e-9)
    assert bars.filter(pl.col("TradeTotalVWAP").is_not_null() & ~inside).is_empty()
    assert (bars["TimeBucket"].dt.second() == 0).all()


def test_the_volume_of_the_bars_is_explained(tmp_path: Path) -> None:
    said = basalt(tmp_path, "analytics", "explain", "--pipeline", str(ROOT / "demo" / "01_ohlcv_bars.py"), "--column", "TradeTotalVolume")

    assert all(fact in said for fact in ("shares", "sum", "trades: Size", "known at the end of its bucket"))


def test_days_of_minutes_are_days_of_trades(tmp_path: Path) -> None:
    made = outputs(tmp_path, "02_multi_pass.py", "--start_date", "2026-02-02", "--end_date", "2026-02-03")

    notional = (pl.col("TradeTotalVWAP") * pl.col("TradeTotalVolume")).sum() / pl.col("TradeTotalVolume").sum()
    summed = [
        pl.col("TradeTotalVolume", "TradeBidVolume", "TradeAskVolume", "TradeTotalCount").sum(),
        pl.col("High").max(),
        pl.col("Low").min(),
    ]
    direct = made["minutes"].group_by(KEYS).agg(notional.alias("TradeTotalVWAP"), *summed).sort(KEYS)
    assert_frame_equal(made["days"].select(direct.columns).sort(KEYS), direct, rel_tol=1e-9)
    assert made["days"].height == 2 * made["minutes"]["InstrumentId"].n_unique()


def test_aggressive_orders_are_the_volume_of_their_trades(tmp_path: Path) -> None:
    made = outputs(tmp_path, "05_aggressive_trades.py", "--date", "2026-02-01")

    volumes = ["TradeBidVolume", "TradeAskVolume"]
    counts = ["TradeBidCount", "TradeAskCount"]
    orders, trades = (made[f"bars_of_{each}"].select(pl.col(volumes + counts).sum()).row(0) for each in ("orders", "trades"))
    assert orders[:2] == trades[:2]
    assert all(0.3 * many < few < 0.8 * many for few, many in zip(orders[2:], trades[2:], strict=True))


def test_what_takers_pay_is_kept_or_moves_the_price(tmp_path: Path) -> None:
    hours = outputs(tmp_path, "04_market_impact.py", "--date", "2026-02-02")["hours"]

    paid = hours.filter(pl.col("HorizonCount100ms") > 0, pl.col("TimeBucket").dt.hour().is_between(10, 15))
    identity = pl.col("RealizedSpreadBps100ms") + pl.col("PriceImpactBps100ms") - pl.col("EffectiveSpreadBps")
    assert paid.select(identity.abs().max()).item() < 0.05
    assert (paid["SpreadBpsTWA"] > 0).all()
    flow = hours.select(pl.corr("OFI1", pl.col("MidCloseC") / pl.col("MidOpenC") - 1)).item()
    assert flow > 0.3


def test_orders_are_filled_cancelled_or_still_rest(tmp_path: Path) -> None:
    made = outputs(tmp_path, "08_order_lifetimes.py", "--date", "2026-02-02")["lifetimes"]

    for age in ("1ms", "1s", "1m", "60m"):
        shares = made.select(pl.sum_horizontal(f"{end}Probability{age}" for end in ("Fill", "Cancel", "Survival"))).to_series()
        assert shares.to_list() == pytest.approx([1.0] * made.height)
    assert made.select((pl.col("FillProbability1m") > pl.col("FillProbability1s")).all()).item()
    assert made.select(pl.sum_horizontal(f"{fault}OrderCountTotal" for fault in ("Unknown", "Duplicate", "Unnamed"))).sum().item() == 0


def test_characteristics_of_a_simulated_day(tmp_path: Path) -> None:
    """Crossed books go with auctions, late prints come after the last order event, numbers run on."""
    facts = outputs(tmp_path, "06_characteristics.py", "--date", "2026-02-01")["facts"].filter(pl.col("L3EventCount") > 0)

    assert facts.height > 30
    auctions = pl.any_horizontal("L3HasOpeningAuction", "L3HasIntradayAuction", "L3HasClosingAuction", "L3HasUnscheduledAuction")
    assert facts.filter(pl.col("L3HasCrossedBookContinuous")).is_empty()
    assert facts.filter(pl.col("L3HasCrossedBookNonContinuous") & ~auctions).is_empty()
    assert facts.filter(pl.col("L3HasCrossedBookNonContinuous")).height > 0
    assert facts.select(pl.col("L3BMLLSequenceNoNonDecreasing", "L3SizeAheadOrdersAheadConsistent").all()).row(0) == (True, True)
    assert facts["TradePubEqualsTradeTimestampRatio"].drop_nulls().is_between(0, 1).all()


def test_a_metric_of_a_pipeline_file_rolls_up_like_any_other(tmp_path: Path) -> None:
    made = outputs(tmp_path, "03_custom_metric.py", "--date", "2026-02-02")

    keys = ["ListingId", pl.col("TimeBucket").dt.offset_by("-1ns").dt.truncate("1h").dt.offset_by("1h")]
    bars = made["minutes"].group_by(keys).agg(PriceRange=pl.col("High").max() - pl.col("Low").min()).sort("ListingId", "TimeBucket")
    assert_frame_equal(made["hours"].select(bars.columns).sort("ListingId", "TimeBucket"), bars)
    assert bars["PriceRange"].max() > 0


def test_indices_are_the_sums_of_their_members(tmp_path: Path) -> None:
    made = outputs(tmp_path, "07_index_analytics.py", "--date", "2026-02-02")

    uk, french, all_of_them = (
        made["indices"].filter(pl.col("IndexId") == name).select(pl.col("TradeTotalCount", "TradeTotalNotionalEUR").sum()).row(0)
        for name in ("SYN-UK", "SYN-FR", "SYN-ALL")
    )
    members = made["listings"].filter(pl.col("MIC").is_in(["XLON", "XPAR", "XAMS", "XETR"]))
    assert uk[0] > 0
    assert french[0] > 0
    assert all_of_them[0] <= made["listings"]["TradeTotalCount"].sum()
    assert all_of_them == pytest.approx(members.select(pl.col("TradeTotalCount", "TradeTotalNotionalEUR").sum()).row(0))
    spreads = made["indices"]["SpreadBpsTWA"].drop_nulls()
    assert spreads.min() >= made["listings"]["SpreadBpsTWA"].min()
    assert spreads.max() <= made["listings"]["SpreadBpsTWA"].max()


@pytest.mark.parametrize("demo", sorted(path.name for path in (ROOT / "demo").glob("*.py")))
def test_every_demo_can_be_planned(demo: str, tmp_path: Path) -> None:
    assert "writes" in basalt(tmp_path, "pipeline", "plan", "--pipeline", str(ROOT / "demo" / demo))
