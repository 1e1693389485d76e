"""Pieces that come nearly in order end up in order, whatever comes late, and stand beside what the lake has."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from basalt.core.errors import SchemaMismatch, TargetFailed
from basalt.core.lake import ORDER_KEY
from basalt.feeds.streaming import market_days
from basalt.market.tables import L3, REFERENCE

DAY = date(2024, 1, 3)
MIDNIGHT = 1_704_240_000 * 10**9
SECOND = 10**9


def orders(*seconds: float, first: int = 1, listing: int = 7) -> pl.DataFrame:
    """A row of `l3` for each time, numbered on."""
    count = len(seconds)
    return pl.DataFrame(
        {
            "ListingId": pl.Series([listing] * count, dtype=pl.Int64),
            "TimestampNanoseconds": pl.Series([MIDNIGHT + int(each * SECOND) for each in seconds]).cast(pl.Datetime("ns")),
            "Side": pl.Series([1] * count, dtype=pl.Int64),
            "LobAction": pl.Series([2] * count, dtype=pl.Int64),
            "BMLLSequenceNo": pl.Series(range(first, first + count), dtype=pl.Int64),
            "EventNo": pl.Series(range(first, first + count), dtype=pl.Int64),
        }
    )


def reference(listing: int = 7) -> pl.DataFrame:
    return pl.DataFrame({"ListingId": [listing], "MIC": ["XNAS"], "Ticker": [f"T{listing}"]})


def written(lake: Path, *pieces: pl.DataFrame, listing: int = 7) -> list[int]:
    """The sequence numbers of `l3`, after *pieces* came one after the other."""
    with market_days(lake) as days:
        day = days.of("XNAS", DAY)
        for piece in pieces:
            day.add(L3, piece)
        day.add(REFERENCE, reference(listing))
        files = {each.table: each for each in day.put(lake, {listing})}
    rows = pl.read_parquet(files["l3"].path)
    assert rows["TimestampNanoseconds"].is_sorted()
    assert files["l3"].rows == rows.height
    assert pl.read_parquet_metadata(files["l3"].path)[ORDER_KEY] == "TimestampNanoseconds,BMLLSequenceNo,EventNo"
    return rows["BMLLSequenceNo"].to_list()


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([(1, 2, 3)], [1, 2, 3]),
        ([(1, 2), (3, 4)], [1, 2, 3, 4]),
        ([(1, 5), (4.5, 9)], [1, 3, 2, 4]),
        ([(1, 50), (2, 90)], [1, 3, 2, 4]),
        ([(10, 50), (20, 90), (1, 2, 95)], [5, 6, 1, 3, 2, 4, 7]),
        ([(3, 1, 2)], [2, 3, 1]),
    ],
    ids=["one", "in order", "a little late", "late", "very late", "unsorted"],
)
def test_rows_end_up_in_order(tmp_path: Path, pieces: list[tuple[float, ...]], expected: list[int]) -> None:
    starts = [1 + sum(map(len, pieces[:place])) for place in range(len(pieces))]
    assert written(tmp_path / "lake", *(orders(*piece, first=start) for piece, start in zip(pieces, starts, strict=True))) == expected


def test_rows_of_other_listings_stay(tmp_path: Path) -> None:
    written(tmp_path / "lake", orders(1, 3))
    assert written(tmp_path / "lake", orders(2, 4, first=10, listing=8), listing=8) == [1, 10, 2, 11]


def test_pieces_may_differ_in_columns(tmp_path: Path) -> None:
    more = orders(2, first=10).with_columns(pl.lit("X").alias("OriginalExchangeMessage"))
    assert written(tmp_path / "lake", orders(1, 3), more) == [1, 10, 2]


def test_nothing_is_left_beside_the_files(tmp_path: Path) -> None:
    written(tmp_path / "lake", orders(1, 50), orders(2, 90, first=3))
    assert sorted(each.name for each in (tmp_path / "lake").iterdir()) == ["Equity-L3", "Reference"]


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(SchemaMismatch):
        written(tmp_path / "lake", orders(1, 2), orders(3, first=3).drop("Side"))
    assert not (tmp_path / "lake").exists()


def test_a_lake_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TargetFailed), market_days(tmp_path / "file" / "lake"):
        pass
