"""What an import may drop."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from basalt.core.errors import ConflictingSettings
from basalt.core.lake import lake_path, write_lake_file
from basalt.feeds.covering import Coverage, Span, refuse_loss
from basalt.feeds.merging import replace_listings
from basalt.market.tables import TRADES

DAY, WHERE = date(2024, 1, 3), ("XNAS", date(2024, 1, 3))


def prints(*times: int, listing: int = 1, arrivals: Sequence[int | None] | None = None) -> pl.LazyFrame:
    """Trades at *times* (ns), with times of arrival if they are given."""
    columns: dict[str, Any] = {
        "ListingId": [listing] * len(times),
        "MIC": ["XNAS"] * len(times),
        "Price": [1.0] * len(times),
        "Size": [1.0] * len(times),
        "TradeTimestampNanoseconds": pl.Series(times, dtype=pl.Int64).cast(pl.Datetime("ns")),
        "BMLLSequenceNo": list(times),
    }
    arrived = {} if arrivals is None else {"ReceiveTimestamp": pl.Series(arrivals, dtype=pl.Int64)}
    return pl.LazyFrame({**columns, **arrived})


def told(*spans: Span) -> Coverage:
    coverage = Coverage()
    for span in spans:
        coverage.add("trades", 1, span)
    return coverage


@pytest.mark.parametrize("spans", [[(10, 30)], [(0, 99)], [(10, 20), (21, 30)], [(20, 30), (5, 25)], [(10, 10), (20, 20), (30, 30)]])
def test_what_files_tell_of_may_be_replaced(spans: list[Span]) -> None:
    refuse_loss([prints(10, 20, 30)], [], TRADES, [1], told(*spans), where=WHERE)


@pytest.mark.parametrize("spans", [[(11, 30)], [(10, 29)], [(10, 19), (21, 30)], [(40, 50)], [(0, 9), (40, 50)]])
def test_what_files_do_not_tell_of_may_not(spans: list[Span]) -> None:
    """A gap between two files counts like what comes before the first and after the last."""
    with pytest.raises(ConflictingSettings, match="the lake has trades of 1 of these listings from 00:00:00 to 00:00:00") as caught:
        refuse_loss([prints(10, 20, 30)], [], TRADES, [1], told(*spans), where=WHERE)
    assert caught.value.where == "trades of XNAS on 2024-01-03"


def test_without_word_new_rows_tell(tmp_path: Path) -> None:
    refuse_loss([prints(10, 30)], [prints(10, 20, 30)], TRADES, [1], Coverage(), where=WHERE)
    with pytest.raises(ConflictingSettings):
        refuse_loss([prints(10, 30)], [prints(10, 20)], TRADES, [1], Coverage(), where=WHERE)


def test_arrival_is_the_clock_where_it_is_known() -> None:
    """The venue's clock of the first trade is behind; it arrived within the time of the files."""
    refuse_loss([prints(5, 20, arrivals=[10, 30])], [], TRADES, [1], told((10, 30)), where=WHERE)
    with pytest.raises(ConflictingSettings):
        refuse_loss([prints(10, 20, arrivals=[10, 31])], [], TRADES, [1], told((10, 30)), where=WHERE)


def test_columns_that_the_table_does_not_have_are_not_dropped_unasked(tmp_path: Path) -> None:
    """Of a listing, too, that the import has nothing of."""
    path = Path(lake_path(str(tmp_path), TRADES, "XNAS", DAY))
    path.parent.mkdir(parents=True)
    prints(20, listing=2).with_columns(Mine=pl.lit("x")).collect().write_parquet(path)
    with pytest.raises(ConflictingSettings, match="columns that trades has not, and that an import would drop: Mine"):
        replace_listings(tmp_path, "XNAS", DAY, {TRADES: [prints(10)]}, {1})
    assert "Mine" in pl.read_parquet_schema(path)
    replace_listings(tmp_path, "XNAS", DAY, {TRADES: [prints(10)]}, {1}, replace=True)
    assert pl.read_parquet(path)["ListingId"].to_list() == [1, 2]


def test_rows_of_no_listing_stay(tmp_path: Path) -> None:
    path = Path(lake_path(str(tmp_path), TRADES, "XNAS", DAY))
    path.parent.mkdir(parents=True)
    prints(20).with_columns(ListingId=pl.lit(None, pl.Int64)).collect().write_parquet(path)
    replace_listings(tmp_path, "XNAS", DAY, {TRADES: [prints(10)]}, {1})
    assert pl.read_parquet(path)["ListingId"].to_list() == [1, None]


def test_rows_of_listings_that_files_say_nothing_of_stay(tmp_path: Path) -> None:
    """The second import has rows of the listing 1 only, and replaces both listings' other tables."""
    write_lake_file(tmp_path, TRADES, "XNAS", DAY, pl.concat([prints(10), prints(20, listing=2)]).collect())
    replace_listings(tmp_path, "XNAS", DAY, {TRADES: [prints(5, 10)]}, {1, 2})
    stored = pl.read_parquet(lake_path(str(tmp_path), TRADES, "XNAS", DAY))
    assert stored.select("ListingId", "BMLLSequenceNo").rows() == [(1, 5), (1, 10), (2, 20)]
