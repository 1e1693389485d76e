"""`basalt pipeline`, `analytics` and `runs` on a small pipeline that brings its own plugin."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic.fields import FieldInfo

from basalt.core.catalog import Catalog
from basalt.core.cli.columns import _numbers
from basalt.core.cli.main import main
from basalt.core.cli.settings import default_text, option_rows, type_text

Captured = pytest.CaptureFixture[str]
Basalt = Callable[..., Any]

PIPELINE = """

USER_CONFIG = {
    "DATASETNAME": "cli",
    "NUM_WORKERS": 1,
    "PASSES": [
        {"name": "bars", "modules": ["tick"], "preprocess_modules": ["pick"],
         "side_outputs": {"picked": {"materialize": "always", "description": "Big ticks."}},
         "tick_analytics": {"tick_metrics": [{"measures": ["Volume", "Average", "Gap"]}], "tick_series": [{"measures": "Change"}]}},
        {"name": "seen", "modules": ["collect"], "module_inputs": {"collect": "bars"}},
    ],
}


def get_universe(date):
    return pl.DataFrame({"ListingId": [1, 2], "MIC": ["XTST", "XTST"]})
"""


@pytest.fixture
def pipeline(tmp_path: Path, venue: Any) -> Path:
    """A pipeline file that is its own plugin."""
    path = tmp_path / "small.py"
    path.write_text(Path(venue.__file__).read_text() + PIPELINE)
    return path


@pytest.fixture
def basalt(capsys: Captured) -> Basalt:
    """Run a command that must succeed; gives its output, read as JSON where asked."""

    def run(*typed: object) -> Any:
        code = main([str(each) for each in typed])
        said = capsys.readouterr()
        assert code == 0, said.err
        return json.loads(said.out) if "--json" in typed else said.out

    return run


@pytest.fixture
def market(fill: Callable[..., Path], ticks: Callable[..., pl.DataFrame], lake: Path) -> Path:
    """Two listings on one day, with mids."""
    fill(ticks((1, "09:00:30", 10, 100), (1, "09:00:40", 12, 300), (2, "09:01:30", 5, 50)))
    fill(mids(), table="marks")
    return lake


def mids() -> pl.DataFrame:
    morning = datetime(2026, 2, 2, 8)  # noqa: DTZ001 - UTC without a zone, as files hold it
    return pl.DataFrame({"ListingId": [1, 2], "TimestampNanoseconds": [morning, morning], "Mid": [11.0, 5.0]}).cast(
        {"TimestampNanoseconds": pl.Datetime("ns")}
    )


def test_a_run_says_what_was_written_where(basalt: Basalt, pipeline: Path, market: Path) -> None:
    said = basalt("pipeline", "run", "--pipeline", pipeline, "--date", "2026-02-02", "--lake", market)

    lines = said.splitlines()
    assert lines[0].split() == ["pass", "rows", "size", "location"]
    assert lines[1].split()[:2] == ["bars", "2"]
    assert "basalt_output/cli_bars/all/2026-02-02_2026-02-02.parquet" in said
    assert "done in" in lines[-1]
    assert "peak memory" in lines[-1]


def test_a_run_reports_as_json_what_the_files_hold(basalt: Basalt, pipeline: Path, market: Path) -> None:
    report = basalt(
        "pipeline",
        "run",
        "--pipeline",
        pipeline,
        "--start-date=2026-02-02",
        "--end_date",
        "2026-02-02",
        "--lake",
        market,
        "--datasetname",
        "other",
        "--json",
    )

    rows = {each["dataset"]: each["rows"] for each in report["outputs"]}
    assert rows == {"other_bars": 2, "other_bars_picked": 2, "other_seen": 2}
    assert all(pl.read_parquet(each["location"]).height == each["rows"] for each in report["outputs"])


def test_progress_is_plain_lines_where_there_is_no_terminal(pipeline: Path, market: Path, capsys: Captured) -> None:
    main(["pipeline", "run", "--pipeline", str(pipeline), "--date", "2026-02-02", "--lake", str(market)])

    assert capsys.readouterr().err.splitlines() == ["looking at the data", "stage 1 of 1: bars, seen"]


def test_a_run_resumes_nothing_but_says_so(basalt: Basalt, pipeline: Path, market: Path) -> None:
    typed = ("pipeline", "run", "--pipeline", pipeline, "--date", "2026-02-02", "--lake", market, "--resume", "--json")

    assert basalt(*typed)["reused"] == 0


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--date", "2026-02-30"], "'2026-02-30' is no date"),
        (["--date", "2026-02-02", "--executor", "moon"], "unknown executor 'moon'"),
        (["--date", "2026-02-02", "--user_config_json", "{"], "no JSON"),
        (["--date", "2026-02-02", "--user_config_json", "[1]"], "not an object"),
        (["--date", "2026-02-02", "--universe", "mic"], "is no universe"),
    ],
    ids=["date", "executor", "json", "array", "universe"],
)
def test_wrong_flags_are_user_errors(flags: list[str], said: str, pipeline: Path, market: Path, capsys: Captured) -> None:
    assert main(["pipeline", "run", "--pipeline", str(pipeline), "--lake", str(market), *flags]) == 64
    assert said in capsys.readouterr().err


def test_a_whole_config_may_be_given_as_json(basalt: Basalt, pipeline: Path) -> None:
    config = '{"PASSES": [{"name": "alone", "modules": ["tick"]}]}'

    planned = basalt("pipeline", "plan", "--pipeline", pipeline, "--user_config_json", config, "--json")

    assert [each["pass"] for stage in planned["stages"] for each in stage["passes"]] == ["alone"]


# ---------------------------------------------------------------- saying what a run would do


def test_a_plan_tells_columns_tables_and_places(basalt: Basalt, pipeline: Path) -> None:
    planned = basalt("pipeline", "plan", "--pipeline", pipeline, "--date", "2026-02-02", "--json")

    bars, seen = planned["stages"][0]["passes"]
    assert planned["days"] == ["2026-02-02"]
    assert [column["column"] for column in bars["columns"] if column["written"]] == [
        "TickTotalVolume",
        "TickTotalAverage",
        "TickTotalGap",
        "VolumeChange",
    ]
    assert bars["columns"][0]["unit"] == "shares"
    assert bars["reads"]["ticks"] == ["EventTimestamp", "ListingId", "Notional", "Price", "Size", "StoredMid"]
    assert bars["side_tables"] == ["bars:picked", "bars:rest"]
    assert [each["path"] for each in seen["outputs"]] == ["basalt_output/cli_seen/all/2026-02-02_2026-02-02.parquet"]
    assert [each["path"] for each in bars["outputs"]] == [
        "basalt_output/cli_bars/all/2026-02-02_2026-02-02.parquet",
        "basalt_output/cli_bars_picked/all/2026-02-02_2026-02-02.parquet",
    ]


def test_a_plan_without_dates_is_for_today(basalt: Basalt, pipeline: Path) -> None:
    assert len(basalt("pipeline", "plan", "--pipeline", pipeline, "--json")["days"]) == 1


def test_a_plan_reads_well(basalt: Basalt, pipeline: Path) -> None:
    said = basalt("pipeline", "plan", "--pipeline", pipeline, "--date", "2026-02-02")

    assert "stage 1, pass bars" in said
    assert "buckets of 60 s (end, right)" in said
    assert "PASSES[0].tick_analytics.tick_metrics[0]" in said


@pytest.mark.parametrize(("universe", "said"), [("mik=XTST", "unknown universe 'mik'"), ("XTST", "'XTST' is no universe")])
def test_a_universe_that_nobody_offers_is_refused_while_planning(universe: str, said: str, pipeline: Path, capsys: Captured) -> None:
    assert main(["pipeline", "plan", "--pipeline", str(pipeline), "--universe", universe]) == 64
    assert said in capsys.readouterr().err


def test_beside_a_function_a_universe_is_but_a_name(basalt: Basalt, pipeline: Path) -> None:
    pipeline.write_text(pipeline.read_text().replace('"NUM_WORKERS": 1,', '"NUM_WORKERS": 1, "UNIVERSE": "my favourites",'))
    assert basalt("pipeline", "plan", "--pipeline", pipeline, "--json")["stages"]


def test_datasets_show_the_files_that_would_be_read(basalt: Basalt, pipeline: Path) -> None:
    found = basalt("pipeline", "datasets", "--pipeline", pipeline, "--date", "2026-02-02", "--lake", "/lake", "--json")

    ticks = next(row for row in found["inputs"] if row["table"] == "ticks")
    assert ticks["sample_paths"] == ["/lake/Ticks/XTST/2026/02/02/ticks-XTST-20260202.parquet"]
    assert {row["path"] for row in found["outputs"]} >= {"basalt_output/cli_bars/all/2026-02-02_2026-02-02.parquet"}
    assert found["date_range"] == {"start_date": "2026-02-02", "end_date": "2026-02-02"}


def test_datasets_read_well(basalt: Basalt, pipeline: Path) -> None:
    said = basalt("pipeline", "datasets", "--pipeline", pipeline, "--date", "2026-02-02", "--universe", "mic=XTST,XTWO")

    assert "{lake}/Ticks/XTWO/2026/02/02/ticks-XTWO-20260202.parquet" in said


def test_side_outputs_tell_what_happens_to_them(basalt: Basalt, pipeline: Path) -> None:
    rows = basalt("pipeline", "side_outputs", "--pipeline", pipeline, "--json")

    assert [(row["context_key"], row["materialize"], row["description"]) for row in rows] == [
        ("bars:picked", "always", "Big ticks."),
        ("bars:rest", "auto", ""),
    ]


def test_options_have_every_key_of_run_passes_and_modules(shelf: Catalog) -> None:
    rows = {row["key"]: row for row in option_rows(shelf)}

    assert rows["START_DATE"]["type"] == "date or null"
    assert rows["PASSES[].name"]["default"] == "required"
    assert rows["PASSES[].tick_analytics.tick_metrics[].kinds"]["type"] == "Lit | Dark | Total, one or more"
    assert rows["PASSES[].dense_analytics.timezone"]["default"] == "UTC"
    assert rows["OUTPUT_TARGET.compression"]["from"] == "bmll-basalt-core"
    assert "PASSES[].output.type" not in rows


def test_options_are_printed_by_match(basalt: Basalt) -> None:
    said = basalt("pipeline", "options", "--match", "num_workers")

    assert said.splitlines()[1].split()[:2] == ["NUM_WORKERS", "-1"]


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        (int | None, "int or null"),
        (list[str], "list of str"),
        (dict[str, tuple[float | None, ...]], "mapping of str to list of float or null"),
    ],
)
def test_types_are_said_as_users_write_them(annotation: object, said: str) -> None:
    assert type_text(annotation) == said


# ---------------------------------------------------------------- analytics


def test_analytics_of_a_pipeline(basalt: Basalt, pipeline: Path) -> None:
    rows = basalt("analytics", "list", "--pipeline", pipeline, "--json")

    assert [(row["pass"], row["column"], row["rollup"]) for row in rows][:2] == [
        ("bars", "TickTotalVolume", "sum"),
        ("bars", "TickTotalAverage", None),
    ]


def test_analytics_of_installed_modules_expand_closed_axes(basalt: Basalt) -> None:
    rows = basalt("analytics", "list", "--module", "tick", "--json")

    columns = [row["column"] for row in rows]
    assert {"TickLitVolume", "TickDarkVolume", "TickTotalVolume", "Open", "Close", "VolumeChange"} <= set(columns)
    assert "Twice" not in columns
    assert next(row for row in rows if row["column"] == "TickDarkVolume")["definition"] == "Quantity of Dark ticks."


def test_analytics_of_an_unknown_module(capsys: Captured) -> None:
    assert main(["analytics", "list", "--module", "tik"]) == 64
    assert "did you mean 'tick'" in capsys.readouterr().err


def test_tables_show_their_contracts(basalt: Basalt) -> None:
    rows = basalt("analytics", "tables", "--table", "ticks", "--json")

    found = {row["column"]: row for row in rows}
    assert found["EventTimestamp"]["dtype"] == "Datetime[ns]"
    assert (found["Notional"]["stored"], found["Price"]["required"]) == (False, True)


def test_explain_prints_facts_markdown_or_json(basalt: Basalt, pipeline: Path) -> None:
    typed = ("analytics", "explain", "--pipeline", pipeline, "--column", "TickTotalVolume")

    assert "asked by    PASSES[0].tick_analytics.tick_metrics[0]" in basalt(*typed)
    assert basalt(*typed, "--markdown").startswith("## TickTotalVolume\n\nQuantity of Total ticks.\n")
    assert basalt(*typed, "--json")["reads"] == {"ticks": ["Size"]}


def test_explain_without_a_pipeline_asks_the_installed_modules(basalt: Basalt) -> None:
    said = basalt("analytics", "explain", "--column", "TickDarkVolume")

    assert "definition  Quantity of Dark ticks." in said
    assert "ask for it  tick_analytics: {tick_metrics: [{measures: Volume, kinds: Dark}]}" in said
    assert "asked by" not in said


def test_explain_of_what_no_module_makes_names_the_nearest(capsys: Captured) -> None:
    assert main(["analytics", "explain", "--column", "TickDarkVolum"]) == 64
    said = capsys.readouterr().err
    assert "did you mean 'TickDarkVolume'" in said
    assert "--pipeline FILE" in said


@pytest.mark.parametrize(
    ("listed", "column", "found"),
    [
        ("Spread", "Spread", {}),
        ("Spread", "Spreads", None),
        ("BidPrice{level}", "BidPrice3", {"level": 3}),
        ("Depth{bps}Bps", "Depth2.5Bps", {"bps": 2.5}),
        ("BidPrice{level}", "BidPrice", None),
        ("BidPrice{level}", "BidPriceX", None),
    ],
)
def test_numbers_of_a_column_are_those_of_open_axes(listed: str, column: str, found: dict[str, float] | None) -> None:
    assert _numbers(listed, column) == found


def test_explain_takes_one_format(pipeline: Path) -> None:
    assert main(["analytics", "explain", "--pipeline", str(pipeline), "--column", "x", "--json", "--markdown"]) == 64


def test_explain_of_an_unknown_column_names_the_nearest(pipeline: Path, capsys: Captured) -> None:
    assert main(["analytics", "explain", "--pipeline", str(pipeline), "--column", "TickTotalVolum"]) == 64
    assert "did you mean 'TickTotalVolume'" in capsys.readouterr().err


# ---------------------------------------------------------------- runs


def test_runs_are_listed_and_shown_by_prefix(basalt: Basalt, pipeline: Path, market: Path) -> None:
    report = basalt("pipeline", "run", "--pipeline", pipeline, "--date", "2026-02-02", "--lake", market, "--json")

    listed = basalt("runs", "list", "--json")
    shown = basalt("runs", "show", report["run_id"][:-2], "--json")

    assert [(run["run_id"], run["outcome"], run["days"]) for run in listed] == [(report["run_id"], "done", ["2026-02-02"])]
    assert next((each["pass"], each["rows"]) for each in shown["outputs"]) == ("bars", 2)
    assert [(each["exit_code"], each["days"]) for each in shown["attempts"]] == [(0, ["2026-02-02"])]
    assert shown["config"]["datasetname"] == "cli"


def test_a_run_reads_well(basalt: Basalt, pipeline: Path, market: Path) -> None:
    basalt("pipeline", "run", "--pipeline", pipeline, "--date", "2026-02-02", "--lake", market)

    listed = basalt("runs", "list").splitlines()
    shown = basalt("runs", "show", listed[1].split()[0])

    assert listed[0].split()[:4] == ["run", "started", "outcome", "pipeline"]
    assert "outputs\npass" in shown
    assert "tasks\nstage" in shown


def test_no_runs_yet(basalt: Basalt) -> None:
    assert basalt("runs", "list") == "no runs yet\n"


@pytest.mark.parametrize("typed", [["runs", "show", "2020"], ["runs", "list", "--limit", "0"]], ids=" ".join)
def test_what_is_no_run_is_a_user_error(typed: list[str]) -> None:
    assert main(typed) == 64


@pytest.mark.parametrize(("default", "shown"), [(1.0, "1.0"), (0, "0"), (True, "true"), (False, "false"), (None, "null"), ("", "")])
def test_defaults_are_shown_as_they_are_written(default: object, shown: str) -> None:
    assert default_text(FieldInfo(default=default)) == shown
