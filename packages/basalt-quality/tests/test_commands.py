"""What a user types, and what is left in the lake."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from basalt.core.cli.main import main
from basalt.testing.faults import inject

DAY = date(2026, 2, 2)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(["data", *arguments])
    return code, capsys.readouterr().out


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code, text = run(capsys, *arguments, "--json")
    return code, json.loads(text)


def findings_of(lake: Path, mic: str) -> pl.DataFrame:
    return pl.read_parquet(lake / f"DataQuality/{mic}/2026/02/02/data-quality-{mic}-20260202.parquet")


def test_a_sound_lake_ends_well(sound_lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = run(capsys, "check", "--lake", str(sound_lake), "--no-write")
    assert code == 0
    assert "nothing is wrong" in text
    assert "0 errors, 0 warnings" in text
    assert not (sound_lake / "DataQuality").exists()


def test_errors_are_reported_and_left_in_the_lake(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    injected = inject(lake, "drop", "l3", "XLON", DAY)
    code = main(["data", "check", "--lake", str(lake)])
    printed = capsys.readouterr()
    assert code == 65
    assert "NUMBER_GAP" in printed.out
    assert str(injected.listing) in printed.out
    assert "errors in 1 of" in printed.err
    left = findings_of(lake, "XLON")
    assert "NUMBER_GAP" in left["Reason"].to_list()
    assert left["TradeDate"].cast(pl.Date).unique().to_list() == [DAY]
    others = [path for path in (lake / "DataQuality").iterdir() if path.name != "XLON"]
    assert others
    assert all(findings_of(lake, path.name).is_empty() for path in others)


def test_a_second_check_replaces_the_first(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inject(lake, "negative size", "trades", "XLON", DAY)
    run(capsys, "check", "--lake", str(lake))
    before = findings_of(lake, "XLON")
    code, _ = run(capsys, "check", "--lake", str(lake))
    assert code == 65
    assert findings_of(lake, "XLON").equals(before)


def test_what_concerns_a_market_is_left_for_each_of_its_listings(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inject(lake, "truncated file", "l2", "XLON", DAY)
    run(capsys, "check", "--lake", str(lake))
    left = findings_of(lake, "XLON")
    broken = left.filter(Reason="BROKEN_FILE")
    reference = pl.read_parquet(next((lake / "Reference/XLON").rglob("*.parquet")))
    assert sorted(broken["ListingId"]) == sorted(reference["ListingId"])


def test_json_has_everything(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    injected = inject(lake, "unknown id", "l3", "XLON", DAY)
    code, found = told(capsys, "check", "--lake", str(lake), "--mic", "XLON", "--date", "2026-02-02")
    assert code == 65
    assert found["days"] == 1
    assert found["errors"] == len([each for each in found["findings"] if each["Severity"] == "error"])
    assert {each["Reason"] for each in found["findings"]} >= {"UNKNOWN_ORDER"}
    assert {each["ListingId"] for each in found["findings"]} == {injected.listing}
    assert {each["Table"] for each in found["listings"]} >= {"trades", "l2", "l3", "marketstate"}


def test_tick_sizes_may_come_from_a_file(sound_lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ticks = tmp_path / "ticks.csv"
    ticks.write_text("MIC,TickSize\nXLON,1000000\n")
    code, found = told(capsys, "check", "--lake", str(sound_lake), "--ticks", str(ticks), "--no-write")
    assert code == 0
    assert {(each["Reason"], each["MIC"]) for each in found["findings"]} == {("OFF_TICK", "XLON")}


def test_only_the_tables_asked_for_and_then_nothing_is_left(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inject(lake, "negative size", "trades", "XLON", DAY)
    code, found = told(capsys, "check", "--lake", str(lake), "--table", "l2")
    assert (code, found["findings"]) == (0, [])
    assert not (lake / "DataQuality").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--table", "trade"], "unknown table 'trade'"),
        (["--date", "2026-02-02", "--end_date", "2026-02-03"], "exclude each other"),
        (["--start_date", "2026-02-03", "--end_date", "2026-02-02"], "before it starts"),
        (["--date", "2020-01-01"], "no files of these days"),
    ],
)
def test_wrong_questions_are_refused(arguments: list[str], said: str, sound_lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "check", "--lake", str(sound_lake), *arguments]) == 64
    assert said in capsys.readouterr().err


def test_a_lake_that_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "describe", "--lake", str(tmp_path / "none")]) == 64
    assert "is no folder" in capsys.readouterr().err


def test_a_lake_is_described(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = next((lake / "Trades-Plus/XLON").rglob("*.parquet"))
    frame = pl.read_parquet(path).with_columns(Colour=pl.lit("red")).drop("LotType")
    frame.write_parquet(path, metadata={"maker": "me"})
    frame.write_parquet(lake / "stray.parquet")
    _, found = told(capsys, "describe", "--lake", str(lake))
    [trades] = [each for each in found["holdings"] if (each["table"], each["mic"]) == ("trades", "XLON")]
    assert (trades["days"], trades["first"], trades["rows"]) == (1, "2026-02-02", frame.height)
    assert (trades["beyond"], trades["producers"]["maker"]) == (["Colour"], ["me"])
    assert "LotType" in trades["lacking"]
    assert trades["bytes"] == path.stat().st_size
    assert [Path(each).name for each in found["other_files"]] == ["stray.parquet"]
    code, text = run(capsys, "describe", "--lake", str(lake), "--table", "trades")
    assert code == 0
    assert "columns that the contract does not have: Colour" in text
    assert "1 Parquet file belongs to no table" in text


def test_broken_files_are_described_as_such(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    injected = inject(lake, "truncated file", "l2", "XLON", DAY)
    _, found = told(capsys, "describe", "--lake", str(lake), "--table", "l2", "--mic", "XLON")
    [book] = found["holdings"]
    assert (book["broken"], book["rows"]) == ([str(injected.path)], 0)


# ---------------------------------------------------------------- lakes behind a URL


def test_a_lake_behind_a_url_is_checked_and_gets_the_findings(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inject(lake, "drop", "l3", "XLON", DAY)
    code, near = told(capsys, "check", "--lake", str(lake), "--no-write")
    assert code == 65
    code, far = told(capsys, "check", "--lake", lake.as_uri())
    assert code == 65
    assert far == {**near, "lake": lake.as_uri()}
    assert "NUMBER_GAP" in findings_of(lake, "XLON")["Reason"].to_list()


def test_a_lake_behind_a_url_is_described(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pl.DataFrame({"a": [1]}).write_parquet(lake / "stray.parquet")
    injected = inject(lake, "truncated file", "l2", "XLON", DAY)
    _, near = told(capsys, "describe", "--lake", str(lake))
    _, far = told(capsys, "describe", "--lake", f"{lake.as_uri()}/")
    assert far["other_files"] == [f"{lake.as_uri()}/stray.parquet"]
    [broken] = [each["broken"] for each in far["holdings"] if each["broken"]]
    assert broken == [f"{lake.as_uri()}/{injected.path.relative_to(lake)}"]
    assert [{**each, "broken": []} for each in far["holdings"]] == [{**each, "broken": []} for each in near["holdings"]]


def test_the_lake_may_come_from_the_environment(
    sound_lake: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BASALT_LAKE", sound_lake.as_uri())
    assert told(capsys, "describe")[1]["lake"] == sound_lake.as_uri()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--lake", "nowhere://a/lake"], "no lake is behind the URL"),
        (["--lake", "file:///no/such/folder"], "no files of these days"),
        (["--lake", "s3://a/lake", "--storage-option", "aws_region"], "is not NAME=VALUE"),
    ],
)
def test_urls_that_are_no_lakes_are_refused(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "check", *arguments]) == 64
    assert said in capsys.readouterr().err


def test_what_hides_behind_a_dot_is_no_file_of_a_lake(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (lake / ".import-1").mkdir()
    pl.DataFrame({"a": [1]}).write_parquet(lake / ".import-1" / "a.parquet")
    assert told(capsys, "describe", "--lake", str(lake))[1]["other_files"] == []
