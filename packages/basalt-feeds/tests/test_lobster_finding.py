from __future__ import annotations

import zipfile
from datetime import date
from pathlib import Path

import pytest

from basalt.core.errors import ConflictingSettings, CorruptInput, MissingData
from basalt.feeds.lobster.finding import find_pairs

STEM = "ABC_2024-01-03_34200000_57600000"


def test_name_tells_ticker_day_and_levels(write_pair) -> None:
    (pair,) = find_pairs([write_pair(ticker="BRK.B", levels=5)])
    assert (pair.ticker, pair.day, pair.levels) == ("BRK.B", date(2024, 1, 3), 5)


def test_pairs_are_ordered_by_day_and_ticker(write_pair) -> None:
    write_pair(ticker="B", day="2024-01-03")
    write_pair(ticker="A", day="2024-01-04")
    folder = write_pair(ticker="A", day="2024-01-03")
    assert [(pair.day.day, pair.ticker) for pair in find_pairs([folder])] == [(3, "A"), (3, "B"), (4, "A")]


def test_file_and_its_folder_count_once(write_pair) -> None:
    folder = write_pair()
    assert len(find_pairs([folder, folder / f"{STEM}_message_2.csv"])) == 1


def test_other_files_in_a_folder_are_left_alone(write_pair) -> None:
    folder = write_pair()
    (folder / "ReadMe.txt").write_text("about")
    (folder / f"._{STEM}_message_2.csv").write_text("a resource fork")
    assert len(find_pairs([folder])) == 1


def test_halves_may_come_from_a_zip_and_a_file(write_pair, tmp_path: Path) -> None:
    folder = write_pair()
    with zipfile.ZipFile(tmp_path / "messages.zip", "w") as archive:
        archive.write(folder / f"{STEM}_message_2.csv", f"inner/{STEM}_message_2.csv")
    (pair,) = find_pairs([tmp_path / "messages.zip", folder / f"{STEM}_orderbook_2.csv"])
    assert pair.messages.member == f"inner/{STEM}_message_2.csv"


@pytest.mark.parametrize(("half", "other"), [("message", "orderbook"), ("orderbook", "message")])
def test_missing_half_is_named(write_pair, half: str, other: str) -> None:
    folder = write_pair()
    (folder / f"{STEM}_{half}_2.csv").unlink()
    with pytest.raises(MissingData, match=f"the {half} file of ABC 2024-01-03 is missing") as caught:
        find_pairs([folder])
    assert f"{STEM}_{other}_2.csv" in caught.value.where
    assert f"{STEM}_{half}_2.csv" in caught.value.hint


def test_day_given_twice(write_pair) -> None:
    write_pair(levels=2)
    with pytest.raises(ConflictingSettings, match="ABC 2024-01-03 is given twice"):
        find_pairs([write_pair(levels=5)])


def test_file_and_its_copy_in_an_archive(write_pair) -> None:
    folder = write_pair()
    with zipfile.ZipFile(folder / "copy.zip", "w") as archive:
        archive.write(folder / f"{STEM}_message_2.csv", f"{STEM}_message_2.csv")
    with pytest.raises(ConflictingSettings, match="given twice"):
        find_pairs([folder])


def test_path_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="no such file"):
        find_pairs([tmp_path / "nothing"])


def test_folder_without_lobster_files(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="no LOBSTER files"):
        find_pairs([tmp_path])


@pytest.mark.parametrize(("name", "hint"), [("quotes.csv", "LOBSTER names"), ("sample.7z", "extract")])
def test_file_that_is_not_lobster(tmp_path: Path, name: str, hint: str) -> None:
    (tmp_path / name).write_text("x")
    with pytest.raises(CorruptInput, match="not a LOBSTER file") as caught:
        find_pairs([tmp_path / name])
    assert hint in caught.value.hint


def test_date_that_does_not_exist(write_pair) -> None:
    with pytest.raises(CorruptInput, match="2024-02-30 is not a date"):
        find_pairs([write_pair(day="2024-02-30")])


def test_archive_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 but no more")
    with pytest.raises(CorruptInput, match="cannot read the archive"):
        find_pairs([tmp_path / "broken.zip"])


def test_archive_that_was_cut_inside_a_member(write_pair, tmp_path: Path) -> None:
    folder = write_pair()
    path = tmp_path / "pair.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
    damaged = bytearray(path.read_bytes())
    damaged[120:140] = bytes(20)
    path.write_bytes(damaged)
    (pair,) = find_pairs([path])
    with pytest.raises(CorruptInput, match="cannot read the archive"):
        _ = [block for file in (pair.messages, pair.book) for block in file.blocks(1_000)]
