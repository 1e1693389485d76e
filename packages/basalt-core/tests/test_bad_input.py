"""Runs that cannot go well: each ends with a typed error, or a counted outcome, and leaves what was there."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from basalt.core.catalog import Catalog, using_catalog
from basalt.core.errors import (
    BasaltError,
    CheckFailed,
    ConflictingSettings,
    CorruptInput,
    DuplicateRows,
    InvalidValue,
    MissingData,
    PluginLoadFailed,
    RunError,
    SchemaMismatch,
    TargetFailed,
    TaskFailed,
    UnknownName,
    UnsortedInput,
)
from basalt.core.lake import lake_path
from basalt.core.ledger import Ledger

Make = Callable[..., Any]
Fill = Callable[..., Path]
TUESDAY = date(2026, 2, 3)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The output of an earlier run, as far as this test knows."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "sample2d_bars.parquet").write_text("what an earlier run wrote")
    return folder


@pytest.fixture
def target(out: Path) -> dict[str, Any]:
    return {"output_target": {"path_template": f"{out}/{{datasetname}}.parquet"}}


def untouched(out: Path) -> bool:
    return [path.name for path in out.rglob("*")] == ["sample2d_bars.parquet"] and (
        out / "sample2d_bars.parquet"
    ).read_text() == "what an earlier run wrote"


def failing(launch: Make, config: dict[str, Any], kind: type[BasaltError], **options: Any) -> BasaltError:
    with pytest.raises(kind) as caught:
        launch(config, **options)
    assert caught.value.where, str(caught.value)
    assert caught.value.hint, str(caught.value)
    return caught.value


def place(frame: pl.DataFrame, lake: Path, venue: Any, day: date = date(2026, 2, 2), mic: str = "XTST") -> Path:
    """A file as others write it: in its place, in no promised order."""
    path = Path(lake_path(str(lake), venue.TICKS, mic, day))
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(path)
    return path


# ------------------------------------------------------------ files


@pytest.mark.parametrize("how", ["truncated", "garbage"])
def test_a_damaged_file_stops_the_run(fill: Fill, launch: Make, ticks: Make, one_pass: Make, target: Any, out: Path, how: str) -> None:
    path = fill(ticks((1, "09:00:02", 11, 2)))
    whole = path.read_bytes()
    path.write_bytes(whole[:-40] if how == "truncated" else b"garbage")

    problem = failing(launch, one_pass() | target, CorruptInput)

    assert problem.where == str(path)
    assert problem.exit_code == 65
    assert untouched(out)


def test_a_file_whose_pages_are_damaged_stops_the_run(
    fill: Fill, launch: Make, ticks: Make, one_pass: Make, target: Any, out: Path
) -> None:
    path = fill(ticks(*((1, f"09:{minute:02}:{second:02}", 11 + second / 7, second) for minute in range(60) for second in range(60))))
    damaged = bytearray(path.read_bytes())
    damaged[100:4000] = b"\xff" * 3900
    path.write_bytes(bytes(damaged))

    with pytest.raises(BasaltError) as caught:
        launch(one_pass() | target)

    assert caught.value.hint
    assert untouched(out)


def test_a_file_of_another_schema_stops_the_run(
    lake: Path, launch: Make, ticks: Make, one_pass: Make, target: Any, out: Path, venue: Any
) -> None:
    path = place(ticks((1, "09:00:02", 11, 2)).with_columns(pl.col("Size").cast(pl.String)), lake, venue)

    problem = failing(launch, one_pass() | target, SchemaMismatch)

    assert problem.where == str(path)
    assert untouched(out)


UNSORTED = ((1, "09:00:30", 12, 1), (1, "09:00:10", 10, 1))


def test_rows_out_of_order_are_sorted_and_counted(
    lake: Path, launch: Make, ticks: Make, one_pass: Make, target: Any, out: Path, venue: Any
) -> None:
    place(ticks(*UNSORTED), lake, venue)
    config = one_pass(tick_analytics={"tick_bars": [{"measures": "Bar"}]}) | target

    report = launch(config)

    assert any("ticks: 1 file" in notice and "not in order" in notice for notice in report.notices)
    assert pl.read_parquet(out / "sample2d_bars.parquet").select("Open", "Close").row(0) == (10.0, 12.0)


def test_rows_out_of_order_are_refused_when_asked(
    lake: Path, launch: Make, ticks: Make, one_pass: Make, target: Any, out: Path, venue: Any
) -> None:
    path = place(ticks(*UNSORTED), lake, venue)

    problem = failing(launch, one_pass() | target | {"unsorted_input": "raise"}, UnsortedInput)

    assert "row 1" in problem.what
    assert problem.where == str(path)
    assert untouched(out)


def doubled(ticks: Make) -> pl.DataFrame:
    return ticks((1, "09:00:10", 10, 1), (1, "09:00:20", 12, 3))[[0, 0, 1]]


def test_repeated_rows_are_refused(lake: Path, launch: Make, ticks: Make, one_pass: Make, target: Any, out: Path, venue: Any) -> None:
    path = place(doubled(ticks), lake, venue)

    problem = failing(launch, one_pass() | target, DuplicateRows)

    assert "1 rows occur twice" in problem.what
    assert problem.where == str(path)
    assert untouched(out)


@pytest.mark.parametrize(("policy", "volume"), [("drop", 4), ("keep", 5)])
def test_repeated_rows_are_dropped_or_kept_and_counted(
    *, lake: Path, launch: Make, ticks: Make, one_pass: Make, target: Any, out: Path, venue: Any, policy: str, volume: int
) -> None:
    place(doubled(ticks), lake, venue)

    report = launch(one_pass() | target | {"duplicate_rows": policy})

    assert any("1 rows occur twice" in notice for notice in report.notices)
    assert pl.read_parquet(out / "sample2d_bars.parquet")["TickTotalVolume"].to_list() == [volume]


# ------------------------------------------------------------ days, markets, tables


def test_a_day_without_data_is_left_out_and_said(fill: Fill, launch: Make, ticks: Make, one_pass: Make, target: Any, out: Path) -> None:
    fill(ticks((1, "09:00:02", 11, 2)))

    report = launch(one_pass() | target | {"end_date": "2026-02-03"})

    assert any("2026-02-03: no data" in notice for notice in report.notices)
    assert pl.read_parquet(out / "sample2d_bars.parquet")["Date"].unique().to_list() == [date(2026, 2, 2)]


def test_a_run_without_any_data_stops(launch: Make, one_pass: Make, target: Any, out: Path) -> None:
    problem = failing(launch, one_pass() | target, MissingData)

    assert "ticks" in problem.what
    assert problem.exit_code == 65
    assert untouched(out)


def two_markets(listings: Make) -> Make:
    return lambda day: listings((1, "XTST"), (2, "XOTH"))


def test_a_market_without_a_file_stops_the_run(
    fill: Fill, launch: Make, ticks: Make, listings: Make, one_pass: Make, target: Any, out: Path
) -> None:
    fill(ticks((1, "09:00:02", 11, 2)))

    problem = failing(launch, one_pass() | target, MissingData, universe=two_markets(listings))

    assert "ticks XOTH 2026-02-02" in problem.what
    assert untouched(out)


def test_a_market_without_a_file_is_skipped_when_asked_and_said(
    fill: Fill, launch: Make, ticks: Make, listings: Make, one_pass: Make, target: Any, out: Path
) -> None:
    fill(ticks((1, "09:00:02", 11, 2)))

    report = launch(one_pass() | target | {"missing_data": "skip"}, universe=two_markets(listings))

    assert any("ticks XOTH 2026-02-02" in notice for notice in report.notices)
    assert pl.read_parquet(out / "sample2d_bars.parquet")["ListingId"].to_list() == [1]


def test_a_second_table_without_files_stops_the_run(fill: Fill, launch: Make, ticks: Make, one_pass: Make, target: Any, out: Path) -> None:
    fill(ticks((1, "09:00:02", 11, 2)))

    problem = failing(launch, one_pass(tick_analytics={"tick_metrics": [{"measures": "Gap"}]}) | target, MissingData)

    assert "marks" in problem.what
    assert untouched(out)


# ------------------------------------------------------------ universes


def test_unknown_listings_of_a_universe_are_counted(
    fill: Fill, launch: Make, ticks: Make, listings: Make, one_pass: Make, target: Any
) -> None:
    fill(ticks((1, "09:00:02", 11, 2)))
    fill(listings((1, "XTST")), table="reference")

    report = launch(one_pass() | target, universe=lambda day: listings((1, "XTST"), (77, "XTST")))

    assert any("77" in notice and "1 listing" in notice for notice in report.notices)


@pytest.mark.parametrize(
    "universe",
    [
        lambda day: 1 / 0,
        lambda day: None,
        lambda day: 5,
        lambda day: "mic=XTST",
        lambda: None,
        lambda day: pl.DataFrame({"Listing": [1]}),
        lambda day: pl.DataFrame({"ListingId": ["one"], "MIC": ["XTST"]}),
        lambda day: pl.DataFrame({"ListingId": [1.5], "MIC": ["XTST"]}),
        lambda day: {"ListingId": [1, 2], "MIC": ["XTST"]},
    ],
    ids=["raises", "none", "number", "text", "no argument", "no ListingId", "text ids", "fractional ids", "ragged"],
)
def test_a_universe_that_is_none_stops_the_run(
    fill: Fill, launch: Make, ticks: Make, one_pass: Make, target: Any, out: Path, universe: Any
) -> None:
    fill(ticks((1, "09:00:02", 11, 2)))

    problem = failing(launch, one_pass() | target, BasaltError, universe=universe)

    assert problem.exit_code in (64, 65)
    assert "get_universe" in str(problem.where)
    assert untouched(out)


def test_a_universe_without_listings_stops_the_run(
    fill: Fill, launch: Make, ticks: Make, listings: Make, one_pass: Make, target: Any, out: Path
) -> None:
    fill(ticks((1, "09:00:02", 11, 2)))

    failing(launch, one_pass() | target, BasaltError, universe=lambda day: listings())

    assert untouched(out)


def test_a_universe_may_be_any_frame_and_repeat_listings(
    fill: Fill, launch: Make, ticks: Make, one_pass: Make, target: Any, out: Path
) -> None:
    fill(ticks((1, "09:00:02", 11, 2)))

    launch(one_pass() | target, universe=lambda day: {"ListingId": [1, 1, None], "MIC": ["XTST"] * 3})

    assert pl.read_parquet(out / "sample2d_bars.parquet")["ListingId"].to_list() == [1]


@pytest.mark.parametrize(("spec", "kind"), [("XTST", InvalidValue), ("mic=", InvalidValue), ("mik=XTST", UnknownName)])
def test_a_universe_that_cannot_be_read_stops_the_run(
    *, fill: Fill, lake: Path, shelf: Catalog, ticks: Make, one_pass: Make, target: Any, out: Path, spec: str, kind: Any
) -> None:
    from basalt.core.running import run

    fill(ticks((1, "09:00:02", 11, 2)))
    with pytest.raises(kind) as caught:
        run(one_pass() | target | {"lake": str(lake), "universe": spec})

    assert caught.value.where == "UNIVERSE"
    assert untouched(out)


# ------------------------------------------------------------ outputs


@pytest.mark.parametrize("place_of", ["file/deep/x.parquet", "file", "folder"])
def test_an_output_that_cannot_be_written_is_refused_before_data_are_read(
    fill: Fill, launch: Make, ticks: Make, one_pass: Make, tmp_path: Path, place_of: str
) -> None:
    fill(ticks((1, "09:00:02", 11, 2)))
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder").mkdir()
    template = str(tmp_path / place_of) + ("/x.parquet" if place_of == "file" else "")

    problem = failing(launch, one_pass() | {"output_target": {"path_template": template}}, TargetFailed)

    assert str(tmp_path) in str(problem.where)
    assert (tmp_path / "file").read_text() == "in the way"
    assert Ledger().runs() == []


def test_a_template_that_two_slots_share_is_refused(fill: Fill, launch: Make, ticks: Make, one_pass: Make, target: Any, out: Path) -> None:
    fill(ticks((1, "09:00:02", 11, 2)))

    problem = failing(launch, one_pass(batch_freq="D") | target | {"end_date": "2026-02-03"}, ConflictingSettings)

    assert "{start_date}" in str(problem.hint)
    assert untouched(out)


@pytest.mark.parametrize("second", [{}, {"output": {"path_template": "same.parquet", "compression": "snappy"}}])
def test_a_template_that_two_passes_share_is_refused(
    fill: Fill, launch: Make, ticks: Make, one_pass: Make, tmp_path: Path, second: dict[str, Any]
) -> None:
    fill(ticks((1, "09:00:02", 11, 2)))
    config = one_pass() | {"output_target": {"path_template": "same.parquet"}}
    config["passes"].append({"name": "more", "modules": ["tick"], **second})

    failing(launch, config, ConflictingSettings)

    assert not (tmp_path / "same.parquet").exists()


def test_a_side_table_that_shares_the_output_of_its_pass_is_refused(
    fill: Fill, launch: Make, ticks: Make, one_pass: Make, tmp_path: Path
) -> None:
    fill(ticks((1, "09:00:02", 11, 2)))
    config = one_pass(preprocess_modules=["pick"], side_outputs={"picked": {"materialize": "always"}}) | {
        "output_target": {"path_template": "{pass}.parquet"}
    }

    failing(launch, config, ConflictingSettings)

    assert not (tmp_path / "bars.parquet").exists()


@pytest.mark.parametrize(
    "template", ["{datasetnam}.parquet", "{bucket}/{datasetname}.parquet", "{}.parquet", "{datasetname", "", "{datasetname!r:}.parquet"]
)
def test_a_template_that_names_nothing_is_refused(
    fill: Fill, launch: Make, ticks: Make, one_pass: Make, tmp_path: Path, template: str
) -> None:
    fill(ticks((1, "09:00:02", 11, 2)))
    before = sorted(path for path in tmp_path.rglob("*.parquet"))

    with pytest.raises(BasaltError) as caught:
        launch(one_pass() | {"output_target": {"path_template": template}})

    assert "path_template" in str(caught.value)
    assert sorted(path for path in tmp_path.rglob("*.parquet")) == before


# ------------------------------------------------------------ plugins and workers


def test_a_broken_plugin_stops_a_run(
    *,
    fill: Fill,
    lake: Path,
    launch: Make,
    ticks: Make,
    one_pass: Make,
    target: Any,
    out: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    venue: Any,
) -> None:
    from basalt.core.running import run

    info = tmp_path / "site" / "acme_run-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-run\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[basalt]\nacme = acme_not_there\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    fill(ticks((1, "09:00:02", 11, 2)))

    with using_catalog(Catalog([venue])), pytest.raises(PluginLoadFailed) as caught:
        run(one_pass() | target | {"lake": str(lake)})

    assert "acme-run" in caught.value.what
    assert untouched(out)


def collecting(one_pass: Make, **options: Any) -> dict[str, Any]:
    config: dict[str, Any] = one_pass()
    config["passes"].append({"name": "seen", "modules": ["collect"], "module_inputs": {"collect": "bars"}, "collect_analytics": options})
    return config


@pytest.mark.parametrize(
    ("trouble", "kind", "said"),
    [
        ("raises", TaskFailed, "RuntimeError: the module gave up"),
        ("missing", CheckFailed, "SeenAll"),
        ("retyped", CheckFailed, "SeenAll"),
        ("repeated", CheckFailed, "ListingId=1"),
    ],
)
def test_a_module_that_fails_or_breaks_its_plan_stops_the_run(
    *, fill: Fill, launch: Make, ticks: Make, one_pass: Make, target: Any, out: Path, trouble: str, kind: Any, said: str
) -> None:
    fill(ticks((1, "09:00:02", 11, 2)))

    problem = failing(launch, collecting(one_pass, trouble=trouble) | target, kind)

    assert said in str(problem)
    assert "2026-02-02" in str(problem.where)
    assert untouched(out)
    assert Ledger().runs()[0]["outcome"] == "failed"


def test_a_worker_that_is_killed_is_tried_again_and_then_reported(
    fill: Fill, launch: Make, ticks: Make, one_pass: Make, target: Any, out: Path, listings: Make
) -> None:
    fill(ticks((1, "09:00:02", 11, 2)))

    problem = failing(
        launch, collecting(one_pass, trouble="killed") | target | {"max_retries": 1}, RunError, universe=lambda day: listings((1, "XTST"))
    )

    run = Ledger().show(Ledger().runs()[0]["run_id"])
    assert problem.exit_code in (70, 137)
    assert [(attempt["attempt"], attempt["exit_code"]) for attempt in run["attempts"]] == [(1, 137), (2, 137)]
    assert untouched(out)


def test_a_formula_that_raises_in_the_worker_is_named(
    fill: Fill, launch: Make, ticks: Make, one_pass: Make, target: Any, out: Path
) -> None:
    fill(ticks((1, "09:00:02", 11, 2)))

    problem = failing(
        launch, one_pass(modules=["odd"], odd_analytics={"metrics": [{"measures": "odd", "trouble": "Raises"}]}) | target, BasaltError
    )

    assert "odd" in str(problem)
    assert "divides by zero" in str(problem)
    assert untouched(out)


def test_a_formula_that_gives_nan_breaks_its_promise(fill: Fill, launch: Make, ticks: Make, one_pass: Make, target: Any, out: Path) -> None:
    """Undefined is null: NaN in a result is an error that names the column."""
    fill(ticks((1, "09:00:02", 11, 2)))

    problem = failing(
        launch, one_pass(modules=["odd"], odd_analytics={"metrics": [{"measures": "odd", "trouble": "NaN"}]}) | target, CheckFailed
    )

    assert "OddNaN" in problem.what
    assert untouched(out)


def test_a_failed_task_leaves_a_trace_in_the_ledger(fill: Fill, launch: Make, ticks: Make, one_pass: Make, target: Any) -> None:
    fill(ticks((1, "09:00:02", 11, 2)))
    with pytest.raises(TaskFailed):
        launch(collecting(one_pass, trouble="raises") | target)

    run = Ledger().show(Ledger().runs()[0]["run_id"])
    assert "the module gave up" in run["message"]
    assert json.loads(run["days"]) == ["2026-02-02"]
    assert run["attempts"][-1]["exit_code"] == 70
