"""One day of synthetic trades in a lake: wide rows, a few busy listings and many quiet ones.

The rows are random columns under the contract of the table `trades`, not a market: what is measured
is reading, grouping and writing them. All listings are interleaved by time, as a venue's feed is.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.cases import DAY, MIC

FIRST_LISTING = 1_000
LISTINGS = 500
ROWS = 10_000_000
CHUNK = 500_000
_OPEN, _CLOSE = 8 * 3_600_000_000_000, int(16.5 * 3_600_000_000_000)
_VERSION = 1


@dataclass(frozen=True)
class Lakes:
    """The same trades twice.

    Attributes:
        own: As Basalt writes them: the file says that it is in order.
        foreign: As somebody else writes them: nothing is known but the rows.
    """

    own: Path
    foreign: Path


def lakes(rows: int, cache: Path | None = None) -> Lakes:
    """Lakes with *rows* trades; written once, then found in *cache* again."""
    root = (cache or Path(tempfile.gettempdir()) / "basalt-benchmarks") / f"trades-v{_VERSION}-{rows}"
    made = Lakes(root / "own", root / "foreign")
    if not (root / "whole").exists():
        shutil.rmtree(root, ignore_errors=True)
        _write(made, rows)
        (root / "whole").touch()
    return made


def _write(made: Lakes, rows: int) -> None:
    import pyarrow.parquet as pq

    from basalt.core.lake import lake_path, lake_writer, write_lake_file
    from basalt.market.tables import REFERENCE, TRADES

    path = Path(lake_path(str(made.foreign), TRADES, MIC, DAY))
    path.parent.mkdir(parents=True)
    writer = None
    with lake_writer(made.own, TRADES, MIC, DAY) as own:
        for frame in trades(rows):
            own.append(frame)
            arrow = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
            writer = writer or pq.ParquetWriter(path, arrow.schema, compression="zstd")
            writer.write_table(arrow)
    if writer:
        writer.close()
    for root in (made.own, made.foreign):
        write_lake_file(root, REFERENCE, MIC, DAY, listings())


def listings() -> pl.DataFrame:
    """The listings of the day."""
    ids = np.arange(FIRST_LISTING, FIRST_LISTING + LISTINGS, dtype=np.int64)
    return pl.DataFrame({"ListingId": ids, "InstrumentId": ids + 50_000}).with_columns(
        pl.lit("GBX").alias("CurrencyCode"),
        pl.lit(MIC).alias("MIC"),
        pl.lit(MIC).alias("OPOL"),
        pl.format("T{}", "ListingId").alias("Ticker"),
        pl.lit(DAY).cast(pl.Datetime("ms")).alias("Date"),
    )


def trades(rows: int) -> Iterator[pl.DataFrame]:
    """The trades in order of time, piece by piece; the same for the same number of rows."""
    pieces = max(1, -(-rows // CHUNK))
    edges = np.linspace(_OPEN, _CLOSE, pieces + 1).astype(np.int64)
    sizes = np.diff(np.linspace(0, rows, pieces + 1).astype(np.int64))
    before = 0
    for index, size in enumerate(sizes):
        yield _piece(np.random.default_rng([_VERSION, index]), int(size), int(edges[index]), int(edges[index + 1]), before)
        before += int(size)


def _piece(random: np.random.Generator, size: int, start: int, end: int, before: int) -> pl.DataFrame:
    weights = 1 / np.arange(1, LISTINGS + 1)
    rank = random.choice(LISTINGS, size, p=weights / weights.sum())
    midnight = int(np.datetime64(DAY, "ns").astype(np.int64))
    nanos = np.sort(random.integers(start, end, size)) + midnight
    tick = 0.01 * (1 + rank % 4)
    mid = 5.0 + rank * 0.7 + np.round(random.normal(0, 12, size)) * tick
    half = tick * random.integers(1, 5, size) / 2
    side = random.choice([0, 1, 2], size, p=[0.1, 0.45, 0.45])
    price = np.round(mid + half * np.array([0, 1, -1])[side], 4)
    shares = np.maximum(1, random.geometric(0.004, size)).astype(np.float64)
    sequence = np.arange(before, before + size, dtype=np.int64)
    frame = pl.DataFrame(
        {
            "MIC": _always(MIC, size),
            "ListingId": FIRST_LISTING + rank.astype(np.int64),
            "InstrumentId": FIRST_LISTING + 50_000 + rank.astype(np.int64),
            "TradeDate": pl.Series([DAY], dtype=pl.Date).cast(pl.Datetime("ms")).new_from_index(0, size),
            "TradeTimestampNanoseconds": pl.Series(nanos).cast(pl.Datetime("ns")),
            "PublicationTimestampNanoseconds": pl.Series(nanos + random.integers(1_000, 90_000, size)).cast(pl.Datetime("ns")),
            "BMLLSequenceNo": sequence,
            "BMLLSequenceSource": np.ones(size, dtype=np.int64),
            "AggressorSide": side.astype(np.int64),
            "Price": price,
            "Size": shares,
            "CurrencyCode": _always("GBX", size),
            "InstrumentCurrencyPrice": price,
            "ExecutionVenue": _always(MIC, size),
            "TradingMode": _chosen(random, size, {"2": 0.9, "1": 0.1}),
            "AlgorithmicTrade": _chosen(random, size, {"H": 0.6, "-": 0.4}),
            "MarketState": _chosen(random, size, {"CONTINUOUS_TRADING": 0.95, "OPENING_AUCTION": 0.05}),
            "BMLLTradeType": _chosen(random, size, {"LIT": 0.85, "DARK": 0.1, "OTC": 0.05}),
            "Classification": _chosen(random, size, {"LIT_CONTINUOUS": 0.8, "LIT_AUCTION": 0.05, "DARK": 0.1, "OTC": 0.05}),
            "TradeNotional": price * shares,
            "TradeNotionalEUR": price * shares * 0.0115,
            "TradeNotionalUSD": price * shares * 0.0135,
            "IsBlock": _chosen(random, size, {"FALSE": 0.99, "TRUE": 0.01}),
            "LotType": _chosen(random, size, {"ROUND": 0.7, "ODD": 0.3}),
            "BMLLParticipantType": _chosen(random, size, {"UNKNOWN": 0.9, "RETAIL": 0.1}),
            "BestBidPrice": np.round(mid - half, 4),
            "BestBidSize": random.integers(1, 5_000, size).astype(np.float64),
            "BestAskPrice": np.round(mid + half, 4),
            "BestAskSize": random.integers(1, 5_000, size).astype(np.float64),
            "PricePoint": np.array([0.5, 1.0, 0.0])[side],
            "PreTradeMid1ms": np.round(mid, 4),
            "PostTradeMid": np.round(mid + random.normal(0, 1, size).round() * tick, 4),
        }
    )
    return frame.with_columns(pl.format("{}", "BMLLSequenceNo").alias("TradeId"))


def _always(value: str, size: int) -> pl.Series:
    return pl.Series([value]).new_from_index(0, size)


def _chosen(random: np.random.Generator, size: int, shares: dict[str, float]) -> pl.Series:
    codes = random.choice(len(shares), size, p=list(shares.values())).astype(np.uint32)
    return pl.Series(list(shares), dtype=pl.String).gather(codes)
