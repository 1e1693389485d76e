"""Writing days into a lake, the source `synthetic`, and the command."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from pydantic import ValidationError
from typer.testing import CliRunner

from basalt.core.errors import ConflictingSettings, CorruptInput, InvalidValue, TargetFailed
from basalt.core.lake import LakeFile, write_lake_file
from basalt.core.offers import Source
from basalt.core.tables import Table
from basalt.market.tables import CBBO, L2, TRADES
from basalt.market.ticks import TICKSIZE
from basalt.synthetic import simulate, write_day
from basalt.synthetic.commands import app
from basalt.synthetic.source import SyntheticSource, cache_folder

SUNDAY = date(2026, 2, 1)
TRADES_PLACE = "Trades-Plus/XLON/2026/02/01/trades-plus-XLON-20260201.parquet"


def write(root: Path, **settings: float) -> list[LakeFile]:
    return write_day(root, SUNDAY, **{"listings": 2, "scale": 0.02, **settings})  # type: ignore[arg-type]


def files_in(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_lake_holds_what_is_simulated(tmp_path: Path) -> None:
    files = write(tmp_path)
    tables = simulate(SUNDAY, listings=2, scale=0.02)
    assert {(file.table, file.mic) for file in files} == {(name, mic) for name in tables for mic in ("XLON", "CHIX")}
    assert files_in(tmp_path) == {str(file.path.relative_to(tmp_path)) for file in files}
    stored = pl.read_parquet(tmp_path / TRADES_PLACE)
    assert_frame_equal(stored, tables["trades"].filter(pl.col("MIC") == "XLON"))
    assert sum(file.rows for file in files if file.table == "l3") == tables["l3"].height


def test_days_that_are_there_stay(tmp_path: Path) -> None:
    first = write(tmp_path)
    changed = {file.path: file.path.stat().st_mtime_ns for file in first}
    assert write(tmp_path) == first
    assert {file.path: file.path.stat().st_mtime_ns for file in first} == changed


def test_only_missing_files_are_written(tmp_path: Path) -> None:
    first = write(tmp_path)
    before = (tmp_path / TRADES_PLACE).read_bytes()
    (tmp_path / TRADES_PLACE).unlink()
    assert write(tmp_path) == first
    assert (tmp_path / TRADES_PLACE).read_bytes() == before


def test_other_parameters_are_refused(tmp_path: Path) -> None:
    write(tmp_path)
    before = files_in(tmp_path)
    with pytest.raises(ConflictingSettings, match="other trades of CHIX on 2026-02-01") as caught:
        write(tmp_path, seed=8)
    assert "trades-plus-CHIX" in str(caught.value.where)
    assert "--seed" in str(caught.value.hint)
    assert files_in(tmp_path) == before


def test_files_of_others_are_never_replaced(tmp_path: Path) -> None:
    place = tmp_path / TRADES_PLACE
    place.parent.mkdir(parents=True)
    pl.DataFrame({"ListingId": [1]}).write_parquet(place)
    with pytest.raises(ConflictingSettings, match="made by something else"):
        write(tmp_path)
    assert files_in(tmp_path) == {TRADES_PLACE}


def test_tick_sizes_of_ones_own_stay(tmp_path: Path) -> None:
    first = write(tmp_path)
    ladders = pl.DataFrame({"ListingId": [100001], "MIC": ["XLON"], "PriceFrom": [0.0], "TickSize": [0.25]})
    own = write_lake_file(tmp_path, TICKSIZE, "XLON", SUNDAY, ladders)
    assert [file.path for file in write(tmp_path)] == [file.path for file in first]
    assert pl.read_parquet(own.path)["TickSize"].to_list() == [0.25]


def test_truncated_file(tmp_path: Path) -> None:
    write(tmp_path)
    place = tmp_path / TRADES_PLACE
    place.write_bytes(place.read_bytes()[:100])
    with pytest.raises(CorruptInput, match="cannot read"):
        write(tmp_path)


def test_lake_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(TargetFailed, match="cannot write the lake"):
        write(tmp_path / "file")


def test_object_stores_are_refused() -> None:
    with pytest.raises(InvalidValue, match="s3://bucket"):
        write_day("s3://bucket", SUNDAY)


def test_source_simulates_what_it_is_asked_for(cache: Path) -> None:
    source = SyntheticSource().configured({"synthetic": {"listings": 2, "scale": 0.02}})
    assert isinstance(source, Source)
    assert source.markets(TRADES, [SUNDAY]) == ("CHIX", "XLON")
    inventory = source.inventory(TRADES, [SUNDAY], ["XLON", "XPAR"])
    assert [file.mic for file in inventory.files] == ["XLON"]
    assert inventory.missing == (("XPAR", SUNDAY),)
    assert source.inventory(TRADES, [SUNDAY], ["XLON", "XPAR"]) == inventory
    rows = source.scan(TRADES, inventory.files, ["ListingId", "TradeTimestamp", "Size"]).collect()
    expected = simulate(SUNDAY, listings=2, scale=0.02)["trades"].filter(pl.col("MIC") == "XLON")
    assert rows["Size"].to_list() == expected["Size"].to_list()
    assert str(inventory.files[0].path).startswith(str(cache))


def test_source_has_no_table_that_is_not_simulated(cache: Path) -> None:
    source = SyntheticSource().configured({})
    unknown = Table(name="unknown", columns=CBBO.columns, folder="Unknown")
    assert source.markets(unknown, [SUNDAY]) == ()
    assert source.inventory(unknown, [SUNDAY], None).files == ()
    assert not cache.exists()


def test_parameters_have_caches_of_their_own(cache: Path) -> None:
    one = SyntheticSource().configured({"synthetic": {"listings": 1, "scale": 0.02, "seed": 1}})
    other = SyntheticSource().configured({"synthetic": {"listings": 1, "scale": 0.02, "seed": 2}})
    assert one.ensure([SUNDAY]) != other.ensure([SUNDAY])
    assert len(list((cache / "synthetic").iterdir())) == 2
    prints = {source.inventory(L2, [SUNDAY], None).fingerprint for source in (one, other)}
    assert len(prints) == 2


@pytest.mark.parametrize(
    ("section", "place"),
    [
        ({"listing": 3}, "listing"),
        ({"listings": 2.5}, "listings"),
        ({"listings": 0}, "listings"),
        ({"scale": "big"}, "scale"),
        ({"seed": -1}, "seed"),
    ],
)
def test_bad_section(section: dict[str, object], place: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SyntheticSource.Options.model_validate(section)
    assert [error["loc"] for error in caught.value.errors()] == [(place,)]


def test_cache_follows_the_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("BASALT_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "basalt" / "synthetic"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "basalt" / "synthetic"


def test_processes_may_simulate_one_day_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from datetime import date; from basalt.synthetic import write_day;"
        "print(len(write_day(sys.argv[1], date(2026, 2, 1), listings=2, scale=0.02)))"
    )
    workers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [worker.communicate(timeout=60)[0].strip() for worker in workers] == ["18", "18"]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert len(files_in(tmp_path)) == 18
    assert len(write(tmp_path)) == 18


ARGUMENTS = ["simulate", "--listings", "1", "--scale", "0.02"]


def test_command_says_what_it_wrote(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [*ARGUMENTS, "--lake", str(tmp_path), "--date", "2026-02-01"])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[1].split()[:3] == ["trades", "XLON", "2026-02-01"]
    assert lines[1].endswith(str(tmp_path / TRADES_PLACE))
    assert lines[-1].startswith("9 files, ")


def test_command_writes_ranges_and_json(tmp_path: Path) -> None:
    days = ["--start_date", "2026-02-01", "--end_date", "2026-02-02"]
    result = CliRunner().invoke(app, [*ARGUMENTS, "--lake", str(tmp_path), *days, "--json"])
    rows = json.loads(result.stdout)
    assert [row["day"] for row in rows if row["table"] == "l3"] == ["2026-02-01", "2026-02-02"]
    assert all(Path(row["path"]).exists() for row in rows)
    assert all(row["rows"] > 0 for row in rows)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no day"),
        (["--date", "2026-02-01", "--end_date", "2026-02-02"], "exclude"),
        (["--start_date", "2026-02-02", "--end_date", "2026-02-01"], "before"),
    ],
)
def test_command_needs_days(tmp_path: Path, arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(app, [*ARGUMENTS, "--lake", str(tmp_path), *arguments])
    assert isinstance(result.exception, ConflictingSettings | InvalidValue)
    assert message in str(result.exception)
    assert files_in(tmp_path) == set()


def test_plugin_offers_the_source_the_table_and_the_command() -> None:
    from basalt.synthetic.plugin import basalt_commands, basalt_sources, basalt_tables

    assert [table.name for table in basalt_tables()] == ["truth"]

    (source,), (command,) = basalt_sources(), basalt_commands()
    assert (source.name, source.load()) == ("synthetic", SyntheticSource)
    assert (command.name, command.load()) == ("data", app)


def test_importing_the_package_does_not_import_polars() -> None:
    code = "import sys, basalt.synthetic.plugin, basalt.market.plugin; print('polars' in sys.modules, 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split() == ["False", "False"]
