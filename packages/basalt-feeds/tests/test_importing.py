from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from basalt.core.errors import ConflictingSettings, CorruptInput, DataError, TargetFailed
from basalt.core.lake import lake_path, write_lake_file
from basalt.feeds.identifiers import Listing
from basalt.feeds.lobster.importing import TABLES, import_lobster
from basalt.feeds.merging import replace_listings
from basalt.market.tables import L3, REFERENCE, TRADES

DAY = date(2024, 1, 3)


def files_in(lake: Path) -> list[Path]:
    return sorted(path for path in lake.rglob("*") if path.is_file())


def read(lake: Path, table, mic: str = "XNAS") -> pl.DataFrame:
    return pl.read_parquet(lake_path(str(lake), table, mic, DAY))


def test_every_table_is_written(write_pair, tmp_path: Path) -> None:
    imported = import_lobster([write_pair()], tmp_path / "lake")
    assert [(each.table, each.rows) for each in imported.files] == [
        ("trades", 5),
        ("l2", 12),
        ("l3", 9),
        ("marketstate", 5),
        ("reference", 1),
    ]
    assert [each.path for each in imported.files] == [Path(lake_path(str(tmp_path / "lake"), table, "XNAS", DAY)) for table in TABLES]
    assert files_in(tmp_path / "lake") == sorted(each.path for each in imported.files)


def test_venue_and_currency_are_as_asked(write_pair, tmp_path: Path) -> None:
    import_lobster([write_pair()], tmp_path, mic="XBOS", currency="EUR")
    assert read(tmp_path, TRADES, "XBOS").select("MIC", "CurrencyCode").unique().rows() == [("XBOS", "EUR")]


def test_importing_twice_changes_nothing(write_pair, tmp_path: Path) -> None:
    folder, lake = write_pair(), tmp_path / "lake"
    import_lobster([folder], lake)
    before = {path: path.read_bytes() for path in files_in(lake)}
    import_lobster([folder], lake)
    assert {path: path.read_bytes() for path in files_in(lake)} == before


def test_later_import_keeps_other_listings(write_pair, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    folder = write_pair(ticker="A")
    import_lobster([folder], lake)
    for file in folder.iterdir():
        file.unlink()
    import_lobster([write_pair(ticker="B")], lake)
    together = tmp_path / "together"
    write_pair(ticker="A")
    import_lobster([folder], together)
    for table in TABLES:
        rows = read(lake, table)
        assert rows["Ticker" if "Ticker" in rows.columns else "ListingId"].n_unique() == 2
        assert rows.sort(rows.columns).equals(read(together, table).sort(rows.columns))


SHORT = "34200.3,4,12,20,5010000,-1\n", "60,1,50,10,70,1,40,1\n"
"""One message, of the middle of the others."""


def test_files_that_cover_a_part_do_not_replace_the_day(write_pair, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    write_pair(ticker="A")
    import_lobster([write_pair(ticker="B")], lake)
    before = {path: path.read_bytes() for path in files_in(lake)}
    folder = write_pair(*SHORT, ticker="B")
    with pytest.raises(
        ConflictingSettings, match="trades of 1 of these listings from 14:30:00 to 14:30:00, which the files do not cover whole"
    ) as caught:
        import_lobster([folder], lake)
    assert caught.value.where == "trades of XNAS on 2024-01-03"
    assert caught.value.hint == "give all files of the day at once, or drop what the lake has of it: --replace"
    assert {path: path.read_bytes() for path in files_in(lake)} == before
    import_lobster([folder], lake, replace=True)
    assert dict(read(lake, TRADES).group_by("Ticker").len().rows()) == {"A": 5, "B": 1}


def test_files_that_cover_more_replace_what_is_there(write_pair, tmp_path: Path) -> None:
    import_lobster([write_pair(*SHORT)], tmp_path / "lake")
    import_lobster([write_pair()], tmp_path / "lake")
    assert read(tmp_path / "lake", TRADES).height == 5


def test_rows_of_several_listings_are_in_order_of_time(write_pair, tmp_path: Path) -> None:
    write_pair(ticker="A")
    import_lobster([write_pair(ticker="B")], tmp_path / "lake")
    rows = read(tmp_path / "lake", L3)
    assert rows.height == 18
    assert rows["TimestampNanoseconds"].is_sorted()
    for ticker in ("A", "B"):
        assert rows.filter(pl.col("Ticker") == ticker)["EventNo"].to_list() == list(range(1, 10))


@pytest.mark.parametrize("rows_in_memory", [1, 1_000, 5_000, 10**9])
def test_slices_of_time_do_not_change_the_rows(tmp_path: Path, rows_in_memory: int) -> None:
    frames = [_prints("A", 1, 4_000), _prints("B", 2, 3_000)]
    replace_listings(tmp_path, "XNAS", DAY, {TRADES: [frame.lazy() for frame in frames]}, {1, 2}, rows_in_memory=rows_in_memory)
    expected = pl.concat(frames).sort("TradeTimestampNanoseconds", "BMLLSequenceNo", "ListingId")
    assert read(tmp_path, TRADES).equals(expected.select(read(tmp_path, TRADES).columns))


def test_rows_of_one_listing_are_written_piece_by_piece(tmp_path: Path) -> None:
    rows = _prints("A", 1, 2_500)
    replace_listings(tmp_path, "XNAS", DAY, {TRADES: [rows.lazy()]}, {1}, rows_in_memory=1_000)
    assert read(tmp_path, TRADES).equals(rows.select(read(tmp_path, TRADES).columns))


def test_broken_pair_makes_no_lake(write_pair, tmp_path: Path) -> None:
    with pytest.raises(CorruptInput, match="unknown message type 9"):
        import_lobster([write_pair("34200,9,1,1,50,1\n", "60,1,50,10,70,1,40,1\n")], tmp_path / "lake")
    assert not (tmp_path / "lake").exists()


def _prints(ticker: str, listing: int, rows: int) -> pl.DataFrame:
    number = pl.int_range(1, rows + 1, dtype=pl.Int64)
    return pl.select(
        pl.lit("XNAS").alias("MIC"),
        pl.lit(ticker).alias("Ticker"),
        pl.lit(listing, pl.Int64).alias("ListingId"),
        (number // 3 * 7 + 1_704_292_200_000_000_000).cast(pl.Datetime("ns")).alias("TradeTimestampNanoseconds"),
        number.alias("BMLLSequenceNo"),
        number.cast(pl.Float64).alias("Price"),
        number.cast(pl.Float64).alias("Size"),
    )


def test_rows_that_others_wrote_keep_their_columns(write_pair, tmp_path: Path) -> None:
    theirs = _prints("Z", 3, 2).with_columns(pl.lit("x").alias("ISOCountryCode"))
    write_lake_file(tmp_path / "lake", TRADES, "XNAS", DAY, theirs)
    import_lobster([write_pair()], tmp_path / "lake")
    rows = read(tmp_path / "lake", TRADES)
    assert rows.filter(pl.col("Ticker") == "Z").select(theirs.columns).equals(theirs)
    assert rows.filter(pl.col("Ticker") == "ABC")["ISOCountryCode"].null_count() == 5


def test_days_are_separate_files(write_pair, tmp_path: Path) -> None:
    write_pair(day="2024-01-03")
    imported = import_lobster([write_pair(day="2024-01-04")], tmp_path / "lake")
    assert [str(each.day) for each in imported.files if each.table == "l3"] == ["2024-01-03", "2024-01-04"]


def test_broken_ticker_leaves_the_lake_as_it_was(write_pair, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    import_lobster([write_pair(ticker="A")], lake)
    before = {path: path.read_bytes() for path in files_in(lake)}
    write_pair("34200,1,1,1,50,1\n", "60,1,50,10,70,1,40,1\n", ticker="A")
    with pytest.raises(CorruptInput, match="unknown message type 9"):
        import_lobster([write_pair("34200,9,1,1,50,1\n", "60,1,50,10,70,1,40,1\n", ticker="B")], lake)
    assert {path: path.read_bytes() for path in files_in(lake)} == before
    assert not list(lake.glob(".*"))


def test_failure_in_the_last_table_writes_none(write_pair, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    lake.mkdir()
    (lake / REFERENCE.folder).write_text("a file where the folder should be")
    with pytest.raises(TargetFailed, match="cannot write the lake"):
        import_lobster([write_pair()], lake)
    assert files_in(lake) == [lake / REFERENCE.folder]


def test_folder_in_the_place_of_a_file(write_pair, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    place = Path(lake_path(str(lake), TRADES, "XNAS", DAY))
    (place / "in the way").mkdir(parents=True)
    with pytest.raises((TargetFailed, CorruptInput)) as caught:
        import_lobster([write_pair()], lake)
    assert caught.value.where == str(place)
    assert files_in(lake) == []


def test_file_of_the_lake_that_cannot_be_read(write_pair, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    (trades, *_) = import_lobster([write_pair()], lake).files
    trades.path.write_bytes(trades.path.read_bytes()[:500])
    with pytest.raises(CorruptInput, match="cannot be read") as caught:
        import_lobster([write_pair()], lake)
    assert caught.value.where == str(trades.path)


def test_number_that_two_tickers_of_a_call_have(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    frames = [pl.DataFrame({"ListingId": [7], "Ticker": [ticker], "MIC": ["XNAS"]}).lazy() for ticker in ("A", "B")]
    with pytest.raises(DataError, match="A and B on XNAS share the ListingId 7"):
        replace_listings(lake, "XNAS", DAY, {REFERENCE: frames}, {7})
    assert not lake.exists()


def test_number_that_another_ticker_has_in_the_lake(write_pair, tmp_path: Path) -> None:
    number = Listing("XNAS", "ABC", "USD").listing_id
    theirs = pl.DataFrame({"ListingId": [number], "Ticker": ["OTHER"], "MIC": ["XNAS"]})
    write_lake_file(tmp_path / "lake", REFERENCE, "XNAS", DAY, theirs)
    with pytest.raises(DataError, match="share the ListingId"):
        import_lobster([write_pair()], tmp_path / "lake")


def test_more_than_ten_levels_are_noticed(write_pair, tmp_path: Path) -> None:
    book = ",".join(["60,1,50,10"] * 12) + "\n"
    imported = import_lobster([write_pair("34200,1,1,10,50,1\n", book, levels=12)], tmp_path / "lake")
    assert imported.notices == ("ABC 2024-01-03: kept the best 10 of 12 levels",)


def test_progress_names_each_pair(write_pair, tmp_path: Path) -> None:
    seen = []
    write_pair(ticker="A")
    import_lobster([write_pair(ticker="B")], tmp_path / "lake", observe=lambda done, total, pair: seen.append((done, total, pair.ticker)))
    assert seen == [(0, 2, "A"), (1, 2, "B")]


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may write anywhere")
def test_lake_that_may_not_be_written(write_pair, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    lake.mkdir(mode=0o500)
    with pytest.raises(TargetFailed):
        import_lobster([write_pair()], lake)
