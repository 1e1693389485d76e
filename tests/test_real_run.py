"""A day of a real exchange, from the vendor's file to one-minute bars, against a plain loop over the file."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from typer.testing import CliRunner

from basalt.core.cli.main import app

DAY = date(2012, 6, 21)
ARCHIVE = "native/lobster/LOBSTER_SampleFile_GOOG_2012-06-21_10.zip"
VISIBLE, HIDDEN = 492_509, 213_616

PIPELINE = """
USER_CONFIG = {
    "DATASETNAME": "goog",
    "UNIVERSE": "mic=XNAS",
    "DATA_SOURCE_PATH": ["lake"],
    "OUTPUT_TARGET": {"path_template": "out/{datasetname}.parquet"},
    "PASSES": [
        {"name": "bars", "modules": ["trade"]},
        {
            "name": "visible", "modules": ["trade"],
            "trade_analytics": {
                "generic_metrics": [
                    {"measures": ["Volume", "Count", "OHLC"], "sides": ["Bid", "Ask", "Total"], "attribute_filters": {"Classification": "LIT_CONTINUOUS"}}
                ]
            },
        },
    ],
}
"""

pytestmark = pytest.mark.real


@dataclass
class Bar:
    """One minute, counted by hand."""

    volume: int = 0
    notional: Decimal = Decimal(0)
    open: float = 0.0
    high: float = 0.0
    low: float = 0.0
    close: float = 0.0

    def take(self, price: Decimal, size: int) -> None:
        """Count one execution."""
        value = float(price)
        if self.volume == 0:
            self.open = self.high = self.low = value
        self.high, self.low, self.close = max(self.high, value), min(self.low, value), value
        self.volume += size
        self.notional += price * size


def _minute(seconds: str) -> datetime:
    """End of the minute (start, end] that a time of day belongs to, in UTC."""
    midnight = datetime(DAY.year, DAY.month, DAY.day, tzinfo=ZoneInfo("America/New_York")).astimezone(UTC)
    minutes = -(-Decimal(seconds) // 60)
    if Decimal(seconds) % 60:
        minutes = Decimal(seconds) // 60 + 1
    return datetime.fromtimestamp(midnight.timestamp() + int(minutes) * 60, tz=UTC).replace(tzinfo=None)


def _bars(archive: Path, types: set[str]) -> dict[datetime, Bar]:
    bars: dict[datetime, Bar] = {}
    with zipfile.ZipFile(archive) as files:
        (name,) = (name for name in files.namelist() if "message" in name and name.endswith(".csv"))
        for seconds, kind, _, size, price, _ in csv.reader(io.TextIOWrapper(files.open(name), "ascii")):
            if kind in types:
                bars.setdefault(_minute(seconds), Bar()).take(Decimal(price) / 10_000, int(size))
    return bars


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Path:
    """Import and run through the command line, as a user would."""
    root = tmp_path_factory.mktemp("real")
    (root / "bars.py").write_text(PIPELINE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("BASALT_STATE_DIR", str(root / "state"))
        imported = CliRunner().invoke(app, ["data", "import", "lobster", str(shared_data / ARCHIVE), "--lake", "lake", "--json"])
        assert imported.exit_code == 0, imported.stderr
        done = CliRunner().invoke(app, ["pipeline", "run", "--pipeline", "bars.py", "--lake", "lake", "--date", str(DAY), "--json"])
        assert done.exit_code == 0, done.stderr
        assert json.loads(done.stdout)["outcome"] == "done"
    return root / "out"


def test_volume_of_the_day(outputs: Path) -> None:
    """The default bars count every execution, visible and hidden."""
    assert pl.read_parquet(outputs / "goog_bars.parquet")["Volume"].sum() == VISIBLE + HIDDEN


def test_visible_volume_is_asked_for(outputs: Path) -> None:
    """A filter leaves the hidden executions out."""
    assert pl.read_parquet(outputs / "goog_visible.parquet")["TradeTotalVolume"].sum() == VISIBLE


@pytest.mark.parametrize(("name", "types", "volume"), [("bars", {"4", "5"}, "Volume"), ("visible", {"4"}, "TradeTotalVolume")])
def test_bars_equal_a_plain_loop(outputs: Path, shared_data: Path, name: str, types: set[str], volume: str) -> None:
    """Every minute has the bar that a loop over the vendor's file counts."""
    wanted = _bars(shared_data / ARCHIVE, types)
    rows = pl.read_parquet(outputs / f"goog_{name}.parquet").filter(pl.col(volume) > 0).to_dicts()
    found = {row["TimeBucket"]: (row[volume], row["Open"], row["High"], row["Low"], row["Close"]) for row in rows}
    assert found == {minute: (bar.volume, bar.open, bar.high, bar.low, bar.close) for minute, bar in wanted.items()}


def test_vwap_equals_exact_arithmetic(outputs: Path, shared_data: Path) -> None:
    """VWAP agrees with decimals to the last bits."""
    wanted = _bars(shared_data / ARCHIVE, {"4", "5"})
    rows = pl.read_parquet(outputs / "goog_bars.parquet").to_dicts()
    for row in rows:
        bar = wanted[row["TimeBucket"]]
        assert row["VWAP"] == pytest.approx(float(bar.notional / bar.volume), rel=1e-12)
