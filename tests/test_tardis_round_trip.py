"""A simulated day, exported as Tardis files and imported again: the same book, the same prints, the same analytics."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from basalt.core.ledger import Ledger
from basalt.core.running import run
from basalt.feeds.feed import LakeDay
from basalt.feeds.tardis.exporting import export_tardis
from basalt.feeds.tardis.importing import import_tardis
from basalt.synthetic import write_day

DAY = date(2026, 2, 2)
LEVELS = [f"{side}{what}{level}" for level in range(1, 11) for side in ("Bid", "Ask") for what in ("Price", "Quantity")]

KEYS = ["MIC", "Ticker", "TimeBucket"]
LOST = {"ListingId", "InstrumentId", "CurrencyCode", "L2MarketState", "MarketState"}

TRADES_OF_THE_BOOK = {
    "generic_metrics": [
        {
            "measures": ["Volume", "Count", "VWAP", "OHLC", "AvgPrice", "MedianPrice"],
            "sides": ["Bid", "Ask", "Unknown", "Total"],
            "attribute_filters": {"Classification": ["LIT_CONTINUOUS", "LIT_AUCTION", "LIT_HIDDEN"]},
        }
    ]
}


@pytest.fixture(scope="module")
def lakes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The simulated lake, and what came back of it."""
    root = tmp_path_factory.mktemp("tardis")
    write_day(root / "lake", DAY, listings=3, scale=0.2, seed=3)
    for mic in sorted(path.name for path in (root / "lake" / "Equity").iterdir()):
        export_tardis(LakeDay(root / "lake", mic, DAY), root / "files")
    import_tardis([root / "files"], root / "back", currency="GBP")
    return root / "lake", root / "back"


def rows(lake: Path, folder: str, clock: str, columns: list[str]) -> pl.DataFrame:
    """*columns* of all listings, in order of events within a listing; the clock in microseconds."""
    files = sorted((lake / folder).rglob("*.parquet"))
    frame = pl.concat([pl.read_parquet(path, columns=None) for path in files], how="diagonal")
    named = frame.select(
        "MIC", "Ticker", pl.col(clock).dt.cast_time_unit("us"), *columns, *(["Classification"] * ("Classification" in frame))
    )
    return named.sort("MIC", "Ticker", maintain_order=True)


def test_the_books_are_the_same(lakes: tuple[Path, Path]) -> None:
    """Row by row, but for rows that change nothing in prices and quantities."""
    lake, back = (rows(each, "Equity", "TimestampNanoseconds", LEVELS) for each in lakes)
    is_same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in ("MIC", "Ticker", *LEVELS))
    has_book = pl.any_horizontal(pl.col(name).is_not_null() for name in ("BidPrice1", "AskPrice1")).cum_max().over("MIC", "Ticker")
    assert_frame_equal(back, lake.filter(~is_same, has_book), check_exact=True)
    assert back.height > 1000


def test_the_prints_are_the_same(lakes: tuple[Path, Path]) -> None:
    columns = ["TradeId", "InstrumentCurrencyPrice", "Size", "AggressorSide"]
    lake, back = (rows(each, "Trades-Plus", "TradeTimestampNanoseconds", columns) for each in lakes)
    of_the_book = lake.filter(pl.col("Classification").str.starts_with("LIT")).drop("Classification")
    assert_frame_equal(back.drop("Classification"), of_the_book, check_exact=True)
    assert back.height > 500


def test_analytics_of_trades_are_the_same(lakes: tuple[Path, Path], tmp_path: Path) -> None:
    passes = {"modules": ["trade"], "trade_analytics": TRADES_OF_THE_BOOK}
    found, wanted = (analytics(lake, tmp_path / name, passes) for lake, name in zip(reversed(lakes), ("back", "lake"), strict=True))
    traded = pl.col("TradeTotalCount") > 0
    columns = [*KEYS, *(name for name in wanted.columns if name.startswith("Trade"))]
    assert_frame_equal(found.filter(traded).select(columns), wanted.filter(traded).select(columns), rel_tol=1e-12, abs_tol=0.0)
    assert wanted.height > 100


def test_analytics_of_books_are_the_same(lakes: tuple[Path, Path], tmp_path: Path) -> None:
    """All of them but numbers of orders, wherever no auction or halt is within the bucket: phases are not carried."""
    passes = {"modules": ["l2", "l2tw"]}
    found, wanted = (analytics(lake, tmp_path / name, passes) for lake, name in zip(reversed(lakes), ("back", "lake"), strict=True))
    alike = wanted.join(found.select(*KEYS, pl.col("L2Coverage").alias("Coverage")), on=KEYS).filter(
        pl.col("L2Coverage") == pl.col("Coverage")
    )
    columns = [name for name in wanted.columns if name not in LOST and "Orders" not in name]
    kept = [frame.join(alike.select(KEYS), on=KEYS, how="semi").sort(KEYS).select(columns) for frame in (found, wanted)]
    assert_frame_equal(*kept, rel_tol=1e-9, abs_tol=1e-12)
    assert alike.height > 0.9 * wanted.height > 200


def analytics(lake: Path, out: Path, passes: dict[str, Any]) -> pl.DataFrame:
    """Five-minute buckets, in order."""
    config: dict[str, Any] = {
        "START_DATE": DAY,
        "END_DATE": DAY,
        "LAKE": str(lake),
        "OUTPUT_TARGET": {"path_template": f"{out}/{{pass}}.parquet"},
        "PASSES": [{"name": "buckets", "time_bucket_seconds": 300, **passes}],
    }
    run(config, ledger=Ledger(out / "state"))
    return pl.read_parquet(out / "buckets.parquet").sort(KEYS)
