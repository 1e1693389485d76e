"""A simulated day, exported as ITCH and imported again: the same orders, books, prints and phases, the same analytics."""

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
from basalt.feeds.itch.exporting import export_itch
from basalt.feeds.itch.importing import import_itch
from basalt.market.states import AUCTION_STATES
from basalt.synthetic import write_day

DAY = date(2026, 2, 2)
MARKETS = ("XLON", "XPAR")
"""Venues whose icebergs refill by new orders; those of CHIX execute displayed and hidden size at once, which ITCH tells in two."""

LEVELS = [f"{side}{what}{level}" for level in range(1, 11) for side in ("Bid", "Ask") for what in ("Price", "Quantity", "NumOrders")]
ON_BOOK = ["LIT_AUCTION", "LIT_CONTINUOUS", "LIT_HIDDEN"]


@pytest.fixture(scope="module")
def lakes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The simulated lake, and what came back of it."""
    root = tmp_path_factory.mktemp("itch")
    write_day(root / "lake", DAY, listings=3, scale=0.2, seed=3)
    for mic in sorted(path.name for path in (root / "lake" / "Equity-L3").iterdir()):
        exported = export_itch(LakeDay(root / "lake", mic, DAY), root / "files")
        assert exported.notices == ()
    assert import_itch([root / "files"], root / "back", currency="GBP").notices == ()
    return root / "lake", root / "back"


def rows(lake: Path, folder: str, mic: str) -> pl.DataFrame:
    """The rows of a table, in order of events within a listing; auctions under the one name that ITCH has for them."""
    (path,) = (lake / folder / mic).rglob("*.parquet")
    frame = pl.read_parquet(path)
    names = pl.read_parquet(next((lake / "Reference" / mic).rglob("*.parquet"))).select("ListingId", "Ticker")
    named = frame if "Ticker" in frame.columns else frame.join(names, on="ListingId", maintain_order="left")
    state = pl.col("MarketState")
    return named.with_columns(
        pl.when(state.is_in(list(AUCTION_STATES))).then(pl.lit("AUCTION")).otherwise(state).alias("MarketState")
    ).sort("Ticker", maintain_order=True)


@pytest.mark.parametrize("mic", MARKETS)
def test_the_orders_are_the_same(lakes: tuple[Path, Path], mic: str) -> None:
    columns = ["Ticker", "TimestampNanoseconds", "EventNo", "LobAction", "Price", "Size", "OldPrice", "OldSize", "MarketState"]
    executions = ["OrderExecuted", "ExecutionPrice", "ExecutionSize", "TradeId", "Printable"]
    side = pl.when(pl.col("LobAction") != 1).then("Side")  # since 2014 nobody tells the side of hidden orders
    lake, back = (rows(each, "Equity-L3", mic).select(*columns, *executions, side) for each in lakes)
    assert_frame_equal(back, lake, check_exact=True)
    assert back.height > 1_000


@pytest.mark.parametrize("mic", MARKETS)
def test_orders_keep_their_identity(lakes: tuple[Path, Path], mic: str) -> None:
    """Identifiers are others, but two rows are about one order in one lake if and only if they are in the other."""
    lake, back = (rows(each, "Equity-L3", mic).filter(pl.col("LobAction") != 1)["OriginalOrderId"] for each in lakes)
    assert pl.DataFrame({"lake": lake, "back": back}).n_unique() == lake.n_unique() == back.n_unique() > 100


@pytest.mark.parametrize("mic", [*MARKETS, "CHIX"])
def test_the_books_after_each_event_are_the_same(lakes: tuple[Path, Path], mic: str) -> None:
    keys = ["Ticker", "TimestampNanoseconds"]
    lake, back = (
        rows(each, "Equity", mic).unique(keys, keep="last", maintain_order=True).select(*keys, *LEVELS, "BidLevelCount", "AskLevelCount")
        for each in lakes
    )
    is_same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in ("Ticker", *LEVELS))
    assert_frame_equal(back.filter(~is_same), lake.filter(~is_same), check_exact=True)


@pytest.mark.parametrize("mic", MARKETS)
def test_the_prints_and_their_quotes_are_the_same(lakes: tuple[Path, Path], mic: str) -> None:
    columns = ["Ticker", "TradeTimestampNanoseconds", "TradeId", "InstrumentCurrencyPrice", "Size", "Classification", "MarketState"]
    quotes = ["BestBidPriceAtVenue", "BestBidSizeAtVenue", "BestAskPriceAtVenue", "BestAskSizeAtVenue", "PricePointAtVenue"]
    aggressor = pl.when(pl.col("Classification") != "LIT_HIDDEN").then("AggressorSide").otherwise(0)
    lake, back = (
        rows(each, "Trades-Plus", mic).filter(pl.col("Classification").is_in(ON_BOOK)).select(*columns, *quotes, aggressor)
        for each in lakes
    )
    assert_frame_equal(back, lake, rel_tol=1e-12)
    assert back["Classification"].n_unique() == len(ON_BOOK)


@pytest.mark.parametrize("mic", MARKETS)
def test_the_phases_are_the_same(lakes: tuple[Path, Path], mic: str) -> None:
    lake, back = (rows(each, "MarketState", mic).select("Ticker", "MarketState", "TimestampNanoseconds") for each in lakes)
    assert back.drop("TimestampNanoseconds").equals(lake.drop("TimestampNanoseconds"))
    apart = (back["TimestampNanoseconds"] - lake["TimestampNanoseconds"]).abs().max()
    assert apart is not None
    assert apart.total_seconds() < 1e-6  # type: ignore[union-attr]


@pytest.mark.parametrize("mic", MARKETS)
def test_the_imbalances_are_the_same(lakes: tuple[Path, Path], mic: str) -> None:
    columns = ["Ticker", "TimestampNanoseconds", "IndicativeUncrossingPrice", "PairedQuantity", "ImbalanceQuantity"]
    lake, back = (rows(each, "Imbalance", mic).select(columns) for each in lakes)
    assert_frame_equal(back, lake, check_exact=True)
    assert back.height > 10


@pytest.mark.parametrize("mic", [*MARKETS, "CHIX"])
def test_the_analytics_are_the_same(lakes: tuple[Path, Path], tmp_path: Path, mic: str) -> None:
    measures = ["Volume", "VWAP", "OHLC"] + ["Count", "AvgPrice", "MedianPrice"] * (mic in MARKETS)
    found = [analytics(lake, tmp_path / name, mic, measures) for lake, name in zip(lakes, ("lake", "back"), strict=True)]
    assert_frame_equal(found[1], found[0], rel_tol=1e-12, abs_tol=0.0)
    assert found[0].height > 50


def analytics(lake: Path, out: Path, mic: str, measures: list[str]) -> pl.DataFrame:
    """Five-minute bars of the trades of one venue's order book."""
    metrics = [{"measures": measures, "sides": ["Total"], "attribute_filters": {"Classification": ON_BOOK}}]
    if mic in MARKETS:
        metrics.append({"measures": measures, "sides": ["Bid", "Ask"], "attribute_filters": {"Classification": ["LIT_CONTINUOUS"]}})
    config: dict[str, Any] = {
        "START_DATE": DAY,
        "END_DATE": DAY,
        "LAKE": str(lake),
        "OUTPUT_TARGET": {"path_template": f"{out}/{{pass}}.parquet"},
        "PASSES": [{"name": "bars", "modules": ["trade"], "time_bucket_seconds": 300, "trade_analytics": {"generic_metrics": metrics}}],
    }
    run(config, ledger=Ledger(out / "state"))
    bars = pl.read_parquet(out / "bars.parquet").filter(pl.col("MIC") == mic)
    columns = sorted(name for name in bars.columns if name.startswith("Trade"))
    shown = bars.select("MIC", "Ticker", "TimeBucket", *columns).sort("MIC", "Ticker", "TimeBucket")
    return shown.filter(pl.any_horizontal(pl.col(name) > 0 for name in columns if name.endswith("Volume")))
