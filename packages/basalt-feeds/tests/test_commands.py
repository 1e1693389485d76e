from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from basalt.core.errors import InvalidValue
from basalt.feeds.commands import app


def invoke(*arguments: object):
    return CliRunner().invoke(app, ["import", "lobster", *map(str, arguments)])


def test_table_of_what_was_written(write_pair, tmp_path: Path) -> None:
    result = invoke(write_pair(), "--lake", tmp_path / "lake")
    assert result.exit_code == 0, result.output
    assert "marketstate" in result.stdout
    assert "2024-01-03" in result.stdout
    assert "importing ABC 2024-01-03 (1 of 1)" in result.stderr


def test_json_is_all_of_standard_output(write_pair, tmp_path: Path) -> None:
    result = invoke(write_pair(), "--lake", tmp_path / "lake", "--mic", "XBOS", "--json")
    rows = json.loads(result.stdout)
    assert rows[0] == {
        "table": "trades",
        "market": "XBOS",
        "day": "2024-01-03",
        "rows": 5,
        "path": str(tmp_path / "lake/Trades-Plus/XBOS/2024/01/03/trades-plus-XBOS-20240103.parquet"),
    }
    assert [row["table"] for row in rows] == ["trades", "l2", "l3", "marketstate", "reference"]


def test_notices_go_to_standard_error(write_pair, tmp_path: Path) -> None:
    folder = write_pair("34200,1,1,10,50,1\n", ",".join(["60,1,50,10"] * 11) + "\n", levels=11)
    result = invoke(folder, "--lake", tmp_path / "lake", "--json")
    assert "notice: ABC 2024-01-03: kept the best 10 of 11 levels" in result.stderr
    json.loads(result.stdout)


@pytest.mark.parametrize(("option", "value"), [("--mic", "nasdaq"), ("--currency", "dollars")])
def test_codes_are_checked(write_pair, tmp_path: Path, option: str, value: str) -> None:
    result = invoke(write_pair(), "--lake", tmp_path / "lake", option, value)
    assert isinstance(result.exception, InvalidValue)
    assert result.exception.where == option
    assert not (tmp_path / "lake").exists()


def test_lake_is_required(write_pair) -> None:
    assert invoke(write_pair()).exit_code == 2


def test_help_does_not_load_polars() -> None:
    code = "import sys, basalt.feeds.commands, basalt.feeds.plugin; sys.exit('polars' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
