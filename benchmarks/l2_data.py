"""One day of synthetic books in a lake: ten levels a side, a few busy listings and many quiet ones.

The books are random columns under the contract of the table `l2`, coherent but no market: what is
measured is reading, weighting and writing them. All listings are interleaved by time.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.cases import DAY, MIC
from benchmarks.data import FIRST_LISTING, LISTINGS, listings

ROWS = 5_000_000
CHUNK = 250_000
_OPEN, _CLOSE = 8 * 3_600_000_000_000, int(16.5 * 3_600_000_000_000)
_VERSION = 1


def book_lake(rows: int, cache: Path | None = None) -> Path:
    """A lake with *rows* books; written once, then found in *cache* again."""
    root = (cache or Path(tempfile.gettempdir()) / "basalt-benchmarks") / f"books-v{_VERSION}-{rows}"
    if not (root / "whole").exists():
        shutil.rmtree(root, ignore_errors=True)
        _write(root, rows)
        (root / "whole").touch()
    return root


def _write(root: Path, rows: int) -> None:
    from basalt.core.lake import lake_writer, write_lake_file
    from basalt.market.tables import L2, MARKETSTATE, REFERENCE

    with lake_writer(root, L2, MIC, DAY) as writer:
        for frame in books(rows):
            writer.append(frame)
    write_lake_file(root, REFERENCE, MIC, DAY, listings())
    write_lake_file(root, MARKETSTATE, MIC, DAY, phases())


def phases() -> pl.DataFrame:
    """Continuous trading from before the first book to the close."""
    ids = listings()["ListingId"]
    at = {"CONTINUOUS_TRADING": _OPEN - 1, "CLOSED": _CLOSE}
    frames = [
        pl.DataFrame({"ListingId": ids}).with_columns(
            pl.lit(_midnight() + nanos).cast(pl.Datetime("ns")).alias("TimestampNanoseconds"),
            pl.lit(state).alias("MarketState"),
            pl.lit(MIC).alias("MIC"),
            pl.lit(number, pl.Int64).alias("BMLLSequenceNo"),
            pl.lit(1, pl.Int64).alias("BMLLSequenceSource"),
        )
        for number, (state, nanos) in enumerate(at.items())
    ]
    return pl.concat(frames)


def books(rows: int) -> Iterator[pl.DataFrame]:
    """The books in order of time, piece by piece; the same for the same number of rows."""
    pieces = max(1, -(-rows // CHUNK))
    edges = np.linspace(_OPEN, _CLOSE, pieces + 1).astype(np.int64)
    sizes = np.diff(np.linspace(0, rows, pieces + 1).astype(np.int64))
    before = 0
    for index, size in enumerate(sizes):
        yield _piece(np.random.default_rng([_VERSION, index]), int(size), int(edges[index]), int(edges[index + 1]), before)
        before += int(size)


def _midnight() -> int:
    return int(np.datetime64(DAY, "ns").astype(np.int64))


def _piece(random: np.random.Generator, size: int, start: int, end: int, before: int) -> pl.DataFrame:
    weights = 1 / np.arange(1, LISTINGS + 1)
    rank = random.choice(LISTINGS, size, p=weights / weights.sum())
    nanos = pl.Series(np.sort(random.integers(start, end, size)) + _midnight())
    sequence = np.arange(before, before + size, dtype=np.int64)
    columns: dict[str, object] = {
        "TradeDate": pl.Series([DAY], dtype=pl.Date).cast(pl.Datetime("ms")).new_from_index(0, size),
        "EventTimestamp": nanos.cast(pl.Datetime("ns")).cast(pl.Datetime("us")),
        "TimestampNanoseconds": nanos.cast(pl.Datetime("ns")),
        **_levels(random, rank, size),
        "L2EventNo": sequence,
        "MIC": pl.Series([MIC]).new_from_index(0, size),
        "ListingId": FIRST_LISTING + rank.astype(np.int64),
        "MarketState": pl.Series(["CONTINUOUS_TRADING"]).new_from_index(0, size),
        "BMLLSequenceNo": sequence,
        "BMLLSequenceSource": np.ones(size, dtype=np.int64),
    }
    return pl.DataFrame(columns)


def _levels(random: np.random.Generator, rank: np.ndarray, size: int) -> dict[str, object]:
    tick = 0.01 * (1 + rank % 4)
    bid = np.round((500 + rank * 20 + np.round(random.normal(0, 12, size))) * tick, 4)
    best = {"Bid": (bid, -tick), "Ask": (np.round(bid + tick * random.integers(1, 5, size), 4), tick)}
    found: dict[str, object] = {}
    for level in range(1, 11):
        for side, (price, step) in best.items():
            found[f"{side}Price{level}"] = np.round(price + step * (level - 1), 4)
            found[f"{side}Quantity{level}"] = random.integers(1, 400, size) * 25
            found[f"{side}NumOrders{level}"] = random.integers(1, 12, size).astype(np.int32)
    return found
