"""Runs: several days, batches and passes give what one query gives; outputs, ledger, retries, checks."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from basalt.configuration import AnalyticsConfig, PassConfig, read_config
from basalt.core import hookimpl
from basalt.core.catalog import Catalog, using_catalog
from basalt.core.errors import BasaltError, CannotFit, CheckFailed, OutOfMemory, TaskFailed, TransientFailure
from basalt.core.isolation import run_each
from basalt.core.ledger import Ledger
from basalt.core.pipelines import Pipeline, load_pipeline
from basalt.core.running import run

Make = Callable[..., Any]
Fill = Callable[..., Path]
TUESDAY = date(2026, 2, 3)


@pytest.fixture
def two_days(fill: Fill, ticks: Make) -> None:
    """Two listings on two markets on two days; listing 2 also in a second minute."""
    fill(ticks((1, "09:00:10", 10, 1), (1, "09:00:20", 12, 2)))
    fill(ticks((2, "09:00:30", 20, 4), (2, "09:01:30", 21, 8)), mic="XOTH")
    fill(ticks((1, "09:00:10", 11, 16), day=TUESDAY), day=TUESDAY)
    fill(ticks((2, "09:00:30", 22, 32), day=TUESDAY), mic="XOTH", day=TUESDAY)


@pytest.fixture
def both(listings: Make) -> Any:
    return lambda day: listings((1, "XTST", 10), (2, "XOTH", 10))


VOLUME = {"tick_analytics": {"tick_metrics": [{"measures": "Volume"}]}}


def two_day_config(*passes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "start_date": "2026-02-02",
        "end_date": "2026-02-03",
        "output_target": {"path_template": "out/{datasetname}.parquet"},
        "passes": [{"name": "bars", "modules": ["tick"], **VOLUME}, *passes],
        **fields,
    }


def read(name: str, *columns: str) -> list[tuple[Any, ...]]:
    return pl.read_parquet(f"out/{name}.parquet").select(columns or pl.all()).rows()


def only(one_pass: Make, **fields: Any) -> dict[str, Any]:
    return one_pass(**VOLUME) | {"output_target": {"path_template": "out/{datasetname}.parquet"}, **fields}


# ------------------------------------------------------------ days, batches, passes


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"max_listings_per_batch": 1},
        {"max_rows_per_table": {"ticks": 1}},
        {"run_one_symbol_at_a_time": True, "num_workers": 2},
        {"eager_execution": True},
    ],
)
def test_however_a_run_is_cut_it_gives_the_same_rows(two_days: None, launch: Make, both: Any, settings: dict[str, Any]) -> None:
    report = launch(two_day_config(**settings), universe=both)

    assert report.tasks == (2 if not settings or "eager_execution" in settings else 4)
    assert read("sample2d_bars", "ListingId", "Date", "MIC", "TickTotalVolume") == [
        (1, date(2026, 2, 2), "XTST", 3), (1, TUESDAY, "XTST", 16), (2, date(2026, 2, 2), "XOTH", 4), (2, date(2026, 2, 2), "XOTH", 8), (2, TUESDAY, "XOTH", 32),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("entities", "all_dates", "expected"),
    [
        ("listing", False, [1, 2, 1, 1]),
        ("instrument", False, [3, 3, 2, 2]),
        ("universe", False, [3, 3, 2, 2]),
        ("universe", True, [5, 5, 5, 5]),
        ("listing", True, [2, 3, 2, 3]),
    ],
    ids=["listing", "instrument", "universe", "universe, all dates", "listing, all dates"],
)
def test_a_later_pass_sees_what_its_scope_says_whatever_the_batches(
    two_days: None, launch: Make, both: Any, entities: str, all_dates: bool, expected: list[int]
) -> None:
    later = {
        "name": "seen",
        "modules": ["collect"],
        "module_inputs": {"collect": "bars"},
        "collect_analytics": {"entities": entities, "all_dates": all_dates},
    }

    launch(two_day_config(later, max_listings_per_batch=1), universe=both)

    found = pl.read_parquet("out/sample2d_seen.parquet").select("Date", "ListingId", "SeenAll").unique().sort("Date", "ListingId")
    assert found["SeenAll"].to_list() == expected


def test_side_tables_travel_between_passes_and_are_written_when_asked(two_days: None, launch: Make, both: Any) -> None:
    first = {
        "name": "split",
        "preprocess_modules": ["pick"],
        "side_outputs": {"picked": {"materialize": "always"}, "rest": {"materialize": "never"}},
    }
    later = {"name": "small", "modules": ["tick"], "module_inputs": {"tick": "rest"}, **VOLUME}

    report = launch(two_day_config(first, later), universe=both)

    written = sorted(receipt.slot.dataset for each in report.passes for receipt in each.receipts)
    assert written == ["sample2d_bars", "sample2d_small", "sample2d_split_picked"]
    assert read("sample2d_small", "TickTotalVolume") == read("sample2d_bars", "TickTotalVolume")
    assert pl.read_parquet("out/sample2d_split_picked.parquet").height == 0


@pytest.mark.parametrize("settings", [{}, {"max_listings_per_batch": 1, "num_workers": 2}])
def test_side_tables_are_written_in_order_of_keys_then_days(
    fill: Fill, ticks: Make, launch: Make, both: Any, settings: dict[str, Any]
) -> None:
    fill(ticks((2, "09:00:10", 1, 5), (1, "09:00:20", 1, 6), (2, "09:00:30", 1, 7), (1, "09:00:40", 1, 8)))
    fill(ticks((2, "09:00:10", 1, 9), (1, "09:00:20", 1, 10), day=TUESDAY), day=TUESDAY)
    split = {"name": "split", "preprocess_modules": ["pick"], "side_outputs": {"rest": {"materialize": "always"}}}

    launch(two_day_config(**settings) | {"passes": [split]}, universe=lambda day: both(day).with_columns(MIC=pl.lit("XTST")))

    assert read("sample2d_split_rest", "ListingId", "Size") == [(1, 6), (1, 8), (1, 10), (2, 5), (2, 7), (2, 9)]


@pytest.mark.parametrize(("all_dates", "expected"), [(False, [(1, 2), (1, 1), (2, 2), (2, 1)]), (True, [(1, 3), (2, 3)])])
def test_a_table_module_may_read_a_side_table_of_its_own_pass(
    *, two_days: None, launch: Make, both: Any, all_dates: bool, expected: list[tuple[int, int]]
) -> None:
    inputs = {"pair": {"left": "rest", "right": "picked"}}
    pairs = {
        "name": "pairs",
        "preprocess_modules": ["pick"],
        "modules": ["pair"],
        "module_inputs": inputs,
        "pair_analytics": {"all_dates": all_dates},
    }

    launch(two_day_config(pairs), universe=both)

    assert sorted(read("sample2d_pairs", "ListingId", "Left")) == sorted(expected)


# ------------------------------------------------------------ outputs


def test_templates_name_outputs(two_days: None, launch: Make, both: Any, tmp_path: Path) -> None:
    template = "out/{bucket}//{prefix}/{pass}/{datasetname}/{universe}/{start_date}_{end_date}.parquet"
    config = two_day_config(datasetname="Set", batch_freq="D") | {
        "output_target": {"path_template": template, "bucket": "b", "prefix": "p"}
    }

    report = launch(config, universe=both)

    assert sorted(str(path.relative_to(tmp_path)) for path in (tmp_path / "out").rglob("*") if path.is_file()) == [
        "out/b/p/bars/Set_bars/all/2026-02-02_2026-02-02.parquet", "out/b/p/bars/Set_bars/all/2026-02-03_2026-02-03.parquet",
    ]  # fmt: skip
    assert [receipt.rows for receipt in report.passes[0].receipts] == [3, 2]


def test_listings_come_from_the_reference_table_and_the_universe_stands_in_paths(
    two_days: None, lake: Path, venue: Any, shelf: Catalog, fill: Fill, listings: Make
) -> None:
    for day in (date(2026, 2, 2), TUESDAY):
        fill(listings((1, "XTST")), table="reference", day=day)
    config = two_day_config(universe="mic=XTST", lake=str(lake), num_workers=1) | {
        "output_target": {"path_template": "out/{universe}.parquet"}
    }

    run(Pipeline(read_config(config), None, shelf, Path(venue.__file__), offers=True))

    assert read("mic=XTST", "ListingId", "Ticker", "TickTotalVolume") == [(1, "T1", 3), (1, "T1", 16)]


def test_a_pass_may_have_its_own_target_and_further_ones(two_days: None, launch: Make, both: Any) -> None:
    own = {
        "name": "own",
        "modules": ["tick"],
        **VOLUME,
        "output": {"path_template": "own/{pass}.parquet", "compression": "snappy"},
        "extra_outputs": [{"path_template": "extra/{pass}.parquet"}],
    }

    launch(two_day_config(own), universe=both)

    assert Path("out/sample2d_bars.parquet").is_file()
    assert not Path("out/sample2d_own.parquet").exists()
    assert pl.read_parquet("own/own.parquet").equals(pl.read_parquet("extra/own.parquet"))


@pytest.mark.parametrize("mics", [(None, None), ("XTST", None)], ids=["no market known", "one market known"])
@pytest.mark.parametrize("settings", [{}, {"max_listings_per_batch": 1}], ids=["whole", "batched"])
def test_listings_whose_market_is_unknown_are_found_wherever_they_are(
    *, two_days: None, launch: Make, listings: Make, mics: tuple[Any, Any], settings: dict[str, Any]
) -> None:
    launch(two_day_config(**settings), universe=lambda day: listings((1, mics[0]), (2, mics[1])))

    assert [row[0] for row in read("sample2d_bars", "TickTotalVolume")] == [3, 16, 4, 8, 32]


def test_a_universe_may_change_from_day_to_day(two_days: None, launch: Make, listings: Make) -> None:
    launch(two_day_config(), universe=lambda day: listings((1, "XTST")) if day == "2026-02-02" else listings((2, "XOTH")))

    assert read("sample2d_bars", "ListingId", "TickTotalVolume") == [(1, 3), (2, 32)]


def test_a_universe_may_be_empty_on_a_day(two_days: None, launch: Make, listings: Make) -> None:
    report = launch(
        two_day_config(batch_freq="D") | {"output_target": {"path_template": "out/{start_date}.parquet"}},
        universe=lambda day: listings((1, "XTST")) if day == "2026-02-02" else listings(),
    )

    assert read("2026-02-02", "TickTotalVolume") == [(3,)]
    assert any("2026-02-03" in notice for notice in report.notices)


def test_a_run_needs_no_universe(two_days: None, lake: Path, venue: Any, shelf: Catalog) -> None:
    settings = read_config(two_day_config(lake=str(lake), num_workers=1))

    run(Pipeline(settings, None, shelf, Path(venue.__file__), offers=True))

    assert read("sample2d_bars", "ListingId", "TickTotalVolume") == [
        (1, 3),
        (1, 16),
        (2, 4),
        (2, 8),
        (2, 32),
    ]


def test_rows_are_written_in_the_order_asked(two_days: None, launch: Make, both: Any) -> None:
    config = two_day_config()
    config["passes"][0] |= {"sort_keys": ["TickTotalVolume"]}

    launch(config, universe=both)

    assert [row[0] for row in read("sample2d_bars", "TickTotalVolume")] == [3, 4, 8, 16, 32]


def test_supporting_columns_are_written_on_request_only(two_days: None, launch: Make, both: Any) -> None:
    config = two_day_config()
    config["passes"][0] |= {"tick_analytics": {"tick_metrics": [{"measures": "Range"}]}}

    launch(config, universe=both)
    plain = pl.read_parquet("out/sample2d_bars.parquet").columns
    launch(config | {"support_columns": True}, universe=both)
    supported = pl.read_parquet("out/sample2d_bars.parquet").columns

    assert set(supported) - set(plain) == {"TickTotalRange.high", "TickTotalRange.low"}


def test_files_say_who_made_them_and_what_their_columns_are(two_days: None, launch: Make, both: Any) -> None:
    report = launch(two_day_config(), universe=both)

    said = json.loads(pl.read_parquet_metadata("out/sample2d_bars.parquet")["basalt"])
    assert (said["run_id"], said["pass"], said["config_hash"]) == (report.run_id, "bars", report.config_hash)
    assert said["clock"] == {"width_nanos": 60_000_000_000, "anchor": "end", "closed": "right"}
    assert [(each["name"], each["unit"], each["rollup"]) for each in said["columns"]] == [("TickTotalVolume", "shares", "sum")]
    assert "polars" in said["versions"]


def test_a_second_run_gives_the_same_rows_and_leaves_nothing_behind(two_days: None, launch: Make, both: Any, tmp_path: Path) -> None:
    launch(two_day_config(), universe=both)
    first = read("sample2d_bars")
    launch(two_day_config(), universe=both)

    assert read("sample2d_bars") == first
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["sample2d_bars.parquet"]
    assert not list((tmp_path / "state" / "work").glob("*"))


def test_parts_of_a_failed_run_wait_in_the_folder_that_is_asked_for(two_days: None, launch: Make, both: Any, tmp_path: Path) -> None:
    later = {
        "name": "seen",
        "modules": ["collect"],
        "module_inputs": {"collect": "bars"},
        "collect_analytics": {"entities": "universe", "trouble": "raises"},
    }
    with pytest.raises(TaskFailed):
        launch(two_day_config(later, temp_dir=str(tmp_path / "elsewhere")), universe=both)

    assert len(list((tmp_path / "elsewhere").rglob("bars/*.parquet"))) == 2
    assert not list((tmp_path / "state").rglob("*.parquet"))


# ------------------------------------------------------------ skip, retry, resume


def test_outputs_that_are_in_place_are_skipped_until_something_changes(
    two_days: None, launch: Make, both: Any, fill: Fill, ticks: Make, tmp_path: Path
) -> None:
    config = two_day_config(skip_existing_output=True)
    launch(config, universe=both)
    stamp = Path("out/sample2d_bars.parquet").stat().st_mtime_ns

    again = launch(config, universe=both)
    assert (again.tasks, Path("out/sample2d_bars.parquet").stat().st_mtime_ns) == (0, stamp)
    assert not list((tmp_path / "state" / "work").glob("*"))

    fill(ticks((1, "09:00:10", 10, 100)))
    assert launch(config, universe=both).tasks == 2
    assert read("sample2d_bars", "TickTotalVolume")[0] == (100,)


def test_outputs_of_another_config_are_not_skipped(two_days: None, launch: Make, both: Any) -> None:
    launch(two_day_config(skip_existing_output=True), universe=both)
    other = two_day_config(skip_existing_output=True)
    other["passes"][0] |= {"time_bucket_seconds": 3600}

    assert launch(other, universe=both).tasks == 2
    assert len(read("sample2d_bars")) == 4


def test_outputs_of_other_listings_are_not_skipped(two_days: None, launch: Make, both: Any, listings: Make) -> None:
    launch(two_day_config(skip_existing_output=True), universe=both)

    assert launch(two_day_config(skip_existing_output=True), universe=lambda day: listings((1, "XTST"))).tasks == 2
    assert {row[0] for row in read("sample2d_bars")} == {1}


def own_pipeline(tmp_path: Path, venue: Any, factor: int) -> Pipeline:
    text = Path(venue.__file__).read_text().replace("return (TICK, ODD, Collect(), Pair())", "return (TICK, ODD, Collect(), Pair(), OWN)")
    own = f'\n@analytic(column="Own", unit="shares")\ndef own() -> pl.Expr:\n    """Of the user."""\n    return pl.col("Size").sum() * {factor}\n\n\nOWN = Module(name="own", table="ticks", analytics=(own,))\nUSER_CONFIG = {{}}\n'
    path = tmp_path / f"own{factor}.py"
    path.write_text(text + own)
    settings = {
        "start_date": "2026-02-02",
        "end_date": "2026-02-02",
        "lake": str(tmp_path / "lake"),
        "num_workers": 1,
        "skip_existing_output": True,
        "output_target": {"path_template": "out/own.parquet"},
        "passes": [{"name": "bars", "modules": ["own"]}],
    }
    return load_pipeline(str(path), overrides=settings)


def test_outputs_of_a_changed_formula_of_the_pipeline_are_not_skipped(two_days: None, tmp_path: Path, venue: Any, both: Any) -> None:
    assert run(own_pipeline(tmp_path, venue, 1), get_universe=both).tasks == 1
    assert run(own_pipeline(tmp_path, venue, 2), get_universe=both).tasks == 1

    assert [row[0] for row in read("own", "Own")] == [6, 8, 16]


def test_a_flaky_task_is_tried_again(two_days: None, launch: Make, both: Any, tmp_path: Path) -> None:
    later = {
        "name": "seen",
        "modules": ["collect"],
        "module_inputs": {"collect": "bars"},
        "collect_analytics": {"trouble": "transient", "marker": str(tmp_path / "tries")},
    }

    launch(two_day_config(later, end_date="2026-02-02"), universe=both)

    attempts = Ledger().show(Ledger().runs()[0]["run_id"])["attempts"]
    assert [(each["attempt"], each["exit_code"]) for each in attempts] == [(1, 75), (2, 75), (3, 0)]


def test_a_flaky_task_is_given_up_after_its_tries(two_days: None, launch: Make, both: Any, tmp_path: Path) -> None:
    later = {
        "name": "seen",
        "modules": ["collect"],
        "module_inputs": {"collect": "bars"},
        "collect_analytics": {"trouble": "transient", "marker": str(tmp_path / "tries")},
    }

    with pytest.raises(TransientFailure) as caught:
        launch(two_day_config(later, end_date="2026-02-02", max_retries=1), universe=both)

    assert "not yet" in str(caught.value)
    assert (tmp_path / "tries").read_text() == "xx"
    assert not Path("out").exists() or not list(Path("out").rglob("*seen*"))


@pytest.mark.parametrize(
    ("trouble", "error", "code", "said"),
    [("panics", TaskFailed, 70, "PanicException: the engine gave up"), ("threadless", OutOfMemory, 137, "got no more memory")],
)
def test_a_panic_of_the_engine_is_told(
    two_days: None, launch: Make, both: Any, trouble: str, error: type[BasaltError], code: int, said: str
) -> None:
    later = {"name": "seen", "modules": ["collect"], "module_inputs": {"collect": "bars"}, "collect_analytics": {"trouble": trouble}}

    with pytest.raises(error, match=said) as caught:
        launch(two_day_config(later, end_date="2026-02-02", max_retries=0, max_listings_per_batch=1), universe=both)

    assert caught.value.exit_code == code
    assert caught.value.hint


def test_a_run_that_failed_goes_on_where_it_stopped(two_days: None, launch: Make, both: Any, tmp_path: Path) -> None:
    later = {
        "name": "seen",
        "modules": ["collect"],
        "module_inputs": {"collect": "bars"},
        "collect_analytics": {"entities": "universe", "trouble": "transient", "marker": str(tmp_path / "tries")},
    }
    with pytest.raises(TransientFailure):
        launch(two_day_config(later, max_retries=0), universe=both)

    report = launch(two_day_config(later, max_retries=1), universe=both, resume=True)

    assert report.reused == 2
    assert sum(row[0] for row in read("sample2d_seen", "Seen")) == 5


# ------------------------------------------------------------ checks, ledger, observers


def test_quality_checks_warn(two_days: None, launch: Make, both: Any) -> None:
    config = two_day_config(quality_checks={"ENABLED": True, "ranges": {"TickTotalVolume": [None, 10], "Nothing": [0, 1]}})

    report = launch(config, universe=both)

    assert any("TickTotalVolume" in notice and "outside" in notice for notice in report.notices)
    assert any("Nothing" in notice for notice in report.notices)
    assert Path("out/sample2d_bars.parquet").is_file()


def test_quality_checks_raise_before_anything_is_written(two_days: None, launch: Make, both: Any) -> None:
    config = two_day_config()
    config["passes"][0] |= {
        "tick_analytics": {"tick_metrics": [{"measures": "Average", "kinds": "Dark"}]},
        "quality_checks": {"ENABLED": True, "null_rate_max": 0.5, "action": "raise"},
    }

    with pytest.raises(CheckFailed) as caught:
        launch(config, universe=both)

    assert "TickDarkAverage: 100.0% nulls" in str(caught.value)
    assert caught.value.exit_code == 65
    assert not list(Path.cwd().glob("out/*"))


def test_the_ledger_knows_the_run(two_days: None, launch: Make, both: Any) -> None:
    report = launch(two_day_config(), universe=both)

    run = Ledger().show(report.run_id)
    assert (run["outcome"], run["tasks"], run["rows"], run["config_hash"], run["pid"]) == ("done", 2, 5, report.config_hash, os.getpid())
    assert json.loads(run["days"]) == ["2026-02-02", "2026-02-03"]
    assert [(each["exit_code"], each["rows"]) for each in run["attempts"]] == [(0, 3), (0, 2)]
    assert all(each["peak_bytes"] > 0 and each["seconds"] > 0 for each in run["attempts"])
    assert [(each["location"], each["rows"]) for each in run["outputs"]] == [("out/sample2d_bars.parquet", 5)]
    assert report.as_dict()["outputs"][0]["rows"] == 5
    assert (report.outcome, report.peak_bytes > 0, report.seconds > 0) == ("done", True, True)


def test_observers_are_told_and_cannot_break_a_run(two_days: None, lake: Path, venue: Any, both: Any) -> None:
    import types

    told: list[str] = []
    observer = types.ModuleType("observer")

    def basalt_run_started(run_id: str, plan: Any) -> None:
        told.append("started")
        raise ValueError("an observer that fails")

    def basalt_task_finished(report: Any) -> None:
        told.append(f"task {report.exit_code}")

    def basalt_pass_finished(report: Any) -> None:
        told.append(f"pass {report.name}")

    def basalt_run_finished(report: Any) -> None:
        told.append(report.outcome)

    for hook in (basalt_run_started, basalt_task_finished, basalt_pass_finished, basalt_run_finished):
        setattr(observer, hook.__name__, hookimpl(hook))
    shelf = Catalog([venue, observer])
    with using_catalog(shelf):
        settings = read_config(two_day_config(lake=str(lake), num_workers=1))
        with pytest.warns(RuntimeWarning, match="an observer that fails"):
            run(Pipeline(settings, None, shelf, Path(venue.__file__), offers=True), get_universe=both)

    assert told == ["started", "task 0", "task 0", "pass bars", "done"]


# ------------------------------------------------------------ options


RUN_OPTIONS = {
    "start_date", "end_date", "exclude_weekends", "datasetname", "universe", "passes", "data_source_path", "lake", "s3_storage_options", "output_target",
    "batch_freq", "skip_existing_output", "support_columns", "num_workers", "memory_per_worker", "max_rows_per_table", "max_listings_per_batch",
    "run_one_symbol_at_a_time", "max_retries", "eager_execution", "missing_data", "unsorted_input", "duplicate_rows", "temp_dir", "quality_checks",
}  # fmt: skip
PASS_OPTIONS = {
    "name", "time_bucket_seconds", "time_bucket_anchor", "time_bucket_closed", "sort_keys", "batch_freq", "modules", "preprocess_modules", "side_outputs",
    "side_output_namespace", "output", "extra_outputs", "timeline_mode", "module_inputs", "quality_checks",
}  # fmt: skip


def test_every_option_is_known_here_and_used_in_a_test() -> None:
    """An option that no test sets is one whose effect nobody has seen."""
    assert set(AnalyticsConfig.model_fields) == RUN_OPTIONS
    assert set(PassConfig.model_fields) == PASS_OPTIONS
    texts = [path.read_text().partition("RUN_OPTIONS = ")[0] for path in Path(__file__).parent.glob("test_*.py")]
    unused = [name for name in RUN_OPTIONS | PASS_OPTIONS if not any(name in text.lower() for text in texts)]
    assert unused == []


@pytest.mark.parametrize(
    ("days", "weekends", "expected"),
    [(("2026-01-30", "2026-02-02"), True, [(1, 30), (1, 31), (2, 1), (2, 2)]), (("2026-01-30", "2026-02-02"), False, [(1, 30), (2, 2)])],
)
def test_exclude_weekends(days: tuple[str, str], weekends: bool, expected: list[tuple[int, int]]) -> None:
    from basalt.core.planning.slots import run_days

    found = run_days(read_config({"start_date": days[0], "end_date": days[1], "exclude_weekends": not weekends}))

    assert [(day.month, day.day) for day in found] == expected


def test_what_cannot_fit_a_worker_is_refused_before_it_starts(two_days: None, launch: Make, both: Any) -> None:
    config = two_day_config(memory_per_worker=1e-9)
    config["passes"][0] |= {"tick_analytics": {"tick_metrics": [{"measures": "Climb"}]}}

    with pytest.raises(CannotFit) as caught:
        launch(config, universe=both)

    assert caught.value.where == "MEMORY_PER_WORKER"
    assert Ledger().runs()[0]["outcome"] == "failed"


def test_rows_of_all_dates_together_are_read_once(two_days: None, launch: Make, both: Any) -> None:
    def counting(name: str, source: str) -> dict[str, Any]:
        inputs = {"pair": {"left": source, "right": source}}
        return {"name": name, "modules": ["pair"], "pair_analytics": {"all_dates": True}, "module_inputs": inputs}

    launch(two_day_config(counting("days", "bars"), counting("whole", "days")), universe=both)

    assert read("sample2d_days", "ListingId", "Left") == [(1, 2), (2, 3)]
    assert read("sample2d_whole", "ListingId", "Left") == [(1, 1), (2, 1)]


def test_a_task_that_is_too_heavy_is_split_without_losing_a_listing(
    two_days: None, fill: Fill, ticks: Make, launch: Make, listings: Make
) -> None:
    fill(ticks((3, "09:00:00", 1, 1), day=TUESDAY), mic="XNEW", day=TUESDAY)
    later = [(3, "XNEW")]
    collect = {
        "name": "seen",
        "modules": ["collect"],
        "collect_analytics": {"all_dates": True, "trouble": "heavy"},
        "module_inputs": {"collect": "bars"},
    }

    report = launch(
        two_day_config(collect), universe=lambda day: listings((1, "XTST"), (2, "XOTH"), *(later if day == str(TUESDAY) else []))
    )

    assert sorted(read("sample2d_seen", "ListingId", "Seen")) == [(1, 1), (1, 1), (2, 1), (2, 1), (2, 1), (3, 1)]
    assert any("split in two" in notice for notice in report.notices)


def test_workers_see_the_variables_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASALT_PROBE", "before")
    assert [each.result for each in run_each(os.getenv, ["BASALT_PROBE"], 1)] == ["before"]

    monkeypatch.setenv("BASALT_PROBE", "now")

    assert [each.result for each in run_each(os.getenv, ["BASALT_PROBE"], 1)] == ["now"]


def test_a_relative_lake_means_the_folder_of_the_run(two_days: None, launch: Make, both: Any) -> None:
    launch(two_day_config(lake="lake"), universe=both)

    assert len(read("sample2d_bars")) == 5


def test_a_lake_behind_a_url_gives_the_same_run(two_days: None, launch: Make, both: Any, lake: Path) -> None:
    launch(two_day_config(lake=lake.as_uri()), universe=both)

    assert len(read("sample2d_bars")) == 5
