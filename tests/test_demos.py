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


@pytest.mark.parametrize("demo", sorted(path.name for path in (ROOT / "demo").glob("*.py")))
def test_every_demo_can_be_planned(demo: str, tmp_path: Path) -> None:
    assert "writes" in basalt(tmp_path, "pipeline", "plan", "--pipeline", str(ROOT / "demo" / demo))
