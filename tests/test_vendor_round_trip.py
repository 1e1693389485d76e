"""A simulated day, exported as DBN and as LOBSTER and imported again: the same orders, books, prints and analytics, but for declared losses."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from basalt.core.ledger import Ledger
from basalt.core.running import run
from basalt.feeds.dbn.exporting import export_dbn
from basalt.feeds.dbn.importing import import_dbn
from basalt.feeds.feed import LakeDay
from basalt.feeds.lobster.exporting import export_lobster
from basalt.feeds.lobster.importing import import_lobster
from basalt.synthetic import write_day

DAY = date(2026, 2, 2)
PRICES = [f"{side}Price{level}" for level in range(1, 11) for side in ("Bid", "Ask")]
QUANTITIES = [name.replace("Price", "Quantity") for name in PRICES]
ORDERS = [name.replace("Price", "NumOrders") for name in PRICES]
LIT = {"attribute_filters": {"Classification": ["LIT_CONTINUOUS", "LIT_AUCTION", "LIT_HIDDEN"]}}
SIDES = ["Bid", "Ask", "Unknown", "Total"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated lake, `lake`, and what came back of it: `dbn`, `lobster`."""
    root = tmp_path_factory.mktemp("vendors")
    write_day(root / "lake", DAY, listings=4, scale=0.2, seed=3)
    for mic in markets(root / "lake"):
        export_dbn(LakeDay(root / "lake", mic, DAY), root / "dbn-files")
        export_lobster(LakeDay(root / "lake", mic, DAY), root / mic)
        import_lobster([root / mic], root / "lobster", mic=mic, currency="GBP")
    import_dbn([root / "dbn-files"], root / "dbn")
    return root


def markets(lake: Path) -> list[str]:
    return sorted(path.name for path in (lake / "Equity-L3").iterdir())


def rows(lake: Path, folder: str, columns: list[str]) -> pl.DataFrame:
    """*columns* of all listings, in order of events within a listing."""
    frames = [pl.read_parquet(path) for path in sorted((lake / folder).rglob("*.parquet"))]
    names = reference(lake)
    every = (
        pl.concat([frame for frame in frames if frame.height], how="diagonal")
        .drop("MIC", "Ticker", strict=False)
        .join(names, on="ListingId", maintain_order="left")
    )
    return every.select("MIC", "Ticker", *columns).sort("MIC", "Ticker", maintain_order=True)


def reference(lake: Path) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(path, columns=["ListingId", "MIC", "Ticker"]) for path in (lake / "Reference").rglob("*.parquet")])


def tape(lake: Path, columns: list[str]) -> pl.DataFrame:
    return (
        rows(lake, "Trades-Plus", [*columns, "Classification"])
        .filter(pl.col("Classification").str.starts_with("LIT"))
        .drop("Classification")
    )


def test_dbn_keeps_every_change_of_an_order(root: Path) -> None:
    columns = [
        "TimestampNanoseconds",
        "Side",
        "LobAction",
        "Price",
        "Size",
        "OldPrice",
        "OldSize",
        "OrderExecuted",
        "ExecutionPrice",
        "ExecutionSize",
        "EndOfEvent",
    ]
    sent, back = (rows(root / lake, "Equity-L3", columns) for lake in ("lake", "dbn"))
    assert_frame_equal(back, sent, check_exact=True)
    assert back.height > 2_000


def test_dbn_keeps_every_book(root: Path) -> None:
    sent, back = (rows(root / lake, "Equity", ["TimestampNanoseconds", *PRICES, *QUANTITIES, *ORDERS]) for lake in ("lake", "dbn"))
    assert_frame_equal(back, sent, check_exact=True)


def test_dbn_keeps_every_print_of_the_book(root: Path) -> None:
    columns = ["TradeTimestampNanoseconds", "InstrumentCurrencyPrice", "Size", "AggressorSide"]
    sent, back = (tape(root / lake, columns) for lake in ("lake", "dbn"))
    assert_frame_equal(back, sent, check_exact=True)


def test_dbn_keeps_currency_and_phases(root: Path) -> None:
    states = {lake: rows(root / lake, "MarketState", ["TimestampNanoseconds", "MarketState"]) for lake in ("lake", "dbn")}
    assert_frame_equal(states["dbn"], states["lake"])
    assert rows(root / "dbn", "Reference", ["CurrencyCode"]).equals(rows(root / "lake", "Reference", ["CurrencyCode"]))


def test_lobster_keeps_the_books(root: Path) -> None:
    """The last book of every instant; there is a row for each message, and none for an instant without messages."""
    last = [pl.col(name).last() for name in (*PRICES, *QUANTITIES)]
    keys = ["MIC", "Ticker", "TimestampNanoseconds"]
    sent, back = (
        rows(root / lake, "Equity", ["TimestampNanoseconds", *PRICES, *QUANTITIES]).group_by(keys).agg(last) for lake in ("lake", "lobster")
    )
    both = sent.join(back, on=keys, suffix="Back")
    is_same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}Back")) for name in (*PRICES, *QUANTITIES))
    assert both.select((~is_same).sum()).item() == 0
    assert both.height > 1_000


def test_lobster_keeps_the_volume_of_every_instant(root: Path) -> None:
    """An execution beyond what an order showed comes back as two: sizes add up."""
    keys = ["MIC", "Ticker", "TradeTimestampNanoseconds", "InstrumentCurrencyPrice", "AggressorSide"]
    sent, back = (
        tape(root / lake, [*keys[2:], "Size"]).group_by(keys).agg(pl.col("Size").sum()).sort(keys) for lake in ("lake", "lobster")
    )
    assert_frame_equal(back, sent, check_exact=True)


@pytest.mark.parametrize(
    ("vendor", "measures"),
    [
        ("dbn", ["Volume", "Count", "VWAP", "OHLC", "AvgPrice", "MedianPrice"]),
        ("lobster", ["Volume", "VWAP", "OHLC"]),
    ],
)
def test_the_analytics_are_the_same(root: Path, tmp_path: Path, vendor: str, measures: list[str]) -> None:
    sent, back = (analytics(root / lake, tmp_path / lake, measures) for lake in ("lake", vendor))
    assert_frame_equal(back, sent, rel_tol=1e-12, abs_tol=0.0)
    assert sent.height > 50


def analytics(lake: Path, out: Path, measures: list[str]) -> pl.DataFrame:
    """Five-minute bars of the trades of the order book."""
    config: dict[str, Any] = {
        "START_DATE": DAY,
        "END_DATE": DAY,
        "LAKE": str(lake),
        "OUTPUT_TARGET": {"path_template": f"{out}/{{pass}}.parquet"},
        "PASSES": [
            {
                "name": "bars",
                "modules": ["trade"],
                "time_bucket_seconds": 300,
                "trade_analytics": {"generic_metrics": [{"measures": measures, "sides": SIDES, **LIT}]},
            }
        ],
    }
    run(config, ledger=Ledger(out / "state"))
    bars = pl.read_parquet(out / "bars.parquet")
    columns = ["MIC", "Ticker", "TimeBucket", *sorted(name for name in bars.columns if name.startswith("Trade"))]
    return bars.filter(pl.col("TradeTotalVolume") > 0).select(columns).sort("MIC", "Ticker", "TimeBucket")
