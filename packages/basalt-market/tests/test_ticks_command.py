"""`basalt data ticks` leaves tick sizes in a lake, by a file or by the lake's reference."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from basalt.core.errors import InvalidValue
from basalt.core.lake import lake_path, write_lake_file
from basalt.market.commands import app
from basalt.market.securities import REFERENCE
from basalt.market.ticks import TICKSIZE

DAYS = (date(2026, 1, 30), date(2026, 2, 2))


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    for day in DAYS:
        for mic, ids, ticks in (("XLON", [1, 2], [0.5, None]), ("XPAR", [3], [0.01])):
            rows = pl.DataFrame({"ListingId": ids, "MIC": [mic] * len(ids), "TickSize": ticks}, schema_overrides={"TickSize": pl.Float64})
            write_lake_file(tmp_path / "lake", REFERENCE, mic, day, rows)
    return tmp_path / "lake"


def ticks_of(lake: Path, mic: str, day: date) -> list[tuple[object, ...]]:
    return pl.read_parquet(lake_path(str(lake), TICKSIZE, mic, day)).select("ListingId", "PriceFrom", "TickSize", "Source").rows()


def ran(*words: object) -> str:
    result = CliRunner().invoke(app, ["ticks", *map(str, words)], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_without_a_file_the_reference_tells(lake: Path) -> None:
    written = json.loads(ran("--lake", lake, "--json"))
    assert [(each["market"], each["day"], each["rows"]) for each in written] == [
        ("XLON", "2026-01-30", 1), ("XLON", "2026-02-02", 1), ("XPAR", "2026-01-30", 1), ("XPAR", "2026-02-02", 1),
    ]  # fmt: skip
    assert ticks_of(lake, "XLON", DAYS[0]) == [(1, 0.0, 0.5, "reference")]


def test_a_file_tells_by_day(lake: Path, tmp_path: Path) -> None:
    file = tmp_path / "ticks.csv"
    file.write_text("MIC,ValidFrom,ValidTo,PriceFrom,TickSize\nXLON,,2026-01-31,,0.5\nXLON,2026-02-01,,0,0.1\nXLON,2026-02-01,,10,0.2\n")
    ran(file, "--lake", lake, "--mic", "XLON")
    assert ticks_of(lake, "XLON", DAYS[0]) == [(1, 0.0, 0.5, "ticks.csv"), (2, 0.0, 0.5, "ticks.csv")]
    assert [row[1:3] for row in ticks_of(lake, "XLON", DAYS[1])] == [(0.0, 0.1), (10.0, 0.2)] * 2


def test_days_are_chosen(lake: Path) -> None:
    assert "1 file, 1 row" in ran("--lake", lake, "--mic", "XPAR", "--start_date", "2026-02-01")


def test_a_lake_without_reference_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="no reference files"):
        ran("--lake", tmp_path)


def test_a_lake_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="is no folder"):
        ran("--lake", tmp_path / "nowhere")
